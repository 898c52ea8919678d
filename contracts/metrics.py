"""Topics `partnership.metrics.*.v1`: figures, each with all that explains it, and the cuts they stand on."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import Event
from contracts.values import (
    BOOLEAN,
    DISTINCT,
    IDENTIFIER,
    NUMBER,
    Count,
    Day,
    Decimal,
    Instant,
    LearningArea,
    ReferenceDay,
    SchoolYear,
    Slug,
    Text,
    Value,
    Visible,
)

CURRENT = "partnership.metrics.current.v1"
HISTORY = "partnership.metrics.history.v1"
UNMET_NEEDS = "partnership.unmet-needs.v1"

UnitCode = Annotated[
    str,
    Field(
        pattern=r"^(city|network|country|municipality:GM[0-9]{4}|(neighbourhood|region):[A-Za-z0-9-]{1,20}"
        rf"|(cohort|hub|network):[a-z0-9][a-z0-9.-]{{0,63}}|(site|institution|board):{IDENTIFIER})$"
    ),
]
"""What a figure is about, by kind and code: `city` (the whole programme), `neighbourhood:5211`, `site:duo:16NV00`."""
Measure = Literal[
    "share",
    "children",
    "parents",
    "professionals",
    "groups",
    "sites",
    "activities",
    "requests",
    "referrals",
    "partners",
    "offers",
    "learning_areas",
    "audiences",
    "milestones",
    "clocks",
    "places",
    "minutes",
    "hours",
    "days",
    "years",
]
"""What a figure's numbers count; a share is from 0 to 1."""
Comparator = Literal["at_least", "at_most"]
Total = Annotated[int, Field(ge=0, le=10**15), NUMBER]


class Denominator(Value):
    """What a figure is a share of; masked counts make it an interval."""

    lower: Total
    upper: Total
    source: Text
    """Where the number is from."""
    reference_date: ReferenceDay


class Completeness(Value):
    """How much of what was due was reported: in the unit's own reporters (partners, sites)."""

    expected: Count
    reported: Count
    on_time: Count


class AgreedTarget(Value):
    """What was agreed for this figure."""

    target_id: Visible | None = None
    comparator: Comparator
    value: Decimal
    due_on: Day


class Figure(Event):
    """One value and everything that explains it. `value`, `lower` and `upper` are in the indicator's measure."""

    key: Visible
    """`indicator/version/programme/unit/stratum/period`."""
    indicator: Slug
    definition_version: Annotated[int, Field(ge=1, le=1_000_000), NUMBER]
    programme: Slug
    unit: UnitCode
    stratum: Annotated[str, Field(max_length=200, pattern=r"^[!-.0-~]+$")]
    """`all`, a code as `scheme:code`, or a code and a reason as `scheme:code;reason`."""
    period: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{4,20}$")]
    """A school year (`2025-2026`) or the day to which the figure applies."""
    measure: Measure
    value: Decimal | None = None
    """The figure; absent when only bounds are known, or when there is nothing to divide by."""
    numerator: Annotated[int | None, Field(ge=0, le=10**15), NUMBER] = None
    denominator: Denominator | None = None
    lower: Decimal | None = None
    """At least this much is certain."""
    upper: Decimal | None = None
    """No more than this is possible."""
    method: Literal["exact_group", "bounded", "declared", "counted"]
    status: Literal["provisional", "final", "restated"]
    completeness: Completeness | None = None
    target: AgreedTarget | None = None
    verdict: Literal["met", "not_met", "undecided", "no_target", "no_denominator"] | None = None
    gap: Total | None = None
    """How many more (children, sites …) would meet the target."""
    to_confirm: Annotated[int | None, Field(ge=0, le=10**9), NUMBER] = None
    """For bounds: how many groups would make the figure exact if they were confirmed."""
    emptied: Annotated[Literal[True], BOOLEAN] | None = None
    """Nothing is left of what this figure was about: it was published once, and has no value any more."""
    known_at: Instant
    cut_id: Annotated[int, Field(ge=1, le=2**53), NUMBER]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 over the canonical JSON (RFC 8785) of all fields but `cutId`, `knownAt`, `digest`, `status` and, on a
    restatement, `previous`, `causes` and `causeCount`."""


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
    causes: Annotated[tuple[UUID, ...], Field(max_length=100), DISTINCT]
    """The ids of the causing events, at most a hundred. None where no event changed it: after a loss it came back
    otherwise, or a release counts otherwise."""
    cause_count: Annotated[int, Field(ge=0, le=10**9), NUMBER]


class UnmetNeedPublished(
    Event, topics=(UNMET_NEEDS,), aggregate="figure", identified_by="key", nl="Onvervulde vraag gepubliceerd"
):
    """How many requests are unmet in a learning area, for a reason: of the whole programme or of a neighbourhood. The
    newest word of a key holds; 0 where nothing is left of it. The same number is the figure with this key."""

    key: Visible
    programme: Slug
    school_year: SchoolYear
    """In which the requests were raised."""
    unit: UnitCode
    learning_area: LearningArea
    reason: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
    """A code of the list `not-fulfilled`; `not-said` where a closure gives none."""
    requests: Total
    known_at: Instant
    cut_id: Annotated[int, Field(ge=1, le=2**53), NUMBER]


Topic = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,200}$")]
Offset = Annotated[int, Field(ge=0, le=2**53), NUMBER]


class Offsets(Value):
    """How far a topic was read: the next offset of each partition."""

    topic: Topic
    offsets: Annotated[tuple[Offset, ...], Field(max_length=100)]
    incarnation: Annotated[int | None, Field(ge=1, le=1_000_000), NUMBER] = None
    """Which topic of this name: 1 (absent) for the first, one more each time that it was made again."""


class Position(Value):
    """One message."""

    topic: Topic
    partition: Annotated[int, Field(ge=0, le=1_000), NUMBER]
    offset: Offset


class CutTaken(Event, topics=(HISTORY,), aggregate="cut", identified_by="cut_id", nl="Doorsnede genomen"):
    """What was known when a set of figures was computed: every message below the vector, but the skipped."""

    cut_id: Annotated[int, Field(ge=1, le=2**53), NUMBER]
    vector: Annotated[tuple[Offsets, ...], Field(max_length=50), DISTINCT]
    day: Day
    """The calendar day in Europe/Amsterdam for which it was taken."""
    known_at: Instant
    skipped: Annotated[tuple[Position, ...], Field(max_length=1_000), DISTINCT] = ()
    """Dead-lettered messages below the vector that no cut before named: a rebuild leaves out what any cut names."""
    figure_count: Annotated[int, Field(ge=0, le=10**9), NUMBER]
    """How many figures belong to this cut. They come in any order, before this event too: the cut is complete when they
    are all there; with fewer it was interrupted, or is under way."""
