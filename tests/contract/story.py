"""The examples of `contracts/examples` as a test needs them: one by one, and as the messages of a broker."""

import base64
import json
from pathlib import Path
from typing import Any

from contracts import partitioner
from contracts.envelope import CONTENT_TYPE, Message, decode, encode
from contracts.topics import TOPICS

CONTRACTS = Path(__file__).parents[2] / "contracts"
EXAMPLES = sorted((CONTRACTS / "examples").glob("*/*.json"))

Json = dict[str, Any]


def contents(path: Path) -> Json:
    parsed: Json = json.loads(path.read_text(encoding="utf-8"))
    return parsed


TYPICAL = {
    "ActivityDelivered": "joint-of-school-childcare-and-out-of-school-care",
    "CutTaken": "at-the-end-of-the-year",
    "MetricPublished": "adoption-of-the-city",
    "RequestRaised": "jointly-for-groups",
    "SiteRecorded": "primary-school-in-a-child-centre",
}


def an_example(name: str) -> Json:
    """One example as plain JSON, for a test to spoil."""
    return contents(CONTRACTS / "examples" / f"{name}.v1" / f"{TYPICAL[name]}.json")


def written(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def partition_of(key: str) -> int:
    return partitioner.partition_of(key.encode())


def a_line(topic: str, value: bytes | None, *, key: str, partition: int | None = None, offset: int = 0) -> Json:
    """One message as it lies on a topic, for the check in another language."""
    return {
        "topic": topic,
        "partition": partition_of(key) if partition is None else partition,
        "offset": offset,
        "key": key,
        "headers": {"content-type": CONTENT_TYPE.decode()},
        "valueBase64": None if value is None else base64.b64encode(value).decode(),
    }


def _topics_of(message: Message) -> list[str]:
    """The topics on which the sender of this message writes events of its type."""
    service = message.envelope.source.rpartition(":")[2]
    return [topic.name for topic in TOPICS if topic.producer == service and topic.name in message.event.topics]


def all_examples_on_their_topics() -> list[Json]:
    """Every example where it belongs, each aggregate's versions in order."""
    messages = [decode(path.read_bytes()) for path in EXAMPLES]
    ordered = sorted(messages, key=lambda message: (message.envelope.aggregateversion, message.envelope.time))
    return [
        a_line(topic, encode(message.envelope, message.event), key=message.envelope.partitionkey, offset=offset)
        for offset, message in enumerate(ordered)
        for topic in _topics_of(message)
    ]
