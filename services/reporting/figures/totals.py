"""What every school, group, activity and request contributes to every cell, and the sums of that.

`update` computes only the contributions that depend on what changed. Totals that were updated step by step and
those made at once from the same facts hold the same sums: that is what a rebuild checks.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.reporting.facts.events import Fact
from services.reporting.facts.ledger import Change, Ledger
from services.reporting.figures.adoption import memory as adoption
from services.reporting.figures.cells import Component, Contributions
from services.reporting.figures.flow import memory as flow
from services.reporting.figures.reach import memory as reach
from services.reporting.figures.substitution import memory as substitution
from services.reporting.figures.values import Cell, Sums

Subject = tuple[str, str]
"""A family of figures, and the id of the school, group, activity or request that contributes to it."""

Touched = dict[tuple[str, Cell], list[list[Fact]]]
"""The cells that changed, each with the facts that changed it. Cells share these lists: one programme year changes
thousands."""

FAMILIES: dict[str, Callable[[Ledger, str], Contributions]] = {
    adoption.NAME: adoption.contributions,
    reach.NAME: reach.contributions,
    substitution.NAME: substitution.contributions,
    flow.NAME: flow.contributions,
}
_NOTHING: Contributions = {}


@dataclass(slots=True)
class Totals:
    """Sums per family and cell, and who contributed what."""

    sums: dict[tuple[str, Cell], Sums] = field(default_factory=dict)
    contributed: dict[Subject, Contributions] = field(default_factory=dict)
    seen_programme_years: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """The programme years at the last update, with their learning areas."""

    def update(self, ledger: Ledger, changes: list[Change]) -> Touched:
        """Follow the ledger's changes; returns the cells that changed."""
        if not self.contributed:
            return self._add_everything(ledger)
        because: defaultdict[Subject, list[list[Fact]]] = defaultdict(list)
        for change in changes:
            for subject in dependents(ledger, change):
                because[subject].append(change.facts)
        everything = [fact for change in changes for fact in change.facts]
        for subject in self._of_changed_programme_years(ledger):
            because[subject] = [everything]
        touched: Touched = {}
        for subject, facts in because.items():
            for cell in self._replace(subject, FAMILIES[subject[0]](ledger, subject[1])):
                where = (subject[0], cell)
                if where in touched:
                    touched[where] += facts
                else:
                    touched[where] = list(facts)
        return touched

    def _add_everything(self, ledger: Ledger) -> Touched:
        """Fill empty totals from all facts. Nothing was published from it, so no cell needs the facts that
        changed it."""
        self.seen_programme_years = _programme_years(ledger)
        things: dict[str, Iterable[str]] = {
            adoption.NAME: ledger.sites,
            reach.NAME: ledger.groups,
            substitution.NAME: ledger.activities,
            flow.NAME: ledger.requests,
        }
        for family, ids in things.items():
            contributions = FAMILIES[family]
            for id_ in ids:
                if now := contributions(ledger, id_):
                    self.contributed[family, id_] = now
                    for cell, counted in now.items():
                        self._sum(family, cell, counted, 1)
        return {where: [] for where in self.sums}

    def _replace(self, subject: Subject, now: Contributions) -> list[Cell]:
        """Replace what a subject contributed by what it contributes now; returns the cells that changed."""
        before = self.contributed.get(subject, _NOTHING)
        if now:
            self.contributed[subject] = now
        elif before:
            del self.contributed[subject]
        cells = [cell for cell, counted in now.items() if before.get(cell) != counted]
        for cell in cells:
            self._sum(subject[0], cell, now[cell], 1)
        gone = [cell for cell in before if before[cell] != now.get(cell)]
        for cell in gone:
            self._sum(subject[0], cell, before[cell], -1)
        return [*cells, *(cell for cell in gone if cell not in now)]

    def _sum(self, family: str, cell: Cell, counted: Mapping[Component, int], sign: int) -> None:
        sums = self.sums.get((family, cell))
        if sums is None:
            sums = self.sums[family, cell] = Sums()
        for component, amount in counted.items():
            sums[component] += sign * amount

    def _of_changed_programme_years(self, ledger: Ledger) -> Iterator[Subject]:
        """All schools and groups whose figures change because a programme year came, went or got another area."""
        years = _programme_years(ledger)
        changed = {
            year
            for year in years.keys() | self.seen_programme_years
            if years.get(year) != self.seen_programme_years.get(year)
        }
        came_or_went = {year for year in changed if (year in years) != (year in self.seen_programme_years)}
        self.seen_programme_years = years
        if came_or_went:
            yield from ((adoption.NAME, site_id) for site_id in ledger.sites)
        for school_year in {year for _, year in changed}:
            yield from ((reach.NAME, group_id) for group_id in ledger.groups_in[school_year])


def _programme_years(ledger: Ledger) -> dict[tuple[str, str], frozenset[str]]:
    return {year: ledger.areas_in(*year) for year, count in ledger.programme_years.items() if count > 0}


def dependents(ledger: Ledger, change: Change) -> Iterator[Subject]:
    """The subjects whose contributions may differ after this change."""
    match change.kind:
        case "activity":
            yield substitution.NAME, change.id
            for view in (change.before, change.after):
                if view is not None:
                    yield from _of_activity(view.body)
        case "group":
            yield reach.NAME, change.id
        case "request":
            yield flow.NAME, change.id
            for activity_id in ledger.activities_for[change.id]:  # the request's sites can make its activities joint
                yield from ((adoption.NAME, site_id) for site_id in ledger.activities[activity_id].body.site_ids)
        case "referral":
            if change.after.made is not None:
                yield flow.NAME, change.after.made.request_id
        case "site":
            yield from _of_site(ledger, change)


def _of_activity(body: Any) -> Iterator[Subject]:  # noqa: ANN401 - an activity's body
    yield from ((adoption.NAME, site_id) for site_id in body.site_ids)
    yield from ((reach.NAME, part.group_id) for part in body.groups)
    if body.request_id:
        yield flow.NAME, body.request_id


def _of_site(ledger: Ledger, change: Change) -> Iterator[Subject]:
    """The site itself, its linked sites, its groups and requests, and every activity there."""
    records = [record for view in (change.before, change.after) if view is not None for record in view.records]
    linked = {link.site_id for record in records for link in record.links} | ledger.linked_to[change.id]
    yield from ((adoption.NAME, site_id) for site_id in {change.id, *linked})
    yield from ((reach.NAME, group_id) for group_id in ledger.groups_at[change.id])
    yield from ((flow.NAME, request_id) for request_id in ledger.requests_at[change.id])
    activities: Iterable[str] = ledger.activities_at[change.id]
    for activity_id in activities:
        yield substitution.NAME, activity_id
        yield from _of_activity(ledger.activities[activity_id].body)
