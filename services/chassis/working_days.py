"""Working days: which day is so many working days after another, and how many lie between two days. Pure.

A day is no working day when it is a Saturday or Sunday, a public holiday of the Netherlands, or in a school holiday of
the region (`school-holidays.csv`, the dates that the government publishes as open data, CC0). Days are calendar days in
Europe/Amsterdam. What counts as a day off, and why: docs/adr/0018-working-days.md.

Guarantee: a result names the school years on the way whose holidays are not known (`unknown_years`). In those, only
weekends and public holidays are days off: clocks run on, and may be due too early. Where no region is known (None), the
holidays of no school year are.
"""

import csv
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Final, get_args

import holidays

from contracts.values import HolidayRegion

FIRST_DAY: Final = date(1999, 12, 31)
LAST_DAY: Final = date(2110, 12, 31)
"""What occurs lies in 2000 to 2100, and in other time zones a day beside; ten years more hold every due day of up to
2,000 working days."""
_YEARS = range(FIRST_DAY.year - 1, LAST_DAY.year + 1)  # the school years, by the year in which they begin
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class DueDay:
    """The day on which so many working days have passed. No `date` itself, so that nobody misses the unknown years."""

    day: date
    unknown_years: tuple[str, ...]
    """The school years on the way whose holidays are not known: the day may be a later one."""


@dataclass(frozen=True, slots=True)
class Elapsed:
    """How many working days have passed."""

    working_days: int
    unknown_years: tuple[str, ...]
    """The school years on the way whose holidays are not known: the working days may be fewer."""


def after_working_days(start: date, number: int, region: HolidayRegion | None) -> DueDay:
    """The day on which `number` working days have passed since `start`, which is not counted itself: a Friday and one
    working day give Monday. It is a working day, unless nothing is waited for: 0 gives `start`.

    Raises `ValueError` for a negative number, and where a day is not in `FIRST_DAY` to `LAST_DAY`.
    """
    if number < 0:
        raise ValueError(f"the number of working days is {number}; it must be 0 or more")
    calendar, first = _CALENDARS[region], _ordinal(start)
    if number == 0:
        return DueDay(start, ())
    index = calendar.passed(first) + number - 1
    if index >= len(calendar.working_days):
        raise ValueError(f"{number} working days after {start} is later than {LAST_DAY}")
    due = calendar.working_days[index]
    return DueDay(date.fromordinal(due), calendar.unknown_years(first, due))


def working_days_between(start: date, end: date, region: HolidayRegion | None) -> Elapsed:
    """How many working days there are after `start`, up to and including `end`: from a Friday to Monday, one. Negative
    when `end` is before `start`; periods that follow each other add up.

    Raises `ValueError` where a day is not in `FIRST_DAY` to `LAST_DAY`.
    """
    calendar, first, last = _CALENDARS[region], _ordinal(start), _ordinal(end)
    number = calendar.passed(last) - calendar.passed(first)
    return Elapsed(number, calendar.unknown_years(min(first, last), max(first, last)))


def _ordinal(day: date) -> int:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} is not in {FIRST_DAY} to {LAST_DAY}, of which working days are known")
    return day.toordinal()


@dataclass(frozen=True, slots=True)
class _Period:
    """Days by their ordinals, from `first` up to (not including) `end`."""

    first: int
    end: int


_SchoolHolidays = Mapping[int, Sequence[_Period]]
"""Of one region, by the year in which the school year begins."""


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The working days of a region."""

    working_days: "array[int]"
    """Their ordinals, ascending."""
    ends: Sequence[int]
    """Of each of `_YEARS`, the ordinal of the first day after the school year."""
    known: frozenset[int]
    """The school years whose holidays are known."""

    def passed(self, day: int) -> int:
        """How many working days there are up to and including a day."""
        return bisect_right(self.working_days, day)

    def unknown_years(self, start: int, end: int) -> tuple[str, ...]:
        """The school years between two days whose holidays are not known; the first day does not count."""
        if start == end:
            return ()
        first, last = (_YEARS[bisect_right(self.ends, day)] for day in (start + 1, end))
        return tuple(f"{year}-{year + 1}" for year in range(first, last + 1) if year not in self.known)


def _calendar(known: _SchoolHolidays) -> _Calendar:
    days_off = set(_PUBLIC_HOLIDAYS)
    for period in (period for periods in known.values() for period in periods):
        days_off.update(range(period.first, period.end))
    days = range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1)
    working_days = (day for day in days if (day - 1) % 7 < _SATURDAY and day not in days_off)
    return _Calendar(array("l", working_days), [_end(year, known) for year in _YEARS], frozenset(known))


def _end(year: int, known: _SchoolHolidays) -> int:
    """The first day after a school year, which ends with its summer holiday. Where that is not known, but the next
    year's holidays are, it may last until the first of these."""
    if year in known:
        return max(period.end for period in known[year])
    if year + 1 in known:
        return min(period.first for period in known[year + 1])
    return date(year + 1, 8, 1).toordinal()


def _read(text: str) -> Mapping[str, _SchoolHolidays]:
    found: defaultdict[str, defaultdict[int, list[_Period]]] = defaultdict(lambda: defaultdict(list))
    for row in csv.DictReader(text.splitlines()):
        first, end = (date.fromisoformat(row[name]).toordinal() for name in ("from", "to"))
        found[row["region"]][int(row["schoolYear"][:4])].append(_Period(first, end))
    return dict(found)


_PUBLIC_HOLIDAYS = frozenset(
    day.toordinal() for day in holidays.country_holidays("NL", years=range(FIRST_DAY.year, LAST_DAY.year + 1))
)
_SCHOOL_HOLIDAYS = _read((files(__package__) / "school-holidays.csv").read_text(encoding="utf-8"))
_CALENDARS: Mapping[HolidayRegion | None, _Calendar] = {
    None: _calendar({}),
    **{region: _calendar(_SCHOOL_HOLIDAYS[region]) for region in get_args(HolidayRegion)},
}
