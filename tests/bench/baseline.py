"""The limits: the barest loops that move the same bytes, and the row that a measurement makes."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.topics import PARTITIONS
from services.chassis.messaging.kafka import partition_of, producer

Message = tuple[str, bytes, bytes]
"""(topic, key, value)"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table."""

    what: str
    ours: str
    limit: str
    ratio: str
    aim: str
    because: str


def rate(count: int, seconds: float) -> str:
    """Events a second."""
    return f"{count / seconds:,.0f}/s"


async def send(bootstrap: str, messages: Iterable[Message], prefix: str) -> float:
    """`create_batch` + `send_batch`, one batch per partition under way; seconds."""
    queues: dict[tuple[str, int], list[tuple[bytes, bytes]]] = defaultdict(list)
    for topic, key, value in messages:
        queues[prefix + topic, partition_of(key)].append((key, value))
    kafka = producer(bootstrap, "bench")
    await kafka.start()
    started = time.perf_counter()
    await asyncio.gather(*(_send_queue(kafka, topic, partition, queue) for (topic, partition), queue in queues.items()))
    seconds = time.perf_counter() - started
    await kafka.stop()
    return seconds


async def _send_queue(kafka: AIOKafkaProducer, topic: str, partition: int, queue: list[tuple[bytes, bytes]]) -> None:
    headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    batch = kafka.create_batch()
    for key, value in queue:
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            batch.close()
            await (await kafka.send_batch(batch, topic, partition=partition))
            batch = kafka.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    batch.close()
    await (await kafka.send_batch(batch, topic, partition=partition))


def consumer(bootstrap: str) -> AIOKafkaConsumer:
    """A consumer as ours is set."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )


async def assigned(bootstrap: str, topic: str) -> AIOKafkaConsumer:
    """A started consumer of a whole topic from its beginning."""
    reading = consumer(bootstrap)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    reading.assign(partitions)
    await reading.start()
    await reading.seek_to_beginning(*partitions)
    return reading


async def fenced(db: asyncpg.Connection, moved: dict[TopicPartition, int]) -> None:
    """The fence: lock and move the stored positions of these partitions."""
    columns = [each.topic for each in moved], [each.partition for each in moved]
    await db.fetch(
        "SELECT next_offset FROM positions JOIN unnest($1::text[], $2::integer[]) AS moved (topic, partition)"
        " USING (topic, partition) FOR UPDATE OF positions",
        *columns,
    )
    await db.execute(
        "INSERT INTO positions SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])"
        " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
        *columns,
        list(moved.values()),
    )
