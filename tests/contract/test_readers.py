"""Doors refuse, readers normalise: what the JSON Schemas allow is read, understood and computed with, for ever.

The messages are generated from the committed schemas and manifest alone.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.admission import admit
from contracts.documents.generated import messages
from contracts.envelope import decode, encode
from contracts.topics import INPUTS
from samenspel.topic_records import TopicRecord
from services.reporting import publication
from services.reporting.definitions import SHIPPED
from services.reporting.facts.events import read
from services.reporting.in_memory import InMemory
from tests.builders import source_of
from tests.contract.story import CONTRACTS, Json, contents
from tests.deliveries import as_sent, delivered_in_order
from tests.scenarios import as_announced

MANIFEST = contents(CONTRACTS / "topics.json")
ENVELOPE = contents(CONTRACTS / MANIFEST["envelope"])
EVENTS = {entry["type"]: (topic["name"], entry) for topic in MANIFEST["topics"] for entry in topic["events"]}
READ_BY_REPORTING = [type_ for type_, (topic, _) in EVENTS.items() if topic in INPUTS]
QUIETLY = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]
few = settings(max_examples=25, deadline=None, suppress_health_check=QUIETLY)


@cache  # making a strategy costs more than drawing from it
def generated(type_: str) -> st.SearchStrategy[Json]:
    _, entry = EVENTS[type_]
    return messages(ENVELOPE, entry, contents(CONTRACTS / entry["schema"]))


def as_sent_by_its_topic(message: Mapping[str, Any], offset: int = 0) -> TopicRecord:
    """The message as its topic's service would send it: a schema allows every sender."""
    topic, _ = EVENTS[message["type"]]
    return as_sent({**message, "source": source_of(topic)}, topic=topic, offset=offset)


@pytest.mark.parametrize("type_", sorted(EVENTS))
@few
@given(data=st.data())
def test_what_a_schema_allows_is_read_by_every_reader_and_also_when_we_write_it_again(
    type_: str, data: st.DataObject
) -> None:
    message = data.draw(generated(type_))

    record = as_sent_by_its_topic(message)
    said = decode(record.value)
    again = as_sent_by_its_topic(json.loads(encode(said.envelope, said.event)))

    assert (said.envelope.type, str(said.envelope.id)) == (type_, message["id"])
    assert admit(record, record.topic).event() == admit(again, again.topic).event() == said.event
    if type_ in READ_BY_REPORTING:
        assert read(record, record.topic).event_id == message["id"]


WITHOUT_DEFINITIONS = [type_ for type_ in READ_BY_REPORTING if "IndicatorDefined" not in type_]


@settings(few, max_examples=60)
@given(st.lists(st.sampled_from(WITHOUT_DEFINITIONS).flatmap(generated), min_size=1, max_size=8))
def test_whatever_the_schemas_allow_gives_figures_that_can_be_announced(said: list[Json]) -> None:
    memory = InMemory()
    records = [as_sent_by_its_topic(message, offset) for offset, message in enumerate(said)]
    for record in (*delivered_in_order(as_announced(SHIPPED)).records, *records):
        memory.ledger.add(read(record, record.topic))

    memory.recompute()

    for fields in memory.figures.values():
        digest, no_causes = publication.digest_of(fields), publication.NO_CAUSES
        publication.announced(fields, digest, None, no_causes, cut_id=1, known_at=SHIPPED[0].defined_at)
