"""One counted figure, its key and its decimals."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

MILLION = 1_000_000  # six decimal places


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A figure as the recount has it; None where a figure of its kind says nothing."""

    measure: str
    value: str | None = None
    lower: str | None = None
    upper: str | None = None
    numerator: int | None = None
    denominator: tuple[int, int] | None = None
    to_confirm: int | None = None
    verdict: str | None = None


KeyedFigure = tuple[str, Counted]


def key(indicator: str, programme: str, unit: str, stratum: str, period: str) -> str:
    return f"{indicator}/1/{programme}/{unit}/{stratum}/{period}"


def decimal(number: Fraction | int) -> str:
    """Six places, half to even, without a float in between; no figure is below 0."""
    millionths = round(Fraction(number) * MILLION)  # Python rounds a fraction half to even
    return f"{millionths // MILLION}.{millionths % MILLION:06d}"


def share_of(numerator: int, denominator: int) -> Counted:
    """A share; of nothing there is no share, which is not the same as a share of 0."""
    if denominator == 0:
        # Choice (21): the numerator stays a number, 0 of 0; only the value is absent.
        return Counted(measure="share", numerator=numerator, denominator=(0, 0), verdict="no_denominator")
    return Counted(
        measure="share",
        value=decimal(Fraction(numerator, denominator)),
        numerator=numerator,
        denominator=(denominator, denominator),
    )


def median(days: Sequence[int]) -> Fraction:
    """The mean of the two middle values (of an odd number: the middle one twice)."""
    ordered = sorted(days)
    return Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2], 2)


def p90(days: Sequence[int]) -> int:
    """Nearest rank: the smallest value that at least nine in ten do not exceed."""
    return sorted(days)[-(-9 * len(days) // 10) - 1]
