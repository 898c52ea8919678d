"""Reach counted by hand (rulings 7 to 15, 38)."""

from itertools import product
from typing import Any

import pytest

from demo.recount import Counted
from demo.recount.events import GroupRecorded, TakingPart
from demo.recount.reach import reach_of
from demo.recount.tests.scenario import ART, IN_ART, IN_SPORT, SPORT, Scenario, a_scenario, part


def children(lower: int, upper: int, of: tuple[int, int], to_confirm: int = 0) -> Counted:
    return Counted(
        measure="children",
        value=f"{lower}.000000" if lower == upper else None,
        lower=f"{lower}.000000",
        upper=f"{upper}.000000",
        denominator=of,
        to_confirm=to_confirm,
    )


def one_group(headcount: tuple[int, int], *sessions: dict[str, Any]) -> Counted | None:
    scenario = a_scenario()
    scenario.group("g", "school", headcount)
    scenario.delivered("opens-the-year")
    for number, session in enumerate(sessions):
        scenario.delivered(f"a{number}", groups=[session])
    return scenario.figure("reach-school")


def test_crossed_bounds_of_a_headcount_are_taken_as_minimum_and_maximum() -> None:
    assert one_group((4, 1), part("g", 2)) == one_group((1, 4), part("g", 2))


def test_a_group_that_one_activity_names_twice_takes_part_once_with_the_larger_count() -> None:
    scenario = a_scenario()
    scenario.group("g", "school", (20, 20))
    scenario.delivered("a", groups=[part("g", 7), part("g", 12), part("g", 5)])

    assert scenario.figure("reach-school") == children(12, 12, (20, 20))


def test_three_groups_of_fifteen_in_many_sessions_are_45_children() -> None:
    scenario = Scenario()
    for number in range(3):
        scenario.site(f"school{number}", neighbourhood=f"N{number}")
        scenario.group(f"g{number}", f"school{number}", (15, 15))

    for session in range(8):
        groups = [part(f"g{number}", 15 if session % 2 else None, whole=True) for number in range(3)]
        scenario.delivered(f"a{session}", siteIds=["school0"], groups=groups)

    assert scenario.figure("reach-school") == children(45, 45, of=(45, 45))
    assert scenario.figure("reach-school", "neighbourhood:N1") == children(15, 15, of=(15, 15))
    assert scenario.figure("reach-school", "site:school2") == children(15, 15, of=(15, 15))
    assert scenario.figure("reach-school", "city", IN_ART) == children(45, 45, of=(45, 45))
    assert scenario.figure("reach-school", "site:school2", IN_ART) is None


@pytest.mark.parametrize(
    ("headcount", "sessions", "reach"),
    [
        ((20, 20), [], children(0, 0, of=(20, 20))),
        ((20, 20), [part("g", 8)], children(8, 8, of=(20, 20))),
        ((20, 20), [part("g", 8), part("g", 5)], children(8, 13, of=(20, 20), to_confirm=1)),
        ((20, 20), [part("g", 18), part("g", 5)], children(18, 20, of=(20, 20), to_confirm=1)),
        ((20, 20), [part("g", 8), part("g", 20)], children(20, 20, of=(20, 20))),
        ((20, 20), [part("g")], children(0, 20, of=(20, 20), to_confirm=1)),
        ((20, 20), [part("g", 8), part("g")], children(8, 20, of=(20, 20), to_confirm=1)),
        ((20, 20), [part("g", whole=True)], children(20, 20, of=(20, 20))),
        ((20, 20), [part("g", 8, whole=True)], children(8, 8, of=(20, 20))),  # a number beats the flag
        ((20, 20), [part("g", 25)], children(20, 20, of=(20, 20))),  # capped
        ((20, 20), [part("g", 0)], children(0, 0, of=(20, 20))),
        # a masked headcount: 1 to 4
        ((1, 4), [part("g", whole=True)], children(1, 4, of=(1, 4))),
        ((1, 4), [part("g")], children(0, 4, of=(1, 4), to_confirm=1)),
        ((1, 4), [part("g", 3)], children(3, 3, of=(1, 4))),
        ((1, 4), [part("g", 3), part("g", whole=True)], children(3, 4, of=(1, 4))),  # three prove n ≥ 3
        ((1, 4), [part("g", 2), part("g", 2)], children(2, 4, of=(1, 4), to_confirm=1)),
        ((1, 4), [part("g", 9)], children(4, 4, of=(1, 4))),
    ],
)
def test_bounds_of_one_group(headcount: tuple[int, int], sessions: list[dict[str, Any]], reach: Counted) -> None:
    assert one_group(headcount, *sessions) == reach


def test_the_two_ends_of_a_masked_headcount_say_what_every_headcount_between_says() -> None:
    """The same bounds the long way: for every headcount that the group may have."""
    ways = [(None, False), (None, True), (0, False), (1, False), (3, False), (6, False)]
    for fewest, most in ((0, 0), (0, 3), (1, 4), (4, 4)):
        group = GroupRecorded("g", "school", "school", "2025-2026", fewest, most)
        for counts in product(ways, repeat=3):
            counted = [min(number, most) for number, _ in counts if number is not None]
            possible = []
            for n in range(max([fewest, *counted]), most + 1):
                least = [(n if whole else 0) if number is None else min(number, most) for number, whole in counts]
                highest = [n if number is None else min(number, most) for number, _ in counts]
                possible.append((max(least), min(n, sum(highest))))

            found = reach_of(group, [TakingPart("g", number, whole) for number, whole in counts])

            assert found.lower == min(least for least, _ in possible)
            assert found.upper == max(highest for _, highest in possible)
            assert found.uncertain == any(least < highest for least, highest in possible)


def test_learning_areas_are_counted_apart_each_in_which_something_was_done_for_children() -> None:
    scenario = a_scenario()
    scenario.site("elsewhere", neighbourhood="5223")
    scenario.group("g", "school", (20, 20))
    scenario.group("other", "elsewhere", (30, 30))

    scenario.delivered("a", groups=[part("g", 12)], learningAreas=[ART, SPORT])
    scenario.delivered("b", groups=[part("g", 10)], learningAreas=[SPORT])
    scenario.delivered("c", groups=[part("unknown", 10)], learningAreas=[{"scheme": "curriculum.nu", "code": "x"}])

    assert scenario.figure("reach-school") == children(12, 20, of=(50, 50), to_confirm=1)
    assert scenario.figure("reach-school", "city", IN_ART) == children(12, 12, of=(50, 50))
    assert scenario.figure("reach-school", "neighbourhood:5211", IN_SPORT) == children(
        12, 20, of=(20, 20), to_confirm=1
    )
    assert scenario.figure("reach-school", "neighbourhood:5223", IN_SPORT) == children(0, 0, of=(30, 30))
    assert scenario.figure("reach-school", "city", "curriculum.nu:x") == children(0, 0, of=(50, 50))
    assert scenario.figure("reach-school", "city", "curriculum.nu:y") is None


def test_registers_are_never_added() -> None:
    scenario = a_scenario()
    scenario.group("class", "school", (20, 20))
    scenario.group("afternoon", "school", (12, 12), register="childcare")
    scenario.group("sundays", "school", (9, 9), register="project")

    scenario.delivered("a", groups=[part("class", 20), part("afternoon", 7), part("sundays", 9)])

    assert scenario.figure("reach-school") == children(20, 20, of=(20, 20))
    assert scenario.figure("reach-childcare") == children(7, 7, of=(12, 12))
    assert scenario.figure("reach-project") == children(9, 9, of=(9, 9))


@pytest.mark.parametrize("other", [{"on": "2026-09-10"}, {"programme": "lea-tilburg"}])
def test_an_activity_of_another_school_year_or_programme_reaches_nobody_here(other: dict[str, Any]) -> None:
    scenario = a_scenario()
    scenario.group("g", "school", (20, 20))

    scenario.delivered("opens-the-year")
    scenario.delivered("a", groups=[part("g", 20)], **other)

    assert scenario.figure("reach-school") == children(0, 0, of=(20, 20))


def test_groups_of_parents_and_groups_of_another_school_year_are_not_reached() -> None:
    scenario = a_scenario()
    scenario.group("g", "school", (20, 20))
    scenario.group("last-year", "school", (25, 25), year="2024-2025")

    scenario.delivered("a", audience="parents", groups=[part("g", 20)])
    scenario.delivered("b", groups=[part("last-year", 25)])

    assert scenario.figure("reach-school") == children(0, 0, of=(20, 20))
    assert scenario.figure("reach-school", "city", IN_ART) == children(0, 0, of=(20, 20))  # b was in art
    assert scenario.figure("reach-school", period="2024-2025") is None  # nothing was done or asked in that year


def test_the_newest_headcount_counts_not_the_one_on_the_activity() -> None:
    scenario = a_scenario()
    scenario.group("g", "school", (20, 20))

    scenario.delivered("a", groups=[part("g", whole=True) | {"headcount": 20}])
    scenario.group("g", "school", (23, 23))

    assert scenario.figure("reach-school") == children(23, 23, of=(23, 23))


def test_each_school_year_keeps_the_newest_record_of_a_group_that_names_it() -> None:
    scenario = a_scenario()
    scenario.group("g", "school", (20, 20))
    scenario.group("g", "school", (24, 24))
    scenario.group("g", "school", (19, 19), year="2026-2027")

    scenario.delivered("a", groups=[part("g", 18)])
    scenario.delivered("b", on="2026-11-10", groups=[part("g", 17)])

    assert scenario.figure("reach-school") == children(18, 18, of=(24, 24))
    assert scenario.figure("reach-school", period="2026-2027") == children(17, 17, of=(19, 19))


def test_a_group_belongs_where_its_site_lay_on_the_first_of_august_or_by_its_first_record() -> None:
    scenario = Scenario()
    scenario.site("moved", neighbourhood="5210", since="2010-08-01")
    scenario.site("moved", neighbourhood="5211", since="2020-08-01")
    scenario.site("moved", neighbourhood="5223", since="2025-08-02")
    scenario.site("new", neighbourhood="5224", since="2026-01-01")
    scenario.site("new", neighbourhood="5225", since="2026-03-01")
    scenario.group("g", "moved", (20, 20))
    scenario.group("h", "new", (10, 10))
    scenario.group("site-unknown", "unknown", (99, 99))

    scenario.delivered("a", siteIds=["moved"], groups=[part("g", 20), part("h", 10)])
    scenario.delivered("b", siteIds=["moved"], groups=[part("site-unknown", 99)], learningAreas=[SPORT])

    assert scenario.figure("reach-school", "neighbourhood:5211") == children(20, 20, of=(20, 20))
    assert scenario.figure("reach-school", "neighbourhood:5224") == children(10, 10, of=(10, 10))
    assert scenario.figure("reach-school") == children(30, 30, of=(30, 30))
    assert scenario.figure("reach-school", "city", IN_SPORT) == children(0, 0, of=(30, 30))
