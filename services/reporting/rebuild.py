"""Rebuilding from the topics alone, and the proof: every figure as it was published, byte for byte.

The history topic is read first: it says what was published, at which cut, and which messages were skipped. Then
the inputs are read up to that cut, and every figure is computed anew and compared with what history says. After a loss
this is done in the service's own tables; when an operator asks, in tables beside them (another schema, and a connection
that looks there first), while the leader goes on. Both use the statements with which cuts are taken.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
import msgspec
import structlog

from contracts.admission import admit
from contracts.envelope import InvalidMessage
from contracts.metrics import HISTORY, CutTaken
from contracts.topics import INPUTS, PARTITIONS
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import Positions, load_incarnations
from services.chassis.messaging.topic_reader import STILL_SECONDS, Polled, TopicReader
from services.chassis.running.database import Reader
from services.chassis.running.settings import Settings
from services.reporting import counts, cut, fact_store, figure_store, making, publication
from services.reporting.ahead import ahead
from services.reporting.facts.events import Fact
from services.reporting.figures import families
from services.reporting.publication import Fields, Published
from services.reporting.reading import IN_A_TURN, read_batch
from services.reporting.things import KINDS

log = structlog.get_logger()

# Where it looks first. Two connections count: with more processes the live service would wait for a core.
BESIDE = {
    "search_path": "beside, public",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
}
MAX_DIFFERENCES = 20
ONLY_THE_NEWEST = (
    "This is about cut {cut_id}, of the present topics. What was published from topics that are no more is answered"
    " from history, and cannot be recomputed."
)
_LAST_ANNOUNCED = "SELECT max(position) FROM outbox WHERE topic = $1"
_NOT_THERE = "SELECT count(*) FROM outbox WHERE topic = $1 AND position <= $2"
LOOK_SECONDS = 0.5  # how often it is looked whether the relay has published what is announced
SWAP_PATIENCE = "1s"  # for whoever reads the old tables; then the leader goes on, and the swap is tried again
# The newest cut of which `CutTaken` and every figure are there, in whatever order they came: the last ones may have
# been interrupted.
_NEWEST_COMPLETE = """
SELECT event FROM cuts WHERE figure_count <= (SELECT count(*) FROM figures WHERE figures.cut_id = cuts.cut_id)
    AND coalesce(json_array_length(event::json->'skipped'), 0) <> $1
ORDER BY cut_id DESC LIMIT 1
"""
_WITH_SKIPS = """SELECT event FROM cuts WHERE event LIKE '%"skipped":[{%'"""
_NEVER_COMPUTED = """
SELECT DISTINCT ON (key) key, data FROM figures
WHERE cut_id <= $1 AND NOT EXISTS (SELECT FROM computed WHERE computed.key = figures.key) ORDER BY key, cut_id DESC
"""


async def wait_for_the_relay(db: asyncpg.Connection) -> None:
    """Until what is announced is on the history topic: before, its newest whole cut can be one of long ago. (Where the
    relay gets no further, that one has to do.)"""
    last = await db.fetchval(_LAST_ANNOUNCED, HISTORY)
    before, moved_at = None, time.monotonic()
    while left := await db.fetchval(_NOT_THERE, HISTORY, last):
        if left != before:
            before, moved_at = left, time.monotonic()
        elif time.monotonic() - moved_at > STILL_SECONDS:
            log.warning("rebuilt_without_the_newest_figures", left=left)
            return
        await asyncio.sleep(LOOK_SECONDS)


async def read_history(db: asyncpg.Connection, settings: Settings) -> None:
    reader = await TopicReader.open(settings, {(HISTORY, partition): 0 for partition in range(PARTITIONS)})
    try:
        async for polled in reader.until(await reader.ends()):
            records = [record for some in polled.records.values() for record in some]
            for start in range(0, len(records), IN_A_TURN):
                await keep(db, records[start : start + IN_A_TURN])
    finally:
        await reader.close()


class _PublishedFigure(msgspec.Struct, rename="camel"):
    """The fields of a published figure that are read here; the rest is kept as bytes."""

    key: str
    cut_id: int
    known_at: datetime
    digest: str


_told = msgspec.json.Decoder(_PublishedFigure)


async def keep(db: asyncpg.Connection, records: list[Record]) -> None:
    rows: list[figure_store.FigureRow] = []
    for record in records:
        try:
            admitted = admit(record, HISTORY)
        except InvalidMessage as error:  # another program wrote to this topic
            at = {"partition": record.partition, "offset": record.offset}
            log.warning("foreign_message_on_history", **at, detail=str(error))
            continue
        if admitted.kind is CutTaken:
            await figure_store.save_cut(db, CutTaken.model_validate_json(admitted.data, extra="ignore"))
            continue
        told = _told.decode(admitted.data)
        order = admitted.version, admitted.epoch
        rows.append((told.key, told.cut_id, *order, told.known_at, told.digest, admitted.data.decode()))
    if rows:
        await figure_store.keep_history(db, rows)


async def newest_complete_cut(db: asyncpg.Connection) -> CutTaken | None:
    """The newest with all its figures. One whose skips the next one goes on to name proves nothing."""
    event = await db.fetchval(_NEWEST_COMPLETE, cut.MAX_SKIPS)
    return CutTaken.model_validate_json(event) if event else None


async def named_skips(db: asyncpg.Connection) -> list[tuple[str, int, int, int]]:
    """What any cut says that no fact came of, also a later one: topic, partition, offset and incarnation. So a release
    that understands more does not write the past anew."""
    cuts = [CutTaken.model_validate_json(row["event"]) async for row in db.cursor(_WITH_SKIPS)]
    return [
        (each.topic, each.partition, each.offset, incarnations_of(taken)[each.topic])
        for taken in cuts
        for each in taken.skipped
    ]


def positions_of(cut: CutTaken) -> Positions:
    return {(each.topic, partition): offset for each in cut.vector for partition, offset in enumerate(each.offsets)}


def incarnations_of(cut: CutTaken) -> dict[str, int]:
    return {each.topic: each.incarnation or 1 for each in cut.vector}


def vector_of(cut: CutTaken) -> fact_store.Vector:
    incarnations = incarnations_of(cut)
    return {partition: (incarnations[partition[0]], offset) for partition, offset in positions_of(cut).items()}


async def newest_vector(db: Reader) -> fact_store.Vector:
    taken = await figure_store.newest_cut_event(db)
    return vector_of(CutTaken.model_validate(taken)) if taken else {}


async def facts_below(
    db: asyncpg.Connection, settings: Settings, newest: CutTaken, positions: Positions
) -> AsyncGenerator[tuple[TopicReader, Polled, list[Fact]]]:
    """The facts from these positions to a cut, batch by batch, leaving out what any cut skipped."""
    ends, incarnations = positions_of(newest), incarnations_of(newest)
    async with db.transaction():  # of its cursor
        named = await named_skips(db)
    skipped = {(topic, partition, offset) for topic, partition, offset, of in named if incarnations.get(topic) == of}
    reader = await TopicReader.open(settings, positions, incarnations)
    try:
        work = partial(_facts_of, skipped=skipped, reader=reader)
        async for polled, facts in ahead(work, reader.until(ends)):
            yield reader, polled, facts
    finally:
        await reader.close()


async def _facts_of(polled: Polled, skipped: AbstractSet[tuple[str, int, int]], reader: TopicReader) -> list[Fact]:
    """An error in the log where an earlier release understood a record and this one does not."""
    left = {
        partition: [each for each in records if (*reader.key(partition), each.offset) not in skipped]
        for partition, records in polled.records.items()
    }
    told = await read_batch(left, reader.prefix, reader.incarnations)
    for letter in told.letters:
        log.error("no_longer_understood", record=letter.record_id, detail=letter.detail)
    return [each.fact for each in told.facts]


@dataclass(slots=True)
class RebuildOutcome:
    """What a rebuild found."""

    cut_id: int
    events: int
    figures: int
    seconds: float
    differences: list[str]
    incarnations: Mapping[str, int] = field(default_factory=dict)
    """Of the topics from which it was computed."""

    def as_json(self) -> dict[str, Any]:
        made_again = {topic: number for topic, number in self.incarnations.items() if number > 1}
        only = {"incarnations": made_again, "note": ONLY_THE_NEWEST.format(cut_id=self.cut_id)} if made_again else {}
        return {
            "cutId": self.cut_id,
            "events": self.events,
            "figures": self.figures,
            "seconds": round(self.seconds, 3),
            "equal": not self.differences,
            "differences": self.differences,
            **only,
        }


async def compare(
    db: asyncpg.Connection,
    another: making.Another,
    cut_id: int,
    tell: making.Tell = making.nobody,
    helped: making.Helped | None = None,
) -> tuple[int, list[str]]:
    """Count everything, and compare it byte by byte with what was published at a cut: the number of figures, and
    sentences about those that differ."""
    await counts.count_everything_anew(db)
    await making.make_missing(db, another, tell, helped)
    tell("comparing all figures")
    async with db.transaction():
        return await _compare(db, cut_id)


async def _compare(db: asyncpg.Connection, cut_id: int) -> tuple[int, list[str]]:
    await counts.count(db)
    await db.execute("CREATE TEMPORARY TABLE computed (key text PRIMARY KEY) ON COMMIT DROP")
    definitions, differences, count = publication.computable(await fact_store.definitions(db)), list[str](), 0
    async for cells in cut.touched_cells(db):
        now = {
            figure.key: figure.fields
            for where, sums in cells
            for figure in publication.figures_of(definitions.get(where.family, ()), where.cell, sums)
            if not publication.is_emptied(figure.fields)
        }
        published = await figure_store.published_at(db, list(now), cut_id)
        differences += [why for key in now if (why := difference(key, published.get(key), now[key]))]
        await db.copy_records_to_table("computed", records=[(key,) for key in now])
        count += len(now)
    for key, data in await db.fetch(_NEVER_COMPUTED, cut_id):
        if not publication.is_emptied(json.loads(data)):
            differences.append(f"{key} was published, and cannot be computed any more")
    return count, sorted(differences)[:MAX_DIFFERENCES]


def difference(key: str, before: Published | None, now: Fields) -> str | None:
    if before is None:
        return f"{key} was never published"
    if publication.canonical(before.fields) == publication.canonical(now) and before.digest == publication.digest_of(
        now
    ):
        return None
    return f"{key} was published as {json.dumps(before.fields)}, and is now {json.dumps(now)}"


def why_it_cannot_be_recomputed(newest: CutTaken | None, last_cut: int, present: Mapping[str, int]) -> str | None:
    if newest is None:
        return "the history topic has no complete cut: is `samenspel republish reporting` needed?" if last_cut else None
    gone = sorted(topic for topic, number in incarnations_of(newest).items() if present.get(topic, 1) != number)
    if not gone:
        return None
    return (
        f"cut {newest.cut_id}, the newest complete one on the history topic, is of topics that are no more"
        f" ({', '.join(gone)}): rebuild when they are republished and a new cut is taken"
    )


async def beside(
    db: asyncpg.Connection, another: making.Another, settings: Settings, helped: making.Helped | None = None
) -> tuple[RebuildOutcome, fact_store.Vector]:
    """Build everything anew in the schema `beside`, in which these connections look first, and compare.

    Returns what was found, and up to where the facts beside are those of the service's own tables.
    """
    began = time.monotonic()
    await _make_schema(db)
    await wait_for_the_relay(db)
    await read_history(db, settings)
    newest = await newest_complete_cut(db)
    cut_id, present = newest.cut_id if newest else 0, await load_incarnations(db, INPUTS)
    last_cut = await db.fetchval("SELECT coalesce(max(cut_id), 0) FROM public.cuts")
    why_not = why_it_cannot_be_recomputed(newest, last_cut, present)
    if why_not is not None or newest is None:
        return RebuildOutcome(cut_id, 0, 0, time.monotonic() - began, [why_not] if why_not else [], present), {}
    events = 0
    async for _, _, facts in facts_below(db, settings, newest, dict.fromkeys(positions_of(newest), 0)):
        async with db.transaction():
            await counts.append(db, facts)
        events += len(facts)
    count, differences = await compare(db, another, cut_id, helped=helped)
    known = vector_of(newest)
    if not differences:
        known = await _follow(db, known, of_earlier_topics=True)
    return RebuildOutcome(cut_id, events, count, time.monotonic() - began, differences, present), known


def made_tables() -> list[str]:
    return [
        *(
            "facts",
            "programme_periods",
            "programme_periods_counted",
            "sums",
            "affected",
            "fresh",
            "made",
            "stuck_things",
        ),
        *(table for kind in KINDS.values() for table in kind.tables),
        *(family.table for family in families().values()),
    ]


async def _make_schema(db: asyncpg.Connection) -> None:
    await db.execute("DROP SCHEMA IF EXISTS beside CASCADE")
    await db.execute("CREATE SCHEMA beside")
    for table in (*made_tables(), "making", "cuts", "figures"):
        await db.execute(f"CREATE TABLE beside.{table} (LIKE public.{table} INCLUDING ALL)")
    await db.execute(
        "DROP INDEX IF EXISTS beside.facts_entity_idx"
    )  # made again, by its own name, when all facts are there


async def _follow(
    db: asyncpg.Connection, known: fact_store.Vector, *, of_earlier_topics: bool = False
) -> fact_store.Vector:
    """Append what the service's own tables have above this, and the facts of topics that are no more, because older
    figures rest on them; returns up to where both are the same now."""
    async with db.transaction():
        reached = await db.fetch("SELECT topic, partition, incarnation, next_offset FROM public.positions")
        async for facts in fact_store.facts_not_below(db, known, of_earlier_topics=of_earlier_topics):
            await counts.append(db, facts)
    return known | {(row["topic"], row["partition"]): (row["incarnation"], row["next_offset"]) for row in reached}


async def swap(
    db: asyncpg.Connection, known: fact_store.Vector, positions: Positions, incarnations: Mapping[str, int]
) -> None:
    """Put the tables beside in the place of the service's own, which stay for a rollback in the schema `before`.

    The leader calls it while it appends nothing. Raises `Skipped` when it does not lead any more, and
    `LockNotAvailableError` when somebody reads the old tables for too long.
    """
    async with db.transaction():
        await db.execute(f"SET LOCAL lock_timeout = '{SWAP_PATIENCE}'")
        await db.execute("SELECT FROM public.positions FOR UPDATE")
        await cut.check_positions(db, positions, incarnations)
        await _follow(db, known)
        last = await db.fetchval("SELECT event FROM public.cuts ORDER BY cut_id DESC LIMIT 1")
        await fact_store.forget_fresh_below(db, vector_of(CutTaken.model_validate_json(last)))
        await db.execute("DROP SCHEMA IF EXISTS before CASCADE")
        await db.execute("CREATE SCHEMA before")
        for table in made_tables():
            await db.execute(f"ALTER TABLE public.{table} SET SCHEMA before")
            await db.execute(f"ALTER TABLE beside.{table} SET SCHEMA public")
        await db.execute("DROP SCHEMA beside CASCADE")
