"""Working days are those on which schools, partners and brokers work; where that is not known, the result says so."""

import csv
import time
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import get_args

import holidays
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.values import HolidayRegion, school_year_of
from services.chassis.working_days import FIRST_DAY, LAST_DAY, DueDay, Elapsed, after_working_days, working_days_between

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "services" / "chassis" / "school-holidays.csv"
PUBLISHED = ROOT.parent / "shared" / "data" / "school-holidays" / "school-holidays.csv"
REGIONS: tuple[HolidayRegion, ...] = get_args(HolidayRegion)
HOLIDAYS = {"herfstvakantie", "kerstvakantie", "voorjaarsvakantie", "meivakantie", "zomervakantie"}
ONE_DAY = timedelta(days=1)

a_region = st.sampled_from([*REGIONS, None])
a_day = st.dates(date(2023, 1, 1), date(2032, 12, 31))
"""Within the years of which school holidays are known, and some years around them."""
a_number = st.integers(0, 300)


def is_working_day(day: date, region: HolidayRegion | None = None) -> bool:
    return working_days_between(day - ONE_DAY, day, region).working_days == 1


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(SHIPPED.read_text(encoding="utf-8").splitlines()))


def days_of(row: dict[str, str]) -> list[date]:
    first, end = date.fromisoformat(row["from"]), date.fromisoformat(row["to"])
    return [first + number * ONE_DAY for number in range((end - first).days)]


@pytest.mark.parametrize(
    ("start", "number", "due"),
    [
        (date(2025, 9, 3), 1, date(2025, 9, 4)),  # a Wednesday
        (date(2025, 9, 5), 1, date(2025, 9, 8)),  # over a weekend
        (date(2025, 9, 6), 1, date(2025, 9, 8)),  # from a Saturday
        (date(2025, 10, 10), 1, date(2025, 10, 20)),  # over the autumn holiday
        (date(2025, 10, 15), 1, date(2025, 10, 20)),  # from the middle of it
        (date(2026, 5, 13), 1, date(2026, 5, 15)),  # over Ascension Day
        (date(2025, 12, 18), 2, date(2026, 1, 5)),  # over the Christmas holiday
        (date(2026, 7, 8), 10, date(2026, 9, 2)),  # over the summer holiday
        (date(2025, 9, 6), 0, date(2025, 9, 6)),  # nothing to wait for
    ],
)
def test_a_due_day_is_so_many_working_days_later(start: date, number: int, due: date) -> None:
    assert after_working_days(start, number, "zuid") == DueDay(due, ())


@pytest.mark.parametrize(
    ("start", "end", "number"),
    [
        (date(2025, 9, 5), date(2025, 9, 8), 1),
        (date(2025, 9, 5), date(2025, 9, 5), 0),
        (date(2025, 9, 5), date(2025, 9, 7), 0),
        (date(2025, 10, 10), date(2025, 10, 20), 1),
        (date(2025, 10, 20), date(2025, 10, 10), -1),
    ],
)
def test_what_has_passed_is_counted_without_the_first_day_and_with_the_last(
    start: date, end: date, number: int
) -> None:
    assert working_days_between(start, end, "zuid") == Elapsed(number, ())


def test_regions_have_holidays_of_their_own() -> None:
    due = {region: after_working_days(date(2026, 2, 13), 1, region).day for region in REGIONS}

    assert due == {"noord": date(2026, 2, 16), "midden": date(2026, 2, 23), "zuid": date(2026, 2, 23)}


def test_without_a_region_only_weekends_and_public_holidays_are_days_off() -> None:
    assert after_working_days(date(2025, 12, 23), 2, None).day == date(2025, 12, 29)


def test_the_first_day_after_a_holiday_is_a_working_day_again() -> None:
    assert [is_working_day(date(2025, 10, day), "zuid") for day in (10, 13, 17, 20)] == [True, False, False, True]


PUBLIC_HOLIDAYS_OF_2026 = {
    date(2026, 1, 1),  # New Year's Day
    date(2026, 4, 3),  # Good Friday
    date(2026, 4, 6),  # Easter Monday
    date(2026, 4, 27),  # King's Day
    date(2026, 5, 14),  # Ascension Day
    date(2026, 5, 25),  # Whit Monday
    date(2026, 12, 25),
}


def test_these_and_no_others_are_the_public_holidays_of_a_year_that_fall_on_weekdays() -> None:
    weekdays = [day for day in (date(2026, 1, 1) + number * ONE_DAY for number in range(365)) if day.weekday() < 5]

    assert {day for day in weekdays if not is_working_day(day)} == PUBLIC_HOLIDAYS_OF_2026


@pytest.mark.parametrize(("year", "is_off"), [(2020, True), (2025, True), (2026, False), (2027, False)])
def test_liberation_day_is_a_day_off_once_in_five_years(year: int, *, is_off: bool) -> None:
    assert is_working_day(date(year, 5, 5)) is not is_off


@pytest.mark.parametrize(
    ("day", "region", "unknown_years"),
    [
        (date(2026, 3, 2), "zuid", ()),
        (date(2026, 3, 2), None, ("2025-2026",)),
        (date(2030, 8, 16), "zuid", ()),
        (date(2030, 8, 19), "zuid", ("2030-2031",)),
        (date(2030, 8, 30), "noord", ()),
        (date(2030, 9, 2), "noord", ("2030-2031",)),
        (date(2031, 8, 1), "noord", ("2031-2032",)),
        (date(2024, 10, 21), "zuid", ()),
        (date(2024, 9, 16), "zuid", ("2023-2024",)),  # how long its summer holiday lasts is not known
        (date(2023, 7, 31), "zuid", ("2022-2023",)),
    ],
)
def test_a_school_year_whose_holidays_are_not_known_is_named(
    day: date, region: HolidayRegion | None, unknown_years: tuple[str, ...]
) -> None:
    assert working_days_between(day - ONE_DAY, day, region).unknown_years == unknown_years


def test_every_unknown_school_year_on_the_way_is_named_and_no_other() -> None:
    assert working_days_between(date(2023, 1, 1), date(2031, 12, 31), "midden").unknown_years == (
        "2022-2023",
        "2023-2024",
        "2030-2031",
        "2031-2032",
    )


def test_a_clock_runs_on_in_an_unknown_school_year_without_school_holidays() -> None:
    assert after_working_days(date(2030, 10, 4), 20, "zuid") == DueDay(date(2030, 11, 1), ("2030-2031",))


def test_a_negative_number_of_working_days_is_refused() -> None:
    with pytest.raises(ValueError, match="the number of working days is -1; it must be 0 or more"):
        after_working_days(date(2025, 9, 5), -1, "zuid")


@pytest.mark.parametrize("day", [FIRST_DAY - ONE_DAY, LAST_DAY + ONE_DAY])
def test_a_day_of_which_working_days_are_not_known_is_refused(day: date) -> None:
    known = date(2025, 9, 5)

    with pytest.raises(ValueError, match=f"{day} is not in 1999-12-31 to 2110-12-31"):
        after_working_days(day, 1, "zuid")
    for period in ((day, known), (known, day)):
        with pytest.raises(ValueError, match=f"{day} is not in"):
            working_days_between(*period, "zuid")


def test_the_first_and_the_last_day_of_which_working_days_are_known_are_counted() -> None:
    assert after_working_days(FIRST_DAY, 1, None).day == date(2000, 1, 3)
    assert working_days_between(LAST_DAY - ONE_DAY, LAST_DAY, None).working_days == 1  # a Wednesday


def test_a_due_day_beyond_the_last_known_day_is_refused() -> None:
    assert after_working_days(date(2100, 12, 31), 2_000, "zuid").day <= LAST_DAY
    assert after_working_days(date(2110, 12, 30), 1, None).day == LAST_DAY
    with pytest.raises(ValueError, match="2 working days after 2110-12-30 is later than 2110-12-31"):
        after_working_days(date(2110, 12, 30), 2, None)


@given(a_day, st.integers(1, 300), a_region)
def test_a_due_day_is_never_a_day_off(start: date, number: int, region: HolidayRegion | None) -> None:
    due = after_working_days(start, number, region).day

    assert due.weekday() < 5
    assert is_working_day(due, region)


@given(a_day, a_number, a_region)
def test_as_many_working_days_have_passed_on_a_due_day_as_it_was_due_after(
    start: date, number: int, region: HolidayRegion | None
) -> None:
    due = after_working_days(start, number, region)

    assert working_days_between(start, due.day, region) == Elapsed(number, due.unknown_years)


@given(a_day, a_day, a_number, a_number, a_region)
def test_who_starts_later_or_has_more_days_is_never_due_earlier(
    start: date, other: date, number: int, more: int, region: HolidayRegion | None
) -> None:
    later = max(start, other)
    due = after_working_days(min(start, other), number, region).day

    assert due <= after_working_days(later, number, region).day
    assert due <= after_working_days(later, number + more, region).day


@given(a_day, a_number, a_number, a_region)
def test_a_clock_that_was_paused_and_goes_on_at_once_is_due_on_the_same_day(
    start: date, number: int, rest: int, region: HolidayRegion | None
) -> None:
    paused = after_working_days(start, number, region).day

    assert after_working_days(paused, rest, region).day == after_working_days(start, number + rest, region).day


@given(a_day, a_day, a_day, a_region)
def test_periods_that_follow_each_other_add_up(
    start: date, middle: date, end: date, region: HolidayRegion | None
) -> None:
    def passed(since: date, until: date) -> int:
        return working_days_between(since, until, region).working_days

    assert passed(start, middle) + passed(middle, end) == passed(start, end)


@given(a_day, a_number, st.sampled_from(REGIONS))
def test_school_holidays_only_ever_delay_a_due_day(start: date, number: int, region: HolidayRegion) -> None:
    assert after_working_days(start, number, None).day <= after_working_days(start, number, region).day


@given(a_day, a_day, st.sampled_from(REGIONS))
def test_between_known_summer_holidays_every_holiday_is_known(start: date, end: date, region: HolidayRegion) -> None:
    assume(date(2024, 11, 1) <= min(start, end) and max(start, end) < date(2030, 8, 1))

    assert working_days_between(start, end, region).unknown_years == ()


def test_ten_thousand_due_days_take_well_under_a_second() -> None:
    began = time.perf_counter()

    for number in range(10_000):
        after_working_days(date(2025, 9, 1) + number % 365 * ONE_DAY, number % 20, "zuid")

    assert time.perf_counter() - began < 1  # 0.05 s on a quiet machine


def test_the_shipped_holidays_are_complete_for_each_school_year_and_region() -> None:
    years = sorted({row["schoolYear"] for row in rows()})
    found = Counter((row["schoolYear"], row["region"], row["holiday"]) for row in rows())

    assert found == dict.fromkeys(
        [(year, region, name) for year in years for region in REGIONS for name in HOLIDAYS], 1
    )
    assert years == [f"{first}-{first + 1}" for first in range(int(years[0][:4]), int(years[0][:4]) + len(years))]


def test_the_shipped_holidays_of_a_region_follow_each_other_in_their_own_school_year() -> None:
    for region in REGIONS:
        days = sorted((row["from"], row["to"]) for row in rows() if row["region"] == region)
        assert all(first < end for first, end in days)
        assert all(end < next_first for (_, end), (next_first, _) in pairwise(days))
    assert [row for row in rows() if school_year_of(date.fromisoformat(row["from"])) != row["schoolYear"]] == []


def test_the_shipped_holidays_are_those_that_the_library_knows_too() -> None:
    for region in REGIONS:
        shipped = {day for row in rows() if row["region"] == region for day in days_of(row)}
        library = holidays.country_holidays(
            "NL", subdiv=region.title(), years=range(2024, 2031), categories=("school",)
        )
        assert {day for day in library if min(shipped) <= day <= max(shipped)} == shipped


@pytest.mark.skipif(
    not PUBLISHED.is_file(),
    reason="the published school holidays are not beside the repository (shared/data/school-holidays)",
)
def test_the_shipped_holidays_are_the_published_ones() -> None:
    assert SHIPPED.read_bytes() == PUBLISHED.read_bytes()
