"""Kafka clients with the settings that keep our promises, and where a key goes.

`acks=all` and an idempotent producer; consumers start at the earliest message and never commit by themselves.
"""

import asyncio
from functools import lru_cache

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from contracts.topics import PARTITIONS

log = structlog.get_logger()

MAX_REQUEST = 2 * 1024 * 1024  # a dead letter of full size with its headers
MAX_BATCH = 512 * 1024  # larger batches made the relay no faster, and one refused record costs a batch
REQUEST_TIMEOUT_MS = 15_000
STOP_SECONDS = 5.0  # stop() can hang for ever when the broker is away


@lru_cache(maxsize=65_536)  # murmur2 of a long key is pure Python; a city has a few thousand keys
def partition_of(key: bytes) -> int:
    """The partition of a key: Kafka's murmur2 over the permanent number of partitions."""
    return int(murmur2(key) & 0x7FFFFFFF) % PARTITIONS


def producer(bootstrap: str, client: str) -> AIOKafkaProducer:
    """A producer that is acknowledged by all replicas and does not double or reorder on its own retries."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,  # batches are made by us
        max_batch_size=MAX_BATCH,
        max_request_size=MAX_REQUEST,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


async def stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop a client without believing that it can: correctness never depends on a clean stop."""
    try:
        await asyncio.wait_for(client.stop(), STOP_SECONDS)  # type: ignore[no-untyped-call]
    except (TimeoutError, KafkaError, OSError):
        log.warning("client_did_not_stop", client=type(client).__name__, seconds=STOP_SECONDS)
