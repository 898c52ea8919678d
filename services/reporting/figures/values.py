"""What a family's functions are made of: from the sums of a cell to a value.

A function is never changed once a figure was published with it: a better reading is a new version beside it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal, NamedTuple

from contracts.events import Event

SIX_DECIMALS = Decimal("0.000001")
ALL = "all"
UNITS = ("site", "neighbourhood", "city")
STRATA = (ALL, "learning-area", "reason")
SCHOOL_YEAR = "school-year"
DAYS = {"31-december": (12, 31), "31-july": (7, 31)}
"""The days of a school year at which something can stand, by their names in definitions: month and day."""
_DAY_NAMES = {f"{month:02}-{day:02}": name for name, (month, day) in DAYS.items()}


def standing_days(day: date) -> list[date]:
    """Of each of these days the next one: a day is in its trailing year."""
    ends = [date(day.year, month, last) for month, last in DAYS.values()]
    return [each if day <= each else each.replace(year=day.year + 1) for each in ends]


class Sums(Counter[str]):
    """Of one cell, by component. It keeps which of them were asked for: a figure rests on those alone."""

    def __init__(self, amounts: Mapping[str, int] | None = None) -> None:
        super().__init__(amounts)
        self.read: set[str] = set()

    def __getitem__(self, component: str) -> int:
        self.read.add(component)
        return super().__getitem__(component)


class Cell(NamedTuple):
    """Where a figure stands."""

    programme: str
    unit: str
    stratum: str
    period: str

    @property
    def unit_kind(self) -> str:
        return self.unit.partition(":")[0]

    @property
    def stratum_kind(self) -> str:
        """`all`, `learning-area`, or `reason`: an area and a reason, as `scheme:code;reason`."""
        if self.stratum == ALL:
            return ALL
        return "reason" if ";" in self.stratum else "learning-area"

    @property
    def period_kind(self) -> str:
        return _DAY_NAMES.get(self.period[5:], SCHOOL_YEAR)


@dataclass(frozen=True, slots=True)
class Result:
    """What a function computes: a figure without definition, cell and cut."""

    value: str | None = None
    numerator: int | None = None
    denominator: tuple[int, int] | None = (0, 0)
    """None for a plain number, which is no part of anything."""
    source: str = ""
    reference_date: date = date.min
    lower: str | None = None
    upper: str | None = None
    method: Literal["exact_group", "bounded", "counted"] = "counted"
    verdict: Literal["no_denominator"] | None = None
    to_confirm: int | None = None
    emptied: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """The family whose sums it needs, and how it computes a value; None where the cell has no such figure."""

    family: str
    compute: Callable[[Sums, Mapping[str, str], Cell], Result | None]
    parameters: Mapping[str, tuple[str, ...]]
    """The parameters that a definition must give, with the values that are allowed."""
    periods: tuple[str, ...] = (SCHOOL_YEAR,)
    """Of which periods its family counts, by their names in definitions."""
    also: Callable[[Mapping[str, Any], int, datetime], Event] | None = None
    """What else is announced of a figure, on a topic of its own: from its fields, its cut and what was known when."""

    def accepts(self, parameters: Mapping[str, str]) -> bool:
        return all(parameters.get(name) in allowed for name, allowed in self.parameters.items())


def decimal(number: int | Decimal) -> str:
    """Six places, half to even."""
    return str(Decimal(number).quantize(SIX_DECIMALS, ROUND_HALF_EVEN))


def share(numerator: int, denominator: int, source: str, on: date) -> Result:
    if denominator == 0:
        return Result(numerator=numerator, source=source, reference_date=on, verdict="no_denominator")
    value = decimal(Decimal(numerator) / Decimal(denominator))
    return Result(value, numerator, (denominator, denominator), source, on)


def first_day(school_year: str) -> date:
    return date(int(school_year[:4]), 8, 1)


NOTHING = Result(verdict="no_denominator", emptied=True)
"""The value of a published figure after everything that it counted was retracted."""
