"""How referrals end (metrics.md 8, ruling 28): accepted, declined late, expired, withdrawn, of those that were made.

A referral belongs to the school year in which its request was raised, to the site that asks, and to each of its areas.
One that was withdrawn because another partner accepted counts nowhere.
"""

from collections.abc import Mapping

from services.reporting.figures.values import Cell, Function, Result, Sums, first_day, share

SUBJECT = "referral_id"
AFFECTED = {
    "referral": "SELECT id, id FROM unnest($1::text[]) AS id",
    "request": "SELECT request_id, referral_id FROM referrals WHERE request_id = ANY ($1)",
    "site": """
        SELECT site_id, referral_id FROM requests JOIN referrals USING (request_id) WHERE site_id = ANY ($1)""",
}
AT_SITES = "SELECT referral_id FROM requests JOIN referrals USING (request_id) WHERE site_id = ANY ($1)"
ENDS = ("accepted", "declined_late", "expired", "withdrawn")


def _ended(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    if not sums["made"]:
        return None
    return share(sums[parameters["end"]], sums["made"], "referrals made", first_day(cell.period))


FUNCTIONS = {"referrals-ended@1": Function("referral_ends", _ended, {"end": ENDS})}
