"""Cells: where a figure stands (programme, unit, stratum, period), and what an object contributes to it.

Contributions are whole numbers and are added up. So a sum is brought up to date by subtracting what a changed
object contributed and adding what it contributes now; a rebuild adds everything once. Both give the same sums.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from services.reporting.facts.ledger import Ledger

ALL = "all"
CITY = "city"

SCHOOL_YEAR = "school-year"
DAYS = {"31-december": (12, 31), "31-july": (7, 31)}
"""The days of a school year at which something can stand, by their names in definitions: month and day."""

Component = str | tuple[str, int]
"""What is summed in a cell: a count by its name, or by (step, days) how many requests took that many days."""


class Cell(NamedTuple):
    programme: str
    unit: str
    stratum: str
    period: str

    @property
    def unit_kind(self) -> str:
        """`city`, `neighbourhood` or `site`."""
        return self.unit.partition(":")[0]

    @property
    def stratum_kind(self) -> str:
        """`all` or `learning-area`."""
        return ALL if self.stratum == ALL else "learning-area"

    @property
    def period_kind(self) -> str:
        """The period's name in definitions: `school-year`, `31-july` or `31-december`."""
        return _DAY_NAMES.get(self.period[5:], SCHOOL_YEAR)


_DAY_NAMES = {f"{month:02}-{day:02}": name for name, (month, day) in DAYS.items()}

Contributions = Mapping[Cell, Mapping[Component, int]]
Sums = Counter[Component]


def units(ledger: Ledger, site_ids: Iterable[str], day: date) -> set[str]:
    """The units that sites belong to on a day: each known site, its neighbourhood, and the city once."""
    found: set[str] = set()
    for site_id in site_ids:
        record = ledger.site_on(site_id, day)
        if record is not None:
            found |= {f"site:{site_id}", f"neighbourhood:{record.neighbourhood}", CITY}
    return found


def strata_of(unit: str, areas: Iterable[str], *, fine: frozenset[str]) -> list[str]:
    """The strata of a unit: everything, and where the definition says so, each learning area."""
    return [ALL, *areas] if unit.partition(":")[0] in fine else [ALL]
