"""Doors refuse, readers normalise: what the JSON Schemas allow is read, understood and computed with, for ever.

The messages are generated from the committed schemas and manifest alone.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.admission import admit
from contracts.envelope import decode, encode
from services.reporting.facts.events import read
from services.reporting.things import settle
from tests.generated import EVENTS, READ_BY_REPORTING, as_sent_by_its_topic, generated

QUIETLY = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]
few = settings(max_examples=25, deadline=None, suppress_health_check=QUIETLY)


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
        fact = read(record, record.topic)
        assert fact.event_id == message["id"]
        assert not settle({}, [fact]).failed
