"""A service under test as a real process: its own database, its own topics (under a prefix), real answers."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.envelope import CONTENT_TYPE, Message, decode, describe, encode
from contracts.events import Event
from contracts.values import Actor, Value
from local import RealParts, ports
from local.simulated_time import SimulatedTime
from local.waiting import completed
from samenspel import topics
from samenspel.topic_records import read_topics
from services.chassis.messaging.outbox import new_id
from tests.builders import NOW, source_of
from tests.provisioned import remove
from tests.waiting import SOON, wait_until

START = 60.0  # seconds until a service is ready; a few here


def as_json(value: Value, **other: Any) -> dict[str, Any]:
    """A value as the body of a request, with other fields beside it or in its place."""
    return {**value.model_dump(mode="json", by_alias=True, exclude_none=True), **other}


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The first wrong field that a problem names."""
    error: dict[str, Any] = response.json()["errors"][0]
    return error


def problem_type(response: httpx.Response) -> str:
    """The last part of a problem's type."""
    return str(response.json()["type"].rpartition("/")[2])


@dataclass(slots=True)
class ServiceProcess:
    """The service as its callers and the other services see it."""

    url: str
    kafka: str
    prefix: str
    database_url: str
    client: httpx.Client
    time: SimulatedTime
    log: Path
    versions: Counter[str] = field(default_factory=Counter)
    """The last version of each aggregate that the test published in another service's name."""

    def ask(
        self, method: str, path: str, body: Any = None, *, by: Actor | None, at: datetime = NOW, **headers: str
    ) -> httpx.Response:
        """One request at a simulated time; a POST has a new key unless `Idempotency_Key` is another ("" for none)."""
        if self.time.read() != at:
            self.time.set(at)
        all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            all_headers.setdefault("Idempotency-Key", str(uuid4()))
        if by is not None:
            actor = f"role={by.role}; organisation={by.organisation}; actor={by.actor}"
            all_headers["Samenspel-Actor"] = actor
        all_headers = {name: value for name, value in all_headers.items() if value}
        content = {"content": body} if isinstance(body, bytes | None) else {"json": body}
        return self.client.request(method, path, headers=all_headers, **content)

    def ask_ok(self, method: str, path: str, body: Any = None, *, by: Actor, at: datetime = NOW) -> dict[str, Any]:
        """The body of a success; asks again while the service does not yet know what the request names."""

        def known() -> httpx.Response | None:
            response = self.ask(method, path, body, by=by, at=at)
            return None if response.status_code == 409 and "Retry-After" in response.headers else response

        response = wait_until(known)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def receives(
        self, *events: Event, key: str, version: int | None = None, copies: int = 1, at: datetime = NOW
    ) -> None:
        """Publish events in another service's name: as the next versions, or as a version that the test chooses."""
        records: list[tuple[str, bytes]] = []
        for event in events:
            aggregate = f"{event.aggregate}:{event.subject}"
            self.versions[aggregate] = number = version or self.versions[aggregate] + 1
            source = source_of(event.topics[0])
            envelope = describe(event, id=new_id(), source=source, time=at, key=key, version=number, epoch=1)
            records += [(self.prefix + event.topics[0], encode(envelope, event))] * copies
        completed(_send(self.kafka, key.encode(), records))

    def published(self, topic: str) -> list[Message]:
        """Everything on a topic now, each partition in its order."""
        records = completed(read_topics(self.kafka, [self.prefix + topic]))
        return [decode(record.value, dict(record.headers)) for record in records]

    def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """What is in its database."""
        return completed(_rows(self.database_url, query, arguments))


async def _send(kafka: str, key: bytes, records: list[tuple[str, bytes]]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        for topic, value in records:
            await producer.send_and_wait(topic, value, key=key, headers=[("content-type", CONTENT_TYPE)])


async def _rows(url: str, query: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
    database = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await database.fetch(query, *arguments)]
    finally:
        await database.close()


@contextmanager
def started(stack: RealParts, name: str, *, prefix: str, folder: Path, **settings: object) -> Iterator[ServiceProcess]:
    """A ready service with empty tables and topics, and perhaps other settings; it ends when the test does."""
    database_url = stack.create_database(f"{prefix}{name}", f"{prefix}{name}")
    completed(topics.apply(stack.kafka, prefix))
    port, time = ports.find_free(), SimulatedTime.of(folder)
    environment = {
        "SAMENSPEL_KAFKA": stack.kafka,
        "SAMENSPEL_KAFKA_PREFIX": prefix,
        "SAMENSPEL_DATABASE_URL": database_url,
        "SAMENSPEL_HTTP_PORT": str(port),
        "SAMENSPEL_DEVELOPMENT_IDENTITY": "1",
        "SAMENSPEL_DEVELOPMENT_TIME": str(time.file),
        "PYTHONUNBUFFERED": "1",
        **{f"SAMENSPEL_{name.upper()}": str(value) for name, value in settings.items()},
    }
    command, everything = [sys.executable, "-m", f"services.{name}"], os.environ | environment
    url, log = f"http://127.0.0.1:{port}", folder / f"{name}.log"
    with log.open("wb") as output, httpx.Client(base_url=url, timeout=SOON) as client:
        process = subprocess.Popen(command, env=everything, stdout=output, stderr=output)
        try:
            wait_until(lambda: process.poll() is not None or _is_ready(client), START)
            assert process.poll() is None, log.read_text()
            yield ServiceProcess(url, stack.kafka, prefix, database_url, client, time, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SOON)
            with suppress(KafkaError):  # another replica may have removed them, or the test have ended Kafka
                completed(remove(stack.kafka, prefix))


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").is_success
    except httpx.TransportError:
        return False
