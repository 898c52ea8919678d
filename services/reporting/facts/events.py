"""What `reporting` reads of each event that the contracts admit: only the fields that a figure needs, decoded fast.

What an event must be is said by the contracts alone; here nothing is refused that they admit.
"""

from collections.abc import Callable, Hashable
from datetime import date, datetime
from functools import cached_property
from typing import Literal, Protocol, TypeVar

import msgspec

from contracts.admission import Record, admit
from contracts.metrics import Measure


class Read(msgspec.Struct, rename="camel", gc=False):
    """The fields that are read of an event, or of a part of one."""


class Area(Read):
    scheme: str
    code: str

    @property
    def stratum(self) -> str:
        return f"{self.scheme}:{self.code}"


class Headcount(Read):
    """A number of children; the bounds of a masked count differ. The smaller is the lower, whoever wrote it."""

    lower: int
    upper: int

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


class Link(Held):
    site_id: str


class Declared(Held):
    """A site's own word that it works with a programme."""

    programme: str


class SiteRecorded(Read):
    site_id: str
    valid_from: date
    kinds: tuple[str, ...]
    board: str
    municipality: str
    neighbourhood: str
    opened_on: date | None = None
    closed_on: date | None = None
    links: tuple[Link, ...] = ()
    declared_adoption: tuple[Declared, ...] = ()


class GroupRecorded(Read):
    group_id: str
    site_id: str
    register: Literal["school", "childcare", "project"]
    school_year: str
    headcount: Headcount


class RequestRaised(Read):
    request_id: str
    site_id: str
    programme: str
    learning_areas: tuple[Area, ...]
    raised_at: datetime
    co_site_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.learning_areas = _distinct(self.learning_areas, _stratum_of)
        self.co_site_ids = _distinct(self.co_site_ids, _itself)


class RequestAssigned(Read):
    request_id: str
    assigned_at: datetime


class RequestUnbrokered(Read):
    request_id: str
    unbrokered_at: datetime


class RequestAnswered(Read):
    request_id: str
    answered_at: datetime


class Reason(Read):
    """A reason: its code in a published list."""

    code: str


class RequestClosed(Read):
    request_id: str
    closed_at: datetime
    outcome: Literal["fulfilled", "partly_fulfilled", "advice_only", "not_fulfilled"]
    reason: Reason | None = None
    unmet_areas: tuple[Area, ...] = ()

    def __post_init__(self) -> None:
        self.unmet_areas = _distinct(self.unmet_areas, _stratum_of)


class RequestAmended(Read):
    """What is asked now, in the place of what was raised."""

    request_id: str
    site_id: str
    programme: str
    learning_areas: tuple[Area, ...]
    co_site_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.learning_areas = _distinct(self.learning_areas, _stratum_of)
        self.co_site_ids = _distinct(self.co_site_ids, _itself)


class RequestReopened(Read):
    request_id: str
    returns_to: Literal["answered", "no_broker"]
    reopened_at: datetime


class RequestWithdrawn(Read):
    request_id: str
    withdrawn_at: datetime


class RequestVoided(Read):
    request_id: str


class ReferralMade(Read):
    referral_id: str
    request_id: str
    made_at: datetime
    learning_areas: tuple[Area, ...]
    attempt: int

    def __post_init__(self) -> None:
        self.learning_areas = _distinct(self.learning_areas, _stratum_of)


class ReferralAccepted(Read):
    referral_id: str
    accepted_at: datetime


class ReferralDeclined(Read):
    referral_id: str


class ReferralExpired(Read):
    referral_id: str


class ReferralWithdrawn(Read):
    referral_id: str
    reason: Reason


class ReferralVoided(Read):
    referral_id: str


class ClockStarted(Read):
    clock_id: str
    clock: str
    object_kind: Literal["request", "referral", "activity"]
    object_id: str
    started_at: datetime
    site_id: str = ""
    """None was said before there were work lists: then the wait counts nowhere."""
    request_id: str | None = None
    programme: str | None = None


class ClockPaused(Read):
    clock_id: str
    paused_at: datetime


class ClockBreached(Read):
    clock_id: str


class TakingPart(Read):
    group_id: str
    participants: int | None = None
    whole_group: bool = False


class DeliveryDetails(Read):
    """What `ActivityDelivered` and `ActivityCorrected` say of an activity."""

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
    confirmed_at: datetime


class ActivityDisputed(Read):
    activity_id: str
    site_id: str


class ActivityRetracted(Read):
    activity_id: str


class Unreadable(Read):
    """The data of a stored fact that this release cannot read: one before it could. Its thing is set aside."""


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
    "RequestAmended": RequestAmended,
    "RequestReopened": RequestReopened,
    "RequestWithdrawn": RequestWithdrawn,
    "RequestVoided": RequestVoided,
    "ReferralMade": ReferralMade,
    "ReferralAccepted": ReferralAccepted,
    "ReferralDeclined": ReferralDeclined,
    "ReferralExpired": ReferralExpired,
    "ReferralWithdrawn": ReferralWithdrawn,
    "ReferralVoided": ReferralVoided,
    "ClockStarted": ClockStarted,
    "ClockPaused": ClockPaused,
    "ClockBreached": ClockBreached,
    "ActivityDelivered": DeliveryDetails,
    "ActivityCorrected": DeliveryDetails,
    "ActivityRetracted": ActivityRetracted,
    "ActivityConfirmed": ActivityConfirmed,
    "ActivityDisputed": ActivityDisputed,
    "IndicatorDefined": IndicatorDefined,
}
_DECODERS = {name: msgspec.json.Decoder(model) for name, model in READ.items()}
_BARE = msgspec.json.Decoder(Bare)


class Fact(msgspec.Struct, dict=True):
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
    data: bytes
    """The event's data as it was announced."""
    incarnation: int = 1
    """Of the topic: one that was made again has other messages at the same offsets."""
    traceparent: str | None = None

    @cached_property
    def body(self) -> Read:
        """The fields that figures need; while facts are only stored, nobody asks for them."""
        return body_of(self.name, self.data)


def body_of(name: str, data: bytes) -> Read:
    try:
        body: Read = _DECODERS.get(name, _BARE).decode(data)
    except msgspec.DecodeError:
        return Unreadable()
    return body


class Placed(Record, Protocol):
    """A record, and where it stands."""

    @property
    def offset(self) -> int: ...


def read(record: Placed, topic: str, incarnation: int = 1) -> Fact:
    """The fact in a record; raises `InvalidMessage`, and nothing else."""
    admitted = admit(record, topic)
    name = admitted.kind.__name__
    return Fact(
        topic,
        record.partition,
        record.offset,
        name,
        admitted.aggregate,
        admitted.epoch,
        admitted.version,
        admitted.id,
        admitted.data,
        incarnation,
        admitted.traceparent,
    )
