"""Figures from tables in PostgreSQL, on a share of the national year: catching up, one more activity, and reading.

Beside it, with the same events: COPY alone, a row and a commit a message as a textbook handler does it, and
materialized views of the same counts. Facts are made while they are appended: none of the past is in memory.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from statistics import quantiles
from typing import NamedTuple

import asyncpg
import msgspec
import psutil
from aiokafka import ConsumerRecord

from contracts.envelope import CONTENT_TYPE
from contracts.metrics import CutTaken
from contracts.partitioner import partition_of
from services.chassis.running.database import connected, migrate
from services.reporting import counts, cut, fact_store, figure_store, making, rebuild_store
from services.reporting.definitions import shipped
from services.reporting.facts.events import Fact, read
from services.reporting.figures import families
from services.reporting.rebuild import vector_of
from services.reporting.sources import sources
from tests import national_year
from tests.bench import page
from tests.bench.measured import Measured, rate
from tests.deliveries import delivered_in_order
from tests.scenarios import as_announced
from tests.tables import NOTHING_READ, SOURCE, read_all

BATCH = 5_000  # facts a transaction
BESIDE = 20  # batches that are appended in the other ways, too
TOLD_OF = 100  # batches, so that a long run is seen to go on
LATER = 100  # activities that come one by one, after the year
READS = 200
PAGE = 200
HEADERS = (("content-type", CONTENT_TYPE),)
COPIED = "CREATE TABLE copied (LIKE facts INCLUDING ALL)"
INSERT = f"INSERT INTO copied VALUES ({', '.join(f'${1 + column}' for column in range(len(fact_store.FACT_COLUMNS)))})"
IN_ONE_QUERY = ("reach", "substitution", "flow")  # the families whose counts a view can be of
MILLION = 1_000_000
SIZES = """
SELECT CASE WHEN relname IN ('facts', 'sums', 'fresh', 'affected') THEN relname
    WHEN relname LIKE 'counts\\_%' THEN 'counts'
    WHEN relname IN ('figures', 'newest') THEN 'figures'
    WHEN relname IN ('journal', 'outbox') THEN 'journal'
    ELSE 'things' END AS what, sum(pg_total_relation_size(oid))::bigint AS bytes
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'copied'
GROUP BY what ORDER BY bytes DESC
"""


@dataclass(slots=True)
class Spent:
    """Seconds: by the clock, and of the processors. Where others use the machine, too, only the latter compare."""

    clock: float = 0.0
    ours: float = 0.0
    postgres: float = 0.0

    @contextmanager
    def more(self, server: psutil.Process) -> Iterator[None]:
        clock, ours, postgres = time.perf_counter(), time.process_time(), _of_server(server)
        yield
        self.clock += time.perf_counter() - clock
        self.ours += time.process_time() - ours
        self.postgres += _of_server(server) - postgres

    def each(self, events: int) -> str:
        """Of the processors, for each event."""
        return f"{1e6 * self.ours / events:.0f} us of ours and {1e6 * self.postgres / events:.0f} us of PostgreSQL's"


def _of_server(server: psutil.Process) -> float:
    """Of all its processes, those that ended too."""
    spent = 0.0
    with suppress(psutil.NoSuchProcess):  # a worker of a parallel plan has just ended
        times = [server.cpu_times(), *(child.cpu_times() for child in server.children())]
        spent = times[0].children_user + times[0].children_system + sum(each.user + each.system for each in times)
    return spent or _of_server(server)


class Took(NamedTuple):
    copying: float
    one_by_one: float
    beside: int
    """Facts that were appended in these two ways."""
    appending: Spent
    counting: Spent
    figures: Spent
    events: int


def _facts(share: float) -> Iterator[Fact]:
    """The facts of a share of the year, as `reporting` reads them; the definitions first."""
    yield from read_all(delivered_in_order(as_announced(shipped())).records)
    ends: Counter[tuple[str, int]] = Counter()
    for topic, key, value in national_year.events(share):
        place = topic, partition_of(key)
        record = ConsumerRecord(*place, ends[place], 0, 1, key, value, None, 0, 0, HEADERS)
        ends[place] += 1
        yield read(record, topic)


async def measure(url: str, share: float) -> list[Measured]:
    await migrate(url, "services.chassis", "services.reporting")
    db = await asyncpg.connect(url)
    await counts.prepare(db)
    another = partial(connected, url)
    took = await _catch_up(db, another, share)
    resident = psutil.Process().memory_info().rss / MILLION
    cells = await db.fetchval("SELECT count(*) FROM newest")
    sizes = await db.fetch(SIZES)
    views = await _refresh_views(db)
    restart = await _timed(_begin(db, another))
    later = await _one_by_one(db)
    await db.execute("DROP TABLE copied")
    await db.execute("ANALYZE")
    reads = await _read(db) | await page.measure(url)
    open_pages = await page.measure_readers(url)
    await db.close()
    return [
        *_of_catching_up(share, took, resident, cells, views, restart),
        _of_sizes(sizes, took.events),
        _of_one_more(later),
        *_of_reads(reads),
        *open_pages,
    ]


async def _catch_up(db: asyncpg.Connection, another: making.Another, share: float) -> Took:
    facts = _facts(share)
    server = psutil.Process(await db.fetchval("SELECT pg_backend_pid()")).parent()
    assert server is not None, "PostgreSQL runs on this machine"
    copying = one_by_one = 0.0
    appending, counting, figures = Spent(), Spent(), Spent()
    beside = events = 0
    await db.execute(COPIED)
    number = 0
    while batch := list(islice(facts, BATCH)):
        events += len(batch)
        if number < BESIDE:
            copying += await _timed(_copy(db, batch))
            one_by_one += await _timed(_insert_each(db, batch[: BATCH // 10])) * 10
            beside += len(batch)
        with appending.more(server):
            await _append(db, batch)
        number += 1
        if number % TOLD_OF == 0:
            _tell(f"{events:,} facts", appending)
    with counting.more(server):
        await making.make_missing(db, another)
    _tell("all things and counts", counting)
    with figures.more(server):
        await cut.take(db, SOURCE, NOTHING_READ)
    _tell("all figures", figures)
    await db.execute("ANALYZE")
    return Took(copying, one_by_one, beside, appending, counting, figures, events)


def _tell(what: str, spent: Spent) -> None:
    sys.stderr.write(f"{what}: {spent.clock:.0f} s\n")


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _append(db: asyncpg.Connection, facts: list[Fact]) -> None:
    async with db.transaction():
        await counts.append(db, facts)


async def _copy(db: asyncpg.Connection, facts: list[Fact]) -> None:
    await db.copy_records_to_table("copied", records=map(fact_store.row_of, facts))


async def _insert_each(db: asyncpg.Connection, facts: list[Fact]) -> None:
    """What a handler does that has a message at a time: a row and a commit."""
    await db.execute("TRUNCATE copied")
    for fact in facts:
        await db.execute(INSERT, *fact_store.row_of(fact))


async def _refresh_views(db: asyncpg.Connection) -> float:
    """Of the counts of three families, from the same tables."""
    for name in IN_ONE_QUERY:
        _, query = families()[name].counts(everything=True)
        await db.execute(f"CREATE MATERIALIZED VIEW view_{name} AS {query}", timeout=fact_store.PATIENCE_SECONDS)
    seconds = 0.0
    for name in IN_ONE_QUERY:
        refresh = f"REFRESH MATERIALIZED VIEW view_{name}"
        seconds += await _timed(db.execute(refresh, timeout=fact_store.PATIENCE_SECONDS))
        await db.execute(f"DROP MATERIALIZED VIEW view_{name}")
    return seconds


async def _begin(db: asyncpg.Connection, another: making.Another) -> None:
    """What whoever leads next reads before it goes on."""
    await fact_store.has_facts(db)
    await rebuild_store.unfinished_rebuild(db, "loss")
    await making.make_missing(db, another)
    await figure_store.newest_cut_event(db)
    await figure_store.last_cut(db)


async def _one_by_one(db: asyncpg.Connection) -> list[float]:
    """Each is a correction of another activity, until its figures are in the journal."""
    rows = await db.fetch("SELECT entity FROM facts WHERE name = 'ActivityDelivered' LIMIT $1", LATER)
    waits: list[float] = []
    for number, row in enumerate(rows):
        said = (await fact_store.facts_of(db, [row["entity"]]))[row["entity"]]
        first = next(fact for fact in said if fact.name == "ActivityDelivered")
        data = first.data.replace(b'"substitution":"replaces"', b'"substitution":"stacks"')
        later = {"offset": 10**9 + number, "version": first.version + 10, "data": data}
        fact = msgspec.structs.replace(first, **later, name="ActivityCorrected")
        waits.append(await _timed(_append_and_cut(db, fact)))
    return waits


async def _append_and_cut(db: asyncpg.Connection, fact: Fact) -> None:
    await _append(db, [fact])
    await cut.take(db, SOURCE, NOTHING_READ)


async def _read(db: asyncpg.Connection) -> dict[str, list[float]]:
    """Random figures and pages, always the same ones."""
    chosen = random.Random(1)
    keys = [row["key"] for row in await db.fetch("SELECT key FROM newest ORDER BY key")]
    taken = CutTaken.model_validate(await figure_store.newest_cut_event(db))
    ends = await db.fetch('SELECT topic, partition, max("offset") + 1 AS next FROM facts GROUP BY 1, 2')
    below = vector_of(taken) | {(row["topic"], row["partition"]): (1, row["next"]) for row in ends}
    some, then = chosen.sample(keys, min(READS, len(keys))), datetime.now(UTC)
    took = {
        "a page of figures": [await _timed(_page(db, key, None)) for key in some],
        "a page of figures, as of a moment": [await _timed(_page(db, key, then)) for key in some],
        "a page of events behind a figure": [await _timed(_sources(db, key, below)) for key in some],
    }
    of_city = f"adoption-strict/1/{national_year.PROGRAMME}/city/all/2026-07-31"
    took["a page of events behind a country's adoption"] = [
        await _timed(_sources(db, of_city, below)) for _ in range(20)
    ]
    return took


async def _page(db: asyncpg.Connection, after: str, known_at: datetime | None) -> None:
    await figure_store.figure_page(db, where={}, known_at=known_at, own=None, after=after, limit=PAGE)


async def _sources(db: asyncpg.Connection, key: str, below: fact_store.Vector) -> None:
    async with db.transaction(isolation="repeatable_read", readonly=True):
        found = sources(db, key, own=None, below=below, after=None)
        number = 0
        async for _ in found:
            number += 1
            if number > PAGE // 2:
                break
        await found.aclose()


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98]


def _milliseconds(seconds: list[float]) -> str:
    return f"p50 {1000 * quantiles(seconds, n=100)[49]:.0f} ms, p99 {1000 * _p99(seconds):.0f} ms"


def _of_catching_up(
    share: float, took: Took, resident: float, figures: int, views: float, restart: float
) -> list[Measured]:
    what = f"{share:.0%} of a national year ({took.events:,} events)"
    each = took.copying / took.beside
    total = took.appending.clock + took.counting.clock + took.figures.clock
    ours = took.appending.ours + took.counting.ours + took.figures.ours
    postgres = took.appending.postgres + took.counting.postgres + took.figures.postgres
    return [
        Measured(
            what=f"tables: facts, {what}",
            ours=f"{rate(took.events, took.appending.clock)}; {took.appending.each(took.events)}",
            limit=f"{1 / each:,.0f}/s COPY alone; {took.beside / took.one_by_one:,.0f}/s a row and a commit a message",
            ratio=f"{each * took.events / took.appending.clock:.0%}",
            limited_by="COPY; that Kafka's records are read and checked is not in it",
        ),
        Measured(
            what="tables: all things, counts and sums from the facts",
            ours=f"{took.counting.clock:.1f} s; {took.counting.each(took.events)}",
            limit=rate(took.events, took.counting.clock),
            limited_by="one process that decodes and folds; then joins, sorts and the indexes of the counts",
        ),
        Measured(
            what="tables: all figures from the sums, in the journal",
            ours=f"{took.figures.clock:.1f} s, {figures:,} figures; {took.figures.each(took.events)}",
            limit=f"{views:.1f} s to refresh views of three of the four families' counts, at every refresh",
            limited_by="values, digests and events in Python; two rows a figure in the outbox",
        ),
        Measured(
            what="tables: all of it, from empty tables",
            ours=f"{total:.0f} s, {1e6 * total / took.events:.0f} us an event, {resident:,.0f} MB resident;"
            f" {Spent(total, ours, postgres).each(took.events)}",
            aim="<= 180 s at 100 %; <= 400 MB",
            limited_by="two cores",
        ),
        Measured(
            what="tables: what a restart or a standby reads first",
            ours=f"{1000 * restart:.0f} ms",
            aim="<= 3 s at any share",
        ),
    ]


def _of_sizes(sizes: list[asyncpg.Record], events: int) -> Measured:
    """Of the tables and their indexes, for each event; what is not one of the others is a thing."""
    each = ", ".join(f"{row['what']} {row['bytes'] / events:,.0f}" for row in sizes if row["bytes"] > events)
    total = sum(row["bytes"] for row in sizes)
    return Measured("tables: bytes an event, with indexes", f"{total / events:,.0f}: {each}")


def _of_one_more(waits: list[float]) -> Measured:
    what = "tables: one corrected activity after it, until its figures are in the journal"
    return Measured(what, _milliseconds(waits), aim="<= 1.5 s", limited_by="some forty statements")


AIMS = {
    "a page of figures": "<= 20 ms",
    "a page of figures, as of a moment": "<= 50 ms",
    **dict.fromkeys(page.PAGES, "<= 200 ms"),
}


def _of_reads(reads: Mapping[str, list[float]]) -> list[Measured]:
    return [
        Measured(
            f"tables: {what}",
            _milliseconds(took),
            aim=AIMS.get(what, "<= 300 ms"),
            limited_by="drawing the pictures" if what in page.PAGES else "PostgreSQL",
        )
        for what, took in reads.items()
    ]
