"""The data of the events, as far as a figure needs them."""

from dataclasses import dataclass
from datetime import date, datetime

from demo.recount.days import Span


@dataclass(frozen=True, slots=True)
class SiteRecorded:
    """A site from a day on."""

    site_id: str
    valid_from: date
    kinds: frozenset[str]
    neighbourhood: str
    opened_on: date | None
    closed_on: date | None
    links: tuple[Span, ...]
    declared: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class GroupRecorded:
    """A group's register, school year and headcount (equal bounds: an exact one)."""

    group_id: str
    site_id: str
    register: str
    school_year: str
    fewest: int
    most: int


@dataclass(frozen=True, slots=True)
class RequestRaised:
    request_id: str
    site_id: str
    co_site_ids: tuple[str, ...]
    programme: str
    areas: frozenset[str]
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Closure:
    """How a request was closed, and which of its areas that left unmet."""

    outcome: str
    unmet: frozenset[str]
    reason: str | None


@dataclass(frozen=True, slots=True)
class RequestStep:
    """A later step of a request: assigned, unbrokered, answered, closed, reopened or withdrawn."""

    step: str
    at: datetime
    closure: Closure | None = None
    """Of `closed`."""


@dataclass(frozen=True, slots=True)
class RequestAmended:
    """What is asked now; when it was raised stays."""

    site_id: str
    co_site_ids: tuple[str, ...]
    programme: str
    areas: frozenset[str]


@dataclass(frozen=True, slots=True)
class RequestVoided:
    """The request was a mistake: it leaves every figure."""


@dataclass(frozen=True, slots=True)
class ReferralMade:
    request_id: str
    made_at: datetime
    areas: frozenset[str] = frozenset()
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ReferralAccepted:
    at: datetime


@dataclass(frozen=True, slots=True)
class ReferralEnded:
    """The partner declined it, it expired, or it was withdrawn."""

    how: str
    reason: str | None = None
    """Why it was withdrawn."""


@dataclass(frozen=True, slots=True)
class ReferralVoided:
    """The referral was a mistake: it leaves every figure."""


@dataclass(frozen=True, slots=True)
class TakingPart:
    """A group at an activity; `participants` is None when nobody counted, which is not zero."""

    group_id: str
    participants: int | None
    whole_group: bool


@dataclass(frozen=True, slots=True)
class DeliveryDetails:
    site_ids: frozenset[str]
    programme: str
    areas: frozenset[str]
    day: date
    minutes: int
    audience: str
    groups: tuple[TakingPart, ...]
    substitution: str
    request_id: str | None

    @property
    def confirmed_content(self) -> tuple[str, frozenset[str], date]:
        """What a confirmation or dispute is about: when this changes, it no longer holds (ruling 17)."""
        # Choice (17): the *set* of sites; another lead among the same sites leaves confirmations standing.
        return self.substitution, self.site_ids, self.day


@dataclass(frozen=True, slots=True)
class ActivityDelivered:
    details: DeliveryDetails
    confirmed_by: tuple[str, ...]
    """The sites that confirmed on the spot."""
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class ActivityCorrected:
    """The details as they should have been, all of them."""

    details: DeliveryDetails


@dataclass(frozen=True, slots=True)
class ActivityRetracted:
    """The activity leaves every figure."""


@dataclass(frozen=True, slots=True)
class ActivityConfirmed:
    site_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ActivityDisputed:
    site_id: str


@dataclass(frozen=True, slots=True)
class ClockStarted:
    clock: str
    referral_id: str | None
    """The referral for which it runs, if it is one."""
    request_id: str | None
    site_id: str
    programme: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ClockPaused:
    at: datetime


@dataclass(frozen=True, slots=True)
class ClockBreached:
    """It waited too long."""


@dataclass(frozen=True, slots=True)
class NoEffect:
    """It changes no figure, but counts among the versions of its aggregate."""


EventData = (
    SiteRecorded
    | GroupRecorded
    | RequestRaised
    | RequestAmended
    | RequestStep
    | RequestVoided
    | ReferralMade
    | ReferralAccepted
    | ReferralEnded
    | ReferralVoided
    | ClockStarted
    | ClockPaused
    | ClockBreached
    | ActivityDelivered
    | ActivityCorrected
    | ActivityRetracted
    | ActivityConfirmed
    | ActivityDisputed
    | NoEffect
)
