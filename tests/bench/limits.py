"""The limits: the barest loops that move the same bytes through Kafka and PostgreSQL."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.envelope import CONTENT_TYPE
from contracts.partitioner import partition_of
from contracts.topics import PARTITIONS
from services.chassis.messaging.kafka import producer

Message = tuple[str, bytes, bytes]
"""(topic, key, value)"""

LOCK_POSITIONS = """
SELECT next_offset FROM positions JOIN unnest($1::text[], $2::integer[]) AS moved (topic, partition)
USING (topic, partition) FOR UPDATE OF positions
"""
MOVE_POSITIONS = """
INSERT INTO positions SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset
"""


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
    headers = [("content-type", CONTENT_TYPE)]
    batch = kafka.create_batch()
    for key, value in queue:
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            batch.close()
            await (await kafka.send_batch(batch, topic, partition=partition))
            batch = kafka.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    batch.close()
    await (await kafka.send_batch(batch, topic, partition=partition))


async def reading(bootstrap: str, topic: str) -> AIOKafkaConsumer:
    """A started consumer of a whole topic from its beginning, with the settings of ours."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.start()
    await consumer.seek_to_beginning(*partitions)
    return consumer


async def fence(db: asyncpg.Connection, moved: dict[TopicPartition, int]) -> None:
    """Lock and move the stored positions of these partitions."""
    topics, partitions = [each.topic for each in moved], [each.partition for each in moved]
    await db.fetch(LOCK_POSITIONS, topics, partitions)
    await db.execute(MOVE_POSITIONS, topics, partitions, list(moved.values()))
