"""A day begins when what was said before it has been applied, whichever process of this service reads the topics."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import PARTITIONS
from services.chassis.messaging.kafka import a_consumer
from services.chassis.messaging.positions import Positions, load_positions
from services.chassis.running.database import Reader
from services.chassis.running.settings import Settings

POLL_MS = 1_000


@dataclass(slots=True)
class CaughtUp:
    """Where these topics ended when a day was first asked for, and whether all before that has been applied.

    The ends stay the same for the whole day: a topic that is never quiet keeps nothing waiting.
    """

    settings: Settings
    topics: tuple[str, ...]
    day: date | None = None
    ends: Positions = field(default_factory=dict)
    """What is still to be reached."""

    async def has_begun(self, db: Reader, day: date) -> bool:
        """Raises `KafkaError` or `TimeoutError` where Kafka does not answer."""
        if self.day != day:
            self.ends, self.day = await ends_of(self.settings, self.topics), day
        if self.ends and await has_applied(db, self.settings, self.ends):
            self.ends = {}
        return not self.ends

    def forget(self) -> None:
        """Of what another process led, or another database knew, nothing is certain."""
        self.day = None


async def ends_of(settings: Settings, topics: Collection[str]) -> Positions:
    """Behind the last record of each partition that can be read now."""
    keys = [(topic, partition) for topic in topics for partition in range(PARTITIONS)]
    async with _a_consumer(settings) as consumer:
        ends = await consumer.end_offsets([_partition(settings, *key) for key in keys])
    return {key: ends[_partition(settings, *key)] for key in keys}


async def has_applied(db: Reader, settings: Settings, ends: Positions) -> bool:
    """Whether no record waits between the stored positions and these ends.

    What other programs left behind their last record (the end of a transaction), or retention took away, is no record:
    so where a position is not there yet, Kafka is asked what is.
    """
    stored = await load_positions(db, {topic for topic, _ in ends})
    behind = {key: stored[key] for key, end in ends.items() if stored[key] < end}
    if not behind:
        return True
    async with _a_consumer(settings) as consumer:
        consumer.assign([_partition(settings, *key) for key in behind])
        for key, next_offset in behind.items():
            consumer.seek(_partition(settings, *key), next_offset)
        return not await _does_a_record_wait(consumer, {_partition(settings, *key): ends[key] for key in behind})


async def _does_a_record_wait(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    while behind := [each for each, end in ends.items() if await consumer.position(each) < end]:
        found = await consumer.getmany(*behind, timeout_ms=POLL_MS)
        if any(record.offset < ends[partition] for partition, records in found.items() for record in records):
            return True
    return False


def _a_consumer(settings: Settings) -> AbstractAsyncContextManager[AIOKafkaConsumer]:
    client = f"{settings.service}-caught-up"
    return a_consumer(settings.kafka, client, reset="earliest", isolation="read_committed")


def _partition(settings: Settings, topic: str, partition: int) -> TopicPartition:
    return TopicPartition(settings.topic(topic), partition)
