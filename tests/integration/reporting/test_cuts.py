"""What a cut announces of each figure: causes are causes, and one that cannot be announced keeps no other back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import msgspec
import pytest
from structlog.testing import capture_logs

from contracts.activities import ActivityCorrected, ActivityDelivered
from local import RealParts
from services.chassis.running.database import connected
from services.reporting import counts, cut, fact_store, figure_store, making
from services.reporting.facts.events import Fact, read
from services.reporting.figures import functions
from services.reporting.figures.values import Cell, Function, Result, Sums
from services.reporting.things import KINDS
from tests.deliveries import delivered_in_order
from tests.delivery.test_delivery import DEFINED
from tests.sandbox import a_sandbox
from tests.scenarios import OTHER, PROGRAMMES, Scenario, deliver, record_school
from tests.tables import NOTHING_READ, SOURCE

BRON, LINDE = "own:bron", "own:linde"
Published = Mapping[str, dict[str, Any]]


class Reported:
    """A scenario as `reporting` reads it, cut by cut."""

    def __init__(self, db: asyncpg.Connection, another: making.Another) -> None:
        self.db, self.another = db, another
        self.scenario = Scenario()
        self.scenario.announced += DEFINED
        self.read = 0
        for site_id, neighbourhood in ((BRON, "5211"), (LINDE, "5212")):
            record_school(self.scenario, site_id, neighbourhood)

    def deliver(self, site_id: str) -> ActivityDelivered:
        return deliver(self.scenario, site_id)

    def correct(self, delivered: ActivityDelivered, *, minutes: int) -> None:
        said = delivered.model_dump(exclude={"confirmed_by_sites", "registered_at"}) | {"duration_minutes": minutes}
        why = {"changed": ("durationMinutes",), "reason": OTHER, "corrected_at": datetime(2025, 12, 1, tzinfo=UTC)}
        self.scenario.announce(ActivityCorrected.model_validate(said | why), key=delivered.site_ids[0])

    async def cut(self) -> Published:
        """What is announced of everything since the cut before, by key."""
        records = delivered_in_order(self.scenario.announced).records
        async with self.db.transaction():
            await counts.append(self.db, [read(record, record.topic) for record in records[self.read :]])
        self.read = len(records)
        await making.make_missing(self.db, self.another)
        taken = await cut.take(self.db, SOURCE, NOTHING_READ)
        rows = await self.db.fetch("SELECT key, data FROM figures WHERE cut_id = $1", taken.cut_id)
        assert len(rows) == taken.figure_count
        return {row["key"]: msgspec.json.decode(row["data"]) for row in rows}


@asynccontextmanager
async def reported(stack: RealParts) -> AsyncIterator[Reported]:
    async with a_sandbox(stack, "reporting", has_topics=False) as sandbox:
        db = await asyncpg.connect(sandbox.settings.database_url)
        await counts.prepare(db)
        try:
            yield Reported(db, partial(connected, sandbox.settings.database_url))
        finally:
            await db.close()


def key(indicator: str, unit: str, period: str = "2025-2026") -> str:
    return f"{indicator}/1/{PROGRAMMES[0]}/{unit}/all/{period}"


async def test_a_correction_restates_the_figures_that_count_it_and_no_other_of_the_same_cut(stack: RealParts) -> None:
    """Red when everything of a cut, of a cell, or of an activity is a cause (ruling 44)."""
    async with reported(stack) as partnership:
        corrected = partnership.deliver(BRON)
        partnership.deliver(LINDE)
        await partnership.cut()

        partnership.correct(corrected, minutes=90)
        partnership.deliver(LINDE)
        correction = msgspec.json.decode(partnership.scenario.announced[-2].value)
        published = await partnership.cut()

        causes = {name: figure["causes"] for name, figure in published.items() if "causes" in figure}
        counted_in = [key("replaced-share-minutes", unit) for unit in ("site:own:bron", "neighbourhood:5211", "city")]
        assert causes.keys() == set(counted_in)
        last = (await figure_store.history(partnership.db, counted_in[0], after=0, limit=9))[-1]
        assert last["causeTypes"] == {"ActivityCorrected": 1}
        assert all(correction["id"] in each for each in causes.values())
        assert key("replaced-share", "city") in published  # it counts the delivery of the same cut


async def test_ordinary_growth_is_no_restatement(stack: RealParts) -> None:
    async with reported(stack) as partnership:
        partnership.deliver(BRON)
        first = await partnership.cut()
        partnership.deliver(BRON)
        second = await partnership.cut()

        assert first
        assert second
        assert not any("causes" in figure for figure in (*first.values(), *second.values()))


async def test_what_comes_back_otherwise_after_a_loss_is_a_restatement_without_an_event(stack: RealParts) -> None:
    async with reported(stack) as partnership:
        partnership.deliver(BRON)
        first = await partnership.cut()
        otherwise = key("replaced-share", "city")
        said = msgspec.json.encode(first[otherwise] | {"value": "0.500000"}).decode()
        await partnership.db.execute(
            "UPDATE newest SET digest = $2, data = $3 WHERE key = $1", otherwise, "0" * 64, said
        )

        await counts.count_everything_anew(partnership.db)
        restated = await partnership.cut()

        assert list(restated) == [otherwise]
        figure = restated[otherwise]
        assert (figure["value"], figure["previous"]["value"]) == ("1.000000", "0.500000")
        assert (figure["causes"], figure["causeCount"]) == ([], 0)


async def test_a_cut_without_news_announces_no_figure(stack: RealParts) -> None:
    async with reported(stack) as partnership:
        partnership.deliver(BRON)
        await partnership.cut()

        assert await partnership.cut() == {}


async def test_after_everything_was_counted_postgresql_knows_how_large_its_tables_are(stack: RealParts) -> None:
    """Or else it plans the next cuts as for empty ones."""
    async with reported(stack) as partnership:
        partnership.deliver(BRON)
        await partnership.cut()

        known = {row["tablename"] for row in await partnership.db.fetch("SELECT tablename FROM pg_stats")}
        counted = {"counts_adoption", "counts_substitution"}  # of the others there is nothing
        assert {"facts", "activities", "sums", "newest", "figures", *counted} <= known


def _cannot(sums: Sums, parameters: Mapping[str, str], cell: Cell) -> Result | None:
    raise ArithmeticError(f"{cell}: {sums}, {parameters}")


async def test_a_figure_that_cannot_be_computed_is_set_aside_and_comes_with_the_release_that_mends_it(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release that is wrong is made here: a function that fails where the right one does not."""
    right = functions()["replaced-share@1"]
    async with reported(stack) as partnership:
        partnership.deliver(BRON)
        with monkeypatch.context() as release:
            release.setitem(functions(), "replaced-share@1", Function(right.family, _cannot, right.parameters))
            without = await partnership.cut()
            aside = await fact_store.count_stuck(partnership.db)
        mended = await partnership.cut()

        assert any(name.startswith("adoption-") for name in without)
        assert not any("replaced" in name for name in without)
        assert aside == len({name.split("/", 3)[3] for name in mended}) > 0
        assert await fact_store.count_stuck(partnership.db) == 0
        assert all(mended[name]["numerator"] == 1 for name in mended if name.startswith("replaced-share/"))


async def test_a_thing_that_cannot_be_made_is_set_aside_alone_and_comes_with_the_release_that_mends_it(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release that is wrong is made here: its fold fails on one of two activities, then on what is said later."""
    right = KINDS["activity"]
    async with reported(stack) as partnership:
        first, second = partnership.deliver(BRON), partnership.deliver(LINDE)

        def fold(facts: list[Fact]) -> Any:
            assert str(first.activity_id) not in facts[0].entity, f"never shown: {facts[0].data.decode()}"
            return right.fold(facts)

        with monkeypatch.context() as release, capture_logs() as logs:
            release.setitem(KINDS, "activity", right._replace(fold=fold))
            made_at_first = await partnership.cut()
            (aside,) = await fact_store.stuck_things(partnership.db, None, 10)
            partnership.correct(first, minutes=90)
            partnership.correct(second, minutes=90)
            with_later_facts = await partnership.cut()
            (still,) = await fact_store.stuck_things(partnership.db, None, 10)
        await counts.try_things_again(partnership.db)
        mended = await partnership.cut()

        city = key("replaced-share", "city")
        assert [each[city]["denominator"]["lower"] for each in (made_at_first, mended)] == [1, 2]
        assert key("replaced-share-minutes", f"site:{LINDE}") in with_later_facts
        assert still == aside
        assert aside["entity"] == f"activity:{first.activity_id}"
        assert aside["reason"].startswith("AssertionError at services/reporting/things.py:")
        assert "never shown" not in str((aside, logs))
        assert [log["event"] for log in logs] == ["thing_stuck", "thing_stuck"]
        assert await fact_store.count_stuck_things(partnership.db) == 0


async def test_a_thing_whose_rows_cannot_be_stored_is_set_aside_alone(stack: RealParts) -> None:
    """As of a release whose tables allow less; here a constraint makes it. Red: the leader ended at each start."""
    async with reported(stack) as partnership:
        delivered = [partnership.deliver(BRON) for _ in range(9)]
        refused = delivered[4].activity_id
        await partnership.db.execute(f"ALTER TABLE activities ADD CONSTRAINT odd CHECK (activity_id <> '{refused}')")

        without = await partnership.cut()
        await counts.try_things_again(partnership.db)
        (aside,) = await fact_store.stuck_things(partnership.db, None, 10)
        await partnership.db.execute("ALTER TABLE activities DROP CONSTRAINT odd")
        await counts.try_things_again(partnership.db)
        mended = await partnership.cut()

        city = key("replaced-share", "city")
        assert [each[city]["denominator"]["lower"] for each in (without, mended)] == [8, 9]
        assert (aside["entity"], await fact_store.count_stuck_things(partnership.db)) == (f"activity:{refused}", 0)


async def test_a_fact_that_an_earlier_release_stored_and_this_one_cannot_read_sets_its_thing_aside_alone(
    stack: RealParts,
) -> None:
    """Seen: the leader ended at each start."""
    async with reported(stack) as partnership:
        partnership.deliver(BRON)
        old = partnership.deliver(LINDE)
        await partnership.cut()
        await partnership.db.execute("UPDATE facts SET data = '{}' WHERE entity = $1", f"activity:{old.activity_id}")
        await partnership.db.execute("DELETE FROM made")  # as a release does that makes all things anew
        for table in dict.fromkeys(table for kind in KINDS.values() for table in kind.tables):
            await partnership.db.execute(f"TRUNCATE {table}")

        anew = await partnership.cut()

        (aside,) = await fact_store.stuck_things(partnership.db, None, 10)
        assert aside["entity"] == f"activity:{old.activity_id}"
        assert anew[key("replaced-share", "city")]["denominator"]["lower"] == 1
