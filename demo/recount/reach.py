"""Reach of children without identities: bounds per group, summed over groups (rulings 7 to 15)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from demo.recount.days import Season
from demo.recount.events import Body, GroupRecorded, TakingPart
from demo.recount.facts import Facts
from demo.recount.figures import Counted, Figure, decimal, key
from demo.recount.places import units_of
from demo.recount.vocabulary import REGISTERS


class Reach(NamedTuple):
    """Of one group: at least and at most so many children, and whether counting them would still help."""

    lower: int
    upper: int
    uncertain: bool
    """Even if the group's headcount were known (15)."""


def reach(facts: Facts, season: Season) -> Iterator[Figure]:
    """Per register: every unit with a group, the city and the neighbourhoods by learning area too."""
    bodies = [a.body for a in facts.activities if a.season == season and a.body.audience == "children"]
    for register in REGISTERS:
        groups = {
            group.group_id: group
            for group in facts.groups
            if group.register == register and group.school_year == season.school_year
        }
        for stratum in ("all", *sorted(facts.areas.get(season, ()))):
            chosen = [body for body in bodies if stratum == "all" or stratum in body.areas]
            for unit, counted in _in_units(facts, groups, chosen):
                if stratum == "all" or not unit.startswith("site:"):
                    yield (
                        key(f"reach-{register}", season.programme, unit, stratum, season.school_year),
                        counted,
                    )


def _in_units(facts: Facts, groups: dict[str, GroupRecorded], bodies: list[Body]) -> Iterator[tuple[str, Counted]]:
    takes_part: dict[str, list[TakingPart]] = {group_id: [] for group_id in groups}
    for body in bodies:
        for part in body.groups:
            if part.group_id in groups:
                takes_part[part.group_id].append(part)
    reached = {group_id: reach_of(groups[group_id], parts) for group_id, parts in takes_part.items()}
    members: dict[str, list[str]] = {}
    for group in groups.values():
        site = facts.places.of_group(group)
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
