"""Topic `partnership.targets.v1`: what `reporting` itself decides, read back like everything else."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.events import Event
from contracts.values import Instant, Label, Slug

TARGETS = "partnership.targets.v1"

Unit = Literal["site", "neighbourhood", "city"]
StratumKind = Literal["all", "learning-area"]


class IndicatorDefined(
    Event, topics=(TARGETS,), aggregate="indicator", identified_by="indicator", nl="Indicator vastgesteld"
):
    """The definition of a figure: what it means, for which units, strata and periods it is published, and the
    named, versioned function that computes it. A better reading is a new definition version."""

    indicator: Slug
    definition_version: Annotated[int, Field(ge=1)]
    label: Label
    explanation: Label
    formula: str
    measure: Literal["share", "children", "requests", "days"]
    function: Annotated[str, Field(pattern=r"^[a-z-]+@[0-9]+$")]
    """The function and its version, such as `adoption@1`."""
    parameters: Annotated[dict[str, str], Field(default_factory=dict)]
    strata: dict[Unit, tuple[StratumKind, ...]]
    """Which strata are published per unit."""
    periods: Annotated[tuple[Literal["school-year", "31-july", "31-december"], ...], Field(min_length=1)]
    defined_at: Instant
