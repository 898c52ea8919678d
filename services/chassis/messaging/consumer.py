"""The consumer of a service's reactions: one group, raw records in batches. The only module that knows FastStream.

Guarantee: nothing is committed here, and no record is lost before it was handed over: parser and decoder never
raise. What FastStream and aiokafka keep silent about, a task that died, `Batches.died` tells.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from services.chassis.messaging.dead_letters import Record
from services.chassis.running.settings import Settings

log = structlog.get_logger()

MAX_RECORDS = 300  # messages in one transaction: long enough to pay for the commit, short enough to repeat singly
WAIT_MS = 50
START_SECONDS = 30.0
STOP_SECONDS = 5.0  # stop() can hang for ever when the broker is away


@dataclass(frozen=True, slots=True)
class Batches:
    """A consumer that was started."""

    _subscriber: Any

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """The consumer of aiokafka: its assignment, its positions, its commits."""
        consumer: AIOKafkaConsumer = self._subscriber.consumer
        return consumer

    @property
    def died(self) -> bool:
        """Whether a task of it ended: nothing would be received any more, and nothing would say so."""
        tasks = [
            *self._subscriber.tasks,
            self._subscriber.consumer._fetcher._fetch_task,  # noqa: SLF001 - nothing public tells
            self._subscriber.consumer._coordinator._coordination_task,  # noqa: SLF001 - nothing public tells
        ]
        return any(task is not None and task.done() for task in tasks)


@asynccontextmanager
async def batches(
    settings: Settings,
    topics: Sequence[str],
    receive: Callable[[AIOKafkaConsumer, list[Record]], Awaitable[None]],
) -> AsyncIterator[Batches]:
    """Hand the records of these topics to `receive`, batch after batch, until the block is left.

    Raises `KafkaError`, `OSError` or `TimeoutError` when Kafka does not answer.
    """
    broker = KafkaBroker(
        settings.kafka,
        client_id=settings.service,
        allow_auto_create_topics=False,
        apply_types=False,
        logger=None,
    )
    subscriber = broker.subscriber(
        *(settings.topic(topic) for topic in topics),
        group_id=settings.topic(settings.service),
        group_instance_id=settings.instance,
        batch=True,
        max_records=MAX_RECORDS,
        batch_timeout_ms=WAIT_MS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        session_timeout_ms=30_000,
        rebalance_timeout_ms=60_000,
        heartbeat_interval_ms=3_000,
        parser=_keep,
        decoder=_keep_records,
    )

    @subscriber
    async def hand_over(records: list[Record]) -> None:
        await receive(subscriber.consumer, records)  # type: ignore[arg-type]  # there while it receives

    try:
        await asyncio.wait_for(broker.start(), START_SECONDS)
        yield Batches(subscriber)
    finally:
        await _stop(broker)


async def _keep(message: KafkaMessage | Any) -> KafkaMessage:  # noqa: ANN401 - FastStream hands over raw records
    """A parser that never raises: the records stay as they are."""
    return KafkaMessage(body=b"", raw_message=message, consumer=None, headers={})  # type: ignore[arg-type]


async def _keep_records(message: KafkaMessage) -> list[Record]:
    """A decoder that never raises."""
    return list(message.raw_message) if isinstance(message.raw_message, tuple) else [message.raw_message]


async def _stop(broker: KafkaBroker) -> None:
    try:
        await asyncio.wait_for(broker.stop(), STOP_SECONDS)
    except (TimeoutError, KafkaError, OSError):
        log.warning("consumer_did_not_stop")
