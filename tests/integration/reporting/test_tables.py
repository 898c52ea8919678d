"""The figures that the tables add up to are those of the ledger in memory, however events arrive and are cut.

Both cores answer the same random histories; when the one in memory goes, this test goes with it.
"""

import asyncio
from collections.abc import Iterator
from itertools import combinations_with_replacement, product

import asyncpg
import pytest
from hypothesis import given, settings

from contracts.activities import TakingPart
from contracts.sites import GroupRecorded
from contracts.topics import INPUTS, PARTITIONS
from contracts.values import Interval
from local import RealParts
from services.reporting import counts, cut, publication, rebuild, store
from services.reporting.facts.events import read
from services.reporting.figures import families
from services.reporting.publication import Fields
from tests.deliveries import Delivery, delivered_in_order, delivered_scenarios
from tests.delivery.test_delivery import DEFINED, figures_of, follow, thorough, unshrunk
from tests.sandbox import a_sandbox
from tests.scenarios import GROUP, Scenario, deliver, record_school

EXAMPLES = 40  # some tenths of a second each; many more were run when the tables came
FORGET = ";".join(
    f"DELETE FROM {table}" for table in (*rebuild.TABLES, "cuts", "figures", "newest", "stuck", "outbox", "journal")
)
NOTHING_READ = {(topic, partition): 0 for topic in INPUTS for partition in range(PARTITIONS)}


class Tables:
    """The tables of one database, used from a loop of their own: Hypothesis calls tests without one."""

    def __init__(self, runner: asyncio.Runner, db: asyncpg.Connection) -> None:
        self.runner, self.db = runner, db

    def figures(self, delivery: Delivery, *, everything: bool) -> dict[str, Fields]:
        return self.runner.run(self._follow(delivery, everything=everything))

    async def _follow(self, delivery: Delivery, *, everything: bool) -> dict[str, Fields]:
        """What was published last, cut by cut."""
        await self.db.execute(FORGET)
        for part in delivery.parts:
            async with self.db.transaction():
                await counts.append(self.db, [read(record, record.topic) for record in part])
            if everything:
                await counts.count_everything_anew(self.db)
            await cut.take(self.db, "urn:nld:oin:0:systeem:reporting", NOTHING_READ)
        rows = await self.db.fetch("SELECT key, data FROM newest")
        figures = {row["key"]: store.fields_of(row["data"]) for row in rows}
        return {key: fields for key, fields in figures.items() if not publication.is_emptied(fields)}


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
def test_the_tables_add_up_to_the_figures_of_the_ledger_in_memory(tables: Tables, everything: bool) -> None:
    check_that_both_agree(tables, settings(thorough, max_examples=EXAMPLES), everything=everything)


PARTS = [
    {"participants": counted, "whole_group": whole}
    for counted, whole in ((None, False), (None, True), (0, False), (9, False), (40, False))
]


def test_the_bounds_of_every_group_are_those_of_the_ledger_in_memory(tables: Tables) -> None:
    """Red when a missing number of participants is taken for one: PostgreSQL's `least` leaves out what is null."""
    delivery = delivered_in_order([*DEFINED, *every_group().announced])

    figures = tables.figures(delivery, everything=True)

    assert figures == figures_of(follow(delivery))
    assert sum(key.startswith("reach-school/") for key in figures) > 2 * len(PARTS) ** 2


def every_group() -> Scenario:
    """Groups of a known and of a masked size, each at a site of its own, in one to three activities."""
    scenario, some = (
        Scenario(),
        [each for several in (1, 2, 3) for each in combinations_with_replacement(PARTS, several)],
    )
    for number, (parts, headcount) in enumerate(product(some, ((24, 24), (1, 4)))):
        site_id, group_id, lower, upper = f"own:s{number}", f"own:g{number}", *headcount
        record_school(scenario, site_id)
        group = GROUP | {"group_id": group_id, "site_id": site_id, "register": "school", "school_year": "2025-2026"}
        counted = {"headcount": Interval(lower=lower, upper=upper)}
        scenario.announce(GroupRecorded.model_validate(group | counted), key=site_id)
        for part in parts:
            deliver(scenario, site_id, TakingPart.model_validate(part | {"group_id": group_id, "headcount": upper}))
    return scenario


def test_a_cut_that_forgets_whom_an_activity_affects_is_noticed(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for family in families().values():
        monkeypatch.setitem(family.affected, "activity", f"{family.affected['activity']} LIMIT 0")

    with pytest.raises(AssertionError):
        check_that_both_agree(tables, unshrunk, everything=False)
