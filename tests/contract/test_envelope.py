"""The envelope: written one way, read in both modes, and whatever else arrives is `InvalidMessage`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.envelope import InvalidMessage, Message, decode, describe, encode
from contracts.sites import SiteRecorded
from tests.contract.story import EXAMPLES, Json, an_example, written

CORRELATION, CAUSATION = "018f0000-0000-7000-8000-000000000000", "018f0000-0000-7000-8000-000000000001"
DEEP = 1000  # far below what a naive parser bears, far above what an event needs


def _spoilt(name: str, spoil: Callable[[Json], object]) -> bytes:
    message = an_example(name)
    spoil(message)
    return written(message)


def _nested(name: str, depth: int) -> bytes:
    """Its name is nested so deep, the event and its data included."""
    inner = depth - len(("event", "data"))
    message = an_example(name)
    message["data"]["name"] = "…"
    return written(message).replace('"…"'.encode(), b"[" * inner + b"]" * inner)


NOT_UNDERSTOOD: list[tuple[str, bytes | None, str]] = [
    ("no value", None, "no-data"),
    ("empty value", b"", "no-data"),
    ("not JSON", b"{", "malformed-json"),
    ("not an object", b"[]", "malformed-json"),
    ("not UTF-8", b'{"id": "\xff"}', "malformed-json"),
    ("nested too deep", b'{"data":' * DEEP + b"{}" + b"}" * DEEP, "malformed-json"),
    ("a null character", _spoilt("SiteRecorded", lambda m: m["data"]["name"].update(nl="De\0Dieze")), "invalid-data"),
    ("no id", _spoilt("SiteRecorded", lambda m: m.pop("id")), "invalid-envelope"),
    ("source is no URN", _spoilt("SiteRecorded", lambda m: m.update(source="requests")), "invalid-envelope"),
    ("version zero", _spoilt("SiteRecorded", lambda m: m.update(aggregateversion=0)), "invalid-envelope"),
    ("another subject", _spoilt("SiteRecorded", lambda m: m.update(subject="duo:00AA00")), "invalid-envelope"),
    ("unknown type", _spoilt("SiteRecorded", lambda m: m.update(type="nl.samenspel.SiteSold.v1")), "unknown-type"),
    (
        "unknown version",
        _spoilt("SiteRecorded", lambda m: m.update(type="nl.samenspel.SiteRecorded.v2")),
        "unknown-version",
    ),
    ("no data", _spoilt("SiteRecorded", lambda m: m.pop("data")), "invalid-data"),
    ("data nested as deep as JSON is read", _nested("SiteRecorded", 199), "invalid-data"),
    ("data of another type", _spoilt("SiteRecorded", lambda m: m.update(data=[])), "invalid-data"),
    ("a field missing", _spoilt("SiteRecorded", lambda m: m["data"].pop("kinds")), "invalid-data"),
    ("a wrong enum", _spoilt("SiteRecorded", lambda m: m["data"].update(kinds=["pub"])), "invalid-data"),
    ("a number for a day", _spoilt("SiteRecorded", lambda m: m["data"].update(validFrom="86400")), "invalid-data"),
    (
        "no year of ours",
        _spoilt("CutTaken", lambda m: m["data"].update(knownAt="0001-01-01T00:00:00+14:00")),
        "invalid-data",
    ),
]


@pytest.mark.parametrize(
    ("value", "reason"), [each[1:] for each in NOT_UNDERSTOOD], ids=[each[0] for each in NOT_UNDERSTOOD]
)
def test_a_message_that_cannot_be_understood_says_why(value: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        decode(value)

    assert refused.value.reason == reason


def test_a_subject_that_the_data_do_not_have_is_said_to_be_one() -> None:
    with pytest.raises(InvalidMessage, match=r"^invalid-envelope: subject: is not the one in the data$"):
        decode(_spoilt("SiteRecorded", lambda message: message.update(subject="duo:00AA00")))


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(InvalidMessage) as refused:
        decode(_spoilt("SiteRecorded", lambda message: message["data"].update(board="juf@school.example")))

    assert "juf" not in str(refused.value)


def test_what_is_refused_after_its_envelope_was_read_says_which_message_it_was() -> None:
    with pytest.raises(InvalidMessage) as refused:
        decode(_spoilt("SiteRecorded", lambda message: message["data"].pop("kinds")))

    assert refused.value.about is not None
    assert str(refused.value.about.id) == an_example("SiteRecorded")["id"]


@given(st.sampled_from(EXAMPLES), st.data())
def test_no_bytes_make_the_reader_raise_anything_else(path: Path, data: st.DataObject) -> None:
    value = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(value)))
        value[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))

    try:
        message = decode(bytes(value))
    except InvalidMessage:
        return

    assert decode(encode(message.envelope, message.event)) == message


REFUSED_LATER: list[tuple[str, Callable[[Json], object]]] = [
    ("unknown-type", lambda message: message.update(type="nl.samenspel.SiteSold.v1")),
    ("unknown-version", lambda message: message.update(type="nl.samenspel.SiteRecorded.v2")),
    ("invalid-data", lambda message: message["data"].pop("kinds")),
    ("invalid-envelope", lambda message: message.update(subject="duo:00AA00")),
]


@pytest.mark.parametrize(("reason", "spoil"), REFUSED_LATER, ids=[each[0] for each in REFUSED_LATER])
def test_every_refusal_behind_the_envelope_tells_which_message_it_was(
    reason: str, spoil: Callable[[Json], object]
) -> None:
    with pytest.raises(InvalidMessage) as refused:
        decode(_spoilt("SiteRecorded", spoil))

    assert refused.value.reason == reason
    assert refused.value.about is not None
    assert str(refused.value.about.id) == an_example("SiteRecorded")["id"]


WHAT_IS_SAID: list[tuple[bytes, dict[str, bytes | None] | None, str]] = [
    (b"", None, "no-data: the message has no value"),
    (b"[]", None, "malformed-json: an object was expected, not list"),
    (b"{", None, "malformed-json: EOF while parsing an object at line 1 column 1"),
    (
        _spoilt("SiteRecorded", lambda message: message.update(id="site-1")),
        None,
        "invalid-envelope: id: Value error, must be a UUID (1 in all)",
    ),
    (
        _spoilt("SiteRecorded", lambda message: message["data"]["name"].update(nl=1)),
        None,
        "invalid-data: name.nl: Input should be a valid string (1 in all)",
    ),
    (
        _spoilt("SiteRecorded", lambda message: message.update(data=[])),
        None,
        "invalid-data: the whole: Input should be a valid dictionary or instance of SiteRecorded (1 in all)",
    ),
    (
        _spoilt("SiteRecorded", lambda message: message.update(data_base64="e30=")),
        None,
        "invalid-envelope: data_base64: beside data",
    ),
    (
        _spoilt("SiteRecorded", lambda message: message.update(data=None, data_base64="*")),
        None,
        "invalid-envelope: data_base64: is not Base64",
    ),
    (
        _spoilt("SiteRecorded", lambda message: message.update(data=None, data_base64=7)),
        None,
        "invalid-envelope: data_base64: is not Base64",
    ),
    (
        b"[]",
        {"content-type": b"application/cloudevents-batch+json"},
        "invalid-envelope: content-type: only application/cloudevents+json is read",
    ),
    (b"{}", {"content-type": b"\xff"}, "invalid-envelope: a header is not UTF-8"),
]


@pytest.mark.parametrize(("value", "headers", "said"), WHAT_IS_SAID, ids=[each[2] for each in WHAT_IS_SAID])
def test_a_dead_letter_says_in_words_what_was_wrong(
    value: bytes, headers: dict[str, bytes | None] | None, said: str
) -> None:
    with pytest.raises(InvalidMessage) as refused:
        decode(value, headers)

    assert str(refused.value) == said


def test_what_is_described_is_what_is_read_back() -> None:
    message = decode(written(an_example("ActivityDelivered")))
    said = message.envelope
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    described = describe(
        message.event,
        id=said.id,
        source=said.source,
        time=said.time,
        key=said.partitionkey,
        version=said.aggregateversion,
        epoch=said.streamepoch,
        correlation=CORRELATION,
        causation=CAUSATION,
        traceparent=trace,
    )

    envelope = decode(encode(described, message.event)).envelope
    assert (envelope.correlationid, envelope.causationid) == (CORRELATION, CAUSATION)
    assert envelope.traceparent == trace
    changed = {"correlationid": said.correlationid, "causationid": said.causationid, "traceparent": said.traceparent}
    assert envelope.model_copy(update=changed) == said


def in_binary_mode(name: str) -> tuple[bytes, dict[str, bytes | None]]:
    message = an_example(name)
    data = written(message.pop("data"))
    del message["datacontenttype"]  # in binary mode it is the header content-type
    headers: dict[str, bytes | None] = {f"ce_{attribute}": str(said).encode() for attribute, said in message.items()}
    return data, {**headers, "content-type": b"application/json"}


def test_binary_mode_says_the_same_as_structured_mode() -> None:
    value, headers = in_binary_mode("ActivityDelivered")

    message = decode(value, headers)

    assert message == decode(written(an_example("ActivityDelivered")))


@pytest.mark.parametrize("text", [b"\xff", None], ids=["not UTF-8", "null"])
def test_a_broken_header_in_binary_mode_is_malformed(text: bytes | None) -> None:
    value, headers = in_binary_mode("ActivityDelivered")

    with pytest.raises(InvalidMessage) as refused:
        decode(value, {**headers, "ce_subject": text})

    assert refused.value.reason == "invalid-envelope"


def test_in_binary_mode_the_content_type_alone_says_what_the_data_are() -> None:
    value, headers = in_binary_mode("ActivityDelivered")

    message = decode(value, {**headers, "ce_datacontenttype": b"text/plain"})
    no_type = {name: text for name, text in headers.items() if name != "content-type"}
    without = decode(value, {**no_type, "ce_datacontenttype": b"text/plain"})

    assert message == without == decode(written(an_example("ActivityDelivered")))


def with_fields_of_tomorrow(message: Json) -> Json:
    area = {**message["data"]["learningAreas"][0], "weight": 2}
    return {**message, "severity": "low", "data": {**message["data"], "phase": "pilot", "learningAreas": [area]}}


def test_a_reader_ignores_fields_that_it_does_not_know_yet_at_any_depth() -> None:
    today = an_example("RequestRaised")

    message = decode(written(with_fields_of_tomorrow(today)))

    assert message == decode(written(today))


@pytest.mark.parametrize("extra", [{"phase": "pilot"}, {"name": {"nl": "De Dieze", "fy": "De Dize"}}])
def test_a_writer_may_not_add_a_field(extra: Json) -> None:
    data = {**an_example("SiteRecorded")["data"], **extra}

    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        SiteRecorded.model_validate(data)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_same_event_always_has_the_same_bytes(path: Path) -> None:
    first = decode(path.read_bytes())

    second = decode(encode(first.envelope, first.event))

    assert encode(second.envelope, second.event) == encode(first.envelope, first.event)


def test_an_event_equals_what_is_read_back_also_when_the_clock_counts_microseconds() -> None:
    value = _spoilt(
        "RequestRaised", lambda message: message["data"].update(raisedAt="2025-10-03T11:12:00.123987+02:00")
    )
    message: Message = decode(value)

    again = decode(encode(message.envelope, message.event))

    assert again == message
    assert json.loads(encode(message.envelope, message.event))["data"]["raisedAt"] == "2025-10-03T09:12:00.123Z"
