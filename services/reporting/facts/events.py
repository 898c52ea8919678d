"""What `reporting` reads of each event: only the fields that a figure needs, decoded fast.

Fields that are not named here are ignored; a named one that is missing or wrong makes the message malformed.
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from aiokafka import ConsumerRecord

from contracts.envelope import Malformed, check_transport, decode
from contracts.events import NAMESPACE, catalogue

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Order = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 2)]  # a PostgreSQL integer, with room for the next version
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""A part of a figure's key. `body_of` refuses a slash in it: a pattern here would double the time of decoding."""
SchoolYear = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-20[0-9]{2}$")]


class Read(msgspec.Struct, rename="camel", gc=False):
    """The fields that are read of an event, or of a part of one."""


class Area(Read):
    scheme: Place
    code: Place

    @property
    def stratum(self) -> str:
        """The learning area as it stands in a figure's key."""
        return f"{self.scheme}:{self.code}"


class Headcount(Read):
    """A number of children; the bounds of a masked count differ."""

    lower: Count
    upper: Count


class Link(Read):
    site_id: str
    starts_on: date = msgspec.field(name="from")
    ends_on: date | None = msgspec.field(name="to", default=None)

    def holds_on(self, day: date) -> bool:
        """Validity is half-open (ruling 1)."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


class Declared(Read):
    """A site's own word that it works with a programme."""

    programme: str
    starts_on: date = msgspec.field(name="from")
    ends_on: date | None = msgspec.field(name="to", default=None)

    def holds_on(self, day: date) -> bool:
        """Validity is half-open (ruling 1)."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


class SiteRecorded(Read):
    site_id: str
    valid_from: date
    kinds: tuple[str, ...]
    neighbourhood: Place
    opened_on: date | None = None
    closed_on: date | None = None
    links: tuple[Link, ...] = ()
    declared_adoption: tuple[Declared, ...] = ()

    def places(self) -> tuple[str, ...]:
        """The fields that become parts of a figure's key."""
        return (self.site_id, self.neighbourhood)

    def is_open_on(self, day: date) -> bool:
        """On `closed_on` itself it is closed (ruling 42)."""
        return (self.opened_on is None or self.opened_on <= day) and (self.closed_on is None or day < self.closed_on)


class GroupRecorded(Read):
    group_id: str
    site_id: str
    register: Literal["school", "childcare", "project"]
    school_year: SchoolYear
    headcount: Headcount


class RequestRaised(Read):
    request_id: str
    site_id: str
    programme: Place
    learning_areas: tuple[Area, ...]
    raised_at: Instant
    co_site_ids: tuple[str, ...] = ()

    def places(self) -> tuple[str, ...]:
        """The fields that become parts of a figure's key."""
        return (self.programme, *(area.stratum for area in self.learning_areas))


class RequestAssigned(Read):
    request_id: str
    assigned_at: Instant


class RequestUnbrokered(Read):
    request_id: str
    unbrokered_at: Instant


class RequestAnswered(Read):
    request_id: str
    answered_at: Instant


class RequestClosed(Read):
    request_id: str
    closed_at: Instant


class ReferralMade(Read):
    referral_id: str
    request_id: str
    made_at: Instant


class ReferralAccepted(Read):
    referral_id: str
    accepted_at: Instant


class TakingPart(Read):
    group_id: str
    participants: Count | None = None
    whole_group: bool = False


class DeliveryDetails(Read):
    """What `ActivityDelivered` and `ActivityCorrected` say of an activity."""

    activity_id: str
    site_ids: tuple[str, ...]
    programme: Place
    learning_areas: tuple[Area, ...]
    occurred_at: Instant
    duration_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    substitution: Literal["replaces", "stacks", "unknown"]
    audience: Literal["children", "parents", "professionals"]
    groups: tuple[TakingPart, ...] = ()
    request_id: str | None = None
    confirmed_by_sites: tuple[str, ...] = ()
    registered_at: Instant | None = None

    def places(self) -> tuple[str, ...]:
        """The fields that become parts of a figure's key."""
        return (self.programme, *(area.stratum for area in self.learning_areas))


class ActivityConfirmed(Read):
    activity_id: str
    site_id: str
    confirmed_at: Instant


class ActivityDisputed(Read):
    activity_id: str
    site_id: str


class ActivityRetracted(Read):
    activity_id: str


class Bare(Read):
    """An event of which no field is read: it counts that it happened."""


class IndicatorDefined(Read):
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
    "ActivityDelivered": DeliveryDetails,
    "ActivityCorrected": DeliveryDetails,
    "ActivityRetracted": ActivityRetracted,
    "ActivityConfirmed": ActivityConfirmed,
    "ActivityDisputed": ActivityDisputed,
    "IndicatorDefined": IndicatorDefined,
}
_IN_KEYS = (DeliveryDetails, RequestRaised, SiteRecorded)
FIRST_YEAR, LAST_YEAR = 1000, 2999  # as the contracts have it: a calendar day exists on either side
_INSTANTS = {
    name: [field for field in model.__struct_fields__ if field.endswith("_at")] for name, model in READ.items()
}
# Their free text may hold personal data, so they are decoded by the contracts too, which look for it. They are few.
_FREE_TEXT = frozenset({"SiteRecorded", "BrokerRecorded", "PartnerRecorded"})
_DECODERS = {name: msgspec.json.Decoder(model) for name, model in READ.items()}
_BARE = msgspec.json.Decoder(Bare)
_IDENTIFIED_BY = {event.__name__: event.identified_by for event in catalogue.values() if event.__name__ in READ}
_KINDS = {event.type: (event.__name__, event.aggregate) for event in catalogue.values()}


class Envelope(msgspec.Struct, gc=False):
    """The attributes that are read: they give the order of facts, and explain them."""

    id: str
    type: str
    subject: str
    partitionkey: str
    aggregateversion: Order
    streamepoch: Order
    data: msgspec.Raw
    traceparent: str | None = None


_ENVELOPE = msgspec.json.Decoder(Envelope)


class Fact(msgspec.Struct, gc=False):
    """One event, and the topic, partition and offset at which it stands."""

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
    for field in _INSTANTS.get(name, ()):
        instant = getattr(body, field)
        if instant is not None and not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise msgspec.ValidationError(f"{field}: the year is not between {FIRST_YEAR} and {LAST_YEAR}")
    if isinstance(body, _IN_KEYS) and any("/" in part for part in body.places()):
        raise msgspec.ValidationError("a code holds a slash, which parts the fields of a figure's key")
    if isinstance(body, DeliveryDetails) and len({part.group_id for part in body.groups}) != len(body.groups):
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
            decode(record.value, dict(headers))  # raises, and says what is wrong
            raise Malformed("unknown-type", envelope.type)
        name, aggregate = kind
        if name in _FREE_TEXT or b"\\u0000" in (record.value or b""):
            decode(record.value, dict(headers))
        data = bytes(envelope.data)
        body = body_of(name, data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        decode(record.value, dict(headers))  # raises in the contracts' words, where they see the mistake too
        raise Malformed("invalid-data", str(error)) from error
    if name in READ and getattr(body, _IDENTIFIED_BY[name]) != envelope.subject:
        raise Malformed("invalid-envelope", f"subject: is {envelope.subject}, the data says another {aggregate}")
    if record.key != envelope.partitionkey.encode():
        raise Malformed("wrong-key", f"the key is not the partitionkey {envelope.partitionkey}")
    return Fact(
        topic,
        record.partition,
        record.offset,
        name,
        f"{aggregate}:{envelope.subject}",
        envelope.streamepoch,
        envelope.aggregateversion,
        envelope.id,
        body,
        data,
        envelope.traceparent,
    )


def _read_binary(record: ConsumerRecord[bytes | None, bytes | None], topic: str) -> Fact:
    """A record in CloudEvents' binary mode: attributes in headers, data in the value."""
    message = decode(record.value, dict(record.headers))
    envelope, data = message.envelope, record.value or b""
    name = envelope.type.removeprefix(f"{NAMESPACE}.").rpartition(".")[0]
    return Fact(
        topic,
        record.partition,
        record.offset,
        name,
        message.aggregate,
        envelope.streamepoch,
        envelope.aggregateversion,
        str(envelope.id),
        body_of(name, data),
        data,
        envelope.traceparent,
    )
