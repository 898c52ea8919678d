"""What the facts of one aggregate say together: pure folds, whatever order the facts arrived in.

Order is (epoch, version). What a lower epoch said at or above a higher epoch's first version never happened: it was
lost when the service's database was restored.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from contracts.values import calendar_day, school_year_of
from services.reporting.facts.events import (
    ActivityConfirmed,
    ActivityDisputed,
    ClockBreached,
    ClockPaused,
    ClockStarted,
    DeliveryDetails,
    Fact,
    GroupRecorded,
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
    ReferralMade,
    ReferralVoided,
    ReferralWithdrawn,
    RequestAmended,
    RequestAnswered,
    RequestAssigned,
    RequestClosed,
    RequestRaised,
    RequestReopened,
    RequestUnbrokered,
    RequestVoided,
    RequestWithdrawn,
    SiteRecorded,
)

OTHER_PARTNER_ACCEPTED = "other_partner_accepted"
"""The reason of a withdrawal that follows by itself: the referral counts in no rate (ruling 28)."""


def precedence(fact: Fact) -> tuple[int, int, int]:
    """Of several facts with the same version the first in this order holds: the first of the newest topic."""
    return -fact.incarnation, fact.partition, fact.offset


def distinct(facts: Iterable[Fact]) -> dict[tuple[int, int], Fact]:
    found: dict[tuple[int, int], Fact] = {}
    for fact in facts:
        known = found.get((fact.epoch, fact.version))
        if known is None or precedence(fact) < precedence(known):
            found[fact.epoch, fact.version] = fact
    return found


def that_happened(facts: Collection[Fact]) -> list[Fact]:
    """The facts of one aggregate that happened, in their order; there is at least one."""
    if len(facts) == 1:
        return list(facts)
    ordered = sorted(facts, key=lambda fact: (fact.epoch, fact.version))
    if ordered[0].epoch == ordered[-1].epoch:
        return ordered
    kept: list[Fact] = []
    first_later = None  # the first version of any higher epoch
    for fact in reversed(ordered):
        if kept and fact.epoch < kept[-1].epoch:
            first_later = kept[-1].version if first_later is None else min(first_later, kept[-1].version)
        if first_later is None or fact.version < first_later:
            kept.append(fact)
    return kept[::-1]


@dataclass(frozen=True, slots=True)
class Site:
    """The records of a site."""

    records: tuple[SiteRecorded, ...]
    """By `validFrom`; of each day the newest version."""


Span = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Request:
    """A request: the first moment of each of its steps."""

    raised: RequestRaised | None = None
    """What is asked, as it was last amended, and when it was raised."""
    assigned_at: datetime | None = None
    answered_at: datetime | None = None
    ended: tuple[Span, ...] = ()
    """From when it was closed or withdrawn to when it was reopened, if it was: these two moments are not in it."""
    without_broker: bool = False
    closure: RequestClosed | None = None
    """The one that is in force."""


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral: when it was made, when it was first accepted, and how it ended."""

    made: ReferralMade | None = None
    accepted_at: datetime | None = None
    ended_as: str | None = None
    """`declined`, `declined_late` (after it was accepted), `expired`, `withdrawn`, or `other_partner_accepted`: the one
    withdrawal that is nobody's; none while it is open, and for other ends."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How long something was waited for: until the clock paused, however often it counted anew meanwhile."""

    started: ClockStarted
    paused_at: datetime | None = None
    breached: bool = False


class Activity(NamedTuple):
    """A delivered activity that was not retracted."""

    body: DeliveryDetails
    day: date
    school_year: str
    confirmed_by: frozenset[str] = frozenset()
    """The sites whose last word is a confirmation, since substitution, sites or day last changed."""
    confirmations: tuple[tuple[str, datetime], ...] = ()
    """Every confirmation ever given and its moment: lead times count those that a correction ended, too."""


def site(facts: list[Fact]) -> Site | None:
    records: dict[date, SiteRecorded] = {}
    for fact in facts:
        if isinstance(fact.body, SiteRecorded):
            records[fact.body.valid_from] = fact.body
    return Site(tuple(records[day] for day in sorted(records))) if records else None


def group(facts: list[Fact]) -> dict[str, GroupRecorded] | None:
    """The newest record of each school year. A group belongs to one year; what names another takes nothing from the
    first (ruling 40)."""
    return {fact.body.school_year: fact.body for fact in facts if isinstance(fact.body, GroupRecorded)} or None


def request(facts: list[Fact]) -> Request:  # noqa: C901 - a case each
    """A request's steps; `without_broker` is its present state. An answered one stays answered, whoever brokers it.
    Of a voided one nothing is left (ruling 31)."""
    raised: RequestRaised | None = None
    assigned: datetime | None = None
    answered: datetime | None = None
    ended: list[Span] = []
    unbrokered = False
    closure: RequestClosed | None = None
    if any(isinstance(fact.body, RequestVoided) for fact in facts):
        return Request()
    for fact in facts:
        match fact.body:
            case RequestRaised() as body:
                raised = body
            case RequestAmended() as body if raised is not None:
                raised = _amended(raised, body)
            case RequestAssigned(assigned_at=at):
                assigned, unbrokered = min(assigned or at, at), False
            case RequestUnbrokered():
                unbrokered = answered is None
            case RequestAnswered(answered_at=at):
                answered, unbrokered = min(answered or at, at), False
            case RequestClosed(closed_at=at) as closure:
                ended, unbrokered = [*ended, (at, None)], False
            case RequestWithdrawn(withdrawn_at=at):
                ended, unbrokered, closure = [*ended, (at, None)], False, None
            case RequestReopened(returns_to=state, reopened_at=at):
                ended = [(since, min(to or at, at)) for since, to in ended if since < at]
                unbrokered, closure = state == "no_broker", None
    return Request(raised, assigned, answered, tuple(ended), unbrokered, closure)


def _amended(raised: RequestRaised, now: RequestAmended) -> RequestRaised:
    asked = now.site_id, now.programme, now.learning_areas
    return RequestRaised(raised.request_id, *asked, raised.raised_at, now.co_site_ids)


def referral(facts: list[Fact]) -> Referral:
    """A referral's steps; an acceptance counts also when it was declined late (ruling 26). Of a voided one nothing is
    left."""
    made: ReferralMade | None = None
    accepted: datetime | None = None
    ended: str | None = None
    for fact in facts:
        match fact.body:
            case ReferralMade() as body:
                made = body
            case ReferralAccepted(accepted_at=at):
                accepted = min(accepted or at, at)
            case ReferralDeclined():
                ended = "declined_late" if accepted else "declined"
            case ReferralExpired():
                ended = "expired"
            case ReferralWithdrawn(reason=why):
                ended = why.code if why.code == OTHER_PARTNER_ACCEPTED else "withdrawn"
            case ReferralVoided():
                return Referral()
    return Referral(made, accepted, ended)


def clock(facts: list[Fact]) -> tuple[Wait, ...]:
    waits: list[Wait] = []
    for fact in facts:
        is_running = bool(waits) and waits[-1].paused_at is None
        match fact.body:
            case ClockStarted() as body if not is_running:
                waits.append(Wait(body))
            case ClockPaused(paused_at=at) if is_running:
                waits[-1] = replace(waits[-1], paused_at=at)
            case ClockBreached() if is_running:
                waits[-1] = replace(waits[-1], breached=True)
    return tuple(waits)


@dataclass(slots=True)
class _ActivityState:
    """An activity while its facts are folded."""

    body: DeliveryDetails | None = None
    day: date = date.min
    last_word: dict[str, bool] = field(default_factory=dict)
    confirmations: list[tuple[str, datetime]] = field(default_factory=list)

    def replace_body(self, body: DeliveryDetails, *, delivered: bool) -> None:
        """A delivery or correction. Another substitution, day or set of sites ends earlier last words (ruling 17)."""
        day, before = calendar_day(body.occurred_at), self.body
        if before is not None and (
            before.substitution != body.substitution or set(before.site_ids) != set(body.site_ids) or self.day != day
        ):
            self.last_word.clear()
        self.body, self.day = body, day
        if delivered:  # `confirmedBySites` counts only there
            self.last_word |= dict.fromkeys(body.confirmed_by_sites, True)
            if body.registered_at is not None:
                self.confirmations += [(site_id, body.registered_at) for site_id in body.confirmed_by_sites]


def activity(facts: list[Fact]) -> Activity | None:
    told = _ActivityState()
    for fact in facts:
        match fact.body:
            case DeliveryDetails() as body:
                told.replace_body(body, delivered=fact.name == "ActivityDelivered")
            case ActivityConfirmed(site_id=site_id, confirmed_at=at):
                told.last_word[site_id] = True
                told.confirmations.append((site_id, at))
            case ActivityDisputed(site_id=site_id):
                told.last_word[site_id] = False
            case _ if fact.name == "ActivityRetracted":
                return None
    if told.body is None:
        return None
    confirmed = frozenset(site_id for site_id, yes in told.last_word.items() if yes)
    return Activity(told.body, told.day, school_year_of(told.day), confirmed, tuple(told.confirmations))
