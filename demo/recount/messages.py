"""From raw messages to the events that count: no duplicates, and nothing that a restored database undid.

The order within an aggregate is (epoch, version); no other order of messages matters.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from demo.recount.event_types import TYPES
from demo.recount.events import EventData
from demo.recount.json_values import UNREADABLE, count, text

Aggregate = tuple[str, str]
"""Kind and id: a broker and a partner may share an organisation's id."""


class Record(NamedTuple):
    """One message on a topic, the envelope in its value."""

    topic: str
    partition: int
    offset: int
    value: bytes
    is_admitted: bool = True
    """Whether the contracts admit it on its topic, as every reader asks them."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that could be read."""

    aggregate: Aggregate
    epoch: int
    version: int
    data: EventData


def surviving(records: Iterable[Record]) -> dict[Aggregate, list[EventData]]:
    """The events of every aggregate, in the order of its versions.

    The first offset of an (aggregate, epoch, version) wins, among the messages that can be read: a corrected
    message that was redriven takes the place of the broken one.
    """
    read: dict[Aggregate, dict[tuple[int, int], EventData]] = {}
    for record in sorted(records, key=lambda record: record[:3]):
        message = _read(record.value) if record.is_admitted else None
        if message is not None:
            versions = read.setdefault(message.aggregate, {})
            versions.setdefault((message.epoch, message.version), message.data)
    return {aggregate: _without_undone(versions) for aggregate, versions in read.items()}


def _without_undone(versions: dict[tuple[int, int], EventData]) -> list[EventData]:
    """A restore undid what a lower epoch has at or above a higher epoch's first version."""
    first: dict[int, int] = {}
    for epoch, version in sorted(versions):
        first.setdefault(epoch, version)
    return [
        versions[epoch, version]
        for epoch, version in sorted(versions)
        if all(version < first[later] for later in first if later > epoch)
    ]


def _read(value: bytes) -> Message | None:
    try:
        envelope = json.loads(value)
        namespace, name, contract = text(envelope["type"]).rsplit(".", 2)
        if (namespace, contract) != ("nl.samenspel", "v1"):
            return None
        type_ = TYPES[name]
        data = envelope["data"]
        if data[type_.identified_by] != envelope["subject"]:
            return None
        return Message(
            aggregate=(type_.aggregate, text(envelope["subject"])),
            epoch=count(envelope["streamepoch"]),
            version=count(envelope["aggregateversion"]),
            data=type_.read(data),
        )
    except UNREADABLE:
        return None
