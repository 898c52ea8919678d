"""The values that every contract shares: identifiers, days, instants, codes, actors, counts.

JSON is camelCase, instants are UTC with milliseconds, unknown is a named value, absent means not applicable.
Writers are strict (unknown fields are refused), readers tolerant (`extra="ignore"` when decoding). Whatever the
JSON Schemas allow, these models read: what a schema cannot say (lower <= upper, from <= to, nobody's personal
data) is refused at the doors of the services, never here.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar
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


DISTINCT: Any = Field(json_schema_extra={"uniqueItems": True})
"""Names each thing once. Writers keep this; a reader takes a thing that is named twice once (ruling 50)."""


def _number_only(value: object) -> object:
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "must be a number", {})
    return value


def _boolean_only(value: object) -> object:
    if not isinstance(value, bool):
        raise PydanticCustomError("boolean", "must be true or false", {})
    return value


NUMBER: Any = BeforeValidator(_number_only)
"""Of a number: pydantic alone would also read "27" and true."""
BOOLEAN: Any = BeforeValidator(_boolean_only)
"""Of a boolean: pydantic alone would also read "no" and 0."""

When = TypeVar("When", bound=date)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ]|$)")  # pydantic alone would also read "1700000000"
_MONTH_AND_DAY = "-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OCCURRENCE = "(20[0-9]{2}|2100)"
_RECORD = "(1[89][0-9]{2}|20[0-9]{2}|2100)"
_REFERENCE = "(1[89]|2[01])[0-9]{2}"


def _text_only(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _ISO.match(value)):
        return value
    raise PydanticCustomError("text", "must be text in ISO 8601", {})


def _between(first: int, last: int) -> AfterValidator:
    def check(when: When) -> When:
        if not first <= when.year <= last:
            raise PydanticCustomError(
                "year",
                "must be in the years {first} to {last}",
                {"first": first, "last": last, "ge": first, "le": last},
            )
        return when

    return AfterValidator(check)


def _day(years: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{years}{_MONTH_AND_DAY}$"})


def _moment(zone: str) -> WithJsonSchema:
    pattern = f"^{_OCCURRENCE}{_MONTH_AND_DAY}{_TIME}{zone}$"
    return WithJsonSchema({"type": "string", "format": "date-time", "pattern": pattern})


def _utc(instant: datetime) -> datetime:
    """In UTC and whole milliseconds, so that an event equals what is read back."""
    try:
        utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    except OverflowError as error:  # the first and the last day of Python's calendar
        raise PydanticCustomError("year", "must be in the years 2000 to 2100", {}) from error
    beyond = utc.microsecond % 1000
    return utc.replace(microsecond=utc.microsecond - beyond) if beyond else utc


Day = Annotated[date, BeforeValidator(_text_only), _between(2000, 2100), _day(_OCCURRENCE)]
"""A calendar day in Europe/Amsterdam on which something occurs, is wished or is due: in the years 2000 to 2100."""

RecordDay = Annotated[date, BeforeValidator(_text_only), _between(1800, 2100), _day(_RECORD)]
"""A calendar day from or to which a record, a link or an opening holds: in the years 1800 to 2100."""

ReferenceDay = Annotated[date, BeforeValidator(_text_only), _between(1800, 2199), _day(_REFERENCE)]
"""The calendar day that a figure or a denominator is about, or to which something waits; may lie
beyond what occurred."""

Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_text_only),
    AfterValidator(_utc),
    _between(2000, 2100),
    PlainSerializer(
        lambda instant: instant.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z", return_type=str
    ),
    _moment(r"\.[0-9]{3}Z"),
]
"""A moment, in UTC with milliseconds: `2026-02-20T12:30:00.000Z`."""

LocalTime = Annotated[
    AwareDatetime,
    BeforeValidator(_text_only),
    _between(2000, 2100),
    AfterValidator(lambda local: local.replace(microsecond=0)),
    PlainSerializer(lambda local: local.isoformat(timespec="seconds"), return_type=str),
    _moment("[+-](0[0-9]|1[0-3]):[0-5][0-9]"),
]
"""When something happened on the wall clock, with its offset: `2026-02-20T13:30:00+01:00`.
Its calendar day is that of Europe/Amsterdam."""

MAX_NAME = 200
_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"


def _composed(text: str) -> str:
    composed = unicodedata.normalize("NFC", text).strip()
    if not 0 < len(composed) <= MAX_NAME:  # a few characters have no shorter composed form
        return text  # nor do blanks, which a schema allows: the doors refuse them
    return composed


Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME, pattern=_NO_CONTROL),
    AfterValidator(_composed),
]
"""One line of free text, in Unicode NFC (ruling 43)."""
Prose = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
"""Sentences; line breaks are allowed."""
Visible = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[!-~]+$")]
"""A technical text: ASCII without spaces, short enough for a key or an index entry."""

IDENTIFIER = r"(duo:([0-9]{2}[A-Z]{2}([0-9]{2})?|[0-9]{5})|lrk:[0-9]{1,12}|own:[A-Za-z0-9._-]{1,124})"
Identifier = Annotated[str, StringConstraints(pattern=f"^{IDENTIFIER}$")]
"""The register's own key behind its prefix (ruling 43): `duo:16NV00` (a location), `duo:16NV` (an institution),
`duo:30650` (a board), `lrk:212423455`; `own:…` for what no register knows."""
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,63}$")]
Municipality = Annotated[str, StringConstraints(pattern=r"^GM[0-9]{4}$")]
"""A municipality's code, such as `GM0796`."""
Neighbourhood = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9-]+$")]
"""A neighbourhood's code; the four digits of the postcode until a CBS code says better."""
Postcode4 = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}$")]
Count = Annotated[int, Field(ge=0, le=1_000_000), NUMBER]
Decimal = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,18}\.[0-9]{6}$")]
"""A decimal number with six places, rounded half to even."""


@lru_cache(maxsize=4_096)  # a few hundred days are in use, millions of times
def school_year_of(day: date) -> str:
    """The school year of a calendar day in Europe/Amsterdam: 1 August up to and including 31 July."""
    first = day.year if day.month >= 8 else day.year - 1  # noqa: PLR2004 - August
    return f"{first}-{first + 1}"


SCHOOL_YEARS = tuple(f"{first}-{first + 1}" for first in range(2000, 2100))


def _one_of(years: Sequence[str]) -> AfterValidator:
    def check(text: str) -> str:
        if text not in years:
            raise PydanticCustomError(
                "school_year",
                "must be two years in a row, from {first} to {last}, such as 2025-2026",
                {"first": years[0], "last": years[-1]},
            )
        return text

    return AfterValidator(check)


SchoolYear = Annotated[str, _one_of(SCHOOL_YEARS), WithJsonSchema({"type": "string", "enum": list(SCHOOL_YEARS)})]

_WAITED = tuple(f"{first}-{first + 1}" for first in range(1999, 2111))
WaitedYear = Annotated[str, _one_of(_WAITED), WithJsonSchema({"type": "string", "enum": list(_WAITED)})]
"""A school year in which something waits: what is planned for the last day of 2100 waits on in the years after."""

FieldName = Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9]{0,63}$")]
ChangedFields = Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=50), DISTINCT]
"""The names of the fields that changed."""

Audience = Literal["children", "parents", "professionals"]
Substitution = Literal["replaces", "stacks", "unknown"]
HolidayRegion = Literal["noord", "midden", "zuid"]
"""The region whose school holidays a site keeps, by the register's own names."""
Role = Literal["coordinator", "consultant", "broker_lead", "partner", "board", "analyst", "operator", "service"]


class Code(Value):
    """A code and the scheme that it is from; its labels live in that scheme."""

    scheme: Slug
    code: Slug


class LearningArea(Code):
    """A learning area or part, such as `curriculum.nu` / `kunst-en-cultuur`. Any scheme and code are readable;
    which ones are known is data of the services."""


class Reason(Value):
    """Why, from a published list of reasons."""

    list: Slug
    code: ReasonCode


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

    nl: Prose
    en: Prose


class Interval(Value):
    """A count known between bounds; equal bounds are an exact count. A reader takes the smaller as the lower."""

    lower: Count
    upper: Count


MAX_SITES = 50
"""At one request or activity: a city-wide event is registered per site."""
MAX_AREAS = 50
MAX_GROUPS = 400
"""At one request or activity: what fits into an event."""

SiteIds = Annotated[tuple[Identifier, ...], Field(max_length=MAX_SITES), DISTINCT]
SomeSiteIds = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=MAX_SITES), DISTINCT]
"""At least one site."""
LearningAreas = Annotated[tuple[LearningArea, ...], Field(max_length=MAX_AREAS), DISTINCT]
SomeLearningAreas = Annotated[tuple[LearningArea, ...], Field(min_length=1, max_length=MAX_AREAS), DISTINCT]
"""At least one learning area."""

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def calendar_day(instant: datetime) -> date:
    """The calendar day of an instant in Europe/Amsterdam: every day in the contracts is one of these."""
    return instant.astimezone(AMSTERDAM).date()


def holds_on(day: date, since: date | None, until: date | None) -> bool:
    """Whether what begins and ends on days holds on this one: on its first day it does, on its last it does no longer.
    Without a first or last day it has always held, or does for good."""
    return (since is None or since <= day) and (until is None or day < until)
