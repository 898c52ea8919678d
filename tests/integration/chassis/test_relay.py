"""A partition that cannot be written delays nobody else, and what waits for it arrives in order when it is mended.

Each test names the line that it protects: without that line it is red.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from importlib.resources import files

import asyncpg
from aiokafka.admin import NewPartitions
from structlog.testing import capture_logs

from contracts.activities import ACTIVITIES
from contracts.offers import OFFERS
from contracts.partitioner import partition_of
from contracts.topics import PARTITIONS, dead_letter_topic
from local import RealParts
from samenspel.topic_records import read_topics
from services.chassis.messaging import outbox
from services.chassis.messaging.kafka import MAX_BATCH
from services.chassis.messaging.lane import Lane, Pace
from services.chassis.messaging.relay import ROUND_BYTES, ROUND_LANES, Relay
from tests.integration.chassis.lanes import administering, create, remove, stage_bytes
from tests.integration.chassis.test_outbox import a_broker, is_drained, versions_seen
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually

STUCK = 6_010  # messages: more than one round reads
AT_ONCE = 8.0  # seconds, on a machine that is busy with something else: less than a lane takes to fail
QUICK = Pace(send=3.0, first_rest=0.1, longest_rest=1.0, stuck=1.0)
MIB = 1024 * 1024


async def test_a_topic_that_cannot_be_written_delays_no_other_and_arrives_in_order_when_mended(
    stack: RealParts,
) -> None:
    """Red when a round waits for what is being sent (`gather` in `publish_round`): the other topic's message is late.

    Red when `is_stuck` does not remember that it was said.
    """
    async with a_sandbox(stack, "referrals") as sandbox, administering(sandbox.kafka) as admin:
        await remove(admin, topic := sandbox.settings.topic(OFFERS))
        await stage_brokers(sandbox, range(1, STUCK // 10 + 1))
        with capture_logs() as logs:
            async with relaying(sandbox, Pace(stuck=1.0)) as relay:
                await eventually(lambda: is_sending(relay))
                await stage_bytes(sandbox, ACTIVITIES, [b"a"], [b"the other topic's"])
                await eventually(lambda: sandbox.read(ACTIVITIES), AT_ONCE)
                await eventually(lambda: is_reported(sandbox, "these cannot be written: partnership.offers.v1/"))
                is_ready = sandbox.health.can_answer
        async with relaying(sandbox, QUICK) as relay:
            await eventually(lambda: has_rested(relay))
            await stage_brokers(sandbox, range(STUCK // 10 + 1, STUCK // 10 + 3))
            await create(admin, topic, PARTITIONS)
            await eventually(lambda: is_drained(sandbox), 60)

        assert is_ready
        published = versions_seen(await sandbox.read(OFFERS))
        assert published == {f"broker:own:b{each}": list(range(1, STUCK // 10 + 3)) for each in range(10)}
        alarms = [log["partition"] for log in logs if log["event"] == "lane_stuck" and log["topic"] == OFFERS]
        assert sorted(alarms) == sorted(partitions_of({b"own:b%d" % each for each in range(10)}))


async def test_a_partition_that_cannot_be_written_delays_no_other_of_its_topic(stack: RealParts) -> None:
    """Red when lanes are topics, and (the process ends) when `_send` does not ask for the topic's partitions.

    The alarm ends when the lane goes on: red without `_go_on`.
    """
    async with a_sandbox(stack, "referrals") as sandbox, administering(sandbox.kafka) as admin:
        settings = sandbox.settings.model_copy(update={"kafka_prefix": f"half.{sandbox.settings.kafka_prefix}"})
        await create(admin, topic := settings.topic(OFFERS), PARTITIONS // 2)
        keys = {b"own:b%d" % number for number in range(40)}
        missing = {partition for partition in partitions_of(keys) if partition >= PARTITIONS // 2}
        with capture_logs() as logs:
            async with relaying(replace(sandbox, settings=settings), QUICK) as relay:
                await stage_bytes(sandbox, OFFERS, list(keys), list(keys))
                await eventually(lambda: is_only_waiting_for(sandbox, missing))
                await eventually(lambda: is_reported(sandbox, "UnknownTopicOrPartition"))
                await admin.create_partitions({topic: NewPartitions(PARTITIONS)})
                await eventually(lambda: is_drained(sandbox))
                await eventually(lambda: is_reported(sandbox, "publishing"))
                producers = {id(lane.kafka) for lane in relay.lanes.values()}

        assert {record.key for record in await read_topics(sandbox.kafka, [topic])} == keys
        # Each lane has a producer of its own: Kafka answers the requests of one connection one after another.
        assert len(producers) == len(partitions_of(keys))
        events = [log["event"] for log in logs]
        assert events.count("lane_stuck") >= len(missing)
        assert events.count("lane_goes_on") == events.count("lane_stuck")


async def test_what_does_not_fit_into_a_batch_goes_with_the_next(stack: RealParts) -> None:
    """Red when `_fill` says that a row that did not fit was sent."""
    async with a_sandbox(stack, "referrals") as sandbox:
        values = [b"%05d" % number + b"x" * 1_000 for number in range(2 * MAX_BATCH // 1_000)]
        await stage_bytes(sandbox, OFFERS, [b"own:b1"] * len(values), values)
        async with relaying(sandbox, Pace()):
            await eventually(lambda: is_drained(sandbox))

        assert [record.value for record in await sandbox.read(OFFERS)] == values


async def test_a_round_is_bounded_in_bytes(stack: RealParts) -> None:
    """Red without `size_in_round <=`; `OR size_in_lane = size` lets a message pass that is larger than a batch."""
    async with a_sandbox(stack, "referrals") as sandbox, claiming(sandbox) as (relay, connection):
        letters = [b"x" * MIB] * 30
        keys = [b"own:b%d" % number for number in range(len(letters))]
        await stage_bytes(sandbox, dead_letter_topic("referrals"), keys, letters)

        queues = await relay.claim(connection)

        assert ROUND_BYTES // 2 < sum(len(row["value"]) for rows in queues.values() for row in rows) <= ROUND_BYTES
        assert {len(rows) for rows in queues.values()} == {1}
        assert relay.wake.is_set()  # for the next round, at once


async def test_a_message_larger_than_a_round_is_claimed_all_the_same(stack: RealParts) -> None:
    """Red without `OR size_in_round = size`: it would never be sent."""
    async with a_sandbox(stack, "referrals") as sandbox, claiming(sandbox) as (relay, connection):
        await stage_bytes(sandbox, OFFERS, [b"own:b1"], [b"x" * (ROUND_BYTES + 1)])

        assert [len(rows) for rows in (await relay.claim(connection)).values()] == [1]


async def test_every_lane_has_its_turn(stack: RealParts) -> None:
    """Red when `turn` does not begin behind the lane that was claimed last."""
    async with a_sandbox(stack, "referrals") as sandbox, claiming(sandbox) as (relay, connection):
        keys = [b"own:b%d" % number for number in range(100)]
        for topic in (OFFERS, ACTIVITIES):
            await stage_bytes(sandbox, topic, keys, keys)

        first, second = set(await relay.claim(connection)), set(await relay.claim(connection))

        assert len(first) == ROUND_LANES
        assert len(first | second) == 2 * PARTITIONS


async def test_a_lane_that_rests_is_not_claimed(stack: RealParts) -> None:
    """Red without `resting`: it would be tried as fast as the loop turns."""
    async with a_sandbox(stack, "referrals") as sandbox, claiming(sandbox) as (relay, connection):
        await stage_bytes(sandbox, OFFERS, [b"own:b1", b"own:b1"], [b"first", b"second"])
        ((place, rows),) = (await relay.claim(connection)).items()

        relay.lanes[place].rests_until = time.monotonic() + 60
        assert await relay.claim(connection) == {}
        relay.lanes[place].rests_until = time.monotonic()
        assert [row["value"] for row in (await relay.claim(connection))[place]] == [b"first", b"second"]
        assert [row["value"] for row in rows] == [b"first", b"second"]


async def test_where_one_lane_goes_on_the_others_rest_no_longer(stack: RealParts) -> None:
    """Red without `_rest_no_longer`: after an outage every lane would rest to its end."""
    async with a_sandbox(stack, "referrals") as sandbox:
        await stage_bytes(sandbox, OFFERS, [b"own:b1"], [b"of the lane that tries first"])
        await stage_bytes(sandbox, ACTIVITIES, [b"a"], [b"of the lane that rests"])
        first, rests = (
            Lane(sandbox.settings, topic, partition_of(key)) for topic, key in ((OFFERS, b"own:b1"), (ACTIVITIES, b"a"))
        )
        first.failures, rests.failures, rests.rests_until = 1, 9, time.monotonic() + 600

        async with relaying(sandbox, Pace()) as relay:
            relay.lanes |= {(lane.topic, lane.partition): lane for lane in (first, rests)}

            await eventually(lambda: is_drained(sandbox))


async def test_a_plan_that_was_made_for_a_small_outbox_reads_no_backlog_whole(stack: RealParts) -> None:
    """Red without `_SETTINGS`: the plan is kept, and would scan and sort what a stuck lane has piled up since."""
    async with a_sandbox(stack, "referrals") as sandbox, claiming(sandbox) as (_, connection):
        await stage_bytes(sandbox, OFFERS, [b"own:b1"] * 3, [b"a few"] * 3)
        await sandbox.database.pool.execute("VACUUM ANALYZE outbox")

        plan = "\n".join(row[0] for row in await connection.fetch(FIRST_OF_A_LANE))

        assert "outbox_lanes" in plan
        assert "Sort" not in plan


FIRST_OF_A_LANE = """
EXPLAIN SELECT position FROM outbox WHERE topic = 'a' AND partition = 1 ORDER BY topic, partition, position LIMIT 1
"""


async def test_the_migration_gives_waiting_pointers_the_partition_of_their_key(stack: RealParts) -> None:
    url = await asyncio.to_thread(stack.create_database, "before_lanes", "before_lanes")
    connection = await asyncpg.connect(url)
    scripts = sorted(files("services.chassis").joinpath("migrations").iterdir(), key=lambda script: script.name)
    for script in scripts:
        if script.name < "0005":
            await connection.execute(script.read_text())
    keys = [None, *(("ab\xff12" * 10)[:length].encode("latin-1") for length in range(1, 40))]
    ids = [outbox.new_id() for _ in keys]
    await connection.executemany(
        "INSERT INTO journal (event_id, topic, key, aggregate, epoch, version, recorded_at)"
        " VALUES ($1, 't', $2, $3, 1, 1, now())",
        [(event_id, key, str(event_id)) for event_id, key in zip(ids, keys, strict=True)],
    )
    await connection.execute("INSERT INTO outbox (position, barrier) SELECT position, true FROM journal")

    await connection.execute(next(script for script in scripts if script.name.startswith("0005")).read_text())

    rows = await connection.fetch("SELECT outbox.topic, partition FROM outbox JOIN journal USING (position)")
    await connection.close()
    expected = [("t", outbox.partition(key, event_id)) for event_id, key in zip(ids, keys, strict=True)]
    assert sorted(tuple(row) for row in rows) == sorted(expected)


async def stage_brokers(sandbox: Sandbox, versions: range) -> None:
    """These versions of ten brokers."""
    async with sandbox.database.transaction() as tx:
        for version in versions:
            for broker in (a_broker(f"own:b{each}") for each in range(10)):
                staged = outbox.encoded(tx, broker, key=broker.broker_id, epoch=1, version=version)
                await outbox.stage(tx, staged)


@asynccontextmanager
async def relaying(sandbox: Sandbox, pace: Pace) -> AsyncIterator[Relay]:
    relay = Relay(sandbox.settings, sandbox.health, pace=pace)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def claiming(sandbox: Sandbox) -> AsyncIterator[tuple[Relay, asyncpg.Connection]]:
    """A relay that only claims, with its connection."""
    connection = await asyncpg.connect(sandbox.settings.database_url)
    relay = Relay(sandbox.settings, sandbox.health)
    try:
        await relay.prepare(connection)
        yield relay, connection
    finally:
        await connection.close()


async def is_reported(sandbox: Sandbox, words: str) -> bool:
    return words in sandbox.health.report().get("relay", "")


async def is_sending(relay: Relay) -> bool:
    return bool(relay.sending)


async def has_rested(relay: Relay) -> bool:
    """Whether a lane failed for the second time: it began anew in between."""
    return any(lane.failures > 1 for lane in relay.lanes.values())


async def is_only_waiting_for(sandbox: Sandbox, partitions: set[int]) -> bool:
    rows = await sandbox.database.pool.fetch("SELECT DISTINCT partition FROM outbox")
    return {row["partition"] for row in rows} == partitions


def partitions_of(keys: set[bytes]) -> set[int]:
    return {partition_of(key) for key in keys}
