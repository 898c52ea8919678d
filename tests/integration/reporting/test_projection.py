"""The projection on the real PostgreSQL: a fact is appended once, with its position; a leader that slept cannot."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from aiokafka import TopicPartition
from hypothesis import HealthCheck, Phase, given, settings

from contracts.topics import INPUTS, PARTITIONS
from local import RealParts
from local.simulated_time import SimulatedTime
from samenspel.topic_records import TopicRecord
from services.chassis.messaging.positions import Skipped, load_positions
from services.chassis.messaging.topic_reader import Batch, TopicReader
from services.reporting import cut, rebuild, store
from services.reporting.cut import Figures
from services.reporting.definitions import SHIPPED
from services.reporting.facts.events import Fact, read
from services.reporting.projection import Projection
from tests.deliveries import Delivery, a_record, delivered_in_order, delivered_scenarios
from tests.odd_records import ODD
from tests.sandbox import a_sandbox
from tests.scenarios import Scenario, as_announced

DEFINED = as_announced(SHIPPED)
EXAMPLES = 25  # each is some transactions; the thousand are in tests/delivery
AUTUMN, SPRING = datetime(2025, 10, 3, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC)
Partition = tuple[str, int]
TABLES = "facts, positions, skipped, cuts, figures, outbox, journal"


async def test_what_was_published_cut_by_cut_is_what_all_facts_give_at_once(stack: RealParts) -> None:
    async with a_leader(stack) as (leader, reader, db):
        for delivery in some_deliveries():
            await db.execute(f"TRUNCATE {TABLES} CASCADE")
            projection = Projection(leader.settings, leader.database, leader.health)
            reader.positions = dict.fromkeys(reader.positions, 0)
            for part in delivery.parts:
                await append_and_cut(projection, reader, db, part)

            at_once, published = await counted_at_once(db), await store.newest_figures(db)
            assert rebuild.compare(at_once, published)[1] == []
            delivered = {read(record, record.topic).event_id for record in delivery.records}
            assert {fact.event_id for fact in await facts_of(db)} == delivered


async def test_a_batch_is_appended_once_with_the_positions_behind_it(stack: RealParts) -> None:
    async with a_leader(stack) as (projection, reader, db):
        delivery = delivered_in_order(DEFINED)
        await projection.append(db, reader, batch_of(projection, delivery.records))

        ends = {(record.topic, record.partition): record.offset + 1 for record in delivery.records}
        assert len(await facts_of(db)) == len(DEFINED)
        assert moved(await load_positions(db, INPUTS)) == moved(reader.positions) == ends


async def test_a_batch_that_cannot_be_stored_moves_nothing(stack: RealParts) -> None:
    async with a_leader(stack) as (projection, reader, db):
        delivery = delivered_in_order(DEFINED)
        await store.append(db, [read(delivery.records[-1], delivery.records[-1].topic)])  # its offset is taken

        with pytest.raises(asyncpg.UniqueViolationError):
            await projection.append(db, reader, batch_of(projection, delivery.records))

        assert len(await facts_of(db)) == 1
        assert not any((await load_positions(db, INPUTS)).values())
        assert not any(reader.positions.values())


async def test_a_leader_that_slept_while_another_led_appends_nothing(stack: RealParts) -> None:
    async with a_leader(stack) as (zombie, its_reader, db):
        half = len(DEFINED) // 2
        first, second = delivered_in_order(DEFINED, cuts=[half]).parts
        await zombie.append(db, its_reader, batch_of(zombie, first))
        successor, new_reader = Projection(zombie.settings, zombie.database, zombie.health), copy_of(its_reader)
        await successor.append(db, new_reader, batch_of(successor, second))

        with pytest.raises(Skipped, match="stored"):
            await zombie.append(db, its_reader, batch_of(zombie, second))
        zombie.figures.recompute()
        with pytest.raises(Skipped):
            await cut.take(db, zombie.settings.source, zombie.figures, its_reader.positions)

        assert len(await facts_of(db)) == len(DEFINED)


async def test_without_the_fence_a_leader_that_slept_would_append_twice(stack: RealParts) -> None:
    async with a_leader(stack) as (_, _, db):
        await db.execute("ALTER TABLE facts DROP CONSTRAINT facts_pkey")
        facts = [read(record, record.topic) for record in delivered_in_order(DEFINED).records]

        for _ in ("the leader", "the zombie"):
            await store.append(db, facts)

        assert len(await facts_of(db)) == 2 * len(DEFINED)


async def test_cuts_go_on_in_time_also_when_the_simulated_time_is_set_back(stack: RealParts, time_file: Path) -> None:
    simulated = SimulatedTime(time_file)
    async with a_leader(stack) as (projection, reader, db):
        for moment in (SPRING, AUTUMN, AUTUMN, SPRING, SPRING + timedelta(days=1)):
            simulated.set(moment)
            await append_and_cut(projection, reader, db, [])
        cuts = await db.fetch("SELECT known_at, day FROM cuts ORDER BY cut_id")

    after = [(SPRING + timedelta(milliseconds=number), SPRING.date()) for number in range(4)]
    assert [tuple(taken) for taken in cuts] == [*after, (SPRING + timedelta(days=1), date(2026, 3, 3))]


async def test_what_cannot_be_understood_is_dead_lettered_and_skipped_and_the_rest_is_appended(
    stack: RealParts,
) -> None:
    async with a_leader(stack) as (projection, reader, db):
        records = delivered_in_order(DEFINED).records
        last = records[-1]
        broken = a_record(last.topic, last.partition, last.offset + 1, key=b"own:b", value=b"{broken")
        await projection.append(db, reader, batch_of(projection, [*records, broken]))

        letters = await db.fetch("SELECT value, key FROM journal WHERE topic = 'partnership.dead-letters.reporting.v1'")
        assert [tuple(letter) for letter in letters] == [(b"{broken", b"own:b")]
        assert await store.skipped(db) == [(broken.topic, broken.partition, broken.offset)]
        assert len(await facts_of(db)) == len(DEFINED)
        assert (await load_positions(db, INPUTS))[broken.topic, broken.partition] == broken.offset + 1


async def test_the_projection_has_the_verdict_of_every_reader_on_odd_records(stack: RealParts) -> None:
    known = {name: odd for name, odd in ODD.items() if odd.topic in INPUTS}  # it reads no other topic
    async with a_leader(stack) as (projection, reader, db):
        records = [odd.record(offset) for offset, odd in enumerate(known.values())]
        await projection.append(db, reader, batch_of(projection, records))

        refused = {offset for offset, odd in enumerate(known.values()) if odd.reason is not None}
        assert {offset for _, _, offset in await store.skipped(db)} == refused
        assert {fact.offset for fact in await facts_of(db)} == set(range(len(known))) - refused


def some_deliveries() -> list[Delivery]:
    """Scenarios as they may arrive, the same in every run."""
    found: list[Delivery] = []

    @given(delivered_scenarios(before=DEFINED))
    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def collect(delivered: tuple[Scenario, Delivery]) -> None:
        found.append(delivered[1])

    collect()
    return found


@asynccontextmanager
async def a_leader(stack: RealParts) -> AsyncIterator[tuple[Projection, TopicReader, asyncpg.Connection]]:
    """A projection that leads, with empty tables, and reads what a test puts before it."""
    async with a_sandbox(stack, "reporting") as sandbox:
        db = await asyncpg.connect(sandbox.settings.database_url)
        beginning = {(topic, number): 0 for topic in INPUTS for number in range(PARTITIONS)}
        reader = await TopicReader.open(sandbox.settings, beginning)
        try:
            yield Projection(sandbox.settings, sandbox.database, sandbox.health), reader, db
        finally:
            await reader.close()
            await db.close()


def batch_of(projection: Projection, records: Sequence[TopicRecord]) -> Batch:
    """Records as the reader would have polled them."""
    batch: Batch = defaultdict(list)
    for record in records:
        batch[TopicPartition(projection.settings.topic(record.topic), record.partition)].append(record)
    return dict(batch)


async def append_and_cut(
    projection: Projection, reader: TopicReader, db: asyncpg.Connection, part: Sequence[TopicRecord]
) -> None:
    """One turn of the leader: what came, and a cut."""
    if part:
        await projection.append(db, reader, batch_of(projection, part))
    projection.figures.recompute()
    await cut.take(db, projection.settings.source, projection.figures, reader.positions)


async def counted_at_once(db: asyncpg.Connection) -> Figures:
    """Figures made of all facts in the tables."""
    figures = Figures()
    for fact in await facts_of(db):
        figures.ledger.add(fact)
    figures.recompute()
    return figures


def moved(positions: Mapping[Partition, int]) -> dict[Partition, int]:
    return {partition: offset for partition, offset in positions.items() if offset}


async def facts_of(db: asyncpg.Connection) -> list[Fact]:
    async with db.transaction(isolation="repeatable_read"):
        return await store.facts(db)


def copy_of(reader: TopicReader) -> TopicReader:
    """Another process that read the same positions."""
    return TopicReader(reader.consumer, reader.prefix, dict(reader.positions), dict(reader.reached))
