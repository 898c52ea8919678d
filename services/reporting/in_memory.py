"""The ledger in memory: all facts, what they count for, and every figure that they give.

The leader does not use it any more: figures come from tables. It is what the tables are compared with, and what
explains a figure, until both are done from the tables, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services.reporting import publication
from services.reporting.facts.ledger import Ledger
from services.reporting.figures.totals import Totals
from services.reporting.figures.values import Cell
from services.reporting.publication import Fields, Figure


@dataclass(slots=True)
class InMemory:
    """All facts that were added, and the figures as of the last `recompute`."""

    ledger: Ledger = field(default_factory=Ledger)
    totals: Totals = field(default_factory=Totals)
    figures: dict[str, Fields] = field(default_factory=dict)
    """By key; also those of which nothing is left."""

    def recompute(self) -> None:
        """Bring everything up to date."""
        changes = self.ledger.settle()
        touched = set(self.totals.update(self.ledger, changes))
        if any(change.kind == "indicator" for change in changes):  # a new definition can change every figure
            touched = set(self.totals.sums)
        self.figures |= {figure.key: figure.fields for figure in self._of(touched)}

    def _of(self, touched: Iterable[tuple[str, Cell]]) -> Iterator[Figure]:
        definitions = publication.declared(self.ledger.definitions.values())
        for family, cell in touched:
            if (family, cell) in self.totals.sums:
                yield from publication.figures_of(definitions.get(family, ()), cell, self.totals.sums[family, cell])
