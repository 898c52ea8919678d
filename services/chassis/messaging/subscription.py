"""A membership of a consumer group that hands raw records over in batches: the only module that knows FastStream.

Guarantee: no record is lost before it is handed over, because parser and decoder never raise. What FastStream and
aiokafka tell nobody (that a task of theirs ended, that Kafka is silent) can be asked here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from services.chassis.messaging.kafka import START_SECONDS, Record, stop
from services.chassis.running.settings import Settings
from services.chassis.running.telemetry import origin

log = structlog.get_logger()

MAX_RECORDS = 300  # in one transaction: enough to pay for the commit, and few to repeat one by one
WAIT_MS = 50
ANSWER_SECONDS = 5.0  # for a question that a broker answers in milliseconds

HandOver = Callable[[AIOKafkaConsumer, list[Record]], Awaitable[None]]
Listen = Callable[[Callable[[], AIOKafkaConsumer | None]], ConsumerRebalanceListener]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What runs between a group's coordinator and whoever is handed the records."""

    subscriber: Any
    """FastStream's; it exports no name for its type."""

    @property
    def consumer(self) -> AIOKafkaConsumer:
        consumer = self.subscriber.consumer
        assert isinstance(consumer, AIOKafkaConsumer), "it exists while it receives"
        return consumer

    def has_died(self) -> bool:
        """Whether a task ended: then nothing is received any more, and no error says so."""
        consumer: Any = self.consumer
        tasks = [
            *self.subscriber.tasks,
            consumer._fetcher._fetch_task,  # noqa: SLF001 - nothing public tells
            consumer._coordinator._coordination_task,  # noqa: SLF001 - nothing public tells
        ]
        return any(task is not None and task.done() for task in tasks)

    def rejoin(self) -> None:
        """Let the group share out its partitions again."""
        coordinator: Any = self.consumer._coordinator  # noqa: SLF001 - nothing public does
        coordinator.request_rejoin()

    async def answers(self) -> bool:
        """Whether Kafka answers a question about the partitions that are read."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.consumer.end_offsets(self.consumer.assignment())
        except (KafkaError, OSError, TimeoutError):
            return False
        return True


@asynccontextmanager
async def subscribed(
    settings: Settings, topics: tuple[str, ...], group: str, hand_over: HandOver, listen: Listen
) -> AsyncIterator[Subscription]:
    """Read these topics as this group; what `listen` makes is told which partitions are given and taken."""
    broker = KafkaBroker(
        settings.kafka.split(","),  # it takes a text as one address
        client_id=settings.service,
        allow_auto_create_topics=False,
        apply_types=False,
        logger=None,
    )
    subscriber = broker.subscriber(
        *(settings.topic(topic) for topic in topics),
        group_id=group,
        group_instance_id=settings.instance,
        batch=True,
        max_records=MAX_RECORDS,
        batch_timeout_ms=WAIT_MS,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        ack_policy=AckPolicy.MANUAL,
        session_timeout_ms=30_000,
        rebalance_timeout_ms=60_000,
        heartbeat_interval_ms=3_000,
        parser=_keep_raw,
        decoder=_keep_records,
        listener=listen(lambda: subscriber.consumer),
    )
    subscription = Subscription(subscriber)

    @subscriber
    async def receive(records: list[Record]) -> None:
        await hand_over(subscription.consumer, records)

    try:
        async with asyncio.timeout(START_SECONDS):
            await broker.start()
        yield subscription
    finally:
        await stop(broker)


async def commit(consumer: AIOKafkaConsumer, records: list[Record]) -> None:
    """Commit the offsets of these records. If that fails they are read again, and the inbox knows them."""
    offsets = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
    try:
        await consumer.commit(offsets)
    except KafkaError as error:
        log.info("offsets_not_committed", **origin(error))


async def _keep_raw(message: KafkaMessage | Any) -> KafkaMessage:  # noqa: ANN401 - FastStream hands over raw records
    """A parser that never raises: the records stay as they are."""
    return KafkaMessage(body=b"", raw_message=message, consumer=None, headers={})  # type: ignore[arg-type]


async def _keep_records(message: KafkaMessage) -> list[Record]:
    return list(message.raw_message) if isinstance(message.raw_message, tuple) else [message.raw_message]
