"""Plain JSON values, read with suspicion: what is not as wire.md says raises one of `UNREADABLE`."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from demo.recount.days import Span, first_of_august, school_year_of

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Whatever goes wrong while a message is read, including nesting too deep for the JSON parser."""


def text(value: object) -> str:
    """A text that says something."""
    if isinstance(value, str) and value:
        return value
    raise TypeError(f"a text was expected, not {value!r}")


def maybe(value: object) -> str | None:
    """A text, or nothing."""
    return None if value is None else text(value)


def texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(one) for one in listed(value))


def listed(value: object) -> list[Any]:
    """A list."""
    if isinstance(value, list):
        return value
    raise TypeError(f"a list was expected, not {value!r}")


def one_of(value: object, allowed: Collection[str]) -> str:
    """One of the words that are allowed here."""
    if text(value) in allowed:
        return text(value)
    raise ValueError(f"{value!r} is none of {sorted(allowed)}")


def whole(value: object) -> int:
    """A count: a whole number, not below 0."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise TypeError(f"a count was expected, not {value!r}")


def day(value: object) -> date:
    """A calendar day, such as `2026-02-20`."""
    return date.fromisoformat(text(value))


def maybe_day(value: object) -> date | None:
    """A calendar day, or nothing."""
    return None if value is None else day(value)


def instant(value: object) -> datetime:
    """A moment with its offset from UTC."""
    moment = datetime.fromisoformat(text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value} does not say in which zone")
    return moment


def areas(value: object) -> frozenset[str]:
    """Learning areas, each as `scheme:code`."""
    return frozenset(f"{text(area['scheme'])}:{text(area['code'])}" for area in listed(value))


def span(value: dict[str, Any], of: str) -> Span:
    """A link or a declaration: what it is about, from when, until when."""
    return Span(text(value[of]), day(value["from"]), maybe_day(value.get("to")))


def school_year(value: object) -> str:
    """Two years in a row, such as `2025-2026`."""
    if text(value) == school_year_of(first_of_august(text(value))):
        return text(value)
    raise ValueError(f"{value} is not a school year")
