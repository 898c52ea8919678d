"""The figures that the tables add up to are those of the book in memory, however events arrive and wherever it is cut.

Both cores answer the same random histories; when the one in memory goes, this test goes with it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator

import asyncpg
import pytest
from hypothesis import given, settings

from local import RealParts
from services.reporting import counts, publication, store, things
from services.reporting.facts.events import Fact, IndicatorDefined, read
from services.reporting.figures import families, functions
from services.reporting.figures.values import Cell
from services.reporting.publication import Fields
from tests.deliveries import Delivery, delivered_scenarios
from tests.delivery.test_delivery import DEFINED, figures_of, follow, thorough, unshrunk
from tests.sandbox import a_sandbox
from tests.scenarios import Scenario

EXAMPLES = 40  # some tenths of a second each; many more were run when the tables came
FORGET = ";".join(
    f"DELETE FROM {table}"
    for table in (
        *(table for kind in things.KINDS.values() for table in kind.tables),
        *("facts", "programme_years", "programme_years_counted", "sums", "affected"),
        *(family.table for family in families().values()),
    )
)


class Tables:
    """The tables of one database, used from a loop of their own: Hypothesis calls tests without one."""

    def __init__(self, runner: asyncio.Runner, db: asyncpg.Connection) -> None:
        self.runner, self.db = runner, db

    def figures(self, delivery: Delivery, *, everything: bool) -> dict[str, Fields]:
        return self.runner.run(self._follow(delivery, everything=everything))

    async def _follow(self, delivery: Delivery, *, everything: bool) -> dict[str, Fields]:
        await self.db.execute(FORGET)
        for part in delivery.parts:
            async with self.db.transaction():
                facts = [read(record, record.topic) for record in part]
                await counts.append(self.db, facts, notes=not everything)
                await counts.count(self.db, everything=everything)
        bodies = [fact.body for fact in await self._facts()]
        return await self._figures([body for body in bodies if isinstance(body, IndicatorDefined)])

    async def _facts(self) -> list[Fact]:
        async with self.db.transaction():
            return await store.facts(self.db)

    async def _figures(self, definitions: list[IndicatorDefined]) -> dict[str, Fields]:
        sums: defaultdict[tuple[str, Cell], Counter[str]] = defaultdict(Counter)
        for family, programme, unit, stratum, period, component, amount in await self.db.fetch("TABLE sums"):
            sums[family, Cell(programme, unit, stratum, period)][component] += amount
        return {
            publication.key_of(definition, cell): publication.fields_of(definition, cell, value)
            for (family, cell), its_sums in sums.items()
            for definition in definitions
            if functions()[definition.function].family == family and is_declared(definition, cell)
            if (value := functions()[definition.function].compute(its_sums, definition.parameters, cell)) is not None
        }


def is_declared(definition: IndicatorDefined, cell: Cell) -> bool:
    return cell.period_kind in definition.periods and cell.stratum_kind in definition.strata.get(cell.unit_kind, ())


@pytest.fixture(scope="module")
def tables(stack: RealParts) -> Iterator[Tables]:
    with asyncio.Runner() as runner:
        sandbox = a_sandbox(stack, "reporting", has_topics=False)
        url = runner.run(sandbox.__aenter__()).settings.database_url
        db = runner.run(asyncpg.connect(url))
        runner.run(counts.prepare(db))
        yield Tables(runner, db)
        runner.run(db.close())
        runner.run(sandbox.__aexit__(None, None, None))


def check_that_both_agree(tables: Tables, how: settings, *, everything: bool) -> None:
    @how
    @given(delivered_scenarios(before=DEFINED))
    def agree(delivered: tuple[Scenario, Delivery]) -> None:
        _, delivery = delivered
        assert tables.figures(delivery, everything=everything) == figures_of(follow(delivery))

    agree()


@pytest.mark.parametrize("everything", [False, True], ids=["what is affected", "everything"])
def test_the_tables_add_up_to_the_figures_of_the_book_in_memory(tables: Tables, everything: bool) -> None:
    check_that_both_agree(tables, settings(thorough, max_examples=EXAMPLES), everything=everything)


def test_a_cut_that_forgets_whom_an_activity_affects_is_noticed(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for family in families().values():
        monkeypatch.setitem(family.affected, "activity", f"{family.affected['activity']} LIMIT 0")

    with pytest.raises(AssertionError):
        check_that_both_agree(tables, unshrunk, everything=False)
