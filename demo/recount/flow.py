"""How many requests reached each step, and how many days each step took (rulings 26, 27, 30)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import pairwise

from demo.recount.days import ProgrammeYear, amsterdam_day
from demo.recount.entities import Activity, Entities, Request
from demo.recount.figures import Counted, KeyedFigure, decimal, key, median, p90, share_of
from demo.recount.sites import CITY

STEPS = ("raised", "assigned", "answered", "referred", "accepted", "delivered", "confirmed")

Reached = dict[str, date]
"""The day of the first moment of each step that a request reached."""


def flow(entities: Entities, year: ProgrammeYear) -> Iterator[KeyedFigure]:
    """Per unit of the asking site, and for the city per learning area of the request."""
    activities: dict[str, list[Activity]] = defaultdict(list)
    for activity in entities.activities:
        # Choice (36): an activity of another programme is no step of this request.
        if activity.details.programme == year.programme and activity.details.request_id:
            activities[activity.details.request_id].append(activity)
    cells: dict[tuple[str, str], list[tuple[Request, Reached]]] = defaultdict(list)
    for request_id, request in entities.requests.items():
        if request.year == year:
            reached = _reached(request, activities[request_id])
            for unit in entities.sites.units([request.raised.site_id], request.raised_on):
                cells[unit, "all"].append((request, reached))
            # Choice (26, 30): a step counts in each area of the request, whichever area it was about.
            for area in request.raised.areas:
                cells[CITY, area].append((request, reached))
    for (unit, stratum), asked in cells.items():
        for indicator, counted in _figures(asked):
            yield key(indicator, year.programme, unit, stratum, year.school_year), counted


def _figures(asked: list[tuple[Request, Reached]]) -> Iterator[KeyedFigure]:
    for step in STEPS:
        arrived = sum(step in reached for _, reached in asked)
        yield f"requests-{step}", share_of(arrived, len(asked))
    without = sum(is_without_broker(request) for request, _ in asked)
    yield "requests-without-broker", share_of(without, len(asked))
    for before, step in pairwise(STEPS):
        both = [reached for _, reached in asked if before in reached and step in reached]
        days = [max(0, (reached[step] - reached[before]).days) for reached in both]
        if days:
            counted = (len(days), len(days))
            for name, value in (("median", median(days)), ("p90", p90(days))):
                lead_time = Counted(measure="days", value=decimal(value), denominator=counted)
                yield f"lead-time-{step}-{name}", lead_time


def _reached(request: Request, activities: list[Activity]) -> Reached:
    in_time = [referral for referral in request.referrals if not _had_ended(request, referral.made_at)]
    asking = request.raised.site_id
    moments: dict[str, Iterable[date]] = {
        "raised": [request.raised_on],
        "assigned": _steps(request, "assigned"),
        "answered": _steps(request, "answered"),
        "referred": [amsterdam_day(referral.made_at) for referral in in_time],
        "accepted": [amsterdam_day(at) for referral in in_time for at in referral.accepted_at],
        "delivered": [activity.details.day for activity in activities],
        # Choice (26): the first yes, also when a correction or a dispute ended it later.
        "confirmed": [day for activity in activities for site, day in activity.confirmations if site == asking],
    }
    return {step: min(days) for step, days in moments.items() if days}


def _steps(request: Request, name: str) -> list[date]:
    return [amsterdam_day(step.at) for step in request.steps if step.step == name]


def _had_ended(request: Request, at: datetime) -> bool:
    """Whether the request was closed or withdrawn then: a later referral is no step of it (39)."""
    # Choice (39): at the very moment of the end is not after it.
    ended = False
    for step in request.steps:
        if step.step in {"closed", "withdrawn"} and step.at < at:
            ended = True
        elif step.step == "reopened" and step.at <= at:
            ended = False
    return ended


def is_without_broker(request: Request) -> bool:
    """Whether no broker covers any of its areas now, and nobody has answered it (30)."""
    status = before_the_end = ""
    for step in request.steps:
        if status == "answered" and step.step in {"assigned", "unbrokered"}:
            continue  # it is routed anew all the same, and stays answered
        if step.step == "closed":
            before_the_end = status
        status = before_the_end if step.step == "reopened" else step.step
    return status == "unbrokered"
