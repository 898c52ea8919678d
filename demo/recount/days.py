"""Days and school years as the rulings count them: the calendar of Europe/Amsterdam, nobody else's."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
AUGUST = 8  # a school year begins on the first of August


class Season(NamedTuple):
    """A programme in one school year, `2025-2026`."""

    programme: str
    school_year: str

    @property
    def first_of_august(self) -> date:
        """The day on which the school year begins."""
        return first_of_august(self.school_year)


@dataclass(frozen=True, slots=True)
class Span:
    """Something that holds from a day up to, and not including, another (ruling 1)."""

    of: str
    starts_on: date
    ends_on: date | None

    def holds_on(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


def amsterdam_day(instant: datetime) -> date:
    """The calendar day of a moment (ruling 2)."""
    return instant.astimezone(AMSTERDAM).date()


def school_year_of(day: date) -> str:
    """The school year in which a day lies."""
    first = day.year if day.month >= AUGUST else day.year - 1
    return f"{first}-{first + 1}"


def first_of_august(school_year: str) -> date:
    """The first day of a school year."""
    return date(int(school_year[:4]), AUGUST, 1)
