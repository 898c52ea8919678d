"""The facts behind the figures: sites through time, groups, requests with their steps, activities.

The highest surviving body of an entity wins whole; confirmations are facts of their own (rulings 17, 32).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from demo.recount.days import Season, amsterdam_day, school_year_of
from demo.recount.events import (
    ActivityConfirmed,
    ActivityCorrected,
    ActivityDelivered,
    ActivityDisputed,
    ActivityRetracted,
    Body,
    GroupRecorded,
    ReferralAccepted,
    ReferralMade,
    ReferralVoided,
    RequestMoved,
    RequestRaised,
    RequestVoided,
    Said,
    SiteRecorded,
)
from demo.recount.messages import Aggregate, Record, surviving
from demo.recount.places import Places


@dataclass(frozen=True, slots=True)
class Referral:
    """One hand-over of a request, and when its partner took it on."""

    made_at: datetime
    accepted_at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, and every step that followed, in the order of its versions."""

    raised: RequestRaised
    steps: tuple[RequestMoved, ...]
    referrals: tuple[Referral, ...]

    @property
    def raised_on(self) -> date:
        """The day it was raised."""
        return amsterdam_day(self.raised.raised_at)

    @property
    def season(self) -> Season:
        """The programme and the school year in which it was raised."""
        return Season(self.raised.programme, school_year_of(self.raised_on))


@dataclass(frozen=True, slots=True)
class Activity:
    """One delivered occurrence, as it was last registered."""

    body: Body
    sites: frozenset[str]
    """The involved sites that are there on its day: the known parts count (rulings 38, 39)."""
    confirmed_by: frozenset[str]
    """The sites whose last word is yes, about what the body says now."""
    confirmations: tuple[tuple[str, date], ...] = field(repr=False)
    """Every yes that was ever said: who and on which day."""

    @property
    def season(self) -> Season:
        """The programme and the school year in which it occurred."""
        return Season(self.body.programme, school_year_of(self.body.day))


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a figure may count."""

    places: Places
    groups: tuple[GroupRecorded, ...]
    requests: dict[str, Request]
    activities: tuple[Activity, ...]
    seasons: frozenset[Season]
    """Every season in which something was asked or done, also where nobody knows the site yet."""
    areas: dict[Season, frozenset[str]]
    """The learning areas of each season's activities for children, likewise."""


def facts_from(records: Iterable[Record]) -> Facts:
    """The facts in these messages."""
    told = surviving(records)
    places = Places([said for events in told.values() for said in events if isinstance(said, SiteRecorded)])
    # Choice (8, 32): a group has one register and one school year, those of its newest record.
    groups = tuple(events[-1] for events in told.values() if isinstance(events[-1], GroupRecorded))
    standing = [_activity(events, places) for (kind, _), events in told.items() if kind == "activity"]
    activities = [activity for activity in standing if activity is not None]
    return Facts(
        places,
        tuple(group for group in groups if places.of_group(group)),
        _requests(told, places),
        # Choice (38, 39): known is there on its day, for adoption too; without such a site it counts nowhere,
        # not as a step of its request either. It still tells that there was a season, and in which areas.
        tuple(activity for activity in activities if activity.sites),
        frozenset({activity.season for activity in activities} | _asked(told)),
        _areas(activities),
    )


def _asked(told: dict[Aggregate, list[Said]]) -> set[Season]:
    """The seasons in which a request was raised that was not voided."""
    raised = [_raised(events) for (kind, _), events in told.items() if kind == "request"]
    return {Season(each.programme, school_year_of(amsterdam_day(each.raised_at))) for each in raised if each}


def _areas(activities: Iterable[Activity]) -> dict[Season, frozenset[str]]:
    areas: dict[Season, frozenset[str]] = {}
    for activity in activities:
        if activity.body.audience == "children":
            areas[activity.season] = areas.get(activity.season, frozenset()) | activity.body.areas
    return areas


def _requests(told: dict[Aggregate, list[Said]], places: Places) -> dict[str, Request]:
    referrals: dict[str, list[Referral]] = {}
    for (kind, _), events in told.items():
        if kind == "referral":
            for request_id, referral in _referral(events):
                referrals.setdefault(request_id, []).append(referral)
    return {
        request_id: request
        for (kind, request_id), events in told.items()
        if kind == "request" and (request := _request(events, referrals.get(request_id, []), places))
    }


def _raised(events: list[Said]) -> RequestRaised | None:
    """The question of a request that was not voided: voided ones leave every figure (31)."""
    if any(isinstance(said, RequestVoided) for said in events):
        return None
    return next((said for said in events if isinstance(said, RequestRaised)), None)


def _request(events: list[Said], referrals: list[Referral], places: Places) -> Request | None:
    """A request that counts."""
    raised = _raised(events)
    # Choice (36, 38): a request of a site that is not there on the day it was raised counts nowhere.
    if raised is None or not places.on(raised.site_id, amsterdam_day(raised.raised_at)):
        return None
    return Request(raised, tuple(said for said in events if isinstance(said, RequestMoved)), tuple(referrals))


def _referral(events: list[Said]) -> list[tuple[str, Referral]]:
    # Choice (26): a voided referral was a mistake and is no step of its request.
    if any(isinstance(said, ReferralVoided) for said in events):
        return []
    accepted_at = tuple(said.at for said in events if isinstance(said, ReferralAccepted))
    return [(said.request_id, Referral(said.made_at, accepted_at)) for said in events if isinstance(said, ReferralMade)]


def _activity(events: list[Said], places: Places) -> Activity | None:
    """An activity that was delivered and not retracted."""
    body: Body | None = None
    words: dict[str, bool] = {}
    confirmations: list[tuple[str, date]] = []
    for said in events:
        match said:
            case ActivityRetracted():
                return None
            case ActivityDelivered():
                body = said.body
                words |= dict.fromkeys(said.confirmed_by, True)
                confirmations += [(site, amsterdam_day(said.registered_at)) for site in said.confirmed_by]
            case ActivityCorrected():
                if body is not None and body.what_was_confirmed != said.body.what_was_confirmed:
                    words.clear()  # a body that cannot be compared with an earlier one ends nothing
                body = said.body
            case ActivityConfirmed():
                words[said.site_id] = True
                confirmations.append((said.site_id, amsterdam_day(said.at)))
            case ActivityDisputed():
                words[said.site_id] = False
    if body is None:
        return None
    sites = frozenset(site for site in body.site_ids if places.on(site, body.day))
    confirmed_by = frozenset(site for site, yes in words.items() if yes)
    return Activity(body, sites, confirmed_by, tuple(confirmations))
