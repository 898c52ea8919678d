"""Odd records, and the verdict that every reader must have on each: in one list, so that no reader has another."""

import base64
from dataclasses import dataclass
from typing import Any

from contracts.activities import ACTIVITIES
from contracts.partitioner import partition_of
from contracts.requests import REQUESTS
from contracts.topics import PARTITIONS
from samenspel.topic_records import TopicRecord
from tests.contract.story import Json, an_example, written
from tests.deliveries import EVENT_HEADERS, a_record

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

    def record(self, offset: int = 0) -> TopicRecord:
        partition = partition_of(self.key or b"") if self.partition is None else self.partition
        return a_record(self.topic, partition, offset, key=self.key, value=self.value, headers=self.headers)


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
    "the six characters of an escaped NUL": Odd(with_(causationid=r"\u0000"), None),
    "an escaped NUL": Odd(with_(causationid="\0"), "invalid-envelope"),
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
