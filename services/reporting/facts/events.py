"""What `reporting` reads of each event: only the fields that a figure needs, decoded fast.

Fields that are not named here are ignored; a named one that is missing or wrong makes the message malformed.
"""

from datetime import date, datetime
from typing import Literal

import msgspec
from aiokafka import ConsumerRecord

from contracts.envelope import Malformed, check_transport, decode
from contracts.events import NAMESPACE, catalogue


class Read(msgspec.Struct, rename="camel", gc=False):
    """A part of an event as it is read."""


class Area(Read):
    """A learning area."""

    scheme: str
    code: str

    @property
    def stratum(self) -> str:
        """The area as a stratum of a figure."""
        return f"{self.scheme}:{self.code}"


class Headcount(Read):
    """A number of children between bounds."""

    lower: int
    upper: int


class Link(Read):
    """A link to another site."""

    site_id: str
    starts_on: date = msgspec.field(name="from")
    ends_on: date | None = msgspec.field(name="to", default=None)

    def holds_on(self, day: date) -> bool:
        """Validity is half-open (ruling 1)."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


class Declared(Read):
    """A declared adoption."""

    programme: str
    starts_on: date = msgspec.field(name="from")
    ends_on: date | None = msgspec.field(name="to", default=None)

    def holds_on(self, day: date) -> bool:
        """Validity is half-open (ruling 1)."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


class SiteRecorded(Read):
    """A record of a site."""

    site_id: str
    valid_from: date
    kinds: tuple[str, ...]
    neighbourhood: str
    opened_on: date | None = None
    closed_on: date | None = None
    links: tuple[Link, ...] = ()
    declared_adoption: tuple[Declared, ...] = ()

    def is_open_on(self, day: date) -> bool:
        """Whether children can be there on this day."""
        return (self.opened_on is None or self.opened_on <= day) and (self.closed_on is None or day < self.closed_on)


class GroupRecorded(Read):
    """A record of a group."""

    group_id: str
    site_id: str
    register: Literal["school", "childcare", "project"]
    school_year: str
    headcount: Headcount


class RequestRaised(Read):
    """A request."""

    request_id: str
    site_id: str
    programme: str
    learning_areas: tuple[Area, ...]
    raised_at: datetime
    co_site_ids: tuple[str, ...] = ()


class RequestAssigned(Read):
    """A request got a broker."""

    assigned_at: datetime


class RequestUnbrokered(Read):
    """A request has no broker."""

    unbrokered_at: datetime


class RequestAnswered(Read):
    """A request was answered."""

    answered_at: datetime


class RequestClosed(Read):
    """A request ended."""

    closed_at: datetime


class ReferralMade(Read):
    """A referral."""

    referral_id: str
    request_id: str
    made_at: datetime


class ReferralAccepted(Read):
    """A referral was accepted."""

    accepted_at: datetime


class TakingPart(Read):
    """A group at an activity."""

    group_id: str
    participants: int | None = None
    whole_group: bool = False


class ActivityBody(Read):
    """An activity, whole."""

    activity_id: str
    site_ids: tuple[str, ...]
    programme: str
    learning_areas: tuple[Area, ...]
    occurred_at: datetime
    duration_minutes: int
    substitution: Literal["replaces", "stacks", "unknown"]
    audience: Literal["children", "parents", "professionals"]
    groups: tuple[TakingPart, ...] = ()
    request_id: str | None = None
    confirmed_by_sites: tuple[str, ...] = ()
    registered_at: datetime | None = None


class ActivityConfirmed(Read):
    """A site's yes."""

    site_id: str
    confirmed_at: datetime


class ActivityDisputed(Read):
    """A site's no."""

    site_id: str


class Bare(Read):
    """An event of which only the fact that it happened matters."""


class IndicatorDefined(Read):
    """A definition."""

    indicator: str
    definition_version: int
    measure: Literal["share", "children", "requests", "days"]
    function: str
    strata: dict[str, tuple[str, ...]]
    periods: tuple[str, ...]
    parameters: dict[str, str] = {}


READ: dict[str, type[Read]] = {
    "SiteRecorded": SiteRecorded,
    "GroupRecorded": GroupRecorded,
    "RequestRaised": RequestRaised,
    "RequestAssigned": RequestAssigned,
    "RequestUnbrokered": RequestUnbrokered,
    "RequestAnswered": RequestAnswered,
    "RequestClosed": RequestClosed,
    "ReferralMade": ReferralMade,
    "ReferralAccepted": ReferralAccepted,
    "ActivityDelivered": ActivityBody,
    "ActivityCorrected": ActivityBody,
    "ActivityRetracted": Bare,
    "ActivityConfirmed": ActivityConfirmed,
    "ActivityDisputed": ActivityDisputed,
    "IndicatorDefined": IndicatorDefined,
}
_DECODERS = {name: msgspec.json.Decoder(model) for name, model in READ.items()}
_BARE = msgspec.json.Decoder(Bare)
_KINDS = {event.type: (event.__name__, event.aggregate) for event in catalogue.values()}


class Envelope(msgspec.Struct, gc=False):
    """The attributes that order and explain a fact."""

    id: str
    type: str
    subject: str
    partitionkey: str
    aggregateversion: int
    streamepoch: int
    data: msgspec.Raw
    traceparent: str | None = None


_ENVELOPE = msgspec.json.Decoder(Envelope)


class Fact(msgspec.Struct, gc=False):
    """One event at its place."""

    topic: str
    partition: int
    offset: int
    name: str
    """The event's name, such as `RequestRaised`."""
    entity: str
    """The aggregate's kind and id, such as `request:01…`."""
    epoch: int
    version: int
    event_id: str
    body: Read
    data: bytes
    """The event's data as it was announced."""
    traceparent: str | None = None


def body_of(name: str, data: bytes) -> Read:
    """The fields that figures need of an event's data; raises `msgspec.MsgspecError` when one is wrong."""
    body: Read = _DECODERS.get(name, _BARE).decode(data)
    if isinstance(body, ActivityBody) and len({part.group_id for part in body.groups}) != len(body.groups):
        raise msgspec.ValidationError("groups: the same group twice in one activity (ruling 9)")
    return body


def read(record: ConsumerRecord[bytes | None, bytes | None], topic: str) -> Fact:
    """The fact in a record; raises `Malformed`, and nothing else."""
    headers = record.headers
    check_transport(record.key, record.value, headers)
    if len(headers) > 1 and any(name == "ce_type" for name, _ in headers):
        return _read_binary(record, topic)
    try:
        envelope = _ENVELOPE.decode(record.value or b"")
        kind = _KINDS.get(envelope.type)
        if kind is None:
            decode(record.value, dict(headers))  # says what is wrong with it
            raise Malformed("unknown-type", envelope.type)
        name, aggregate = kind
        data = bytes(envelope.data)
        body = body_of(name, data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        decode(record.value, dict(headers))  # the contracts' own words, where they see it too
        raise Malformed("invalid-data", str(error)) from error
    if record.key != envelope.partitionkey.encode():
        raise Malformed("wrong-key", f"the key is not the partitionkey {envelope.partitionkey}")
    return Fact(
        topic, record.partition, record.offset, name, f"{aggregate}:{envelope.subject}", envelope.streamepoch,
        envelope.aggregateversion, envelope.id, body, data, envelope.traceparent,
    )  # fmt: skip


def _read_binary(record: ConsumerRecord[bytes | None, bytes | None], topic: str) -> Fact:
    """A record in CloudEvents' binary mode: attributes in headers, data in the value."""
    message = decode(record.value, dict(record.headers))
    envelope, data = message.envelope, record.value or b""
    name = envelope.type.removeprefix(f"{NAMESPACE}.").rpartition(".")[0]
    return Fact(
        topic, record.partition, record.offset, name, message.aggregate, envelope.streamepoch,
        envelope.aggregateversion, str(envelope.id), body_of(name, data), data, envelope.traceparent,
    )  # fmt: skip
