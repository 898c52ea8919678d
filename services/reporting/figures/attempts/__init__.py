"""Attempts per fulfilled request (metrics.md 8, ruling 28): its highest attempt; parallel referrals share one.

A request belongs to the school year in which it was raised, to its asking site, and to each of its areas. It is
fulfilled when the closure that is in force says so.
"""

from collections.abc import Mapping
from decimal import Decimal

from services.reporting.figures.values import Cell, Function, Result, Sums, decimal, first_day

SUBJECT = "request_id"
AFFECTED = {
    "request": "SELECT id, id FROM unnest($1::text[]) AS id",
    "referral": "SELECT referral_id, request_id FROM referrals WHERE referral_id = ANY ($1)",
    "site": "SELECT site_id, request_id FROM requests WHERE site_id = ANY ($1)",
}
AT_SITES = "SELECT request_id FROM requests WHERE site_id = ANY ($1)"


def _attempts(sums: Sums, _: Mapping[str, str], cell: Cell) -> Result | None:
    attempts, fulfilled = sums["attempts"], sums["fulfilled"]
    if not fulfilled:
        return None
    value = decimal(Decimal(attempts) / Decimal(fulfilled))
    return Result(value, attempts, (fulfilled, fulfilled), "fulfilled requests with a referral", first_day(cell.period))


FUNCTIONS = {"attempts@1": Function("attempts", _attempts, {})}
