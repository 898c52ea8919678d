"""Facts to things, counts and sums in PostgreSQL, on a share of the national year; and one more activity after it."""

import time
from collections import Counter
from itertools import islice

import asyncpg
from aiokafka import ConsumerRecord

from contracts.envelope import CONTENT_TYPE
from contracts.partitioner import partition_of
from services.chassis.running.database import migrate
from services.reporting import counts, store
from services.reporting.facts.events import Fact, read
from tests.bench import national_year
from tests.bench.measured import Measured, rate

BATCH = 5_000  # facts a transaction
LATER = 20  # activities that come one by one, after the year
HEADERS = (("content-type", CONTENT_TYPE),)


def _batches(share: float) -> list[list[Fact]]:
    """The facts of a share of the year, as `reporting` reads them."""
    ends: Counter[tuple[str, int]] = Counter()

    def fact(topic: str, key: bytes, value: bytes) -> Fact:
        place = topic, partition_of(key)
        record = ConsumerRecord(*place, ends[place], 0, 1, key, value, None, 0, 0, HEADERS)
        ends[place] += 1
        return read(record, topic)

    facts = (fact(*message) for message in national_year.events(share))
    return list(iter(lambda: list(islice(facts, BATCH)), []))


async def measure(url: str, share: float) -> list[Measured]:
    """Catching up from nothing: facts beside COPY alone, things, everything counted; then one activity after it."""
    await migrate(url, "services.chassis", "services.reporting")
    db = await asyncpg.connect(url)
    await counts.prepare(db)
    batches = _batches(share)
    events = sum(map(len, batches))
    copied = await _copy(db, batches)
    began = time.perf_counter()
    for facts in batches:
        async with db.transaction():
            await counts.append(db, facts)
    appended = time.perf_counter() - began
    await db.execute("ANALYZE")
    began = time.perf_counter()
    await counts.make_things(db)
    made = time.perf_counter() - began
    began = time.perf_counter()
    async with db.transaction():
        await counts.count(db)
    counted = time.perf_counter() - began
    cells = await db.fetchval(
        "SELECT count(*) FROM (SELECT DISTINCT family, programme, unit, stratum, period FROM sums) AS cells"
    )
    await db.execute("ANALYZE")
    waits = sorted([await _one_more(db, batches[-1][number]) for number in range(LATER)])
    await db.close()
    what = f"{share:.0%} of a national year ({events:,} events)"
    return [
        Measured(
            what=f"tables: facts, {what}",
            ours=rate(events, appended),
            limit=f"{rate(events, copied)} COPY alone",
            ratio=f"{copied / appended:.0%}",
            aim="",
            limited_by="the index of entities",
        ),
        Measured(
            what="tables: all things from the facts",
            ours=f"{made:.1f} s",
            limit=rate(events, made),
            ratio="",
            aim="",
            limited_by="one process that decodes and folds",
        ),
        Measured(
            what="tables: all counts and sums of it",
            ours=f"{counted:.1f} s",
            limit=f"{cells:,} cells",
            ratio="",
            aim="",
            limited_by="PostgreSQL: joins, sorts and the index of the counts",
        ),
        Measured(
            what="tables: one corrected activity after it",
            ours=f"{1000 * waits[len(waits) // 2]:.0f} ms",
            limit=f"slowest of {LATER}: {1000 * waits[-1]:.0f} ms",
            ratio="",
            aim="<= 1.5 s with its figures",
            limited_by="some thirty statements",
        ),
    ]


async def _copy(db: asyncpg.Connection, batches: list[list[Fact]]) -> float:
    began = time.perf_counter()
    for facts in batches:
        async with db.transaction():
            await store.append(db, facts)
    seconds = time.perf_counter() - began
    await db.execute("TRUNCATE facts")
    return seconds


async def _one_more(db: asyncpg.Connection, fact: Fact) -> float:
    """The same again, one version later."""
    later = Fact(
        fact.topic,
        fact.partition,
        10**9 + fact.offset,
        fact.name,
        fact.entity,
        fact.epoch,
        fact.version + 10,
        fact.event_id,
        fact.body,
        fact.data,
    )
    began = time.perf_counter()
    async with db.transaction():
        await counts.append(db, [later])
    async with db.transaction():
        await counts.count(db)
        await counts.forget_changes(db)
    return time.perf_counter() - began
