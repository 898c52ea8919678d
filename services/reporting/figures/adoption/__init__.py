"""Adoption: schools that work with a programme (metrics.md 1, rulings 16 to 20).

A school *qualifies* (loose) by a delivered activity for children that replaces and that this school confirmed, in the
year that ends on the day; strictly when such an activity, with its request, is joint with a linked childcare site and
a linked out-of-school-care site.
"""

from collections.abc import Mapping
from datetime import date

from services.reporting.figures.values import DAYS, Cell, Function, Result, Sums, share

SUBJECT = "site_id"
AFFECTED = {
    "site": """
        SELECT id, id FROM unnest($1::text[]) AS id
        UNION SELECT site_id, other_id FROM site_links WHERE site_id = ANY ($1)
        UNION SELECT other_id, site_id FROM site_links WHERE other_id = ANY ($1)
        UNION SELECT its.site_id, school.site_id
            FROM activity_sites AS its JOIN activity_sites AS school USING (activity_id)
            WHERE its.site_id = ANY ($1)""",
    "activity": "SELECT activity_id, site_id FROM activity_sites WHERE activity_id = ANY ($1)",
    "request": """
        SELECT request_id, site_id FROM activities JOIN activity_sites USING (activity_id)
        WHERE request_id = ANY ($1)""",
}
AT_SITES = "SELECT unnest($1::text[])"
OF_PROGRAMME_PERIODS = (
    "SELECT DISTINCT site_id FROM site_records"
    " WHERE EXISTS (SELECT FROM changed_programme_periods WHERE period LIKE '____-__-__')"
)


def _adoption(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    if not sums["schools"]:
        return None
    on = date.fromisoformat(cell.period)
    return share(sums[parameters["reading"]], sums["schools"], "open primary locations (partnership.sites.v1)", on)


_READINGS = ("strict", "loose", "declared")
FUNCTIONS = {"adoption@1": Function("adoption", _adoption, {"reading": _READINGS}, periods=tuple(DAYS))}
