"""What an object contributes to cells, in memory.

Contributions are whole numbers and are added up. So a sum is brought up to date by subtracting what a changed
object contributed and adding what it contributes now; a rebuild adds everything once. Both give the same sums.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from services.reporting.facts.ledger import Ledger
from services.reporting.figures.values import ALL, CITY, Cell

Component = str
Contributions = Mapping[Cell, Mapping[Component, int]]


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
