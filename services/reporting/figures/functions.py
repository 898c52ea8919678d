"""The named, versioned functions of the definitions: from the sums of a cell to a value.

A function is never changed once a figure was published with it: a better reading is a new version beside it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from services.reporting.figures import adoption, flow, reach, substitution
from services.reporting.figures.cells import Cell, Sums

SIX_PLACES = Decimal("0.000001")
P90 = 90  # nearest rank, ruling 2


@dataclass(frozen=True, slots=True)
class Value:
    """What a function computes: a figure without definition, cell and cut."""

    value: str | None = None
    numerator: int | None = None
    denominator: tuple[int, int] = (0, 0)
    source: str = ""
    reference_date: date = date.min
    lower: str | None = None
    upper: str | None = None
    method: Literal["exact_group", "bounded", "counted"] = "counted"
    verdict: Literal["no_denominator"] | None = None
    to_confirm: int | None = None
    emptied: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """The family whose sums it needs, and how it computes a value; None where the cell has no such figure."""

    family: str
    compute: Callable[[Sums, Mapping[str, str], Cell], Value | None]
    parameters: Mapping[str, tuple[str, ...]]
    """The parameters that a definition must give, with the values that are allowed."""

    def accepts(self, parameters: Mapping[str, str]) -> bool:
        """Whether a definition gives every parameter an allowed value."""
        return all(parameters.get(name) in allowed for name, allowed in self.parameters.items())


def decimal(number: int | Decimal) -> str:
    """Six places, half to even."""
    return str(Decimal(number).quantize(SIX_PLACES, ROUND_HALF_EVEN))


def _share(numerator: int, denominator: int, source: str, on: date) -> Value:
    if denominator == 0:
        return Value(numerator=numerator, source=source, reference_date=on, verdict="no_denominator")
    value = decimal(Decimal(numerator) / Decimal(denominator))
    return Value(value, numerator, (denominator, denominator), source, on)


def _adoption(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Value | None:
    if not sums["schools"]:
        return None
    on = date.fromisoformat(cell.period)
    return _share(sums[parameters["reading"]], sums["schools"], "open primary locations (partnership.sites.v1)", on)


def _replaced(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Value | None:
    replaces, stacks, unknown = (sums[name] for name in ("replaces", "stacks", "unknown"))
    if not replaces + stacks + unknown:
        return None
    on = reach.first_day(cell.period)
    match parameters["by"]:
        case "minutes":
            replaces, stacks = sums["minutes.replaces"], sums["minutes.stacks"]
            return _share(replaces, replaces + stacks, "minutes of activities that replace or stack", on)
        case "unknown":
            return _share(unknown, replaces + stacks + unknown, "activities for children", on)
        case _:
            return _share(replaces, replaces + stacks, "activities that replace or stack", on)


def _reach(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Value | None:
    register = parameters["register"]
    if not sums[f"{register}.groups"]:
        return None
    lower, upper = sums[f"{register}.lower"], sums[f"{register}.upper"]
    children = (sums[f"{register}.children_lower"], sums[f"{register}.children_upper"])
    return Value(
        value=decimal(lower) if lower == upper else None,
        denominator=children,
        source=f"headcounts of groups in the {register} register (partnership.sites.v1)",
        reference_date=reach.first_day(cell.period),
        lower=decimal(lower),
        upper=decimal(upper),
        method="exact_group" if lower == upper else "bounded",
        to_confirm=sums[f"{register}.to_confirm"],
    )


def _reached(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Value | None:
    if not sums["raised"]:
        return None
    return _share(sums[parameters["step"]], sums["raised"], "requests raised", reach.first_day(cell.period))


def _lead_time(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Value | None:
    days = sorted(
        (component[1], count)
        for component, count in sums.items()
        if isinstance(component, tuple) and component[0] == parameters["step"] and count > 0
    )
    if not days:
        return None
    counted = sum(count for _, count in days)
    statistic = median if parameters["statistic"] == "median" else p90
    on = reach.first_day(cell.period)
    return Value(
        decimal(statistic(days, counted)),
        None,
        (counted, counted),
        "requests that reached this step and the one before",
        on,
    )


def _rank(days: list[tuple[int, int]], rank: int) -> int:
    """The rank-th smallest number of days, counting from 1."""
    for number, count in days:
        rank -= count
        if rank <= 0:
            return number
    raise IndexError("the rank is within the count")


def median(days: list[tuple[int, int]], count: int) -> Decimal:
    """The middle value, or the mean of the two middle values (ruling 2). `days` are (days, how many), sorted."""
    return Decimal(_rank(days, (count + 1) // 2) + _rank(days, count // 2 + 1)) / 2


def p90(days: list[tuple[int, int]], count: int) -> Decimal:
    """The 90th percentile by nearest rank (ruling 2). `days` are (days, how many), sorted."""
    return Decimal(_rank(days, -(-P90 * count // 100)))


REGISTERS = ("school", "childcare", "project")
FUNCTIONS: dict[str, Function] = {
    "adoption@1": Function(adoption.NAME, _adoption, {"reading": ("strict", "loose", "declared")}),
    "replaced-share@1": Function(substitution.NAME, _replaced, {"by": ("activities", "minutes", "unknown")}),
    "reach@1": Function(reach.NAME, _reach, {"register": REGISTERS}),
    "requests-reached@1": Function(flow.NAME, _reached, {"step": (*flow.STEPS, "without_broker")}),
    "lead-time@1": Function(flow.NAME, _lead_time, {"step": flow.STEPS[1:], "statistic": ("median", "p90")}),
}
NOTHING = Value(verdict="no_denominator", emptied=True)
"""The value of a published figure after everything that it counted was retracted."""
