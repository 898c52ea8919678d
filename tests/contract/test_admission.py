"""One list of odd records, and one verdict: whatever reads a topic admits the same records and refuses the same."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka.partitioner import murmur2 as murmur2_of_the_client
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import partitioner
from contracts.activities import ACTIVITIES
from contracts.admission import admit, read_as_written
from contracts.envelope import InvalidMessage, decode, encode
from contracts.events import MAX_EVENT_BYTES
from contracts.outcomes import CommandRejected
from contracts.requests import REQUESTS, RequestRaised
from contracts.targets import IndicatorDefined
from demo.recount.topics import as_record
from samenspel.topic_records import TopicRecord
from services.chassis.redrives import NotAdmitted, resent
from services.reporting.facts.events import read
from tests.contract.story import CONTRACTS, EXAMPLES, Json, contents, written
from tests.deliveries import EVENT_HEADERS
from tests.odd_records import NOT_OURS, ODD, RAISED, Odd

OF_ITS_PLACE = {"no-key", "wrong-key", "wrong-partition"}
"""What a redrive mends by itself; and it takes a message without headers for a structured one."""
SCHEMAS = sorted((CONTRACTS / "schemas").glob("*.json"))


def refused_by(verdict: Callable[[TopicRecord, str], object], odd: Odd) -> str | None:
    try:
        verdict(odd.record(), odd.topic)
    except InvalidMessage as error:
        return error.reason
    return None


@pytest.mark.parametrize("name", ODD)
def test_a_record_is_admitted_or_says_why_not(name: str) -> None:
    assert refused_by(admit, ODD[name]) == ODD[name].reason


@pytest.mark.parametrize("name", ODD)
def test_every_reader_has_the_same_verdict(name: str) -> None:
    odd = ODD[name]
    admitted = odd.reason is None

    assert refused_by(read, odd) == odd.reason
    assert as_record(odd.record(), odd.topic).is_admitted == admitted
    assert can_be_redriven(odd) == (admitted or odd.reason in OF_ITS_PLACE or not odd.headers)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no key", "the record has no key, so its aggregate has no order"),
        ("another key", "the key is not the partitionkey duo:99ZA00"),
        ("another partition", f"the key duo:99ZA00 belongs on {partitioner.partition_of(b'duo:99ZA00')}"),
        ("a type of another topic", f"RequestRaised does not belong on {ACTIVITIES}"),
        ("another sender", f"{NOT_OURS} is not requests, which alone writes this topic"),
        ("a tombstone", "the message has no value"),
    ],
)
def test_a_dead_letter_says_in_words_why_a_record_was_not_admitted(name: str, said: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        admit(ODD[name].record(), ODD[name].topic)

    assert refused.value.detail == said


def of_bytes(size: int) -> Odd:
    """A request's message of this size, with a long field that nobody knows."""
    value = written(RAISED | {"newer": ""})
    return Odd(value.replace(b'"newer": ""', b'"newer": "' + b"x" * (size - len(value)) + b'"'), None)


def test_an_event_has_at_most_so_many_bytes() -> None:
    assert refused_by(admit, of_bytes(MAX_EVENT_BYTES)) is None
    with pytest.raises(InvalidMessage, match=f"{MAX_EVENT_BYTES + 1} bytes; an event has at most") as refused:
        admit(of_bytes(MAX_EVENT_BYTES + 1).record(), REQUESTS)

    assert refused.value.reason == "too-large"


def test_a_header_without_a_value_is_refused() -> None:
    no_value = cast("bytes", None)  # Kafka allows it; the client's types do not say so
    record = Odd(written(RAISED), None, headers=(*EVENT_HEADERS, ("ce_type", no_value))).record()

    with pytest.raises(InvalidMessage, match="header ce_type has no value") as refused:
        admit(record, REQUESTS)

    assert refused.value.reason == "null-header"


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("newer", [{}, {"newer": "é"}, {"data": RAISED["data"] | {"wishedTo": "2028-02-29"}}])
def test_an_admitted_event_says_all_that_a_reader_needs(newer: Json) -> None:
    message = RAISED | {"traceparent": TRACE} | newer
    odd = Odd(json.dumps(message, ensure_ascii=False).encode(), None)

    admitted = admit(odd.record(), odd.topic)

    assert (admitted.kind, admitted.id, admitted.source) == (RequestRaised, message["id"], message["source"])
    assert (admitted.subject, admitted.partitionkey) == (message["subject"], message["partitionkey"])
    assert (admitted.epoch, admitted.version) == (message["streamepoch"], message["aggregateversion"])
    assert (admitted.aggregate, admitted.traceparent) == (f"request:{message['subject']}", TRACE)
    assert admitted.event() == decode(odd.value, dict(odd.headers)).event
    assert b"null" not in admitted.data


def test_a_field_of_tomorrow_does_not_keep_an_event_from_being_typed() -> None:
    odd = ODD["a field of tomorrow"]

    assert admit(odd.record(), odd.topic).event() == admit(ODD["as it is sent"].record(), REQUESTS).event()


def test_letters_outside_ascii_do_not_make_the_reader_slow() -> None:
    value = json.dumps(RAISED | {"newer": "Geïnteresseerd"}, ensure_ascii=False).encode()

    assert read_as_written(value, EVENT_HEADERS) is not None


def can_be_redriven(odd: Odd) -> bool:
    try:
        resent(odd.value or b"", odd.headers, odd.topic)
    except NotAdmitted:
        return False
    return True


def test_a_binary_message_counts_in_the_recount_as_a_structured_one() -> None:
    binary, structured = ODD["binary mode"].record(), ODD["as it is sent"].record()

    assert decode(as_record(binary, REQUESTS).value) == decode(as_record(structured, REQUESTS).value)


@given(st.binary(max_size=40))
def test_the_partitioner_is_that_of_the_client(key: bytes) -> None:
    assert partitioner.murmur2(key) == murmur2_of_the_client(key) & 0xFFFFFFFF


# The fast reader may refuse what the models take, and then they decide; the other way round would be a second verdict.
ODD_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([2**31, 2**63, 10**400, 1.5, 90.0, -0.0, "", " ", "\n", "\0", "\\u0000", "é", "e\u0301", "1"])
    | st.sampled_from(["2025-10-03t09:12:00z", "2025-10-03 09:12:00Z", "2025-10-03T09:12:60Z", "2025-10-03T24:00:00Z"])
    | st.sampled_from(["2025-10-03T09:12Z", "2025-10-03T09:12:00.1234567Z", "2025-10-03T09:12:00+23:59", "20251003"])
    | st.sampled_from(["2028-02-29", "2025-02-29", "2100-12-31T23:59:59-12:00", "2000-01-01T00:00:00+12:00"])
    | st.builds(list)  # made anew each time: what is put into it must not be there in the next example
    | st.builds(dict)
    | st.builds(lambda: [None])
    | st.sampled_from(["duo:99ZA00\n", "GM0796\n", "DUO:99ZA00", "own:" + "x" * 124])
    | st.text(max_size=6)
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, name) in a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, part in parts for place in [(value, name), *places(part)]]


REGISTERED = re.compile(r"(duo|lrk):")
OTHER_SPELLINGS = ("duo:99za00", "duo:99ZA0", "duo:99ZA0A", "DUO:99ZA00", "duo:x", "lrk:99000001a", "lrk:")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_id_of_a_register_in_another_spelling_is_refused_in_every_field(path: Path) -> None:
    for field in range(len(places(contents(path)))):
        message = contents(path)
        holder, name = places(message)[field]
        if name == "partitionkey" or not (isinstance(holder[name], str) and REGISTERED.match(holder[name])):
            continue  # the partition key is an opaque text, that of the aggregate when it was created
        for spelled in OTHER_SPELLINGS:
            holder[name] = spelled
            value = json.dumps(message).encode()

            assert read_as_written(value, EVENT_HEADERS) is None
            with pytest.raises(InvalidMessage):
                decode(value, dict(EVENT_HEADERS))


def of_another_type(value: Any) -> list[Any]:
    """What a lenient reader would take for this number or boolean."""
    if isinstance(value, bool):
        return [int(value), float(value), json.dumps(value), "yes" if value else "no"]
    return [str(value), f" {value} ", bool(value)] if isinstance(value, int) else []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_no_number_or_no_boolean_is_read_as_none(path: Path) -> None:
    for field in range(len(places(contents(path)["data"]))):
        message = contents(path)
        holder, name = places(message["data"])[field]
        for other in of_another_type(holder[name]):
            holder[name] = other
            value = json.dumps(message).encode()

            assert read_as_written(value, EVENT_HEADERS) is None
            with pytest.raises(InvalidMessage):
                decode(value, dict(EVENT_HEADERS))


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(EXAMPLES), st.data())
def test_what_the_fast_reader_takes_the_models_read_as_the_same(path: Path, data: st.DataObject) -> None:
    message = contents(path)
    for _ in range(data.draw(st.integers(0, 2))):
        holder, name = data.draw(st.sampled_from(places(message)))
        holder[name] = data.draw(ODD_VALUES)
    value = json.dumps(message).encode()

    fast = read_as_written(value, EVENT_HEADERS)

    if fast is not None:
        slow = decode(value)
        assert fast.event() == slow.event
        order = slow.envelope.streamepoch, slow.envelope.aggregateversion
        assert (fast.id, fast.aggregate, (fast.epoch, fast.version)) == (str(slow.envelope.id), slow.aggregate, order)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_what_we_write_is_read_fast(path: Path) -> None:
    message = decode(path.read_bytes())

    fast = read_as_written(encode(message.envelope, message.event), EVENT_HEADERS)

    of_many_forms = IndicatorDefined | CommandRejected  # few, with names or values of many forms inside
    assert fast is not None or isinstance(message.event, of_many_forms)


def texts(schema: Any, name: str = "") -> list[tuple[str, Json]]:
    """Every text that a schema describes."""
    if isinstance(schema, list):
        return [found for each in schema for found in texts(each, name)]
    if not isinstance(schema, dict):
        return []
    own = [(name, schema)] if schema.get("type") == "string" else []
    return own + [found for key, each in schema.items() for found in texts(each, f"{name}.{key}")]


@pytest.mark.parametrize("path", SCHEMAS, ids=[path.stem for path in SCHEMAS])
def test_no_schema_allows_a_nul(path: Path) -> None:
    """PostgreSQL stores none: a text with one would be accepted, and then stop whoever stores it."""
    for name, schema in texts(contents(path)):
        is_closed = "enum" in schema or "const" in schema or schema.get("format") == "uuid"
        assert is_closed or not re.search(schema["pattern"], "a\0b"), name
        assert is_closed or not re.search(schema["pattern"], "\0"), name
