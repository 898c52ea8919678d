"""Offsets have gaps where another program used transactions: nobody waits for a record that never comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.partitioner import partition_of
from contracts.sites import SITES
from contracts.topics import PARTITIONS
from local import RealParts
from samenspel.topic_records import read_topics
from services.chassis.messaging.progress import STUCK_SECONDS, Progress
from services.chassis.messaging.topic_reader import TopicReader
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import SOON, eventually

KEY = b"own:k"
PARTITION = partition_of(KEY)


async def test_a_marker_at_the_end_of_a_topic_makes_nobody_wait(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        await send_in_transactions(sandbox, b"committed")

        async with asyncio.timeout(SOON):
            records = await read_topics(sandbox.kafka, [sandbox.settings.topic(SITES)])
        values, positions = await read_whole(sandbox)

        assert [record.value for record in records] == values == [b"committed"]
        assert positions[SITES, PARTITION] == 2  # behind the marker too


async def test_what_was_aborted_is_read_by_nobody_and_leaves_a_gap(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        await send_in_transactions(sandbox, b"first", b"last", aborted=b"never")

        records = await sandbox.read(SITES)
        values, positions = await read_whole(sandbox)

        assert [record.value for record in records] == values == [b"first", b"last"]
        assert positions[SITES, PARTITION] == 6  # three records and three markers


async def test_an_open_transaction_holds_back_what_follows_it_and_ends_nothing(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        await sandbox.send(SITES, (KEY, b"before"))
        async with an_open_transaction(sandbox):
            await sandbox.send(SITES, (KEY, b"behind"))

            async with asyncio.timeout(SOON):
                records = await sandbox.read(SITES)
            values, _ = await read_whole(sandbox)
            verdict = await judged_after_a_long_time(sandbox)

            assert [record.value for record in records] == values == [b"before"]
            assert verdict == "held up"


async def read_whole(sandbox: Sandbox) -> tuple[list[bytes | None], dict[tuple[str, int], int]]:
    """What a rebuild reads of the topic, and where it ends."""
    reader = await TopicReader.open(sandbox.settings, {(SITES, number): 0 for number in range(PARTITIONS)})
    values: list[bytes | None] = []
    try:
        async with asyncio.timeout(SOON):
            async for polled in reader.until(await reader.ends()):
                values += [record.value for records in polled.records.values() for record in records]
    finally:
        await reader.close()
    return values, reader.reached


async def send_in_transactions(sandbox: Sandbox, *committed: bytes, aborted: bytes | None = None) -> None:
    """Each value in a transaction of its own; the aborted one behind the first."""
    async with a_transactional_producer(sandbox) as producer:
        for index, value in enumerate(committed):
            async with producer.transaction():
                await producer.send_and_wait(sandbox.settings.topic(SITES), value, key=KEY)
            if aborted is not None and index == 0:
                await producer.begin_transaction()
                await producer.send_and_wait(sandbox.settings.topic(SITES), aborted, key=KEY)
                await producer.abort_transaction()


@asynccontextmanager
async def an_open_transaction(sandbox: Sandbox) -> AsyncIterator[None]:
    async with a_transactional_producer(sandbox) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(sandbox.settings.topic(SITES), b"open", key=KEY)
        yield
        await producer.abort_transaction()


@asynccontextmanager
async def a_transactional_producer(sandbox: Sandbox) -> AsyncIterator[AIOKafkaProducer]:
    """Another program that writes in exactly-once mode, as MirrorMaker or Connect may."""
    async with AIOKafkaProducer(bootstrap_servers=sandbox.kafka, transactional_id=sandbox.settings.topic("t")) as made:
        yield made


async def judged_after_a_long_time(sandbox: Sandbox) -> str:
    """What the watchdog of a consumer says that has read all that it can, and then waits."""
    partition = TopicPartition(sandbox.settings.topic(SITES), PARTITION)
    consumer = AIOKafkaConsumer(bootstrap_servers=sandbox.kafka, isolation_level="read_committed")
    consumer.assign([partition])
    async with consumer:
        await consumer.seek_to_beginning(partition)

        async def has_read_all() -> bool:
            await consumer.getmany(timeout_ms=100)
            return bool(await consumer.position(partition) == 1 and (consumer.highwater(partition) or 0) > 1)

        await eventually(has_read_all)
        progress = Progress(moved_at=0.0)
        stable = {partition: consumer.last_stable_offset(partition)}
        written = {partition: consumer.highwater(partition)}
        progress.look({partition: 1}, stable, 0.0, written=written)
        return progress.look({partition: 1}, stable, 2 * STUCK_SECONDS, written=written)
