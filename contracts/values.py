"""The words that every contract shares: identifiers, instants, codes, actors, counts.

JSON is camelCase, instants are UTC with milliseconds, unknown is a named value, absent means not applicable.
Writers are strict (unknown fields are refused), readers tolerant (`extra="ignore"` when decoding).
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


class Value(BaseModel):
    """A value of the contracts: immutable, camelCase on the wire, closed for writers."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


def _milliseconds(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


When = TypeVar("When", bound=date)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T|$)")  # pydantic alone would also read "1700000000"
_YEARS = range(1000, 3000)  # further out, time zones and "a year before" leave the calendar of Python


def _text_only(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _ISO.match(value)):
        return value
    raise PydanticCustomError("text", "must be text in ISO 8601", {})


def _imaginable(when: When) -> When:
    if when.year not in _YEARS:
        raise PydanticCustomError("year", "must be in the years 1000 to 2999", {})
    return when


def _to_the_millisecond(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _to_the_second(local: datetime) -> datetime:
    return local.replace(microsecond=0)


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_text_only),
    AfterValidator(_imaginable),
    AfterValidator(_to_the_millisecond),  # so that an event equals what is read back
    PlainSerializer(_milliseconds, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": r"^[0-9T:-]{19}\.[0-9]{3}Z$"}),
]
"""A moment, in UTC with milliseconds: `2026-02-20T12:30:00.000Z`."""

LocalTime = Annotated[
    AwareDatetime,
    BeforeValidator(_text_only),
    AfterValidator(_imaginable),
    AfterValidator(_to_the_second),
    PlainSerializer(lambda local: local.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": r"^[0-9T:-]{19}[+-][0-9]{2}:[0-9]{2}$"}),
]
"""When something happened on the wall clock, with its offset: `2026-02-20T13:30:00+01:00`.
Its calendar day is that of Europe/Amsterdam."""

Day = Annotated[date, BeforeValidator(_text_only), AfterValidator(_imaginable)]

# The free text of a register's names; what looks like a person's data does not enter an event.
_PERSONAL = (
    ("an e-mail address", re.compile(r"[\w.+-]+@[\w-]+\.\w+")),
    ("a telephone number", re.compile(r"(?:(?:\+|\b00)31[ -]?(?:\(0\))?|\b0)[ -]?[1-9](?:[ -]?\d){8}\b")),
    ("an ECK iD", re.compile(r"ketenid\.nl/")),
)
_NINE_DIGITS = re.compile(r"\b\d{9}\b")


def _is_citizen_number(digits: str) -> bool:
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)  # the "eleven test" of the Dutch citizen service number
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 == 0


def without_personal_data(text: str) -> str:
    """Refuse a text that seems to hold a person's contact or number; the text itself is not repeated."""
    found = next((what for what, pattern in _PERSONAL if pattern.search(text)), None)
    if found is None and any(_is_citizen_number(digits) for digits in _NINE_DIGITS.findall(text)):
        found = "a citizen service number"
    if found:
        raise PydanticCustomError("personal_data", "seems to hold {what}; leave it out", {"what": found})
    return text


Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    AfterValidator(without_personal_data),
]
Identifier = Annotated[str, StringConstraints(pattern=r"^(duo|lrk|own):[A-Za-z0-9._-]{1,64}$")]
"""The register's own key behind its prefix: `duo:16NV00`, `lrk:212423455`, `own:…` for what no register knows."""
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Postcode4 = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Decimal = Annotated[str, StringConstraints(pattern=r"^-?[0-9]+\.[0-9]{6}$")]
"""A decimal number with six places, rounded half to even."""


@lru_cache(maxsize=4_096)  # a few hundred days are in use, millions of times
def school_year_of(day: date) -> str:
    """The school year of a calendar day in Europe/Amsterdam: 1 August up to and including 31 July."""
    first = day.year if day.month >= 8 else day.year - 1  # noqa: PLR2004 - August
    return f"{first}-{first + 1}"


def _two_years(text: str) -> str:
    if int(text[5:]) != int(text[:4]) + 1:
        raise PydanticCustomError("school_year", "must be two years in a row, such as 2025-2026", {})
    return text


SchoolYear = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-20[0-9]{2}$"), AfterValidator(_two_years)]

Audience = Literal["children", "parents", "professionals"]
Substitution = Literal["replaces", "stacks", "unknown"]
Role = Literal["coordinator", "consultant", "broker_lead", "partner", "board", "analyst", "operator", "service"]

CURRICULUM_NU = (
    "nederlands",
    "engels-mvt",
    "rekenen-wiskunde",
    "digitale-geletterdheid",
    "burgerschap",
    "bewegen-en-sport",
    "kunst-en-cultuur",
    "mens-en-natuur",
    "mens-en-maatschappij",
)
"""The nine learning areas of Curriculum.nu."""


class Code(Value):
    """A code and the list it is from; its labels live in that list."""

    scheme: Slug
    code: Slug


class LearningArea(Code):
    """A learning area or part, such as `curriculum.nu` / `kunst-en-cultuur`."""


class Reason(Value):
    """Why, from a published list of reasons."""

    list: Slug
    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,63}$")]


class Actor(Value):
    """Who acted, without saying who it is: a role in an organisation, and an opaque id within it."""

    role: Role
    organisation: Identifier
    actor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Name(Value):
    """What people call it, in Dutch."""

    nl: Text


class Label(Value):
    """A text for people, in Dutch and English."""

    nl: str
    en: str


class Interval(Value):
    """A count known between bounds; equal bounds are an exact count."""

    lower: Count
    upper: Count


def check_order(earlier: date | datetime | None, later: date | datetime | None, *, field: str, after: str) -> None:
    """Refuse a period that ends before it begins; `field` is the one to mend."""
    if earlier is not None and later is not None and later < earlier:
        raise PydanticCustomError(
            "dates_in_the_wrong_order",
            "{value} is before {after} ({earlier})",
            {"field": field, "after": after, "earlier": earlier.isoformat(), "value": later.isoformat()},
        )


def check_unique(values: list[str], *, field: str) -> None:
    """Refuse the same thing twice in one list."""
    twins = sorted({value for value in values if values.count(value) > 1})
    if twins:
        raise PydanticCustomError("twice", "names {value} twice", {"field": field, "value": twins[0]})


def check_learning_areas(areas: Sequence[LearningArea]) -> None:
    """Refuse a code that its list does not have. Writers ask this, readers do not: a list may grow."""
    for index, area in enumerate(areas):
        if area.scheme == "curriculum.nu" and area.code not in CURRICULUM_NU:
            raise PydanticCustomError(
                "unknown_learning_area",
                "is {value}; curriculum.nu has: {listed}",
                {
                    "field": f"learningAreas[{index}].code",
                    "value": area.code,
                    "listed": ", ".join(CURRICULUM_NU),
                    "expected": CURRICULUM_NU,
                },
            )


AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def calendar_day(instant: datetime) -> date:
    """The calendar day of an instant in Europe/Amsterdam: every day in the contracts is one of these."""
    return instant.astimezone(AMSTERDAM).date()
