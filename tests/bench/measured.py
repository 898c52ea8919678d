"""One row of the table: what was measured, beside its limit and its aim."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    what: str
    ours: str
    limit: str = ""
    ratio: str = ""
    aim: str = ""
    limited_by: str = ""


def rate(count: int, seconds: float) -> str:
    """Events a second."""
    return f"{count / seconds:,.0f}/s"
