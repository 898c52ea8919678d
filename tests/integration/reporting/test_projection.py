"""The projection on the real PostgreSQL: a fact is appended once, with its position; a leader that slept cannot."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from aiokafka import TopicPartition
from hypothesis import HealthCheck, Phase, given, settings
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Gauge, InMemoryMetricReader

from contracts.metrics import CutTaken
from contracts.partitioner import partition_of
from contracts.sites import SITES
from contracts.targets import TARGETS
from contracts.topics import INPUTS, PARTITIONS
from local import RealParts
from local.simulated_time import SimulatedTime
from samenspel.topic_records import TopicRecord
from services.chassis.adoptions import commands_for
from services.chassis.commands import Call, carry_out
from services.chassis.messaging.positions import Positions, Skipped, begin_anew, load_positions, move
from services.chassis.messaging.topic_reader import Batch, Polled, TopicReader
from services.chassis.running.database import Connection, connected
from services.reporting import counts, cut, fact_store, figure_store, making, projection, rebuild
from services.reporting.definitions import shipped
from services.reporting.facts.events import Fact, read
from services.reporting.figures import families
from services.reporting.projection import Projection
from services.reporting.reading import read_polled
from services.reporting.sources import sources
from services.reporting.things import KINDS
from tests.builders import an_actor
from tests.deliveries import Delivery, a_record, delivered_in_order, delivered_scenarios
from tests.odd_records import ODD
from tests.sandbox import Sandbox, a_sandbox
from tests.scenarios import Scenario, as_announced, deliver, record_school
from tests.waiting import eventually

DEFINED = as_announced(shipped())
EXAMPLES = 25  # each is some transactions; the thousand are in tests/delivery
AUTUMN, SPRING = datetime(2025, 10, 3, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC)
BROKEN_AT = partition_of(b"own:b")
Partition = tuple[str, int]
TABLES = ", ".join((*rebuild.made_tables(), "positions", "skipped", "cuts", "figures", "newest", "outbox", "journal"))


async def test_what_was_published_cut_by_cut_is_what_all_facts_give_at_once(stack: RealParts) -> None:
    async with a_leader(stack) as (leader, reader, db):
        for delivery in some_deliveries():
            await db.execute(f"TRUNCATE {TABLES} CASCADE")
            projection = Projection(leader.settings, leader.database, leader.health)
            reader.positions = dict.fromkeys(reader.positions, 0)
            for part in delivery.parts:
                await append_and_cut(projection, reader, db, part)

            another = partial(connected, projection.settings.database_url)
            _, differences = await rebuild.compare(db, another, projection.last_cut)
            assert differences == []
            delivered = {read(record, record.topic).event_id for record in delivery.records}
            assert {fact.event_id for fact in await facts_of(db)} == delivered


async def test_a_batch_is_appended_once_with_the_positions_behind_it(stack: RealParts) -> None:
    async with a_leader(stack) as (projection, reader, db):
        delivery = delivered_in_order(DEFINED)
        await append(projection, reader, db, delivery.records)

        ends = {(record.topic, record.partition): record.offset + 1 for record in delivery.records}
        assert len(await facts_of(db)) == len(DEFINED)
        assert moved(await load_positions(db, INPUTS)) == moved(reader.positions) == ends


async def test_a_batch_that_cannot_be_stored_moves_nothing(stack: RealParts) -> None:
    async with a_leader(stack) as (projection, reader, db):
        delivery = delivered_in_order(DEFINED)
        await fact_store.append(db, [read(delivery.records[-1], delivery.records[-1].topic)])  # its offset is taken

        with pytest.raises(asyncpg.UniqueViolationError):
            await append(projection, reader, db, delivery.records)

        assert len(await facts_of(db)) == 1
        assert not any((await load_positions(db, INPUTS)).values())
        assert not any(reader.positions.values())


async def test_a_leader_that_slept_while_another_led_appends_nothing(stack: RealParts) -> None:
    async with a_leader(stack) as (zombie, its_reader, db):
        second = await overtaken(zombie, its_reader, db)

        with pytest.raises(Skipped, match="stored"):
            await append(zombie, its_reader, db, second)
        with pytest.raises(Skipped):
            await zombie.cut(db, its_reader)

        assert len(await facts_of(db)) == len(DEFINED)


class Unfenced(TopicReader):
    """Without its protection: it moves the stored positions from wherever they are."""

    async def fence(self, db: Connection, polled: Polled) -> Positions:
        behind = {self.key(partition): records[-1].offset + 1 for partition, records in polled.records.items()}
        await move(db, await load_positions(db, INPUTS), behind, {}, self.incarnations)
        return behind


@pytest.mark.parametrize(
    ("reader", "has_key", "refused_by", "appended"),
    [
        (TopicReader, True, Skipped, 1),
        (TopicReader, False, Skipped, 1),
        (Unfenced, True, asyncpg.UniqueViolationError, 1),
        (Unfenced, False, None, 2),
    ],
    ids=["as it is", "the fence alone", "the primary key alone", "neither"],
)
async def test_without_fence_and_primary_key_a_leader_that_slept_appends_twice(
    stack: RealParts, reader: type[TopicReader], has_key: bool, refused_by: type[Exception] | None, appended: int
) -> None:
    """The negative control of the one before: each protection holds alone, and without both facts are doubled."""
    async with a_leader(stack) as (zombie, read_by, db):
        its_reader = copy_of(read_by, reader)
        second = await overtaken(zombie, its_reader, db)
        if not has_key:
            await db.execute("ALTER TABLE facts DROP CONSTRAINT facts_pkey")

        with pytest.raises(refused_by) if refused_by else nullcontext():
            await append(zombie, its_reader, db, second)

        offsets = {(record.topic, record.partition, record.offset) for record in second}
        facts = [(fact.topic, fact.partition, fact.offset) for fact in await facts_of(db)]
        assert {facts.count(offset) for offset in offsets} == {appended}


async def overtaken(zombie: Projection, its_reader: TopicReader, db: asyncpg.Connection) -> Sequence[TopicRecord]:
    """A leader appends the first half and falls asleep; its successor appends the second half, which is returned."""
    first, second = delivered_in_order(DEFINED, cuts=[len(DEFINED) // 2]).parts
    await append(zombie, its_reader, db, first)
    successor, new_reader = Projection(zombie.settings, zombie.database, zombie.health), copy_of(its_reader)
    await append(successor, new_reader, db, second)
    return second


async def test_cuts_go_on_in_time_also_when_the_simulated_time_is_set_back(stack: RealParts, time_file: Path) -> None:
    simulated = SimulatedTime(time_file)
    async with a_leader(stack) as (projection, reader, db):
        for moment in (SPRING, AUTUMN, AUTUMN, SPRING, SPRING + timedelta(days=1)):
            simulated.set(moment)
            await append_and_cut(projection, reader, db, [])
        cuts = await db.fetch("SELECT known_at, day FROM cuts ORDER BY cut_id")

    after = [(SPRING + timedelta(milliseconds=number), SPRING.date()) for number in range(4)]
    assert [tuple(taken) for taken in cuts] == [*after, (SPRING + timedelta(days=1), date(2026, 3, 3))]


async def test_what_is_there_again_on_topics_that_were_made_again_changes_no_figure(stack: RealParts) -> None:
    """Red when the place of a fact says nothing about its topic (a unique violation), and when a fact that is there
    again is no news: no cut would be taken of the new topics, and nothing could be rebuilt from them."""
    async with a_leader(stack) as (projection, reader, db):
        delivery = max(some_deliveries(), key=lambda each: len(each.records))  # one that has figures
        await append_and_cut(projection, reader, db, delivery.records)
        before, published = await newest_cut(db), await newest_of_all(db)

        reading_again, again = await made_again(reader, db), records_again(delivery)
        await append(projection, reading_again, db, again)
        assert projection.has_news
        await projection.cut(db, reading_again)

        after = await newest_cut(db)
        assert (after.cut_id, after.figure_count) == (before.cut_id + 1, 0)
        assert {each.incarnation for each in after.vector} == {2}
        assert published == await newest_of_all(db) != {}
        assert moved(rebuild.positions_of(after)) == {
            (record.topic, record.partition): record.offset + 1 for record in again
        }


async def test_whoever_leads_next_takes_a_cut_of_topics_that_were_made_again(stack: RealParts) -> None:
    """Red when only offsets are compared with the newest cut's: they are the same again."""
    async with a_leader(stack) as (projection, reader, db):
        delivery = delivered_in_order(DEFINED)
        await append_and_cut(projection, reader, db, delivery.records)
        successor = Projection(projection.settings, projection.database, projection.health)
        await successor.begin(db)
        assert not successor.has_news

        await append(projection, await made_again(reader, db), db, delivery.records)

        await successor.begin(db)
        assert successor.has_news


async def test_what_a_cut_of_an_earlier_topic_knew_is_known_for_its_figures(stack: RealParts) -> None:
    """Red when only offsets are compared with the cut's: facts of the later topic would lie below it."""
    async with a_leader(stack) as (projection, reader, db):
        delivery = delivered_in_order(DEFINED)
        await append_and_cut(projection, reader, db, delivery.records)
        earlier = await newest_cut(db)
        await append(projection, await made_again(reader, db), db, delivery.records)

        async with db.transaction(isolation="repeatable_read"):
            definition = "adoption-strict/1/kansen-voor-kinderen/city/all/2025-12-31"
            found = sources(db, definition, own=None, below=rebuild.vector_of(earlier), after=None)
            assert [source.fact.incarnation async for source in found] == [1]
        assert {fact.incarnation for fact in await facts_of(db)} == {1, 2}


async def test_a_letter_about_a_topic_that_was_made_again_does_not_take_the_place_of_another(stack: RealParts) -> None:
    async with a_leader(stack) as (projection, reader, db):
        broken = a_record(TARGETS, 0, 0, key=b"own:b", value=b"{broken")
        await append_and_cut(projection, reader, db, [broken])
        reading_again = await made_again(reader, db)
        assert await skipped(db) == []
        await append(projection, reading_again, db, [broken])

        letters = await db.fetch("SELECT aggregate FROM journal WHERE topic LIKE '%dead-letters%' ORDER BY position")
        assert [row["aggregate"] for row in letters] == [f"dead-letter:{TARGETS}/0/0", f"dead-letter:{TARGETS}/0/0/2"]
        assert await skipped(db) == [(TARGETS, 0, 0)]


async def test_a_leader_notices_that_a_topic_was_adopted(stack: RealParts) -> None:
    """Red when only offsets are compared: at the beginning they are the same."""
    async with a_leader(stack) as (_, reader, db):
        await cut.check_positions(db, reader.positions, reader.incarnations)

        await made_again(reader, db)

        with pytest.raises(Skipped):
            await cut.check_positions(db, reader.positions, reader.incarnations)


async def test_a_leader_stops_at_another_topic_and_goes_on_when_an_operator_accepts_it(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when topics are compared only when it begins to lead."""
    monkeypatch.setattr(projection, "CHECK_SECONDS", 0.5)
    async with a_sandbox(stack, "reporting") as sandbox:
        leading = asyncio.create_task(Projection(sandbox.settings, sandbox.database, sandbox.health).run())
        await sandbox.send(SITES, (b"own:b", b"{broken"))
        await eventually(lambda: has_places(sandbox, f"{SITES}/{BROKEN_AT}/0"))
        await sandbox.database.pool.execute("UPDATE positions SET last_digest = 'another', compared_digest = NULL")
        await eventually(lambda: says(sandbox, "has another record at 0 than the one that was read"))

        await adopt(sandbox, SITES)

        await eventually(lambda: has_places(sandbox, f"{SITES}/{BROKEN_AT}/0", f"{SITES}/{BROKEN_AT}/0/2"))
        await eventually(lambda: says(sandbox, "cut"))
        leading.cancel()
        with suppress(asyncio.CancelledError):
            await leading


async def has_places(sandbox: Sandbox, *places: str) -> bool:
    """Whether its dead letters are about these records."""
    rows = await sandbox.database.pool.fetch(
        "SELECT aggregate FROM journal WHERE topic LIKE '%dead-letters%' ORDER BY 1"
    )
    return [row["aggregate"].removeprefix("dead-letter:") for row in rows] == list(places)


async def says(sandbox: Sandbox, words: str) -> bool:
    return words in sandbox.health.report().get("projection", "")


async def adopt(sandbox: Sandbox, topic: str) -> None:
    command = commands_for(sandbox.settings).by_name["adoptTopic"]
    call = Call(by=an_actor("operator"), at=AUTUMN, body=command.read({"topic": topic}))
    await carry_out(sandbox.database, command, call)


async def made_again(reader: TopicReader, db: asyncpg.Connection) -> TopicReader:
    """The reader of a leader that begins again, after an operator has adopted all topics."""
    for topic in INPUTS:
        await begin_anew(db, topic, 2)
    nothing = dict.fromkeys(reader.positions, 0)
    return TopicReader(reader.consumer, reader.prefix, nothing, dict(nothing), dict.fromkeys(INPUTS, 2))


def records_again(delivery: Delivery) -> list[TopicRecord]:
    """Each message once, at the last of its offsets: being there again is told by the topic, and not by an offset."""
    once = {record.value: record for record in delivery.records}
    return sorted(once.values(), key=lambda record: record.offset)


async def newest_cut(db: asyncpg.Connection) -> CutTaken:
    return CutTaken.model_validate(await figure_store.newest_cut_event(db))


async def test_what_cannot_be_understood_is_dead_lettered_and_skipped_and_the_rest_is_appended(
    stack: RealParts,
) -> None:
    async with a_leader(stack) as (projection, reader, db):
        records = delivered_in_order(DEFINED).records
        last = records[-1]
        broken = a_record(last.topic, last.partition, last.offset + 1, key=b"own:b", value=b"{broken")
        await append(projection, reader, db, [*records, broken])

        letters = await db.fetch("SELECT value, key FROM journal WHERE topic = 'partnership.dead-letters.reporting.v1'")
        assert [tuple(letter) for letter in letters] == [(b"{broken", b"own:b")]
        assert await skipped(db) == [(broken.topic, broken.partition, broken.offset)]
        assert len(await facts_of(db)) == len(DEFINED)
        assert (await load_positions(db, INPUTS))[broken.topic, broken.partition] == broken.offset + 1


async def skipped(db: asyncpg.Connection) -> list[tuple[str, int, int]]:
    """In the present topics."""
    of_present = "JOIN positions USING (topic, partition, incarnation) ORDER BY 1, 2, 3"
    rows = await db.fetch(f'SELECT topic, partition, "offset" FROM skipped {of_present}')
    return [tuple(row) for row in rows]


async def test_however_many_messages_are_set_aside_each_is_named_once_by_the_cuts_that_follow(stack: RealParts) -> None:
    """Red while a cut named all of them: with a thousand in a lifetime it could not be announced, and the leader ended
    at each start."""
    async with a_leader(stack) as (projection, reader, db):
        await append(projection, reader, db, delivered_in_order(DEFINED).records)
        odd = [(TARGETS, partition, 1_000 + number, 1) for partition in range(3) for number in range(400)]
        await fact_store.skip(db, odd)

        cuts = [await projection.cut(db, reader)]
        while projection.has_news:
            cuts.append(await projection.cut(db, reader))

        named = [(each.topic, each.partition, each.offset, 1) for taken in cuts for each in taken.skipped]
        assert [len(taken.skipped) for taken in cuts] == [cut.MAX_SKIPS, cut.MAX_SKIPS, 200]
        assert named == odd
        async with db.transaction():
            assert sorted(await rebuild.named_skips(db)) == sorted(odd)
        proof = await rebuild.newest_complete_cut(db)
        assert proof is not None
        assert proof.cut_id == cuts[-1].cut_id  # the others leave some to be named


async def test_a_record_that_cannot_be_stored_is_set_aside_alone(stack: RealParts) -> None:
    """Nothing that the contracts allow is known to be so; here a constraint makes it."""
    scenario = Scenario()
    record_school(scenario, "own:bron")
    for _ in range(9):
        deliver(scenario, "own:bron")
    records = delivered_in_order(scenario.announced).records
    async with a_leader(stack) as (projection, reader, db):
        await making.make_missing(db, partial(connected, projection.settings.database_url))
        refused = json.loads(records[4].value or b"")["subject"]
        await db.execute(f"ALTER TABLE activities ADD CHECK (activity_id <> '{refused}')")

        await append(projection, reader, db, records)

        others = {(each.topic, each.offset) for each in records if each is not records[4]}
        assert {(fact.topic, fact.offset) for fact in await facts_of(db)} == others
        letters = await db.fetch("SELECT headers FROM journal WHERE topic LIKE '%dead-letters%'")
        assert ["cannot-be-stored" in str(letter["headers"]) for letter in letters] == [True]
        assert await skipped(db) == [(records[4].topic, records[4].partition, records[4].offset)]
        assert await db.fetchval("SELECT count(*) FROM activities") == len(records) - 2


async def test_facts_get_their_index_when_those_that_wait_are_there(stack: RealParts) -> None:
    async with a_leader(stack) as (projection, reader, db):
        await append(projection, reader, db, delivered_in_order(DEFINED).records)
        appended = await has_index(db)
        await making.make_missing(db, partial(connected, projection.settings.database_url))
        made = await has_index(db)
        await counts.prepare(db)

        assert (appended, made, await has_index(db)) == (False, True, True)


async def test_a_first_history_is_stored_before_anything_is_made_of_it(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fact by fact, a long history takes twice as long."""
    monkeypatch.setattr(projection, "FAR_BEHIND", 0)  # very much waits, always
    delivery = max(some_deliveries(), key=lambda each: len(each.records))  # one that has figures
    async with a_leader(stack) as (leader, reader, db):
        another = partial(connected, leader.settings.database_url)
        await making.make_missing(db, another)
        first, second = delivery.records[:-3], delivery.records[-3:]

        await leader._begin_anew_where_nothing_stands(db, reader)
        await append(leader, reader, db, first)
        of_first = await db.fetchval("SELECT count(*) FROM made"), await db.fetchval("SELECT count(*) FROM groups")
        await leader.cut(db, reader)
        await leader._begin_anew_where_nothing_stands(db, reader)  # now something stands
        of_second = await db.fetchval("SELECT count(*) FROM made")
        await append_and_cut(leader, reader, db, second)

        assert (of_first, of_second) == ((0, 0), len(KINDS) + len(families()))
        _, differences = await rebuild.compare(db, another, leader.last_cut)
        assert (differences, await newest_of_all(db) != {}) == ([], True)


@pytest.mark.parametrize("appends_first", [True, False])
async def test_what_another_leader_appends_while_families_are_counted_is_counted(
    stack: RealParts, appends_first: bool
) -> None:
    """Red without the lock on facts, and when which families are made is read before the facts are stored."""
    delivery = max(some_deliveries(), key=lambda each: len(each.records))
    facts = [read(record, record.topic) for record in delivery.records]
    async with a_leader(stack) as (leader, _, db):
        another = partial(connected, leader.settings.database_url)
        await making.make_missing(db, another)
        await counts.count_everything_anew(db)
        async with another() as other, another() as watching:
            if appends_first:
                async with other.transaction():
                    await counts.append(other, facts)
                    counting = asyncio.create_task(making.make_missing(db, another))
                    await eventually(lambda: is_waiting(watching, at_least=1))
                await counting
            else:
                async with db.transaction():
                    await db.execute("LOCK TABLE facts IN SHARE MODE")
                    appending = asyncio.create_task(append_at_once(other, facts))
                    await eventually(lambda: is_waiting(watching, at_least=1))
                    await db.execute("INSERT INTO made SELECT unnest($1::text[]), false", [*families()])
                await appending

        await cut.take(db, leader.settings.source, await load_positions(db, INPUTS))
        published = await newest_of_all(db)
        _, differences = await rebuild.compare(db, another, 1)
        assert (differences, published != {}) == ([], True)


async def append_at_once(db: asyncpg.Connection, facts: Sequence[Fact]) -> None:
    async with db.transaction():
        await counts.append(db, facts)


async def is_waiting(db: asyncpg.Connection, at_least: int) -> bool:
    """Whether somebody waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return int(await db.fetchval(waiting)) >= at_least


async def test_who_waits_for_everything_to_be_made_is_told_how_far_it_is(stack: RealParts) -> None:
    """Red when it is silent for minutes: a part that is silent for 45 s is said not to work."""
    told: list[str] = []
    async with a_leader(stack) as (projection, reader, db):
        await append(projection, reader, db, delivered_in_order(DEFINED).records)
        another = partial(connected, projection.settings.database_url)

        await making.make_missing(db, another, told.append)
        await making.make_missing(db, another, told.append)  # nothing is missing

    first, *_, last, indexes = [each for each in told if "counting" not in each]
    assert first == "sorting the events"
    assert last == f"making things of all events: {len(DEFINED)} so far"
    assert told[told.index(indexes) :] == [
        "making the indexes of things",
        *(f"counting everything: {name}" for name in families()),
    ]


async def has_index(db: asyncpg.Connection) -> bool:
    return bool(await db.fetchval("SELECT to_regclass('facts_of_entity') IS NOT NULL"))


async def test_how_many_figures_and_things_are_stuck_is_measured(stack: RealParts) -> None:
    collected = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([collected]))
    measured: list[Mapping[str, float]] = []
    async with a_leader(stack) as (projection, reader, db):
        two = "SELECT 'reach', 'p', 'city', 'all', period, 'why', now() FROM unnest('{1,2}'::text[]) AS period"
        await db.execute(f"INSERT INTO stuck {two}")
        await db.execute("INSERT INTO stuck_things VALUES ('activity:1', 'why', now())")
        for _ in range(2):
            projection.looked_at = 0.0
            await projection._look(db, reader)
            measured.append(gauges(collected))
            await db.execute("TRUNCATE stuck, stuck_things")

        assert measured == [
            {"samenspel.figures.stuck": 2, "samenspel.things.stuck": 1},
            {"samenspel.figures.stuck": 0, "samenspel.things.stuck": 0},
        ]


def gauges(collected: InMemoryMetricReader) -> Mapping[str, float]:
    data = collected.get_metrics_data()
    assert data is not None
    found = [each for of in data.resource_metrics for scope in of.scope_metrics for each in scope.metrics]
    return {each.name: each.data.data_points[0].value for each in found if isinstance(each.data, Gauge)}


async def test_the_projection_has_the_verdict_of_every_reader_on_odd_records(stack: RealParts) -> None:
    known = {name: odd for name, odd in ODD.items() if odd.topic in INPUTS}  # it reads no other topic
    async with a_leader(stack) as (projection, reader, db):
        records = [odd.record(offset) for offset, odd in enumerate(known.values())]
        await append(projection, reader, db, records)

        refused = {offset for offset, odd in enumerate(known.values()) if odd.reason is not None}
        assert {offset for _, _, offset in await skipped(db)} == refused
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
        await counts.prepare(db)
        beginning = {(topic, number): 0 for topic in INPUTS for number in range(PARTITIONS)}
        reader = await TopicReader.open(sandbox.settings, beginning)
        try:
            yield Projection(sandbox.settings, sandbox.database, sandbox.health), reader, db
        finally:
            await reader.close()
            await db.close()


async def append(
    projection: Projection, reader: TopicReader, db: asyncpg.Connection, records: Sequence[TopicRecord]
) -> None:
    """Records as if the reader had polled them."""
    batch: Batch = defaultdict(list)
    for record in records:
        batch[TopicPartition(projection.settings.topic(record.topic), record.partition)].append(record)
    polled = Polled(dict(batch), {})
    await projection.append(db, reader, polled, await read_polled(reader, polled))


async def append_and_cut(
    projection: Projection, reader: TopicReader, db: asyncpg.Connection, part: Sequence[TopicRecord]
) -> None:
    """One turn of the leader: what came, and a cut."""
    if part:
        await append(projection, reader, db, part)
    await projection.cut(db, reader)


async def newest_of_all(db: asyncpg.Connection) -> dict[str, str]:
    """What was published last of every figure."""
    return {row["key"]: row["data"] for row in await db.fetch("SELECT key, data FROM newest")}


def moved(positions: Mapping[Partition, int]) -> dict[Partition, int]:
    return {partition: offset for partition, offset in positions.items() if offset}


async def facts_of(db: asyncpg.Connection) -> list[Fact]:
    known = await fact_store.facts_of(
        db, [row["entity"] for row in await db.fetch("SELECT DISTINCT entity FROM facts")]
    )
    return [fact for facts in known.values() for fact in facts]


def copy_of(reader: TopicReader, kind: type[TopicReader] = TopicReader) -> TopicReader:
    """Another process that read the same positions."""
    return kind(reader.consumer, reader.prefix, dict(reader.positions), dict(reader.reached))
