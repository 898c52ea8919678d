"""What `reporting` reads of each event: only the fields that a figure needs, decoded fast.

Fields that are not named here are ignored; a named one that is missing or wrong makes the message malformed.
"""

import re
from collections.abc import Callable, Hashable
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec
from aiokafka import ConsumerRecord

from contracts.envelope import Malformed, check_transport, decode
from contracts.events import catalogue
from contracts.metrics import Measure

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Order = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 2)]  # a PostgreSQL integer, with room for the next version
KeyPart = str
"""A part of a figure's key. `body_of` looks at its form: a pattern here would double the time of decoding."""
SchoolYear = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-20[0-9]{2}$")]


class Read(msgspec.Struct, rename="camel", gc=False):
    """The fields that are read of an event, or of a part of one."""


class Area(Read):
    scheme: KeyPart
    code: KeyPart

    @property
    def stratum(self) -> str:
        """The learning area as it stands in a figure's key."""
        return f"{self.scheme}:{self.code}"


class Headcount(Read):
    """A number of children; the bounds of a masked count differ. The smaller is the lower, whoever wrote it."""

    lower: Count
    upper: Count

    def __post_init__(self) -> None:
        if self.upper < self.lower:
            self.lower, self.upper = self.upper, self.lower


Item = TypeVar("Item")


def _distinct(items: tuple[Item, ...], key: Callable[[Item], Hashable]) -> tuple[Item, ...]:
    """What is named twice is named once (ruling 50)."""
    if len(items) < 2 or len({key(item) for item in items}) == len(items):  # noqa: PLR2004 - one cannot be twice
        return items
    return tuple({key(item): item for item in items}.values())


def _itself(item: str) -> str:
    return item


def _stratum_of(area: Area) -> str:
    return area.stratum


class Held(Read, kw_only=True):
    """What holds from a day, and perhaps to one."""

    starts_on: date = msgspec.field(name="from")
    ends_on: date | None = msgspec.field(name="to", default=None)

    def holds_on(self, day: date) -> bool:
        """Validity is half-open (ruling 1)."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


class Link(Held):
    site_id: str


class Declared(Held):
    """A site's own word that it works with a programme."""

    programme: str


class SiteRecorded(Read):
    site_id: str
    valid_from: date
    kinds: tuple[str, ...]
    neighbourhood: KeyPart
    opened_on: date | None = None
    closed_on: date | None = None
    links: tuple[Link, ...] = ()
    declared_adoption: tuple[Declared, ...] = ()

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
    programme: KeyPart
    learning_areas: tuple[Area, ...]
    raised_at: Instant
    co_site_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.learning_areas = _distinct(self.learning_areas, _stratum_of)
        self.co_site_ids = _distinct(self.co_site_ids, _itself)


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
    programme: KeyPart
    learning_areas: tuple[Area, ...]
    occurred_at: Instant
    duration_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    substitution: Literal["replaces", "stacks", "unknown"]
    audience: Literal["children", "parents", "professionals"]
    groups: tuple[TakingPart, ...] = ()
    request_id: str | None = None
    confirmed_by_sites: tuple[str, ...] = ()
    registered_at: Instant | None = None

    def __post_init__(self) -> None:
        self.site_ids = _distinct(self.site_ids, _itself)
        self.learning_areas = _distinct(self.learning_areas, _stratum_of)
        if len(self.groups) > 1:
            self.groups = _each_group_once(self.groups)


def _each_group_once(groups: tuple[TakingPart, ...]) -> tuple[TakingPart, ...]:
    """Of a group that is named twice, the larger count; a number given beats the flag (ruling 9)."""
    known: dict[str, TakingPart] = {}
    for part in groups:
        other = known.setdefault(part.group_id, part)
        if other is not part:
            counted = [each.participants for each in (other, part) if each.participants is not None]
            whole = other.whole_group or part.whole_group
            known[part.group_id] = TakingPart(part.group_id, max(counted, default=None), whole)
    return tuple(known.values())


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
    measure: Measure
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
FIRST_YEAR, LAST_YEAR = 2000, 2100  # of what occurred, as the contracts have it
_INSTANTS = {
    name: [field for field in model.__struct_fields__ if field.endswith("_at")] for name, model in READ.items()
}
# They are few, and much hangs on them: the contracts decode them too, every field.
_DECODED_TWICE = frozenset({"SiteRecorded", "BrokerRecorded", "PartnerRecorded", "IndicatorDefined"})
_DECODERS = {name: msgspec.json.Decoder(model) for name, model in READ.items()}
_BARE = msgspec.json.Decoder(Bare)
_IDENTIFIED_BY = {event.__name__: event.identified_by for event in catalogue.values() if event.__name__ in READ}
_KINDS = {event.type: (event.__name__, event.aggregate) for event in catalogue.values()}


class Envelope(msgspec.Struct, gc=False):
    """The attributes that are read: they give the order of facts, and explain them."""

    id: UUID
    type: str
    subject: str
    partitionkey: str
    aggregateversion: Order
    streamepoch: Order
    data: msgspec.Raw
    traceparent: str | None = None


_ENVELOPE = msgspec.json.Decoder(Envelope)
_SLUG = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


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


@lru_cache(maxsize=4_096)  # some hundreds are in use, millions of times
def is_slug(text: str) -> bool:
    """Whether a text is as programmes and codes are: short, and without a slash."""
    return _SLUG.fullmatch(text) is not None


def body_of(name: str, data: bytes) -> Read:
    """The fields that figures need of an event's data; raises `msgspec.MsgspecError` when one is wrong."""
    body: Read = _DECODERS.get(name, _BARE).decode(data)
    for field in _INSTANTS.get(name, ()):
        instant = getattr(body, field)
        if instant is not None and not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise msgspec.ValidationError(f"{field}: the year is not between {FIRST_YEAR} and {LAST_YEAR}")
    if isinstance(body, DeliveryDetails | RequestRaised):
        for part in (body.programme, *(part for area in body.learning_areas for part in (area.scheme, area.code))):
            if not is_slug(part):
                raise msgspec.ValidationError("a programme or a code is not a slug")
    return body


def read(record: ConsumerRecord[bytes | None, bytes | None], topic: str) -> Fact:
    """The fact in a record; raises `Malformed`, and nothing else.

    The contracts have the last word: what the fast decoder does not take, and they do, is read as they have it.
    """
    headers = record.headers
    check_transport(record.key, record.value, headers)
    if len(headers) > 1 and any(name == "ce_type" for name, _ in headers):
        return _as_the_contracts_read(record, topic)
    try:
        envelope = _ENVELOPE.decode(record.value or b"")
        name, aggregate = _KINDS[envelope.type]
        if name in _DECODED_TWICE or b"\\u0000" in (record.value or b""):
            decode(record.value, dict(headers))
        data = bytes(envelope.data)
        body = body_of(name, data)
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
        return _as_the_contracts_read(record, topic)
    if name in READ and getattr(body, _IDENTIFIED_BY[name]) != envelope.subject:
        raise Malformed("invalid-envelope", f"subject: is {envelope.subject}, the data says another {aggregate}")
    _check_key(record.key, envelope.partitionkey)
    return Fact(
        topic,
        record.partition,
        record.offset,
        name,
        f"{aggregate}:{envelope.subject}",
        envelope.streamepoch,
        envelope.aggregateversion,
        str(envelope.id),
        body,
        data,
        envelope.traceparent,
    )


def _as_the_contracts_read(record: ConsumerRecord[bytes | None, bytes | None], topic: str) -> Fact:
    """A record in binary mode, or one that is written in a way that only the contracts know."""
    message = decode(record.value, dict(record.headers))
    envelope, event = message.envelope, message.event
    _check_key(record.key, envelope.partitionkey)
    data = event.model_dump_json(by_alias=True, exclude_none=True).encode()
    name = type(event).__name__
    try:
        body = body_of(name, data)
    except msgspec.MsgspecError as error:
        raise Malformed("invalid-data", str(error), envelope) from error
    return Fact(
        topic,
        record.partition,
        record.offset,
        name,
        message.aggregate,
        envelope.streamepoch,
        envelope.aggregateversion,
        str(envelope.id),
        body,
        data,
        envelope.traceparent,
    )


def _check_key(key: bytes | None, partitionkey: str) -> None:
    if key != partitionkey.encode():
        raise Malformed("wrong-key", f"the key is not the partitionkey {partitionkey}")
