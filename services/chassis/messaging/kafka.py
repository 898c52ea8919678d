"""Kafka clients with the settings that our guarantees need.

Guarantee: a producer is acknowledged by all replicas (`acks=all`), and its own retries neither duplicate nor reorder.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

log = structlog.get_logger()

Record = ConsumerRecord[bytes | None, bytes | None]
"""One entry of a topic: key and value are bytes, and either can be missing."""

MAX_REQUEST = 2 * 1024 * 1024  # bytes: a dead letter of full size with its headers
MAX_BATCH = 512 * 1024  # bytes: larger batches made the relay no faster, and one refused record costs a batch
REQUEST_TIMEOUT_MS = 15_000  # half of a lane's `Pace.send`: one retry fits in
RETRY_BACKOFF_MS = 500  # every lane of the relay has a producer: together they must not flood a broker in trouble
START_SECONDS = 30.0  # a broker that only starts has answered by then
STOP_SECONDS = 5.0  # stop() can hang for ever when the broker does not answer


def producer(bootstrap: str, client: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,  # the relay makes the batches
        max_batch_size=MAX_BATCH,
        max_request_size=MAX_REQUEST,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        retry_backoff_ms=RETRY_BACKOFF_MS,
    )


async def abandon(client: AIOKafkaProducer) -> None:
    """Close a producer without waiting for what Kafka has not acknowledged.

    `stop` would wait for it for ever, because an idempotent batch never expires, and so leave its task and connections.
    """
    client._closed = True  # noqa: SLF001 - else it warns that it was not stopped
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(STOP_SECONDS):
            await client._sender.close()  # noqa: SLF001 - nothing public ends the retries
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(STOP_SECONDS):
            await client.client.close()


@asynccontextmanager
async def a_consumer(
    bootstrap: str,
    client: str,
    *,
    reset: Literal["earliest", "none"],
    isolation: Literal["read_committed", "read_uncommitted"],
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, for a look at some records. Raises `TimeoutError` when that takes half a minute."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id=client,
        auto_offset_reset=reset,
        isolation_level=isolation,
        enable_auto_commit=False,
        max_partition_fetch_bytes=1,  # one batch: Kafka sends that even when it is larger
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await consumer.start()
            yield consumer
    finally:
        await stop(consumer)


class KafkaClient(Protocol):
    """A producer, a consumer, or a library around one."""

    async def stop(self) -> None: ...


async def stop(client: KafkaClient) -> None:
    """Stop a client, or give up after some seconds: nothing depends on a clean stop."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await _finish(client)
    except (TimeoutError, KafkaError, OSError):
        log.warning("client_did_not_stop", client=type(client).__name__, seconds=STOP_SECONDS)


async def _finish(client: KafkaClient) -> None:
    """When aiokafka stops, it cancels tasks of its own. Where one of them had no time to take that, it comes through to
    us, as if we were told to stop, and the connections stay open."""
    task = asyncio.current_task()
    assert task is not None, "a coroutine that runs is part of a task"
    told_before = task.cancelling()
    try:
        await client.stop()
    except asyncio.CancelledError:
        if task.cancelling() > told_before:
            raise
        if isinstance(client, AIOKafkaConsumer) and client._fetcher is not None:  # noqa: SLF001
            its_own = client._fetcher._pending_tasks  # noqa: SLF001 - nothing public goes on where it stopped to stop
            for each in its_own:
                each.cancel()
            await asyncio.gather(*its_own, return_exceptions=True)
            await client._client.close()  # noqa: SLF001
