"""What the events say, as far as a figure needs it."""

from dataclasses import dataclass
from datetime import date, datetime

from demo.recount.days import Span


@dataclass(frozen=True, slots=True)
class SiteRecorded:
    """How a site is from a day on."""

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
    """What was asked, where, by whom together, when."""

    request_id: str
    site_id: str
    co_site_ids: tuple[str, ...]
    programme: str
    areas: frozenset[str]
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class RequestMoved:
    """A later step of a request: assigned, unbrokered, answered, closed, reopened or withdrawn."""

    step: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestVoided:
    """It was a mistake, and leaves every figure."""


@dataclass(frozen=True, slots=True)
class ReferralMade:
    """A request was handed over."""

    request_id: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ReferralAccepted:
    """The partner took it on."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ReferralVoided:
    """It was a mistake."""


@dataclass(frozen=True, slots=True)
class TakingPart:
    """A group at an activity; `participants` None is not counted, which is not zero."""

    group_id: str
    participants: int | None
    whole_group: bool


@dataclass(frozen=True, slots=True)
class Body:
    """All that a figure needs of one occurrence."""

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
    def what_was_confirmed(self) -> tuple[str, frozenset[str], date]:
        """What a site's word is about: when this changes, the word is void (ruling 17)."""
        # Choice (17): the *set* of sites; another lead among the same sites leaves confirmations standing.
        return self.substitution, self.site_ids, self.day


@dataclass(frozen=True, slots=True)
class ActivityDelivered:
    """First registration of a delivery, and who had confirmed it on the spot."""

    body: Body
    confirmed_by: tuple[str, ...]
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class ActivityCorrected:
    """The whole right body."""

    body: Body


@dataclass(frozen=True, slots=True)
class ActivityRetracted:
    """It leaves every figure."""


@dataclass(frozen=True, slots=True)
class ActivityConfirmed:
    """A site says that it was so."""

    site_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ActivityDisputed:
    """A site says that it was not so."""

    site_id: str


@dataclass(frozen=True, slots=True)
class NothingOfInterest:
    """Moves no figure, but has its place among the versions of its aggregate."""


Said = (
    SiteRecorded
    | GroupRecorded
    | RequestRaised
    | RequestMoved
    | RequestVoided
    | ReferralMade
    | ReferralAccepted
    | ReferralVoided
    | ActivityDelivered
    | ActivityCorrected
    | ActivityRetracted
    | ActivityConfirmed
    | ActivityDisputed
    | NothingOfInterest
)
