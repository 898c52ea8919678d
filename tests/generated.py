"""Messages made from JSON Schemas and the manifest alone, and sent as their topic's service would send them: from the
schemas that are committed now, and from those that were released, which stay readable for ever."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from contracts.documents.generated import messages
from contracts.outcomes import OUTCOMES
from contracts.requests import REQUESTS
from contracts.topics import INPUTS
from samenspel.topic_records import TopicRecord
from tests.builders import source_of
from tests.contract.story import CONTRACTS, Json, contents
from tests.deliveries import as_sent

A_CLIENT = "a-client"
MANIFEST = contents(CONTRACTS / "topics.json")
TOPICS = [*MANIFEST["topics"], *MANIFEST["clientTopics"]]
EVENTS = {entry["type"]: (topic["name"], entry) for topic in TOPICS for entry in topic["events"]}
READ_BY_REPORTING = [type_ for type_, (topic, _) in EVENTS.items() if topic in INPUTS]


@cache  # making a strategy costs more than drawing from it
def generated(type_: str, *, released: bool = False) -> st.SearchStrategy[Json]:
    _, entry = EVENTS[type_]
    envelope, schema = (_schema(file, released=released) for file in (MANIFEST["envelope"], entry["schema"]))
    return messages(envelope, entry, schema)


def has_changed(type_: str) -> bool:
    """Whether an event's schema, or the envelope's, is another than was released."""
    files = MANIFEST["envelope"], EVENTS[type_][1]["schema"]
    return any(_schema(file, released=True) != _schema(file, released=False) for file in files)


def _schema(file: str, *, released: bool) -> Json:
    return contents(CONTRACTS / "released" / Path(file).name if released else CONTRACTS / file)


def as_sent_by_its_topic(message: Mapping[str, Any], offset: int = 0) -> TopicRecord:
    """A schema allows every sender."""
    topic, _ = EVENTS[message["type"]]
    source = source_of(REQUESTS if topic == OUTCOMES else topic)  # either service that answers commands
    return as_sent({**message, "source": source}, topic=topic.format(client=A_CLIENT), offset=offset)
