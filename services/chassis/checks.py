"""What the doors refuse because a JSON Schema cannot say it, each with a problem type of its own.

Readers do not ask any of this: they take what is schema-valid, and normalise it.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from contracts.personal_data import BLANK_LETTERS, find_personal_data, texts_in
from contracts.values import MAX_NAME, Interval
from services.chassis.problems import Malformed, RuleSaysNo, WrongField

WITHOUT_WORDS = frozenset("CZM")
"""The first letters of Unicode's categories that show nothing by themselves: control, separator, mark."""
_HALF = re.compile(r"[\ud800-\udfff]")
_NAME = r"[A-Za-z][A-Za-z0-9]{0,63}(\[\d+\])*"
_FIELD = re.compile(rf"{_NAME}(\.{_NAME})*|(\[\d+\])+")
"""A field as a contract may name one: a caller can name its fields as it likes, and we do not repeat what it wrote."""


class DatesInWrongOrder(Malformed):
    """A period ends before it begins."""


class BoundsInWrongOrder(Malformed):
    """An upper bound is below its lower bound."""


class DuplicateItem(Malformed):
    """A list names the same thing twice."""


class PersonalData(Malformed):
    """A text seems to hold a person's contact or number; leave it out."""


class HeadcountOfZero(RuleSaysNo):
    """A headcount is at least 1: of nobody, nothing is asked or registered."""


class NameNotVisible(Malformed):
    """A name has at least one visible character."""


def check_order(earlier: date | datetime | None, later: date | datetime | None, *, field: str, after: str) -> None:
    """Refuse a period that ends before it begins; `field` is the one to change."""
    if earlier is not None and later is not None and later < earlier:
        raise DatesInWrongOrder(
            f"{field} is {later.isoformat()}, before {after} ({earlier.isoformat()}).",
            WrongField(field, later.isoformat(), f"{after} or later"),
        )


def check_bounds(interval: Interval, *, field: str) -> None:
    if interval.upper < interval.lower:
        raise BoundsInWrongOrder(
            f"{field}.upper is {interval.upper}, below {field}.lower ({interval.lower}).",
            WrongField(f"{field}.upper", interval.upper, f"at least {interval.lower}"),
        )


def check_headcount(headcount: int | None, *, field: str) -> None:
    if headcount == 0:
        raise HeadcountOfZero(None, WrongField(field, headcount, "at least 1"))


def check_unique(values: Sequence[str], *, field: str, beside: Sequence[str] = ()) -> None:
    """`beside`: what is named elsewhere, and not here again."""
    seen = set(beside)
    for index, value in enumerate(values):
        if value in seen:
            raise DuplicateItem(
                f"{field}[{index}] names {value}, which is named before.",
                WrongField(f"{field}[{index}]", value, "each thing once"),
            )
        seen.add(value)


def is_visible(text: str) -> bool:
    return any(
        unicodedata.category(character)[0] not in WITHOUT_WORDS and character not in BLANK_LETTERS for character in text
    )


def check_name(name: str, *, field: str) -> None:
    """Refuse what ruling 43 says of names, and no schema can: one visible character, and Unicode NFC."""
    if not is_visible(name):
        raise NameNotVisible(None, WrongField(field, None, "at least one visible character"))
    if not unicodedata.is_normalized("NFC", name):
        detail = f"{field} is longer than {MAX_NAME} characters in Unicode NFC, in which it is stored."
        raise Malformed(detail, WrongField(field, None, f"at most {MAX_NAME} characters in Unicode NFC"))


def check_personal_data(body: object, *, within: str = "") -> None:
    """Refuse parsed JSON in which a text seems to hold a person's contact or number; the text is not repeated.

    Looks at every text, whatever its field is for: names, comments, identifiers, codes.
    """
    found = find_personal_data(body)
    if found is not None:
        field, what = f"{within}{_named(found[0])}", found[1]
        raise PersonalData(f"{field} seems to hold {what}; leave it out.", WrongField(field, None, f"not {what}"))


def half_character_in(text: bytes) -> str | None:
    """The field of the first text that has half a character, a lone surrogate: JSON can write one, and no text can
    hold it."""
    try:
        return next((_named(field) for field, said in texts_in(json.loads(text)) if _HALF.search(said)), None)
    except (ValueError, RecursionError):  # it is not JSON at all
        return None


def _named(field: str) -> str:
    return field if _FIELD.fullmatch(field) else "body"


def _path(location: tuple[int | str, ...]) -> str:
    """`("body", "groups", 0, "groupId")` as `groups[0].groupId`."""
    text = ""
    for part in location[1:] if location and location[0] in {"body", "query", "path", "header"} else location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


_ABOUT_NUMBERS = ("int_", "float_", "finite_", "greater_than", "less_than")
_ALLOWED = ("expected", "pattern", "ge", "le", "gt", "lt", "min_length", "max_length")


def wrong_fields(errors: list[Any], *, within: str = "") -> list[WrongField]:
    """What pydantic found wrong, in the caller's words; `within` stands before each field."""
    found: list[WrongField] = []
    for error in errors:
        context = error.get("ctx", {})
        path = ".".join(part for part in (_path(error["loc"]), str(context.get("field", ""))) if part)
        field = _named(path) if path else ""
        allowed = {name: _listed(context[name]) for name in _ALLOWED if name in context} or error["msg"]
        value = context.get("value", _repeated(error["type"], error.get("input")))
        found.append(WrongField(within + field, value, allowed))
    return found


def _repeated(why: str, value: object) -> object:
    """A wrong value, where it tells anybody something: nothing that stands in a field that we do not know, and a number
    only where a number belongs (elsewhere it may be a person's)."""
    is_misplaced = isinstance(value, int | float) and not why.startswith(_ABOUT_NUMBERS)
    is_many = isinstance(value, list) and value
    return None if why in {"missing", "extra_forbidden"} or is_misplaced or is_many else value


def malformed(errors: Sequence[Any], *, within: str = "") -> Malformed:
    fields = wrong_fields(list(errors), within=within)
    return Malformed(f"{fields[0].field or 'the body'}: {errors[0]['msg']}", *fields)


def _listed(allowed: object) -> object:
    return allowed if isinstance(allowed, list | tuple) else str(allowed)
