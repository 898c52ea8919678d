"""Reach of children without identities (metrics.md 3, rulings 7 to 14).

For a group with headcount n and participants x_i of its activities: lower = max x_i, upper = min(n, sum x_i).
A whole group is n, an uncounted one [0, n], a masked headcount an interval that carries through.
"""

from collections.abc import Mapping

from services.reporting.figures.values import Cell, Function, Result, Sums, decimal, first_day

SUBJECT = "group_id"
AFFECTED = {
    "group": "SELECT id, id FROM unnest($1::text[]) AS id",
    "activity": "SELECT activity_id, group_id FROM activity_groups WHERE activity_id = ANY ($1)",
    "site": """
        SELECT site_id, group_id FROM groups WHERE site_id = ANY ($1)
        UNION SELECT site_id, group_id
            FROM activity_sites JOIN activity_groups USING (activity_id) WHERE site_id = ANY ($1)""",
}
AT_SITES = "SELECT group_id FROM groups WHERE site_id = ANY ($1)"
OF_PROGRAMME_PERIODS = "SELECT group_id FROM groups WHERE school_year IN (SELECT period FROM changed_programme_periods)"
REGISTERS = ("school", "childcare", "project")


def _reach(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    register = parameters["register"]
    if not sums[f"{register}.groups"]:
        return None
    lower, upper = sums[f"{register}.lower"], sums[f"{register}.upper"]
    children = (sums[f"{register}.children_lower"], sums[f"{register}.children_upper"])
    return Result(
        value=decimal(lower) if lower == upper else None,
        denominator=children,
        source=f"headcounts of groups in the {register} register (partnership.sites.v1)",
        reference_date=first_day(cell.period),
        lower=decimal(lower),
        upper=decimal(upper),
        method="exact_group" if lower == upper else "bounded",
        to_confirm=sums[f"{register}.to_confirm"],
    )


FUNCTIONS = {"reach@1": Function("reach", _reach, {"register": REGISTERS})}
