"""From question to delivery (metrics.md 8, rulings 2, 26 to 30): the first moment of each step of a request.

A request belongs to the school year in which it was raised, to its asking site, and to each of its areas.
The days of a step are those since the step before it, over the requests that reached both.
"""

from datetime import date, datetime

from contracts.values import calendar_day, school_year_of
from services.reporting.facts.folds import Activity, Request
from services.reporting.facts.ledger import Ledger
from services.reporting.figures.cells import Component, Contributions, strata_of, units
from services.reporting.figures.flow import STEPS
from services.reporting.figures.values import CITY, Cell

NAME = "flow"
FINE = frozenset({CITY})


def contributions(ledger: Ledger, request_id: str) -> Contributions:
    request = ledger.requests.get(request_id)
    if request is None or request.raised is None:
        return {}
    raised = request.raised
    raised_on = calendar_day(raised.raised_at)
    counted = _counted(steps(ledger, request_id, request))
    counted["without_broker"] = int(request.without_broker)
    areas = [area.stratum for area in raised.learning_areas]
    return {
        Cell(raised.programme, unit, stratum, school_year_of(raised_on)): counted
        for unit in units(ledger, [raised.site_id], raised_on)
        for stratum in strata_of(unit, areas, fine=FINE)
    }


def steps(ledger: Ledger, request_id: str, request: Request) -> list[date | None]:
    """The day on which each of `STEPS` was first reached."""
    assert request.raised is not None, "a request without its question contributes nothing"
    made: list[datetime] = []
    accepted: list[datetime] = []
    for referral_id in ledger.referrals_of[request_id]:
        referral = ledger.referrals[referral_id]
        if referral.made is None or (request.closed_at is not None and referral.made.made_at > request.closed_at):
            continue  # a referral made after its request ended counts elsewhere (ruling 39)
        made.append(referral.made.made_at)
        accepted += [referral.accepted_at] if referral.accepted_at else []
    activities = _deliveries(ledger, request_id, request.raised.programme)
    asking = request.raised.site_id
    confirmed = [at for activity in activities for site_id, at in activity.confirmations if site_id == asking]
    return [
        calendar_day(request.raised.raised_at),
        calendar_day(request.assigned_at) if request.assigned_at else None,
        calendar_day(request.answered_at) if request.answered_at else None,
        calendar_day(min(made)) if made else None,
        calendar_day(min(accepted)) if accepted else None,
        min((activity.day for activity in activities), default=None),
        calendar_day(min(confirmed)) if confirmed else None,
    ]


def _deliveries(ledger: Ledger, request_id: str, programme: str) -> list[Activity]:
    """The request's activities of its own programme, at a site that is known on that day (rulings 36, 39)."""
    activities = (ledger.activities[activity_id] for activity_id in ledger.activities_for[request_id])
    return [
        activity
        for activity in activities
        if activity.body.programme == programme and units(ledger, activity.body.site_ids, activity.day)
    ]


def _counted(days: list[date | None]) -> dict[Component, int]:
    counted: dict[Component, int] = {}
    for step, day, before in zip(STEPS, days, [None, *days[:-1]], strict=True):
        if day is not None:
            counted[step] = 1
            if before is not None:
                counted[f"{step}+{max((day - before).days, 0)}"] = 1
    return counted
