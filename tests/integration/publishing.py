"""Messages put on topics by hand, as another system would."""

import base64
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from contracts.envelope import describe, encode
from contracts.events import Event
from tests.builders import source_of
from tests.contract.story import Json
from tests.sandbox import Sandbox

SAID = datetime(2025, 10, 9, tzinfo=UTC)


async def say(sandbox: Sandbox, topic: str, event: Event, *, key: str, version: int = 1) -> None:
    """An event of another service on its topic."""
    source = source_of(topic)
    envelope = describe(event, id=uuid4(), source=source, time=SAID, key=key, version=version, epoch=1)
    await sandbox.send(topic, (key.encode(), encode(envelope, event)))


async def publish(bootstrap: str, prefix: str, lines: list[Json], compression: str | None = None) -> None:
    """Messages as `tests.contract.story.a_line` makes them, in their order."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=compression) as producer:
        for line in lines:
            value = line["valueBase64"] and base64.b64decode(line["valueBase64"])
            headers = [(name, text.encode()) for name, text in line["headers"].items()]
            await producer.send_and_wait(prefix + line["topic"], value, key=line["key"].encode(), headers=headers)
