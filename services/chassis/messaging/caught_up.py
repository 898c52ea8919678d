"""Whether this service has applied everything that is on its topics by now, whichever of its processes reads them."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.messaging.kafka import START_SECONDS, stop
from services.chassis.messaging.positions import load_positions
from services.chassis.running.database import Reader
from services.chassis.running.settings import Settings

POLL_MS = 1_000


async def has_caught_up(db: Reader, settings: Settings, topics: Sequence[str]) -> bool:
    """Whether no record waits between the stored positions and the ends of these topics.

    What other programs left behind their last record (the end of a transaction), or retention took away, is no record:
    so it is looked at, not computed. Raises `KafkaError` or `TimeoutError` where Kafka does not answer.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        client_id=f"{settings.service}-caught-up",
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=1,  # one batch: Kafka sends that even when it is larger
    )
    stored = await load_positions(db, topics)
    partitions = {TopicPartition(settings.topic(topic), partition): at for (topic, partition), at in stored.items()}
    consumer.assign(list(partitions))
    try:
        async with asyncio.timeout(START_SECONDS):
            await consumer.start()
            for partition, next_offset in partitions.items():
                consumer.seek(partition, next_offset)
            return not await _does_a_record_wait(consumer, await consumer.end_offsets(list(partitions)))
    finally:
        await stop(consumer)


async def _does_a_record_wait(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    while behind := [each for each, end in ends.items() if await consumer.position(each) < end]:
        found = await consumer.getmany(*behind, timeout_ms=POLL_MS)
        if any(record.offset < ends[partition] for partition, records in found.items() for record in records):
            return True
    return False
