"""Days and school years as the rulings count them: in the calendar of Europe/Amsterdam."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
AUGUST = 8  # a school year begins on the first of August


class ProgrammeYear(NamedTuple):
    """A programme in one school year, such as `2025-2026`."""

    programme: str
    school_year: str

    @property
    def starts_on(self) -> date:
        return first_of_august(self.school_year)


@dataclass(frozen=True, slots=True)
class Span:
    """A link or a declaration; it holds from a day up to, and not including, another (ruling 1)."""

    about: str
    starts_on: date
    ends_on: date | None

    def holds_on(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


def amsterdam_day(instant: datetime) -> date:
    """The calendar day of a moment (ruling 2)."""
    return instant.astimezone(AMSTERDAM).date()


def school_year_of(day: date) -> str:
    first = day.year if day.month >= AUGUST else day.year - 1
    return f"{first}-{first + 1}"


def first_of_august(school_year: str) -> date:
    return date(int(school_year[:4]), AUGUST, 1)
