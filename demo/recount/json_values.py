"""Checked JSON values: what is not as the format of the events says raises one of `UNREADABLE`."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from demo.recount.days import Span, first_of_august, school_year_of

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Whatever goes wrong while a message is read, including nesting too deep for the JSON parser."""


def text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise TypeError(f"a text was expected, not {value!r}")


def optional_text(value: object) -> str | None:
    return None if value is None else text(value)


def texts(value: object) -> tuple[str, ...]:
    return tuple(text(one) for one in array(value))


def array(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    raise TypeError(f"a list was expected, not {value!r}")


def one_of(value: object, allowed: Collection[str]) -> str:
    if text(value) in allowed:
        return text(value)
    raise ValueError(f"{value!r} is none of {sorted(allowed)}")


def count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise TypeError(f"a count was expected, not {value!r}")


def day(value: object) -> date:
    return date.fromisoformat(text(value))


def optional_day(value: object) -> date | None:
    return None if value is None else day(value)


def instant(value: object) -> datetime:
    moment = datetime.fromisoformat(text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no offset from UTC")
    return moment


def areas(value: object) -> frozenset[str]:
    return frozenset(f"{text(area['scheme'])}:{text(area['code'])}" for area in array(value))


def span(value: dict[str, Any], about: str) -> Span:
    """A link or a declaration; `about` is the name of the field that says with what, or of what."""
    return Span(text(value[about]), day(value["from"]), optional_day(value.get("to")))


def school_year(value: object) -> str:
    if text(value) == school_year_of(first_of_august(text(value))):
        return text(value)
    raise ValueError(f"{value} is not a school year")
