"""Doors refuse, readers normalise: what the JSON Schemas allow is read, understood and computed with, for ever.

The messages are generated from the schemas and the manifest alone: from what is committed now, and from what was
released, where that is another.
"""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.admission import admit
from contracts.envelope import decode, encode
from contracts.topics import INPUTS
from services.reporting.facts.events import read
from services.reporting.things import settle
from tests.contract.story import CONTRACTS
from tests.generated import EVENTS, READ_BY_REPORTING, as_sent_by_its_topic, generated, has_changed

QUIETLY = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]
few = settings(max_examples=25, deadline=None, suppress_health_check=QUIETLY)


@pytest.mark.parametrize(
    ("type_", "released"),
    [(type_, True) for type_ in sorted(EVENTS)] + [(type_, False) for type_ in sorted(EVENTS) if has_changed(type_)],
)
@few
@given(data=st.data())
def test_what_a_schema_allows_is_read_by_every_reader_and_also_when_we_write_it_again(
    type_: str, *, released: bool, data: st.DataObject
) -> None:
    message = data.draw(generated(type_, released=released))

    record = as_sent_by_its_topic(message)
    said = decode(record.value)
    again = as_sent_by_its_topic(json.loads(encode(said.envelope, said.event)))

    assert (said.envelope.type, str(said.envelope.id)) == (type_, message["id"])
    assert admit(record, record.topic).event() == admit(again, again.topic).event() == said.event
    if type_ in READ_BY_REPORTING:
        fact = read(record, record.topic)
        assert fact.event_id == message["id"]
        assert not settle({}, [fact]).failed


@pytest.mark.parametrize(
    "path", sorted((CONTRACTS / "released" / "corpus").glob("*.jsonl")), ids=lambda path: path.stem
)
def test_every_released_message_is_a_fact_that_reporting_can_count_with(path: Path) -> None:
    messages = [json.loads(line) for line in path.read_bytes().splitlines()]

    facts = [read(record, record.topic) for record in map(as_sent_by_its_topic, messages) if record.topic in INPUTS]

    assert len(facts) == (len(messages) if messages[0]["type"] in READ_BY_REPORTING else 0)
    assert not settle({}, facts).failed
