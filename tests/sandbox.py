"""A room for one test: empty tables in the real PostgreSQL, and topics of its own on the real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.topics import PARTITIONS
from local import RealParts
from samenspel import topics
from services.chassis.running.database import Database, connect, migrate
from services.chassis.running.health import Health
from services.chassis.running.settings import Settings, read_settings
from tests.stories import Record

SOON = 30.0  # seconds for what takes a moment, on a machine that is busy with something else
CONNECTIONS = 20  # sixteen writers, and those who look on

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Room:
    """What a part of a service needs to run, without the service."""

    settings: Settings
    database: Database
    health: Health

    @property
    def kafka(self) -> str:
        return self.settings.kafka

    async def read(self, topic: str) -> list[Record]:
        """Everything on a topic (its name in the contracts), each partition in its order."""
        return await read_topic(self.kafka, self.settings.topic(topic))

    async def send(self, topic: str, *messages: tuple[bytes | None, bytes | None]) -> None:
        """Put keys and values on a topic."""
        async with AIOKafkaProducer(bootstrap_servers=self.kafka, acks="all") as producer:
            for key, value in messages:
                await producer.send_and_wait(self.settings.topic(topic), value, key=key)


@asynccontextmanager
async def a_room(stack: RealParts, service: str) -> AsyncIterator[Room]:
    """A room with the tables and the name of a service."""
    prefix = f"t{uuid4().hex[:10]}."
    name = prefix.removesuffix(".")
    url = await asyncio.to_thread(stack.create_database, name, name)
    await topics.apply(stack.kafka, prefix)
    await migrate(url, "services.chassis", f"services.{service}")
    environment = {"SAMENSPEL_KAFKA": stack.kafka, "SAMENSPEL_KAFKA_PREFIX": prefix, "SAMENSPEL_DATABASE_URL": url}
    settings = read_settings(service, environment)
    pool = await connect(url, size=CONNECTIONS)
    try:
        yield Room(
            settings,
            Database(pool, settings.source, epoch=1, on_staged=lambda: None),
            Health(died=asyncio.get_running_loop().create_future()),
        )
    finally:
        pool.terminate()


async def read_topic(kafka: str, topic: str) -> list[Record]:
    """Everything on a topic now, each partition in its order."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    records: list[Record] = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        left = {partition for partition in partitions if ends[partition] > 0}
        while left:
            for partition, found in (await consumer.getmany(*left, timeout_ms=100)).items():
                records += found
                if found[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
    return records


async def eventually(ask: Callable[[], Awaitable[Answer]], within: float = SOON) -> Answer:
    """The first true answer, asked for again and again until the deadline."""
    deadline = time.monotonic() + within
    while not (answer := await ask()):
        assert time.monotonic() < deadline, f"after {within:.0f} s the answer is still {answer!r}"
        await asyncio.sleep(0.02)
    return answer
