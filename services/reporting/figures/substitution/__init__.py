"""Replaced or stacked (metrics.md 2, ruling 21): all delivered activities for children, confirmed or not."""

from collections.abc import Mapping

from services.reporting.figures.values import Cell, Function, Result, Sums, first_day, share

SUBJECT = "activity_id"
AFFECTED = {
    "activity": "SELECT id, id FROM unnest($1::text[]) AS id",
    "site": "SELECT site_id, activity_id FROM activity_sites WHERE site_id = ANY ($1)",
}
AT_SITES = "SELECT activity_id FROM activity_sites WHERE site_id = ANY ($1)"


def _replaced(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    replaces, stacks, unknown = (sums[name] for name in ("replaces", "stacks", "unknown"))
    if not replaces + stacks + unknown:
        return None
    on = first_day(cell.period)
    match parameters["by"]:
        case "minutes":
            replaces, stacks = sums["minutes.replaces"], sums["minutes.stacks"]
            return share(replaces, replaces + stacks, "minutes of activities that replace or stack", on)
        case "unknown":
            return share(unknown, replaces + stacks + unknown, "activities for children", on)
        case _:
            return share(replaces, replaces + stacks, "activities that replace or stack", on)


FUNCTIONS = {"replaced-share@1": Function("substitution", _replaced, {"by": ("activities", "minutes", "unknown")})}
