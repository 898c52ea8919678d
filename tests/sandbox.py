"""A sandbox for one test: empty tables in the real PostgreSQL, and topics of its own on the real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from contracts.envelope import CONTENT_TYPE
from local import RealParts
from samenspel.topic_records import TopicRecord, read_topics
from services.chassis.running.database import Database, connect, migrate
from services.chassis.running.health import Health
from services.chassis.running.settings import Settings, read_settings
from tests.provisioned import provisioned

ANY_PORT = 8000  # settings need a port, though nothing listens in a sandbox
CONNECTIONS = 20  # sixteen writers, and some that watch them


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a part of a service needs to run, without the service."""

    settings: Settings
    database: Database
    health: Health

    @property
    def kafka(self) -> str:
        return self.settings.kafka

    async def read(self, topic: str) -> list[TopicRecord]:
        """Everything on a topic (its name in the contracts), each partition in its order."""
        return await read_topics(self.kafka, [self.settings.topic(topic)])

    async def send(self, topic: str, *messages: tuple[bytes | None, bytes | None]) -> None:
        """Put keys and values on a topic."""
        headers = [("content-type", CONTENT_TYPE)]
        async with AIOKafkaProducer(bootstrap_servers=self.kafka, acks="all") as producer:
            for key, value in messages:
                await producer.send_and_wait(self.settings.topic(topic), value, key=key, headers=headers)


@asynccontextmanager
async def a_sandbox(stack: RealParts, service: str, *, has_topics: bool = True) -> AsyncIterator[Sandbox]:
    """A sandbox with the tables and the name of a service; a test of the tables alone needs no topics, and is quick."""
    name = f"t{uuid4().hex[:10]}"
    prefix = f"{name}."
    url = await asyncio.to_thread(stack.create_database, name, name)
    await migrate(url, "services.chassis", f"services.{service}")
    environment = {"SAMENSPEL_KAFKA": stack.kafka, "SAMENSPEL_KAFKA_PREFIX": prefix, "SAMENSPEL_DATABASE_URL": url}
    settings = read_settings(service, ANY_PORT, environment)
    pool = await connect(url, size=CONNECTIONS)
    database = Database(pool, pool, settings.source, epoch=1, secret=b"secret", on_staged=lambda: None)
    try:
        async with provisioned(stack.kafka, prefix) if has_topics else nullcontext():
            yield Sandbox(settings, database, Health(died=asyncio.get_running_loop().create_future()))
    finally:
        pool.terminate()
