"""Replaced, stacked, unknown: what the activities did with the existing programme (ruling 21)."""

from collections import defaultdict
from collections.abc import Iterator

from demo.recount.days import Season
from demo.recount.events import Body
from demo.recount.facts import Facts
from demo.recount.figures import Figure, key, part_of


def substitution(facts: Facts, season: Season) -> Iterator[Figure]:
    """By activities, by minutes, and the unknown beside it: children's activities, confirmed or not."""
    delivered: dict[str, list[Body]] = defaultdict(list)
    for activity in facts.activities:
        if activity.season == season and activity.body.audience == "children":
            for unit in facts.places.units(activity.sites, activity.body.day):
                delivered[unit].append(activity.body)
    for unit, bodies in delivered.items():
        replaced = [body for body in bodies if body.substitution == "replaces"]
        unknown = [body for body in bodies if body.substitution == "unknown"]
        known = [body for body in bodies if body.substitution != "unknown"]
        shares = {
            "replaced-share": part_of(len(replaced), len(known)),
            "replaced-share-minutes": part_of(_minutes(replaced), _minutes(known)),
            "unknown-share": part_of(len(unknown), len(bodies)),
        }
        for indicator, share in shares.items():
            yield key(indicator, season.programme, unit, "all", season.school_year), share


def _minutes(bodies: list[Body]) -> int:
    return sum(body.minutes for body in bodies)
