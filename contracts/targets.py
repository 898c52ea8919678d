"""Topic `partnership.targets.v1`: what `reporting` itself decides, read back like everything else."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.events import Event
from contracts.metrics import Measure
from contracts.values import DISTINCT, NUMBER, Instant, Label, Prose, Slug

TARGETS = "partnership.targets.v1"

Unit = Literal[
    "site",
    "institution",
    "board",
    "neighbourhood",
    "cohort",
    "hub",
    "municipality",
    "region",
    "city",
    "network",
    "country",
]
"""The kinds of what figures are about; `city` is the whole programme."""
StratumKind = Literal[
    "all",
    "learning-area",
    "audience",
    "setting",
    "substitution",
    "funding",
    "register",
    "assignment",
    "reason",
    "site-kind",
    "age",
    "ambition",
    "domain",
    "focus-group",
]
Period = Literal["school-year", "calendar-year", "term", "month", "31-july", "31-december"]
"""A span of time, or the day of the school year at which something stands."""


class IndicatorDefined(
    Event, topics=(TARGETS,), aggregate="indicator", identified_by="indicator", nl="Indicator vastgesteld"
):
    """The definition of a figure: what it means, for which units, strata and periods it is published, and the
    named, versioned function that computes it. A better reading is a new definition version."""

    indicator: Slug
    definition_version: Annotated[int, Field(ge=1, le=1_000_000), NUMBER]
    label: Label
    explanation: Label
    formula: Prose
    measure: Measure
    function: Annotated[str, Field(pattern=r"^[a-z-]{1,64}@[0-9]{1,6}$")]
    """The function and its version, such as `adoption@1`."""
    parameters: Annotated[dict[Slug, Prose], Field(default_factory=dict, max_length=20)]
    strata: Annotated[
        dict[Unit, Annotated[tuple[StratumKind, ...], Field(max_length=20), DISTINCT]], Field(max_length=20)
    ]
    """Which strata are published per unit."""
    periods: Annotated[tuple[Period, ...], Field(min_length=1, max_length=6), DISTINCT]
    """For which periods, and at which days, it is published. A release of `reporting` leaves out what it does
    not count yet, and its log says so."""
    defined_at: Instant
