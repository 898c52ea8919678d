"""Which share of the activities replaces a part of the existing programme, is stacked on it, or unknown (ruling 21)."""

from collections import defaultdict
from collections.abc import Iterator

from demo.recount.days import ProgrammeYear
from demo.recount.entities import Entities
from demo.recount.events import DeliveryDetails
from demo.recount.figures import KeyedFigure, key, share_of


def substitution(entities: Entities, year: ProgrammeYear) -> Iterator[KeyedFigure]:
    """By activities, by minutes, and the unknown beside it: children's activities, confirmed or not."""
    delivered: dict[str, list[DeliveryDetails]] = defaultdict(list)
    for activity in entities.activities:
        if activity.year == year and activity.details.audience == "children":
            for unit in entities.sites.units(activity.sites, activity.details.day):
                delivered[unit].append(activity.details)
    for unit, details in delivered.items():
        replaced = [each for each in details if each.substitution == "replaces"]
        unknown = [each for each in details if each.substitution == "unknown"]
        known = [each for each in details if each.substitution != "unknown"]
        shares = {
            "replaced-share": share_of(len(replaced), len(known)),
            "replaced-share-minutes": share_of(_minutes(replaced), _minutes(known)),
            "unknown-share": share_of(len(unknown), len(details)),
        }
        for indicator, share in shares.items():
            yield key(indicator, year.programme, unit, "all", year.school_year), share


def _minutes(delivered: list[DeliveryDetails]) -> int:
    return sum(each.minutes for each in delivered)
