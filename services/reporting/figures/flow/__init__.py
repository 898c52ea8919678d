"""From question to delivery (metrics.md 8, rulings 2, 26 to 30): the first moment of each step of a request.

A request belongs to the school year in which it was raised, to its asking site, and to each of its areas.
The days of a step are those since the step before it, over the requests that reached both.
"""

from collections.abc import Mapping
from decimal import Decimal

from services.reporting.figures.values import Cell, Function, Result, Sums, decimal, first_day, share

SUBJECT = "request_id"
AFFECTED = {
    "request": "SELECT id, id FROM unnest($1::text[]) AS id",
    "referral": "SELECT referral_id, request_id FROM referrals WHERE referral_id = ANY ($1)",
    "activity": """
        SELECT activity_id, request_id FROM activities WHERE activity_id = ANY ($1) AND request_id IS NOT NULL""",
    "site": """
        SELECT site_id, request_id FROM requests WHERE site_id = ANY ($1)
        UNION SELECT site_id, request_id FROM activity_sites JOIN activities USING (activity_id)
            WHERE site_id = ANY ($1) AND request_id IS NOT NULL""",
}
AT_SITES = "SELECT request_id FROM requests WHERE site_id = ANY ($1)"
STEPS = ("raised", "assigned", "answered", "referred", "accepted", "delivered", "confirmed")
P90 = 90  # nearest rank, ruling 2


def _reached(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    if not sums["raised"]:
        return None
    return share(sums[parameters["step"]], sums["raised"], "requests raised", first_day(cell.period))


def _lead_time(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    prefix = f"{parameters['step']}+"
    days = sorted(
        (int(component.removeprefix(prefix)), sums[component])
        for component in sums
        if component.startswith(prefix) and sums[component] > 0
    )
    if not days:
        return None
    counted = sum(count for _, count in days)
    statistic = median if parameters["statistic"] == "median" else p90
    on = first_day(cell.period)
    return Result(
        decimal(statistic(days, counted)),
        None,
        (counted, counted),
        "requests that reached this step and the one before",
        on,
    )


def _rank(days: list[tuple[int, int]], rank: int) -> int:
    """The rank-th smallest number of days, counting from 1."""
    for number, count in days:
        rank -= count
        if rank <= 0:
            return number
    raise IndexError("the rank is within the count")


def median(days: list[tuple[int, int]], count: int) -> Decimal:
    """The middle value, or the mean of the two middle values (ruling 2). `days` are (days, how many), sorted."""
    return Decimal(_rank(days, (count + 1) // 2) + _rank(days, count // 2 + 1)) / 2


def p90(days: list[tuple[int, int]], count: int) -> Decimal:
    """The 90th percentile by nearest rank (ruling 2). `days` are (days, how many), sorted."""
    return Decimal(_rank(days, -(-P90 * count // 100)))


FUNCTIONS = {
    "requests-reached@1": Function("flow", _reached, {"step": (*STEPS, "without_broker")}),
    "lead-time@1": Function("flow", _lead_time, {"step": STEPS[1:], "statistic": ("median", "p90")}),
}
