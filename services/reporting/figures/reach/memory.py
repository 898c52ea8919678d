"""Reach of children without identities (metrics.md 3, rulings 7 to 14).

For a group with headcount n and participants x_i of its activities: lower = max x_i, upper = min(n, sum x_i).
A whole group is n, an uncounted one [0, n], a masked headcount an interval that carries through.
"""

from collections.abc import Iterable

from services.reporting.facts.events import GroupRecorded, Headcount, TakingPart
from services.reporting.facts.ledger import Ledger
from services.reporting.figures.cells import Component, Contributions, strata_of
from services.reporting.figures.values import ALL, CITY, Cell, first_day

NAME = "reach"
FINE = frozenset({"neighbourhood", CITY})


def contributions(ledger: Ledger, group_id: str) -> Contributions:
    """What one group contributes to the reach of its register, in every programme of its school year."""
    found: dict[Cell, dict[Component, int]] = {}
    for group in ledger.groups.get(group_id, {}).values():
        found |= _contributions(ledger, group)
    return found


def _contributions(ledger: Ledger, group: GroupRecorded) -> dict[Cell, dict[Component, int]]:
    found: dict[Cell, dict[Component, int]] = {}
    site = ledger.sites.get(group.site_id)
    if site is None:
        return found
    neighbourhood = site.on_or_first(first_day(group.school_year)).neighbourhood
    for programme in ledger.programmes_in(group.school_year):
        areas = ledger.areas_in(programme, group.school_year)
        counted = {
            stratum: _counted(group, parts)
            for stratum, parts in _parts_by_stratum(ledger, group, programme, areas).items()
        }
        for unit in (f"site:{group.site_id}", f"neighbourhood:{neighbourhood}", CITY):
            for stratum in strata_of(unit, areas, fine=FINE):
                found[Cell(programme, unit, stratum, group.school_year)] = counted[stratum]
    return found


def _parts_by_stratum(
    ledger: Ledger, group: GroupRecorded, programme: str, areas: Iterable[str]
) -> dict[str, list[TakingPart]]:
    """The group's participations in the programme's activities for children of its school year."""
    parts: dict[str, list[TakingPart]] = {ALL: [], **{area: [] for area in areas}}
    for activity_id in ledger.activities_with[group.group_id]:
        activity = ledger.activities[activity_id]
        body = activity.body
        if body.programme != programme or body.audience != "children" or activity.school_year != group.school_year:
            continue
        if not any(ledger.site_on(site_id, activity.day) for site_id in body.site_ids):
            continue  # with no known site it counts nowhere (ruling 39)
        part = next(each for each in body.groups if each.group_id == group.group_id)
        for stratum in (ALL, *(area.stratum for area in body.learning_areas)):
            parts[stratum].append(part)
    return parts


def _counted(group: GroupRecorded, parts: list[TakingPart]) -> dict[Component, int]:
    lower, upper, is_uncertain = bounds(group.headcount, parts)
    register = group.register
    return {
        f"{register}.groups": 1,
        f"{register}.lower": lower,
        f"{register}.upper": upper,
        f"{register}.to_confirm": int(is_uncertain),
        f"{register}.children_lower": group.headcount.lower,
        f"{register}.children_upper": group.headcount.upper,
    }


def bounds(headcount: Headcount, parts: list[TakingPart]) -> tuple[int, int, bool]:
    """(lower, upper, whether confirming would make it more exact) of the children reached in one group."""
    most = headcount.upper
    counted = [min(part.participants, most) for part in parts if part.participants is not None]
    whole = any(part.participants is None and part.whole_group for part in parts)
    uncounted = any(part.participants is None and not part.whole_group for part in parts)
    highest = max(counted, default=0)
    lower = max(highest, headcount.lower) if whole else highest
    upper = most if whole or uncounted else min(most, sum(counted))
    # Judged as if the headcount were known, at its upper bound: there the doubt is greatest (ruling 15).
    return lower, upper, not whole and highest != upper
