"""What the figures count: sites through time, groups, requests with their steps, activities.

The newest surviving version of an entity's details holds as a whole; confirmations come on top (rulings 17, 32).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from demo.recount.days import ProgrammeYear, amsterdam_day, school_year_of
from demo.recount.events import (
    ActivityConfirmed,
    ActivityCorrected,
    ActivityDelivered,
    ActivityDisputed,
    ActivityRetracted,
    ClockBreached,
    ClockPaused,
    ClockStarted,
    DeliveryDetails,
    EventData,
    GroupRecorded,
    ReferralAccepted,
    ReferralEnded,
    ReferralMade,
    ReferralVoided,
    RequestAmended,
    RequestRaised,
    RequestStep,
    RequestVoided,
    SiteRecorded,
)
from demo.recount.messages import Aggregate, Record, surviving
from demo.recount.sites import Sites

History = Mapping[Aggregate, list[EventData]]


@dataclass(frozen=True, slots=True)
class Referral:
    made_at: datetime
    accepted_at: tuple[datetime, ...]
    areas: frozenset[str] = frozenset()
    attempt: int = 1
    ended: ReferralEnded | None = None
    declined_late: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    raised: RequestRaised
    steps: tuple[RequestStep, ...]
    """In the order of their versions."""
    referrals: tuple[Referral, ...]

    @property
    def raised_on(self) -> date:
        return amsterdam_day(self.raised.raised_at)

    @property
    def year(self) -> ProgrammeYear:
        return ProgrammeYear(self.raised.programme, school_year_of(self.raised_on))


@dataclass(frozen=True, slots=True)
class Wait:
    """From the start of a clock to its pause; counting anew in between does not end it."""

    started: ClockStarted
    ended_on: date | None = None
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    """A delivered activity, as it was last registered."""

    details: DeliveryDetails
    sites: frozenset[str]
    """The involved sites that exist on its day: the known parts count (rulings 38, 39)."""
    confirmed_by: frozenset[str]
    """The sites that confirmed it as it is now, and did not dispute it later."""
    confirmations: tuple[tuple[str, date], ...] = field(repr=False)
    """Every confirmation there ever was: the site and the day."""

    @property
    def year(self) -> ProgrammeYear:
        return ProgrammeYear(self.details.programme, school_year_of(self.details.day))


@dataclass(frozen=True, slots=True)
class Entities:
    """Everything that a figure may count."""

    sites: Sites
    groups: tuple[GroupRecorded, ...]
    requests: dict[str, Request]
    activities: tuple[Activity, ...]
    waits: tuple[tuple[Wait, ...], ...]
    """Of each clock, in their order; of a voided referral none."""
    days: frozenset[tuple[str, date]]
    """Every programme with each day on which something was asked or done, also by a site that is not known yet."""
    areas: dict[ProgrammeYear, frozenset[str]]
    """The learning areas of each year's activities for children, likewise."""

    @property
    def programme_years(self) -> set[ProgrammeYear]:
        return {ProgrammeYear(programme, school_year_of(day)) for programme, day in self.days}


def entities_from(records: Iterable[Record]) -> Entities:
    history = surviving(records)
    sites = Sites([event for events in history.values() for event in events if isinstance(event, SiteRecorded)])
    groups = [group for events in history.values() for group in _newest_of_each_year(events)]
    found = [_activity(events, sites) for (kind, _), events in history.items() if kind == "activity"]
    activities = [activity for activity in found if activity is not None]
    return Entities(
        sites,
        tuple(group for group in groups if sites.of_group(group)),
        _requests(history, sites),
        # Choice (38, 39): known is there on its day, for adoption too; without such a site it counts nowhere,
        # not as a step of its request either. It still tells that there was a year, and in which areas.
        tuple(activity for activity in activities if activity.sites),
        tuple(_waits(history)),
        frozenset({(each.details.programme, each.details.day) for each in activities} | _days_of_requests(history)),
        _areas(activities),
    )


def _newest_of_each_year(events: list[EventData]) -> Iterable[GroupRecorded]:
    """A group by school year: each year keeps the newest record that names it (40), with its register (8, 32)."""
    return {event.school_year: event for event in events if isinstance(event, GroupRecorded)}.values()


def _days_of_requests(history: History) -> set[tuple[str, date]]:
    raised = [_raised(events) for (kind, _), events in history.items() if kind == "request"]
    return {(each.programme, amsterdam_day(each.raised_at)) for each in raised if each}


def _areas(activities: Iterable[Activity]) -> dict[ProgrammeYear, frozenset[str]]:
    areas: dict[ProgrammeYear, frozenset[str]] = {}
    for activity in activities:
        if activity.details.audience == "children":
            areas[activity.year] = areas.get(activity.year, frozenset()) | activity.details.areas
    return areas


def _requests(history: History, sites: Sites) -> dict[str, Request]:
    referrals: dict[str, list[Referral]] = {}
    for (kind, _), events in history.items():
        if kind == "referral":
            for request_id, referral in _referral(events):
                referrals.setdefault(request_id, []).append(referral)
    return {
        request_id: request
        for (kind, request_id), events in history.items()
        if kind == "request" and (request := _request(events, referrals.get(request_id, []), sites))
    }


def _raised(events: list[EventData]) -> RequestRaised | None:
    """What is asked now; None of a voided request: it leaves every figure (31)."""
    if any(isinstance(event, RequestVoided) for event in events):
        return None
    raised = next((event for event in events if isinstance(event, RequestRaised)), None)
    for event in events:
        # Choice (32): the newest amendment says the whole of what is asked, for all of the request's figures.
        if raised is not None and isinstance(event, RequestAmended):
            raised = replace(
                raised,
                site_id=event.site_id,
                co_site_ids=event.co_site_ids,
                programme=event.programme,
                areas=event.areas,
            )
    return raised


def _request(events: list[EventData], referrals: list[Referral], sites: Sites) -> Request | None:
    raised = _raised(events)
    # Choice (36, 38): a request of a site that is not there on the day it was raised counts nowhere.
    if raised is None or not sites.on(raised.site_id, amsterdam_day(raised.raised_at)):
        return None
    return Request(raised, tuple(event for event in events if isinstance(event, RequestStep)), tuple(referrals))


def _referral(events: list[EventData]) -> list[tuple[str, Referral]]:
    # Choice (26): a voided referral was a mistake and is no step of its request.
    if any(isinstance(event, ReferralVoided) for event in events):
        return []
    accepted_at = tuple(event.at for event in events if isinstance(event, ReferralAccepted))
    made = [event for event in events if isinstance(event, ReferralMade)]
    ended, is_accepted, declined_late = None, False, False
    for event in events:
        if isinstance(event, ReferralAccepted):
            is_accepted = True
        if isinstance(event, ReferralEnded):
            ended, declined_late = event, is_accepted and event.how == "declined"
    return [
        (event.request_id, Referral(event.made_at, accepted_at, event.areas, event.attempt, ended, declined_late))
        for event in made
    ]


def _waits(history: History) -> Iterable[tuple[Wait, ...]]:
    referrals = {id_ for (kind, id_), events in history.items() if kind == "referral" and _referral(events)}
    standing: set[str | None] = {None, *referrals}
    for (kind, _), events in history.items():
        if kind == "clock" and (waits := _waits_of(events)) and waits[0].started.referral_id in standing:
            yield tuple(waits)


def _waits_of(events: list[EventData]) -> list[Wait]:
    found: list[Wait] = []
    for event in events:
        runs = bool(found) and found[-1].ended_on is None
        if isinstance(event, ClockStarted) and not runs:
            found.append(Wait(event))
        if isinstance(event, ClockPaused) and runs:
            found[-1] = replace(found[-1], ended_on=amsterdam_day(event.at))
        if isinstance(event, ClockBreached) and runs:
            found[-1] = replace(found[-1], too_long=True)
    return found


def _activity(events: list[EventData], sites: Sites) -> Activity | None:
    """None of an activity that was not delivered, or was retracted."""
    details: DeliveryDetails | None = None
    confirms: dict[str, bool] = {}
    confirmations: list[tuple[str, date]] = []
    for event in events:
        match event:
            case ActivityRetracted():
                return None
            case ActivityDelivered():
                details = event.details
                confirms |= dict.fromkeys(event.confirmed_by, True)
                confirmations += [(site, amsterdam_day(event.registered_at)) for site in event.confirmed_by]
            case ActivityCorrected():
                if details is not None and details.confirmed_content != event.details.confirmed_content:
                    confirms.clear()  # details that cannot be compared with earlier ones end nothing
                details = event.details
            case ActivityConfirmed():
                confirms[event.site_id] = True
                confirmations.append((event.site_id, amsterdam_day(event.at)))
            case ActivityDisputed():
                confirms[event.site_id] = False
    if details is None:
        return None
    present = frozenset(site for site in details.site_ids if sites.on(site, details.day))
    confirmed_by = frozenset(site for site, yes in confirms.items() if yes)
    return Activity(details, present, confirmed_by, tuple(confirmations))
