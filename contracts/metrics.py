"""Topics `partnership.metrics.*.v1`: figures, each with all that explains it, and the cuts they stand on."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.events import Event
from contracts.values import Day, Decimal, Instant, Slug, Value

CURRENT = "partnership.metrics.current.v1"
HISTORY = "partnership.metrics.history.v1"

UnitCode = Annotated[str, Field(pattern=r"^(city|neighbourhood:[A-Za-z0-9-]+|site:(duo|lrk|own):[A-Za-z0-9._-]+)$")]


class Denominator(Value):
    """What a figure is a share of; masked counts make it an interval."""

    lower: Annotated[int, Field(ge=0)]
    upper: Annotated[int, Field(ge=0)]
    source: str
    """Where the number is from."""
    reference_date: Day


class Figure(Event):
    """One value and everything that explains it. `value`, `lower` and `upper` are in the indicator's measure."""

    key: str
    """`indicator/version/programme/unit/stratum/period`."""
    indicator: Slug
    definition_version: Annotated[int, Field(ge=1)]
    programme: Slug
    unit: UnitCode
    stratum: str
    """`all`, or a code as `scheme:code`."""
    period: str
    """A school year (`2025-2026`) or the day to which the figure applies."""
    measure: Literal["share", "children", "requests", "days"]
    value: Decimal | None = None
    """The figure; absent when only bounds are known, or when there is nothing to divide by."""
    numerator: Annotated[int | None, Field(ge=0)] = None
    denominator: Denominator | None = None
    lower: Decimal | None = None
    """At least this much is certain."""
    upper: Decimal | None = None
    """No more than this is possible."""
    method: Literal["exact_group", "bounded", "counted"]
    status: Literal["provisional", "final", "restated"]
    verdict: Literal["no_denominator"] | None = None
    to_confirm: Annotated[int | None, Field(ge=0)] = None
    """For bounds: how many groups would make the figure exact if they were confirmed."""
    known_at: Instant
    cut_id: Annotated[int, Field(ge=1)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 over the canonical JSON (RFC 8785) of all fields but `cutId`, `knownAt` and this one."""


class MetricPublished(
    Figure, topics=(CURRENT, HISTORY), aggregate="figure", identified_by="key", nl="Cijfer gepubliceerd"
):
    """A figure is known for the first time, or grew in the ordinary way."""


class Previous(Value):
    """What was published before."""

    value: Decimal | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    known_at: Instant


class MetricRestated(Figure, topics=(HISTORY,), aggregate="figure", identified_by="key", nl="Cijfer herzien"):
    """A published figure changed because a correction, a retraction, a void or reference data changed what
    it rests on, or because its period was final. The current topic says the same as `MetricPublished`."""

    previous: Previous
    causes: Annotated[tuple[str, ...], Field(max_length=100)]
    """The ids of the causing events, at most a hundred."""
    cause_count: Annotated[int, Field(ge=1)]


class Offsets(Value):
    """How far a topic was read: the next offset of each partition."""

    topic: str
    offsets: tuple[int, ...]


class Position(Value):
    """One message."""

    topic: str
    partition: int
    offset: int


class CutTaken(Event, topics=(HISTORY,), aggregate="cut", identified_by="cut_id", nl="Doorsnede genomen"):
    """What was known when a set of figures was computed: every message below the vector, but the skipped."""

    cut_id: Annotated[int, Field(ge=1)]
    vector: tuple[Offsets, ...]
    day: Day
    """The calendar day in Europe/Amsterdam for which it was taken."""
    known_at: Instant
    skipped: tuple[Position, ...] = ()
    """Dead-lettered messages below the vector: a rebuild leaves them out too."""
    figure_count: Annotated[int, Field(ge=0)]
    """How many figures follow this cut; fewer on the topic means that it was interrupted."""
