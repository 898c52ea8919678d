"""Reach of children without identities: bounds per group, summed over groups (rulings 7 to 15)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from demo.recount.days import ProgrammeYear
from demo.recount.entities import Entities
from demo.recount.event_types import REGISTERS
from demo.recount.events import DeliveryDetails, GroupRecorded, TakingPart
from demo.recount.figures import Counted, KeyedFigure, decimal, key
from demo.recount.sites import units_of


class Reach(NamedTuple):
    """Of one group: at least and at most so many children."""

    lower: int
    upper: int
    uncertain: bool
    """Whether the bounds would differ even if the group's headcount were known: counting would help (15)."""


def reach(entities: Entities, year: ProgrammeYear) -> Iterator[KeyedFigure]:
    """Per register: every unit with a group, the city and the neighbourhoods by learning area too."""
    of_year = [activity.details for activity in entities.activities if activity.year == year]
    for_children = [details for details in of_year if details.audience == "children"]
    for register in REGISTERS:
        groups = {
            group.group_id: group
            for group in entities.groups
            if group.register == register and group.school_year == year.school_year
        }
        for stratum in ("all", *sorted(entities.areas.get(year, ()))):
            chosen = [details for details in for_children if stratum == "all" or stratum in details.areas]
            for unit, counted in _in_units(entities, groups, chosen):
                if stratum == "all" or not unit.startswith("site:"):
                    yield key(f"reach-{register}", year.programme, unit, stratum, year.school_year), counted


def _in_units(
    entities: Entities, groups: dict[str, GroupRecorded], delivered: list[DeliveryDetails]
) -> Iterator[tuple[str, Counted]]:
    takes_part: dict[str, list[TakingPart]] = {group_id: [] for group_id in groups}
    for part in (part for details in delivered for part in details.groups if part.group_id in groups):
        takes_part[part.group_id].append(part)
    reached = {group_id: reach_of(groups[group_id], parts) for group_id, parts in takes_part.items()}
    members: dict[str, list[str]] = {}
    for group in groups.values():
        site = entities.sites.of_group(group)
        for unit in units_of(site) if site else ():
            members.setdefault(unit, []).append(group.group_id)
    for unit, group_ids in members.items():
        yield unit, _sum([groups[one] for one in group_ids], [reached[one] for one in group_ids])


def _sum(groups: Sequence[GroupRecorded], reached: Sequence[Reach]) -> Counted:
    lower, upper = sum(one.lower for one in reached), sum(one.upper for one in reached)
    return Counted(
        measure="children",
        value=decimal(lower) if lower == upper else None,
        lower=decimal(lower),
        upper=decimal(upper),
        denominator=(sum(group.fewest for group in groups), sum(group.most for group in groups)),
        to_confirm=sum(one.uncertain for one in reached),
    )


def reach_of(group: GroupRecorded, parts: Sequence[TakingPart]) -> Reach:
    """The reach of one group by the activities of the selection, whatever its masked headcount is.

    Both bounds, and their distance, never fall when the headcount rises: its two ends say everything.
    """
    counted = [min(part.participants, group.most) for part in parts if part.participants is not None]
    # Children who were counted prove that the group is at least so large (9).
    # Choice (9): counted in the selection, not in another area or programme.
    smallest = max([group.fewest, *counted])
    lower, _ = _bounds(smallest, parts)
    surely, upper = _bounds(group.most, parts)
    # Choice (15): uncertain for at least one headcount that the group may turn out to have.
    return Reach(lower, upper, uncertain=surely < upper)


def _bounds(headcount: int, parts: Sequence[TakingPart]) -> tuple[int, int]:
    """At least the fullest activity, at most all of them together, never more than there are."""
    fewest, most = [0], 0
    for part in parts:
        if part.participants is not None:
            fewest.append(min(part.participants, headcount))
            most += min(part.participants, headcount)
        else:
            fewest.append(headcount if part.whole_group else 0)
            most += headcount
    return max(fewest), min(headcount, most)
