"""From raw messages to what happened: read, without duplicates, without what a restored database took back.

Order of an aggregate is (epoch, version); nothing else about the order of messages matters.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from demo.recount.events import Said
from demo.recount.plain import UNREADABLE, text, whole
from demo.recount.vocabulary import TYPES

Aggregate = tuple[str, str]
"""Kind and id: a broker and a partner may share an organisation's id."""


class Record(NamedTuple):
    """One message as it lies on a topic (structured mode: the envelope is in the value)."""

    topic: str
    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A message that could be read."""

    aggregate: Aggregate
    epoch: int
    version: int
    said: Said


def surviving(records: Iterable[Record]) -> dict[Aggregate, list[Said]]:
    """What every aggregate says, in the order of its versions.

    The first offset of an (aggregate, epoch, version) wins, among the messages that can be read: a mended
    message that was redriven takes the place of the broken one.
    """
    told: dict[Aggregate, dict[tuple[int, int], Said]] = {}
    for record in sorted(records, key=lambda record: record[:3]):
        message = _read(record.value)
        if message is not None:
            versions = told.setdefault(message.aggregate, {})
            versions.setdefault((message.epoch, message.version), message.said)
    return {aggregate: _what_happened(versions) for aggregate, versions in told.items()}


def _what_happened(versions: dict[tuple[int, int], Said]) -> list[Said]:
    """What a lower epoch said at or above a higher epoch's first version never happened (wire.md)."""
    first: dict[int, int] = {}
    for epoch, version in sorted(versions):
        first.setdefault(epoch, version)
    return [
        versions[epoch, version]
        for epoch, version in sorted(versions)
        if all(version < first[later] for later in first if later > epoch)
    ]


def _read(value: bytes) -> Message | None:
    """The message in these bytes; nothing when they cannot be understood."""
    try:
        envelope = json.loads(value)
        namespace, name, contract = text(envelope["type"]).rsplit(".", 2)
        if (namespace, contract) != ("nl.samenspel", "v1"):
            return None
        event = TYPES[name]
        data = envelope["data"]
        if data[event.identified_by] != envelope["subject"]:
            return None
        return Message(
            aggregate=(event.aggregate, text(envelope["subject"])),
            epoch=whole(envelope["streamepoch"]),
            version=whole(envelope["aggregateversion"]),
            said=event.read(data),
        )
    except UNREADABLE:
        return None
