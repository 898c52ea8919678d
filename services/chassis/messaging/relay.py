"""The relay: publishes the messages that the outbox points to, and deletes a pointer when Kafka has acknowledged.

Guarantee: at least once, in order per key, by one active relay per database (the others stand by). It reads the rows
that are there, never "all rows after the last id": ids are given before the commit, so a lower id can appear later.
One batch per partition is sent at a time: a failure delays that partition only, and no later message overtakes. A crash
between the acknowledgement and the delete sends a batch twice.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder

from contracts.envelope import CONTENT_TYPE
from contracts.topics import PARTITIONS
from services.chassis.messaging.kafka import partition_of, producer, stop
from services.chassis.running.database import UNAVAILABLE
from services.chassis.running.health import Health
from services.chassis.running.leadership import leadership
from services.chassis.running.settings import Settings

log = structlog.get_logger()

ROUND = 5_000  # rows read in one round: a few MB in memory, enough to fill the batch of every partition
POLL_SECONDS = 0.2  # for messages that other instances stage; our own commits wake us at once
SEND_SECONDS = 30.0  # needed, because an idempotent batch never expires by itself
RETRY_SECONDS = 1.0
LEADS_RELAY = 7_305_002  # any number, the same in every instance
_CLAIM = """
SELECT position, barrier, topic, key, value, headers
FROM outbox JOIN journal USING (position)
WHERE position NOT IN (SELECT unnest($2::bigint[])) ORDER BY position LIMIT $1
"""
_EVENT_HEADERS: list[tuple[str, bytes]] = [("content-type", CONTENT_TYPE)]

Headers = list[tuple[str, bytes]]
AfterAck = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Runs between Kafka's acknowledgement and the delete; a test kills the process there."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages that are sent to one partition together."""

    partition: TopicPartition
    builder: BatchBuilder
    positions: list[int]


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of one batch: the acknowledged positions, or one that Kafka will never accept, or a failure that
    leaves unknown what Kafka has."""

    acknowledged: list[int] = field(default_factory=list)
    refused: int | None = None
    failure: Exception | None = None


@dataclass(slots=True)
class Relay:
    """Publishes one database's outbox."""

    settings: Settings
    health: Health
    after_ack: AfterAck = _nothing
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: list[int] = field(default_factory=list)
    """Positions published in the last round; their pointers are deleted during the next one."""
    ahead: list[asyncpg.Record] = field(default_factory=list)
    """Rows read while the last round was sent."""
    one_by_one: set[TopicPartition] = field(default_factory=set)
    """Partitions whose last batch had a message that is too large: sent singly until it is found."""

    async def run(self) -> None:
        """Publish until cancelled; retries for ever while PostgreSQL or Kafka does not answer."""
        while True:
            try:
                await self._lead()
            except (*UNAVAILABLE, asyncpg.PostgresError, KafkaError) as error:
                self.health.trouble("relay", f"{type(error).__name__}: {error}")
                log.warning("relay_interrupted", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _lead(self) -> None:
        async with leadership(
            self.settings.database_url, LEADS_RELAY, lambda: self.health.tick("relay", "standing by")
        ) as connection:
            self.acknowledged, self.ahead = [], []
            kafka = producer(self.settings.kafka, f"{self.settings.service}-relay")
            try:
                await asyncio.wait_for(kafka.start(), SEND_SECONDS)
                await self._publish(connection, kafka)
            finally:
                await stop(kafka)

    async def _publish(self, connection: asyncpg.Connection, kafka: AIOKafkaProducer) -> None:
        while True:
            self.wake.clear()
            self.health.tick("relay", "publishing")
            if await self.publish_round(connection, kafka) == 0:
                try:
                    await asyncio.wait_for(self.wake.wait(), POLL_SECONDS)
                except TimeoutError:
                    continue

    async def publish_round(self, connection: asyncpg.Connection, kafka: AIOKafkaProducer) -> int:
        """Publish at most one batch per partition; returns how many messages it looked at.

        PostgreSQL and Kafka work at the same time: while a round is sent, the pointers of the previous one are deleted
        and the next rows are read. So a crash repeats at most two rounds.
        """
        rows = _up_to_barrier(self.ahead or await connection.fetch(_CLAIM, ROUND, self.acknowledged))
        batches = [self._batch(kafka, partition, queue) for partition, queue in self._by_partition(rows).items()]
        answers = asyncio.gather(*(self._send(kafka, batch) for batch in batches))
        try:
            await self._forget(connection)
            sending = [position for batch in batches for position in batch.positions]
            self.ahead = await connection.fetch(_CLAIM, ROUND, sending) if rows else []
        finally:
            sent = await answers
        await self.after_ack()
        self.acknowledged = [position for each in sent for position in each.acknowledged]
        for each in sent:
            if each.refused is not None:
                await _refuse(connection, each.refused)
        if len(self.acknowledged) < sum(len(batch.positions) for batch in batches):
            self.ahead = []  # the messages that are not acknowledged go first
            await self._forget(connection)
        if failure := next((each.failure for each in sent if each.failure), None):
            raise failure
        return len(rows)

    async def _forget(self, connection: asyncpg.Connection) -> None:
        if self.acknowledged:
            await connection.execute("DELETE FROM outbox WHERE position = ANY($1::bigint[])", self.acknowledged)
            self.acknowledged = []

    def _by_partition(self, rows: Sequence[asyncpg.Record]) -> dict[TopicPartition, list[asyncpg.Record]]:
        queues: dict[TopicPartition, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            key = row["key"]
            partition = row["position"] % PARTITIONS if key is None else partition_of(key)
            queues[TopicPartition(self.settings.topic(row["topic"]), partition)].append(row)
        return queues

    def _batch(self, kafka: AIOKafkaProducer, partition: TopicPartition, queue: list[asyncpg.Record]) -> Batch:
        builder = kafka.create_batch()
        positions = _fill(builder, queue[:1] if partition in self.one_by_one else queue)
        return Batch(partition, builder, positions)

    async def _send(self, kafka: AIOKafkaProducer, batch: Batch) -> Sent:
        topic, partition = batch.partition
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await (await kafka.send_batch(batch.builder, topic, partition=partition))
        except MessageSizeTooLargeError:
            if len(batch.positions) == 1:
                return Sent(refused=batch.positions[0])
            self.one_by_one.add(batch.partition)
            return Sent()
        except (KafkaError, TimeoutError) as error:
            return Sent(failure=error)
        self.one_by_one.discard(batch.partition)
        return Sent(acknowledged=batch.positions)


async def _refuse(connection: asyncpg.Connection, position: int) -> None:
    """Set a message aside that Kafka will never accept: it stays in the journal, and an operator must look at it."""
    async with connection.transaction():
        await connection.execute("DELETE FROM outbox WHERE position = $1", position)
        await connection.execute("INSERT INTO refused (position, reason) VALUES ($1, 'too large')", position)
    log.error("message_refused", position=position, reason="too large for its topic")


def _up_to_barrier(rows: Sequence[asyncpg.Record]) -> Sequence[asyncpg.Record]:
    """The rows that may be sent together: those before the first barrier, or else that barrier alone."""
    for index, row in enumerate(rows):
        if row["barrier"]:
            return rows[: max(index, 1)]
    return rows


def _fill(batch: BatchBuilder, queue: list[asyncpg.Record]) -> list[int]:
    """Fill a batch from the front of the queue; returns the positions that fit."""
    sent: list[int] = []
    for row in queue:
        headers = msgspec.msgpack.decode(row["headers"], type=Headers) if row["headers"] else _EVENT_HEADERS
        if batch.append(key=row["key"], value=row["value"], timestamp=None, headers=headers) is None:
            break
        sent.append(row["position"])
    batch.close()
    return sent
