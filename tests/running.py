"""A service as a real process of a test: its own database, its own topics (under a prefix), real answers."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.envelope import CONTENT_TYPE, Message, decode, describe, encode
from contracts.events import Event
from contracts.topics import PARTITIONS
from contracts.values import Actor
from local import RealParts, ports
from local.waiting import completed
from samenspel import topics
from services.chassis.messaging.outbox import new_id
from tests.builders import NOW

SOON = 30.0  # seconds for what takes a moment, on a machine that is busy with something else
START = 60.0
OTHERS = "urn:nld:oin:00000099000000001000:systeem:others"

Answer = TypeVar("Answer")


def eventually(ask: Callable[[], Answer | None], within: float = SOON) -> Answer:
    """The first true answer, asked for again and again until the deadline."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"after {within:.0f} s the answer is still {answer!r}"
        time.sleep(0.05)
    return answer


def _header(by: Actor) -> str:
    return f"role={by.role}; organisation={by.organisation}; actor={by.actor}"


@dataclass(slots=True)
class Running:
    """One service under test, as its callers and the other services see it."""

    name: str
    url: str
    kafka: str
    prefix: str
    database_url: str
    client: httpx.Client
    versions: Counter[str] = field(default_factory=Counter)
    """The last version of each aggregate that the test announced in another service's name."""

    def ask(
        self, method: str, path: str, body: Any = None, *, by: Actor | None, at: datetime = NOW, **headers: str
    ) -> httpx.Response:
        """One request; a POST has a new key unless `Idempotency_Key` says another (or "" for none)."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            said.setdefault("Idempotency-Key", str(uuid4()))
        if by is not None:
            said |= {"Samenspel-Actor": _header(by), "Samenspel-Now": at.isoformat()}
        said = {name: value for name, value in said.items() if value}
        if isinstance(body, bytes | None):
            return self.client.request(method, path, content=body, headers=said)
        return self.client.request(method, path, json=body, headers=said)

    def done(self, method: str, path: str, body: Any = None, *, by: Actor, at: datetime = NOW) -> dict[str, Any]:
        """The answer to a command or a question that has to be possible, now or when what it names is heard of."""

        def known() -> httpx.Response | None:
            response = self.ask(method, path, body, by=by, at=at)
            return None if response.status_code == 409 and "Retry-After" in response.headers else response

        response = eventually(known)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def hears(self, *events: Event, key: str, version: int | None = None, copies: int = 1, at: datetime = NOW) -> None:
        """Announce events in another service's name: in a row, or in a version that the test chooses."""
        records: list[tuple[str, bytes]] = []
        for event in events:
            aggregate = f"{event.aggregate}:{event.subject}"
            self.versions[aggregate] = version or self.versions[aggregate] + 1
            envelope = describe(
                event, id=new_id(), source=OTHERS, time=at, key=key, version=self.versions[aggregate], epoch=1
            )
            records += [(self.prefix + event.topics[0], encode(envelope, event))] * copies
        completed(_send(self.kafka, key.encode(), records))

    def announced(self, topic: str) -> list[Message]:
        """Everything that stands on a topic now."""
        return completed(_read(self.kafka, self.prefix + topic))

    def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """What stands in its database."""
        return completed(_rows(self.database_url, query, arguments))


async def _send(kafka: str, key: bytes, records: list[tuple[str, bytes]]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        for topic, value in records:
            await producer.send_and_wait(topic, value, key=key, headers=[("content-type", CONTENT_TYPE)])


async def _read(kafka: str, topic: str) -> list[Message]:
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    messages: list[Message] = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        left = {partition for partition in partitions if ends[partition] > 0}
        while left:
            for partition, records in (await consumer.getmany(*left, timeout_ms=100)).items():
                messages += [decode(record.value, dict(record.headers)) for record in records]
                if records[-1].offset + 1 >= ends[partition]:
                    left.discard(partition)
    return messages


async def _rows(url: str, query: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
    database = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await database.fetch(query, *arguments)]
    finally:
        await database.close()


@contextmanager
def running(stack: RealParts, name: str, *, prefix: str, folder: Path) -> Iterator[Running]:
    """A ready service with empty tables and topics; ended when the test is."""
    database_url = stack.create_database(f"{prefix}{name}", f"{prefix}{name}")
    completed(topics.apply(stack.kafka, prefix))
    port = ports.find_free()
    environment = {
        "SAMENSPEL_KAFKA": stack.kafka,
        "SAMENSPEL_KAFKA_PREFIX": prefix,
        "SAMENSPEL_DATABASE_URL": database_url,
        "SAMENSPEL_HTTP_PORT": str(port),
        "SAMENSPEL_DEVELOPMENT_IDENTITY": "1",
        "PYTHONUNBUFFERED": "1",
    }
    url = f"http://127.0.0.1:{port}"
    log = folder / f"{name}.log"
    with log.open("wb") as output, httpx.Client(base_url=url, timeout=SOON) as client:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"], env=dict(os.environ) | environment, stdout=output, stderr=output
        )
        try:
            eventually(lambda: process.poll() is not None or _is_ready(client), START)
            assert process.poll() is None, log.read_text()
            yield Running(name, url, stack.kafka, prefix, database_url, client)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SOON)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").is_success
    except httpx.TransportError:
        return False
