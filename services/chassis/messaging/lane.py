"""A lane: what the relay sends to one partition, one batch at a time, with a producer of its own.

Guarantee: no later message overtakes, because the next batch begins with the first message that is not acknowledged.
A lane that fails rests, each time longer, and delays no other: Kafka answers a request only when every partition in it
is written, and the requests of one connection one after another, so lanes that shared a producer would wait for the
slowest.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from contracts.envelope import CONTENT_TYPE
from services.chassis.messaging.kafka import abandon, producer
from services.chassis.running.settings import Settings

log = structlog.get_logger()

MAX_ROWS = 700  # of a batch: as many of usual size (735 bytes) fill it; more would be read for nothing
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_EVENT_HEADERS: list[tuple[str, bytes]] = [("content-type", CONTENT_TYPE)]

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a lane waits."""

    send: float = 30.0
    """For Kafka's acknowledgement. Longer than Kafka takes to elect another leader; a lane waits for itself alone."""
    first_rest: float = 0.5
    longest_rest: float = 15.0
    """Each rest is twice the one before, up to this: a mended partition is written again within this time."""
    stuck: float = 5.0
    """Without an acknowledgement, before it is an alarm: longer than an election usually takes."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a batch: the acknowledged positions, or one that Kafka will never accept. Neither: it failed."""

    acknowledged: Sequence[int] = ()
    refused: int | None = None
    is_back: bool = False
    """The lane goes on after it had failed."""


@dataclass(slots=True)
class Lane:
    """The state of one lane; it lives as long as this process leads."""

    settings: Settings
    topic: str
    """Its name in the contracts."""
    partition: int
    pace: Pace = field(default_factory=Pace)
    max_rows: int = MAX_ROWS
    """Of the next batch: one after a failure, doubled by each acknowledgement, so that a bad message is found."""
    failures: int = 0
    """In a row."""
    rests_until: float = 0.0
    waiting_since: float | None = None
    """Since when something is to be sent and nothing was acknowledged."""
    trouble: str = "no answer"
    """What kind of failure the last one was: shown to everybody, the detail is for the log."""
    detail: str = ""
    is_alarmed: bool = False
    kafka: AIOKafkaProducer | None = None

    @property
    def where(self) -> TopicPartition:
        return TopicPartition(self.settings.topic(self.topic), self.partition)

    async def send(self, rows: Sequence[asyncpg.Record]) -> Sent:
        if self.waiting_since is None:
            self.waiting_since = time.monotonic()
        try:
            async with asyncio.timeout(self.pace.send):
                return await self._send(rows[: self.max_rows])
        except (KafkaError, OSError, TimeoutError) as error:
            await self._fail(error)
            return Sent()

    async def _send(self, rows: Sequence[asyncpg.Record]) -> Sent:
        kafka = await self._connected()
        batch = kafka.create_batch()
        positions = _fill(batch, rows)
        topic, partition = self.where
        if partition not in await kafka.partitions_for(topic):
            raise UnknownTopicOrPartitionError
        try:
            # Cancelling the acknowledgement itself would break the producer's own task, with a traceback in the log.
            await asyncio.shield(await kafka.send_batch(batch, topic, partition=partition))
        except _TOO_LARGE:
            if len(positions) > 1:  # one of them is too large, and is sent by itself sooner or later
                self.max_rows = 1
                return Sent()
            return Sent(refused=positions[0], is_back=self._go_on())
        self.max_rows = min(2 * self.max_rows, MAX_ROWS)
        return Sent(acknowledged=positions, is_back=self._go_on())

    async def _connected(self) -> AIOKafkaProducer:
        if self.kafka is not None:
            return self.kafka
        kafka = self.kafka = producer(self.settings.kafka, f"{self.settings.service}-relay")
        await kafka.start()
        return kafka

    async def close(self) -> None:
        if self.kafka is not None:
            kafka, self.kafka = self.kafka, None
            await abandon(kafka)

    def _go_on(self) -> bool:
        is_back = self.failures > 0
        if self.is_alarmed:
            log.warning("lane_goes_on", topic=self.topic, partition=self.partition, seconds=round(self.waited()))
        self.failures, self.waiting_since, self.is_alarmed, self.trouble = 0, None, False, "no answer"
        return is_back

    async def _fail(self, error: Exception) -> None:
        """Rest, and begin anew with another producer: what Kafka has of the batch is unknown."""
        self.trouble, self.detail = type(error).__name__, repr(error)
        self.max_rows = 1
        await self.close()
        rest = min(self.pace.first_rest * 2**self.failures, self.pace.longest_rest)
        self.failures += 1
        self.rests_until = time.monotonic() + rest

    def waited(self) -> float:
        """Seconds since the first batch that is not acknowledged."""
        return 0.0 if self.waiting_since is None else time.monotonic() - self.waiting_since

    def is_stuck(self) -> bool:
        is_stuck = self.waited() > self.pace.stuck
        if is_stuck and not self.is_alarmed:
            self.is_alarmed = True
            log.error("lane_stuck", topic=self.topic, partition=self.partition, detail=self.detail)
        return is_stuck


def _fill(batch: BatchBuilder, rows: Sequence[asyncpg.Record]) -> list[int]:
    positions: list[int] = []
    for row in rows:
        headers = msgspec.msgpack.decode(row["headers"], type=Headers) if row["headers"] else _EVENT_HEADERS
        if batch.append(key=row["key"], value=row["value"], timestamp=None, headers=headers) is None:
            break
        positions.append(row["position"])
    batch.close()
    return positions
