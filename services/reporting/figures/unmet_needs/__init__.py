"""Unmet need (metrics.md 8, rulings 29 and 30): what was asked and not fulfilled, by learning area and reason.

A request belongs to the school year in which it was raised, and to its asking site. Unmet are the areas that the
closure in force names, and all areas of a request without a broker.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.metrics import UnmetNeedPublished
from contracts.values import LearningArea
from services.reporting.figures.values import Cell, Function, Result, Sums, decimal, first_day, share

SUBJECT = "request_id"
AFFECTED = {
    "request": "SELECT id, id FROM unnest($1::text[]) AS id",
    "site": "SELECT site_id, request_id FROM requests WHERE site_id = ANY ($1)",
}
AT_SITES = "SELECT request_id FROM requests WHERE site_id = ANY ($1)"


def _share(sums: Sums, _: Mapping[str, str], cell: Cell) -> Result | None:
    if not sums["asked"]:
        return None
    return share(sums["unmet"], sums["asked"], "requests raised", first_day(cell.period))


def _number(sums: Sums, _: Mapping[str, str], __: Cell) -> Result | None:
    unmet = sums["unmet"]
    return Result(decimal(unmet), unmet, None) if unmet else None


def _on_its_topic(fields: Mapping[str, Any], cut_id: int, known_at: datetime) -> UnmetNeedPublished:
    area, _, reason = fields["stratum"].partition(";")
    scheme, _, code = area.partition(":")
    return UnmetNeedPublished(
        key=fields["key"],
        programme=fields["programme"],
        school_year=fields["period"],
        unit=fields["unit"],
        learning_area=LearningArea(scheme=scheme, code=code),
        reason=reason,
        requests=fields.get("numerator", 0),
        cut_id=cut_id,
        known_at=known_at,
    )


FUNCTIONS = {
    "unmet-share@1": Function("unmet_needs", _share, {}),
    "unmet-requests@1": Function("unmet_needs", _number, {}, also=_on_its_topic),
}
