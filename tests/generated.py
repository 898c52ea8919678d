"""Messages made from the committed schemas and manifest alone, and sent as their topic's service would send them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from contracts.documents.generated import messages
from contracts.topics import INPUTS
from samenspel.topic_records import TopicRecord
from tests.builders import source_of
from tests.contract.story import CONTRACTS, Json, contents
from tests.deliveries import as_sent

MANIFEST = contents(CONTRACTS / "topics.json")
ENVELOPE = contents(CONTRACTS / MANIFEST["envelope"])
EVENTS = {entry["type"]: (topic["name"], entry) for topic in MANIFEST["topics"] for entry in topic["events"]}
READ_BY_REPORTING = [type_ for type_, (topic, _) in EVENTS.items() if topic in INPUTS]


@cache  # making a strategy costs more than drawing from it
def generated(type_: str) -> st.SearchStrategy[Json]:
    _, entry = EVENTS[type_]
    return messages(ENVELOPE, entry, contents(CONTRACTS / entry["schema"]))


def as_sent_by_its_topic(message: Mapping[str, Any], offset: int = 0) -> TopicRecord:
    """A schema allows every sender."""
    topic, _ = EVENTS[message["type"]]
    return as_sent({**message, "source": source_of(topic)}, topic=topic, offset=offset)
