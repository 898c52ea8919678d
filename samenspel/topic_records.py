"""Reads whole topics, from their beginning to their present end, without joining a consumer group.

Only what was committed is read; the end is behind the last committed record and the marker that may follow it.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts.topics import PARTITIONS
from samenspel.failure import CommandFailed

PATIENCE_SECONDS = 30.0  # a broker that is only slow has answered by then
WAIT_MS = 500  # where only a marker was left to read, nothing comes

TopicRecord = ConsumerRecord[bytes | None, bytes | None]


async def read_topics(bootstrap: str, topics: Sequence[str]) -> list[TopicRecord]:
    """Every record up to the present end; topics are named with their prefix.

    Raises `CommandFailed` when a topic does not exist or Kafka sends nothing more, `KafkaError` when it is not there.
    """
    wanted = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    async with a_consumer(bootstrap) as consumer:
        if missing := set(topics) - await consumer.topics():
            raise CommandFailed(f"Kafka at {bootstrap} does not have the topics {', '.join(sorted(missing))}")
        consumer.assign(wanted)
        await consumer.seek_to_beginning(*wanted)
        return await _read_to(consumer, await consumer.end_offsets(wanted))


async def ends_of(bootstrap: str, topic: str) -> dict[int, int]:
    wanted = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with a_consumer(bootstrap) as consumer:
        return {each.partition: end for each, end in (await consumer.end_offsets(wanted)).items()}


async def find_behind(
    bootstrap: str, topic: str, partition: int, offset: int, value: bytes, patience: float
) -> int | None:
    """The offset of the first record with this value from an offset on; None when there is none in some seconds."""
    wanted = TopicPartition(topic, partition)
    async with a_consumer(bootstrap) as consumer:
        consumer.assign([wanted])
        consumer.seek(wanted, offset)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for record in (await consumer.getmany(wanted, timeout_ms=WAIT_MS)).get(wanted, []):
                if record.value == value:
                    return record.offset
    return None


@asynccontextmanager
async def a_consumer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, isolation_level="read_committed"
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _read_to(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[TopicRecord]:
    records: list[TopicRecord] = []
    unread = set(ends)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while unread := {each for each in unread if await consumer.position(each) < ends[each]}:
        batches = await consumer.getmany(*unread, timeout_ms=WAIT_MS)
        if batches:
            deadline = time.monotonic() + PATIENCE_SECONDS
        elif time.monotonic() > deadline:
            raise CommandFailed(
                f"Kafka sent no message for {PATIENCE_SECONDS:.0f} s; {len(unread)} partitions are not read"
            )
        records += [
            record for partition, batch in batches.items() for record in batch if record.offset < ends[partition]
        ]
    return records
