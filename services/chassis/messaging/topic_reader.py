"""Reads whole topics for a projection: every partition, no consumer group, positions in the service's own database.

Guarantee: `fence` locks the stored position of every partition in the transaction that appends, and raises `Skipped`
unless this process read on from exactly there. So nothing is appended twice or left out, and a former leader that was
suspended while another one took over cannot append at all. Only committed records are read, and positions are the
consumer's own: offsets have gaps where transactions ended or were aborted.
"""

import asyncio
from dataclasses import dataclass
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.messaging.kafka import Record, stop
from services.chassis.messaging.positions import Positions, Skipped, move
from services.chassis.running.database import Connection
from services.chassis.running.settings import Settings

log = structlog.get_logger()

Batch = dict[TopicPartition, list[Record]]
MAX_RECORDS = 10_000  # about 10 MB; larger batches made COPY no faster
FETCH_BYTES = 4 * 1024 * 1024
START_SECONDS = 30.0


@dataclass(slots=True)
class TopicReader:
    """Reads whole topics from given positions on."""

    consumer: AIOKafkaConsumer
    prefix: str
    positions: Positions
    """The next offset of each partition, as this process knows it: as it was stored at the start, or appended since."""
    reached: Positions
    """How far the last poll came: behind its records, and behind what is no record."""

    @classmethod
    async def open(cls, settings: Settings, positions: Positions) -> Self:
        """Start reading at `positions`; if the topic does not have these records any more, reading fails."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka,
            client_id=f"{settings.service}-projection",
            auto_offset_reset="none",
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
        )
        offsets = {
            TopicPartition(settings.topic(topic), partition): offset for (topic, partition), offset in positions.items()
        }
        consumer.assign(list(offsets))
        try:
            await asyncio.wait_for(consumer.start(), START_SECONDS)
        except BaseException:
            await stop(consumer)
            raise
        for partition, offset in offsets.items():
            consumer.seek(partition, offset)
        return cls(consumer, settings.kafka_prefix, dict(positions), dict(positions))

    async def poll(self, wait_ms: int) -> Batch:
        """At most `MAX_RECORDS` new records; none if nothing comes within `wait_ms`."""
        batch: Batch = await self.consumer.getmany(timeout_ms=wait_ms, max_records=MAX_RECORDS)
        for partition in self.consumer.assignment():
            self.reached[self._key(partition)] = await self.consumer.position(partition)
        return batch

    @property
    def has_moved(self) -> bool:
        """Whether there is something to append: records, or a position behind what is no record."""
        return any(offset > self.positions[key] for key, offset in self.reached.items())

    async def ends(self) -> Positions:
        """The current end of every partition: behind it nothing is committed yet (the last stable offset)."""
        ends = await self.consumer.end_offsets(list(self.consumer.assignment()))
        return {
            (partition.topic.removeprefix(self.prefix), partition.partition): end for partition, end in ends.items()
        }

    async def fence(self, db: Connection, batch: Batch) -> Positions:
        """Lock and compare the stored positions of the partitions that moved, and move them to where the poll came.

        Returns the new positions: call `advance` with them after the commit. Raises `Skipped`.
        """
        behind = {self._key(partition): records[-1].offset + 1 for partition, records in batch.items()}
        reached = {key: max(offset, behind.get(key, 0)) for key, offset in self.reached.items()}
        moved = {key: offset for key, offset in reached.items() if offset > self.positions[key]}
        for key, records in ((self._key(partition), records) for partition, records in batch.items()):
            if records[0].offset < self.positions[key]:
                raise Skipped(
                    f"{key[0]}/{key[1]}: the batch begins at {records[0].offset}, before {self.positions[key]}"
                )
        last = {self._key(partition): records[-1] for partition, records in batch.items()}
        await move(db, self.positions, moved, last)
        return moved

    def advance(self, moved: Positions) -> None:
        """Take over the positions of a batch whose transaction committed."""
        self.positions.update(moved)

    def _key(self, partition: TopicPartition) -> tuple[str, int]:
        return partition.topic.removeprefix(self.prefix), partition.partition

    async def close(self) -> None:
        await stop(self.consumer)
