"""One list of odd records, and one verdict: whatever reads a topic admits the same records and refuses the same."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as murmur2_of_the_client
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import partitioner
from contracts.activities import ACTIVITIES
from contracts.admission import admit, read_as_written
from contracts.envelope import Malformed, decode, encode
from contracts.partitioner import partition_of
from contracts.requests import REQUESTS
from contracts.targets import IndicatorDefined
from contracts.topics import PARTITIONS
from demo.recount.topics import as_record
from samenspel.commands import dead_letters
from samenspel.failure import CommandFailed
from samenspel.topic_records import TopicRecord
from services.reporting import rebuild
from services.reporting.facts.events import read
from tests.contract.story import CONTRACTS, EXAMPLES, Json, an_example, contents, written
from tests.deliveries import EVENT_HEADERS, a_record

SCHEMAS = sorted((CONTRACTS / "schemas").glob("*.json"))
NOT_OURS = "urn:nld:oin:00000099000000001000:systeem:others"


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that differs from what our services send, and the reason of its refusal; None: it is admitted."""

    value: bytes | None
    reason: str | None
    topic: str = REQUESTS
    key: bytes | None = b"duo:99ZA00"
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = EVENT_HEADERS

    @property
    def record(self) -> TopicRecord:
        partition = partition_of(self.key or b"") if self.partition is None else self.partition
        return a_record(self.topic, partition, 0, key=self.key, value=self.value, headers=self.headers)


RAISED = an_example("RequestRaised")
KEY = RAISED["partitionkey"].encode()


def with_(*absent: str, **changed: Any) -> bytes:
    """A request's message with other attributes."""
    message = RAISED | changed
    return written({name: value for name, value in message.items() if name not in absent})


def with_data(**changed: Any) -> bytes:
    return with_(data=RAISED["data"] | changed)


def in_base64(data: Json) -> bytes:
    return with_("data", data_base64=base64.b64encode(written(data)).decode())


def in_binary_mode(content_type: bytes = b"application/json", **changed: str) -> tuple[tuple[str, bytes], ...]:
    attributes = {name: str(value) for name, value in RAISED.items() if name not in {"data", "datacontenttype"}}
    named = [(f"ce_{name}", text.encode()) for name, text in (attributes | changed).items()]
    return (*named, ("content-type", content_type))


DATA = written(RAISED["data"])
ODD: dict[str, Odd] = {
    "as it is sent": Odd(with_(), None),
    # CloudEvents
    "datacontenttype with a parameter": Odd(with_(datacontenttype="application/json; charset=utf-8"), None),
    "datacontenttype null": Odd(with_(datacontenttype=None), None),
    "datacontenttype absent": Odd(with_("datacontenttype"), None),
    "datacontenttype of something else": Odd(with_(datacontenttype="text/plain"), "invalid-envelope"),
    "an attribute null that may be absent": Odd(with_(traceparent=None), None),
    "an attribute null that must be there": Odd(with_(subject=None), "invalid-envelope"),
    "time absent": Odd(with_("time"), "invalid-envelope"),
    "time null": Odd(with_(time=None), "invalid-envelope"),
    "time in lower case": Odd(with_(time="2025-10-03t09:12:00.000z"), None),
    "time with an offset and microseconds": Odd(with_(time="2025-10-03T11:12:00.123456+02:00"), None),
    "time without an offset": Odd(with_(time="2025-10-03T11:12:00"), "invalid-envelope"),
    "time that is no day": Odd(with_(time="2025-02-30T11:12:00.000Z"), "invalid-envelope"),
    "time as a number": Odd(with_(time=1_700_000_000), "invalid-envelope"),
    "an id that is no UUID": Odd(with_(id="request-1"), "invalid-envelope"),
    "an id in upper case": Odd(with_(id=RAISED["id"].upper()), None),
    "an id in braces": Odd(with_(id="{" + RAISED["id"] + "}"), "invalid-envelope"),
    "an id without hyphens": Odd(with_(id=RAISED["id"].replace("-", "")), "invalid-envelope"),
    "data in Base64": Odd(in_base64(RAISED["data"]), None),
    "data twice": Odd(with_(data_base64="e30="), "invalid-envelope"),
    "data_base64 null beside data": Odd(with_(data_base64=None), None),
    "Base64 that is none": Odd(with_("data", data_base64="*"), "invalid-envelope"),
    "NaN in a field that nobody knows": Odd(with_()[:-1] + b',"newer":NaN}', "malformed-json"),
    "bytes that are not UTF-8 in a field that nobody knows": Odd(with_()[:-1] + b',"newer":"\xff"}', "malformed-json"),
    "a content type with other spelling": Odd(
        with_(), None, headers=(("content-type", b"Application/CloudEvents+JSON;charset=utf-8"),)
    ),
    "a batch": Odd(
        b"[" + with_() + b"]", "invalid-envelope", headers=(("content-type", b"application/cloudevents-batch+json"),)
    ),
    "structured, with a stray header of binary mode": Odd(with_(), None, headers=(*EVENT_HEADERS, ("ce_type", b"x"))),
    "binary mode": Odd(DATA, None, headers=in_binary_mode()),
    "binary mode with a parameter": Odd(DATA, None, headers=in_binary_mode(b"application/json; charset=utf-8")),
    "binary mode in another format": Odd(DATA, "invalid-envelope", headers=in_binary_mode(b"text/plain")),
    "binary mode with a text for a number": Odd(
        DATA, "invalid-envelope", headers=in_binary_mode(aggregateversion="one")
    ),
    "structured, said to be binary": Odd(with_(), "invalid-envelope", headers=(("content-type", b"application/json"),)),
    "no headers": Odd(with_(), "invalid-envelope", headers=()),
    # Where it stands, and from whom
    "another sender": Odd(with_(source=NOT_OURS), "wrong-source"),
    "another of our services": Odd(with_(source=RAISED["source"].replace("requests", "referrals")), "wrong-source"),
    "a type of another topic": Odd(with_(), "wrong-topic", topic=ACTIVITIES),
    "a topic that is none of ours": Odd(with_(), "wrong-topic", topic="partnership.weather.v1"),
    "another key": Odd(with_(), "wrong-key", key=b"duo:99ZB00"),
    "no key": Odd(with_(), "no-key", key=None, partition=0),
    "another partition": Odd(with_(), "wrong-partition", partition=(partition_of(KEY) + 1) % PARTITIONS),
    "an epoch that nothing could follow": Odd(with_(streamepoch=2**31 - 2), "invalid-envelope"),
    "the last epoch": Odd(with_(streamepoch=9_999), None),
    "an epoch too many": Odd(with_(streamepoch=10_000), "invalid-envelope"),
    "a version too many": Odd(with_(aggregateversion=2**31 - 1), "invalid-envelope"),
    # What it says
    "a NUL in a field that reporting does not read": Odd(
        with_data(raisedBy=RAISED["data"]["raisedBy"] | {"actor": "a\0"}), "invalid-data"
    ),
    "an unknown word in a field that reporting does not read": Odd(with_data(intention="perhaps"), "invalid-data"),
    "a field missing that reporting does not read": Odd(
        with_(data={name: value for name, value in RAISED["data"].items() if name != "wishedTo"}), "invalid-data"
    ),
    "a day that is not": Odd(with_data(wishedTo="2026-02-30"), "invalid-data"),
    "the last day of February in a leap year": Odd(with_data(wishedTo="2028-02-29"), None),
    "an instant in lower case": Odd(with_data(raisedAt="2025-10-03t09:12:00z"), None),
    "a line break behind an id": Odd(with_data(siteId="duo:99ZA00\n"), "invalid-data"),
    "another subject": Odd(with_(subject="018f0000-0000-7000-8000-000000000000"), "invalid-envelope"),
    "subject and data in upper case": Odd(
        with_(
            subject=RAISED["subject"].upper(), data=RAISED["data"] | {"requestId": RAISED["data"]["requestId"].upper()}
        ),
        "invalid-envelope",
    ),
    "a field of tomorrow": Odd(with_data(phase="pilot"), None),
    "a tombstone": Odd(None, "no-data"),
    "no JSON": Odd(b"{", "malformed-json"),
}


def refused_by(verdict: Callable[[TopicRecord, str], object], odd: Odd) -> str | None:
    try:
        verdict(odd.record, odd.topic)
    except Malformed as error:
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
    assert (rebuild.fact_of(odd.record, odd.topic) is not None) == admitted
    assert as_record(odd.record, odd.topic).is_admitted == admitted
    assert can_be_redriven(odd) == admitted


def can_be_redriven(odd: Odd) -> bool:
    if odd.partition is not None:
        return odd.reason is None  # it is sent to the partition of its key
    why = [("samenspel-topic", odd.topic.encode())]
    letter = dead_letters.Letter("reporting/0/0", odd.key, odd.value, [*odd.headers, *why])
    try:
        dead_letters.check(letter, odd.value)
    except CommandFailed:
        return False
    return True


def test_a_binary_message_counts_in_the_recount_as_a_structured_one() -> None:
    binary, structured = ODD["binary mode"].record, ODD["as it is sent"].record

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
    | st.sampled_from([[], {}, [None], "duo:99ZA00\n", "GM0796\n", "DUO:99ZA00", "own:" + "x" * 124])
    | st.text(max_size=6)
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, name) in a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, part in parts for place in [(value, name), *places(part)]]


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

    assert fast is not None or isinstance(message.event, IndicatorDefined)  # few, with names of their own inside


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
