"""The many ways in which a scenario may arrive: each event one to five times, in any order, with cuts in between.

Hypothesis draws only one number for the order of arrival; everything else of a scenario it can shrink.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from aiokafka import ConsumerRecord
from hypothesis import strategies as st

from contracts.envelope import CONTENT_TYPE
from contracts.events import catalogue
from contracts.partitioner import partition_of
from contracts.topics import TOPICS
from samenspel.topic_records import TopicRecord
from tests.scenarios import Announced, Scenario, scenarios


class Delivery:
    """A scenario as it arrived, in parts: a cut falls behind each."""

    def __init__(self, parts: Iterable[tuple[TopicRecord, ...]]) -> None:
        self.parts = tuple(parts)

    @property
    def records(self) -> list[TopicRecord]:
        """All that arrived, in order."""
        return [record for part in self.parts for record in part]

    def __repr__(self) -> str:
        """For a test that failed: what came when."""
        return "\n--- cut ---\n".join(
            "\n".join(_shown(record) for record in part if "targets" not in record.topic) for part in self.parts
        )


def _shown(record: TopicRecord) -> str:
    envelope = json.loads(record.value or b"")
    event = " ".join(str(envelope[name]) for name in ("type", "subject", "streamepoch", "aggregateversion"))
    return f"{record.topic}/{record.partition}/{record.offset} {event}"


def delivered_in_order(announced: Sequence[Announced], *, cuts: Sequence[int] = ()) -> Delivery:
    """The events as they lie on their topics, one after the other; the cuts are before these indexes."""
    ends: Counter[tuple[str, int]] = Counter()
    records: list[TopicRecord] = []
    for event, key, value in announced:
        partition = (event.topics[0], partition_of(key.encode()))
        records.append(a_record(*partition, ends[partition], key=key.encode(), value=value))
        ends[partition] += 1
    borders = [0, *sorted(cuts), len(records)]
    return Delivery(tuple(records[start:end]) for start, end in pairwise(borders))


@st.composite
def deliveries(draw: st.DrawFn, scenario: Scenario) -> Delivery:
    order = random.Random(draw(st.integers(0, 2**32)))
    often = [each for each in scenario.announced for _ in range(order.choice((1, 1, 2, 3, 5)))]
    order.shuffle(often)
    cuts = draw(st.lists(st.integers(0, len(often)), max_size=2))
    return delivered_in_order(often, cuts=cuts)


@st.composite
def delivered_scenarios(draw: st.DrawFn, *, before: list[Announced]) -> tuple[Scenario, Delivery]:
    """A scenario, and a way in which it may arrive; what was announced before it arrives anywhere in between."""
    scenario = draw(scenarios())
    scenario.announced[:0] = before
    return scenario, draw(deliveries(scenario))


EVENT_HEADERS = (("content-type", CONTENT_TYPE),)


def a_record(
    topic: str,
    partition: int,
    offset: int,
    *,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] = EVENT_HEADERS,
) -> TopicRecord:
    """A record as aiokafka returns it."""
    return ConsumerRecord(topic, partition, offset, 0, 1, key, value, None, 0, 0, headers)


def in_binary_mode(record: TopicRecord) -> TopicRecord:
    """The same message with its attributes in headers."""
    said: dict[str, Any] = json.loads(record.value or b"")
    data = json.dumps(said.pop("data"), ensure_ascii=False).encode()
    attributes = {name: value for name, value in said.items() if name != "datacontenttype" and value is not None}
    headers = [(f"ce_{name}", str(value).encode("utf-8", "replace")) for name, value in attributes.items()]
    place = record.topic, record.partition, record.offset
    return a_record(*place, key=record.key, value=data, headers=(*headers, ("content-type", b"application/json")))


def topic_of(message: Mapping[str, Any]) -> str:
    """The topic on which the sender of a message writes events of its type."""
    service, event = str(message["source"]).rpartition(":")[2], catalogue[message["type"]]
    return next(topic.name for topic in TOPICS if topic.name in event.topics and topic.producer == service)


def as_sent(message: Mapping[str, Any], *, topic: str | None = None, offset: int = 0) -> TopicRecord:
    """A message of an event where its sender puts it: on its own topic of that type, with its own key."""
    key = str(message["partitionkey"]).encode()
    place = topic or topic_of(message)
    return a_record(place, partition_of(key), offset, key=key, value=json.dumps(message, ensure_ascii=False).encode())
