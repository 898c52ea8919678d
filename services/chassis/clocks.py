"""Clocks: how long an object may wait, in working days, and what follows when it waited too long.

A life cycle has a table of clocks beside its table of steps. Which of them run, and when something follows, depends on
the object alone. Pure; `clock_table.py` keeps which of them run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from contracts.values import HolidayRegion
from services.chassis.working_days import after_working_days

Numbers = dict[str, dict[str, Annotated[int, Field(ge=1, le=250)]]]
"""By programme (`default` for all others) and `clock.breach`: after how many working days."""

_NUMBERS = TypeAdapter(Numbers)


def _no_other_day(_: Any) -> date | None:  # noqa: ANN401 - an object of any kind
    return None


@dataclass(frozen=True, slots=True)
class Breach:
    """What follows when an object has waited too long."""

    name: str
    on: Callable[[Any], date] | None = None
    """The last day before it, where the object says so itself; otherwise working days are counted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is while a clock runs."""

    party: str
    """What the organisations that must act are to the object, such as its `partner`."""
    until: str
    """The breach before which they should have acted: that day stands on their work list."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One row of the table of clocks. An open object has one running clock with a turn, never two."""

    name: str
    """What is waited for."""
    about: str
    """The same in words: while …"""
    runs: Callable[[Any], bool]
    """Whether it is waited for, of the object."""
    breaches: tuple[Breach, ...]
    since: Callable[[Any], date | None] = _no_other_day
    """From which day working days are counted, if that is another than the one on which it starts."""
    turn: Turn | None = None

    def days(self, thing: object) -> tuple[date | None, ...]:
        """The days that the object itself says; when one changes, the clock starts anew."""
        return self.since(thing), *(breach.on(thing) for breach in self.breaches if breach.on)


def read_numbers(text: bytes | str) -> Numbers:
    """The numbers of working days in JSON. Raises `ValueError`."""
    return _NUMBERS.validate_json(text)


@dataclass(frozen=True, slots=True)
class Due:
    """What follows, and the last day before it."""

    breach: str
    on: date
    unknown_years: tuple[str, ...] = ()


def dues(
    clock: Clock, thing: object, *, today: date, programme: str | None, region: HolidayRegion | None, numbers: Numbers
) -> list[Due]:
    since = clock.since(thing) or today
    return sorted(
        (_due(clock, breach, thing, since, programme, region, numbers) for breach in clock.breaches), key=_day
    )


def _due(
    clock: Clock,
    breach: Breach,
    thing: object,
    since: date,
    programme: str | None,
    region: HolidayRegion | None,
    numbers: Numbers,
) -> Due:
    if breach.on is not None:
        return Due(breach.name, breach.on(thing))
    name = f"{clock.name}.{breach.name}"
    days = numbers.get(programme or "", {}).get(name, numbers["default"][name])
    found = after_working_days(since, days, region)
    return Due(breach.name, found.day, found.unknown_years)


def _day(due: Due) -> date:
    return due.on


def changed(clocks: Sequence[Clock], before: object | None, after: object) -> tuple[list[Clock], list[Clock]]:
    """The clocks that start, or start anew, and those that pause, when an object changes."""
    was = {clock.name: clock.days(before) for clock in clocks if before is not None and clock.runs(before)}
    running = {clock.name: clock.days(after) for clock in clocks if clock.runs(after)}
    started = [each for each in clocks if each.name in running and was.get(each.name) != running[each.name]]
    return started, [each for each in clocks if each.name in was and each.name not in running]
