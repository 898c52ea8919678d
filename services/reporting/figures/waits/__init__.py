"""Waits (metrics.md 8): how long something was waited for, and how often too long, by the clocks that ran meanwhile.

A wait lasts from the start of a clock to its pause, in calendar days, also when it counted anew meanwhile. It belongs
to the school year in which it began, and to the site at which it is. Of a voided request or referral nothing counts.
"""

from collections.abc import Mapping

from services.reporting.figures.flow import median, p90
from services.reporting.figures.values import Cell, Function, Result, Sums, decimal, first_day, share

SUBJECT = "clock_id"
AFFECTED = {
    "clock": "SELECT id, id FROM unnest($1::text[]) AS id",
    "request": "SELECT request_id, clock_id FROM waits WHERE request_id = ANY ($1)",
    "referral": "SELECT referral_id, clock_id FROM waits WHERE referral_id = ANY ($1)",
    "site": "SELECT site_id, clock_id FROM waits WHERE site_id = ANY ($1)",
}
AT_SITES = "SELECT clock_id FROM waits WHERE site_id = ANY ($1)"
CLOCKS = ("answer", "wish", "see", "decide", "review", "plan", "finish", "take-back", "report")


def _wait(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    prefix = f"{parameters['clock']}+"
    lasted = [name for name in sums if name.startswith(prefix) and sums[name] > 0]
    days = sorted((int(name.removeprefix(prefix)), sums[name]) for name in lasted)
    if not days:
        return None
    count = sum(number for _, number in days)
    statistic = median if parameters["statistic"] == "median" else p90
    return Result(decimal(statistic(days, count)), None, (count, count), "waits that ended", first_day(cell.period))


def _too_long(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    clock = parameters["clock"]
    if not sums[clock]:
        return None
    return share(sums[f"{clock}.breached"], sums[clock], "waits", first_day(cell.period))


FUNCTIONS = {
    "wait@1": Function("waits", _wait, {"clock": CLOCKS, "statistic": ("median", "p90")}),
    "waited-too-long@1": Function("waits", _too_long, {"clock": CLOCKS}),
}
