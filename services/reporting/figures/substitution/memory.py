"""Replaced or stacked (metrics.md 2, ruling 21): all delivered activities for children, confirmed or not."""

from services.reporting.facts.ledger import Ledger
from services.reporting.figures.cells import Component, Contributions, units
from services.reporting.figures.values import ALL, Cell

NAME = "substitution"


def contributions(ledger: Ledger, activity_id: str) -> Contributions:
    """What one activity contributes to each of its sites, their neighbourhoods and the city, once."""
    activity = ledger.activities.get(activity_id)
    if activity is None or activity.body.audience != "children":
        return {}
    body = activity.body
    counted: dict[Component, int] = {body.substitution: 1, f"minutes.{body.substitution}": body.duration_minutes}
    return {
        Cell(body.programme, unit, ALL, activity.school_year): counted
        for unit in units(ledger, body.site_ids, activity.day)
    }
