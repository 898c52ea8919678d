"""A group belongs to one school year: what arrives for another year wipes nothing (ruling 40)."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from services.reporting.facts.events import Fact, body_of
from services.reporting.facts.ledger import Ledger
from services.reporting.figures.totals import Totals
from services.reporting.figures.values import CITY, Cell
from tests.builders import ART, GROUP, PROGRAMME, SCHOOL

YEAR, NEXT_YEAR = "2025-2026", "2026-2027"
REACH = ("reach", Cell(PROGRAMME, CITY, "all", YEAR))


def a_fact(name: str, entity: str, version: int, data: dict[str, Any]) -> Fact:
    text = msgspec.json.encode(data)
    where = ("partnership.any.v1", 0, version)
    return Fact(*where, name, entity, 1, version, f"{entity}-{version}", body_of(name, text), text)


def the_group(version: int, school_year: str, headcount: int) -> Fact:
    data = {"groupId": GROUP, "siteId": SCHOOL, "register": "school", "schoolYear": school_year}
    counted = {"headcount": {"lower": headcount, "upper": headcount}}
    return a_fact("GroupRecorded", f"group:{GROUP}", version, data | counted)


THE_SITE = a_fact(
    "SiteRecorded",
    f"site:{SCHOOL}",
    1,
    {"siteId": SCHOOL, "validFrom": "2019-08-01", "kinds": ["primary"], "neighbourhood": "5211"},
)
AN_ACTIVITY = a_fact(
    "ActivityDelivered",
    "activity:a",
    1,
    {
        "activityId": "a",
        "siteIds": [SCHOOL],
        "programme": PROGRAMME,
        "learningAreas": [ART.model_dump()],
        "occurredAt": "2025-11-10T13:30:00+01:00",
        "durationMinutes": 60,
        "substitution": "replaces",
        "audience": "children",
        "groups": [{"groupId": GROUP, "participants": 20, "wholeGroup": False}],
    },
)
OF_THIS_YEAR = the_group(1, YEAR, headcount=24)
CORRECTED = the_group(2, YEAR, headcount=25)
OF_THE_NEXT = the_group(3, NEXT_YEAR, headcount=19)


def reached(*facts: Fact) -> tuple[int, int]:
    """The children reached in the school year, and those there are."""
    ledger, totals = Ledger(), Totals()
    for fact in facts:
        ledger.add(fact)
        totals.update(ledger, ledger.settle())
    sums = totals.sums[REACH]
    return sums["school.lower"], sums["school.children_lower"]


def test_a_group_that_is_recorded_for_another_year_keeps_what_was_reached_in_the_first() -> None:
    assert reached(THE_SITE, OF_THIS_YEAR, AN_ACTIVITY, OF_THE_NEXT) == (20, 24)


@pytest.mark.parametrize("order", [*permutations([OF_THIS_YEAR, OF_THE_NEXT, CORRECTED, AN_ACTIVITY])])
def test_each_year_keeps_the_newest_record_that_names_it(order: tuple[Fact, ...]) -> None:
    assert reached(THE_SITE, *order) == (20, 25)
