"""Reads whole topics for a projection: every partition, no consumer group, positions in the service's own database.

Guarantee: `fence` locks the stored position of every partition in the transaction that appends, and raises `Skipped`
unless this process read on from exactly there. So nothing is appended twice or left out, and a former leader that was
suspended while another one took over cannot append at all. Only committed records are read, and positions are the
consumer's own: offsets have gaps where transactions ended or were aborted.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Self

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.messaging.kafka import START_SECONDS, Record, stop
from services.chassis.messaging.positions import Incarnations, Positions, Skipped, move
from services.chassis.running.database import Connection
from services.chassis.running.settings import Settings

log = structlog.get_logger()

Batch = dict[TopicPartition, list[Record]]
MAX_RECORDS = 10_000  # about 10 MB; larger batches made COPY no faster
FETCH_BYTES = 2 * 1024 * 1024  # of a partition; twice as much made reading some 3 % faster, and is kept for each
IDLE_MS = 200
STILL_SECONDS = 60.0  # much longer than the restart of a broker takes


class Polled(NamedTuple):
    """What a poll brought."""

    records: Batch
    reached: Positions
    """How far it came: behind its records, and behind what is no record."""


@dataclass(slots=True)
class TopicReader:
    """Reads whole topics from given positions on."""

    consumer: AIOKafkaConsumer
    prefix: str
    positions: Positions
    """The next offset of each partition, as this process knows it: as it was stored at the start, or appended since."""
    reached: Positions
    """How far the last poll came."""
    incarnations: Incarnations = field(default_factory=dict)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        positions: Positions,
        incarnations: Incarnations = MappingProxyType({}),
        *,
        tail: int | None = None,
        fetch_bytes: int = FETCH_BYTES,
    ) -> Self:
        """Start reading at `positions`, or at the last `tail` records of each partition if that is later; if the topic
        does not have these records any more, reading fails. So many bytes of each partition are fetched ahead."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka,
            client_id=f"{settings.service}-projection",
            auto_offset_reset="none",
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_partition_fetch_bytes=fetch_bytes,
            fetch_max_wait_ms=100,
        )
        offsets = {
            TopicPartition(settings.topic(topic), partition): offset for (topic, partition), offset in positions.items()
        }
        consumer.assign(list(offsets))
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
            ends = await consumer.end_offsets(list(offsets)) if tail is not None else {}
        except BaseException:
            await stop(consumer)
            raise
        reader = cls(consumer, settings.kafka_prefix, {}, {}, incarnations)
        for partition, offset in offsets.items():
            first = max(offset, ends[partition] - tail) if tail is not None else offset
            consumer.seek(partition, first)
            reader.positions[reader.key(partition)] = first
        reader.reached |= reader.positions
        return reader

    async def poll(self, wait_ms: int, at_once: int = MAX_RECORDS) -> Polled:
        """What waits, or comes in this time; at most so many records."""
        records: Batch = await self.consumer.getmany(timeout_ms=wait_ms, max_records=at_once)
        for partition in self.consumer.assignment():
            self.reached[self.key(partition)] = await self.consumer.position(partition)
        return Polled(records, dict(self.reached))

    def moves(self, polled: Polled) -> bool:
        """Whether this goes on from what is stored."""
        return any(offset > self.positions[key] for key, offset in polled.reached.items())

    def waiting(self) -> int:
        """About how many records wait, as Kafka said when it was last asked for some."""
        ends = {each: self.consumer.last_stable_offset(each) or 0 for each in self.consumer.assignment()}
        return sum(max(0, end - self.positions[self.key(each)]) for each, end in ends.items())

    async def ends(self) -> Positions:
        """The current end of every partition: behind it nothing is committed yet (the last stable offset)."""
        ends = await self.consumer.end_offsets(list(self.consumer.assignment()))
        return {self.key(partition): end for partition, end in ends.items()}

    async def until(self, ends: Positions, at_once: int = MAX_RECORDS) -> AsyncIterator[Polled]:
        """All records below `ends`, and none after them. Raises `TimeoutError` when nothing comes any more."""
        moved_at = time.monotonic()
        while any(self.reached[key] < end for key, end in ends.items()):
            before = dict(self.reached)
            polled, _ = await self.poll(IDLE_MS, at_once)
            if self.reached != before:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > STILL_SECONDS:
                raise TimeoutError(f"Kafka sent nothing for {STILL_SECONDS:.0f} s, though records wait")
            below = {
                partition: [record for record in records if record.offset < ends.get(self.key(partition), 0)]
                for partition, records in polled.items()
            }
            for key, reached in self.reached.items():
                self.reached[key] = min(reached, ends.get(key, 0))
            yield Polled({partition: records for partition, records in below.items() if records}, dict(self.reached))

    async def fence(self, db: Connection, polled: Polled) -> Positions:
        """Lock and compare the stored positions of the partitions that moved, and move them to where the poll came.

        Returns the new positions: call `advance` with them after the commit. Raises `Skipped`.
        """
        reached, last = dict(polled.reached), dict[tuple[str, int], Record]()
        for partition, records in polled.records.items():
            key = self.key(partition)
            if records[0].offset < self.positions[key]:
                raise Skipped(
                    f"{key[0]}/{key[1]}: the batch begins at {records[0].offset}, before {self.positions[key]}"
                )
            last[key] = records[-1]
            reached[key] = max(reached.get(key, 0), records[-1].offset + 1)
        moved = {key: offset for key, offset in reached.items() if offset > self.positions[key]}
        await move(db, self.positions, moved, last, self.incarnations)
        return moved

    def advance(self, moved: Positions) -> None:
        self.positions.update(moved)

    def key(self, partition: TopicPartition) -> tuple[str, int]:
        return partition.topic.removeprefix(self.prefix), partition.partition

    async def close(self) -> None:
        await stop(self.consumer)
