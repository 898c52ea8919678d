"""Rebuilds: asked for by operators and made beside the live tables, and after a loss, wherever it was interrupted."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import permutations
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.metrics import HISTORY
from contracts.values import Role
from local import RealParts
from services.chassis.commands import Answer, Call, NoBody, carry_out
from services.chassis.messaging.relay import Relay
from services.chassis.problems import NotAllowed
from services.chassis.running.database import connected
from services.reporting import api, counts, figure_store, rebuild, rebuild_store
from services.reporting.projection import Projection
from tests.builders import NOW, an_actor
from tests.deliveries import as_sent
from tests.sandbox import Sandbox, a_sandbox
from tests.scenarios import PROGRAMMES, Scenario, deliver, record_school
from tests.waiting import eventually

EXAMPLES = sorted((Path(__file__).parents[3] / "contracts" / "examples").rglob("*.json"))
Told = tuple[str, dict[str, Any]]
"""The name of an example, and what is changed in its data."""


def a_cut(cut_id: int, figures: int) -> Told:
    return "CutTaken", {"cutId": cut_id, "figureCount": figures, "knownAt": f"2026-08-0{cut_id}T10:00:00.000Z"}


def a_figure(key: str, cut_id: int) -> Told:
    return "MetricPublished", {"key": key, "cutId": cut_id, "knownAt": f"2026-08-0{cut_id}T10:00:00.000Z"}


# One cut per day: the first with one figure, the second with two.
FIRST = (a_cut(1, 1), a_figure("a", 1))
SECOND = (a_cut(2, 2), a_figure("a", 2), a_figure("b", 2))


@pytest.fixture
async def db(stack: RealParts) -> AsyncIterator[asyncpg.Connection]:
    async with a_sandbox(stack, "reporting", has_topics=False) as sandbox:
        connection = await asyncpg.connect(sandbox.settings.database_url)
        yield connection
        await connection.close()


async def keep(db: asyncpg.Connection, *told: Told) -> None:
    """Keep what the history topic says, in the order of the topic."""
    messages: list[Any] = []
    for name, changes in told:
        envelope = json.loads(next(path for path in EXAMPLES if path.parent.name == f"{name}.v1").read_bytes())
        envelope["data"] |= changes
        subject = str(changes.get("key", changes["cutId"]))
        messages.append(
            as_sent(envelope | {"subject": subject, "partitionkey": "cut" if name == "CutTaken" else subject})
        )
    await rebuild.keep(db, messages)


async def newest_complete(db: asyncpg.Connection) -> int:
    newest = await rebuild.newest_complete_cut(db)
    assert newest is not None
    return newest.cut_id


@pytest.mark.parametrize("second", list(permutations(SECOND)))
async def test_a_cut_is_complete_when_it_and_all_its_figures_are_there_in_any_order(
    db: asyncpg.Connection, second: Sequence[Told]
) -> None:
    await keep(db, *FIRST)
    for told in second:
        assert await newest_complete(db) == 1
        await keep(db, told)

    assert await newest_complete(db) == len(FIRST)


async def test_a_figure_that_was_sent_twice_does_not_complete_a_cut(db: asyncpg.Connection) -> None:
    await keep(db, *FIRST, a_cut(2, 2), a_figure("a", 2), a_figure("a", 2))

    assert await newest_complete(db) == 1


@pytest.mark.parametrize("last", SECOND[:2], ids=["CutTaken", "a figure"])
async def test_the_next_cut_comes_after_the_newest_of_which_anything_is_there(
    db: asyncpg.Connection, last: Told
) -> None:
    await keep(db, *FIRST, last)

    assert (await figure_store.last_cut(db))[:2] == (2, datetime(2026, 8, 2, 10, tzinfo=UTC))


async def test_without_any_history_the_first_cut_is_to_come(db: asyncpg.Connection) -> None:
    assert await figure_store.last_cut(db) == (0, None, None)
    assert await rebuild.newest_complete_cut(db) is None


@asynccontextmanager
async def a_service(sandbox: Sandbox) -> AsyncIterator[None]:
    """Its leader and its relay, until the block ends."""
    leader = Projection(sandbox.settings, sandbox.database, sandbox.health)
    async with running(leader), running(Relay(sandbox.settings, sandbox.health)):
        yield


@asynccontextmanager
async def running(part: Projection | Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(part.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


BRON, LINDE = "own:bron", "own:linde"


class Partnership:
    """Two schools, of which a running service hears."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.scenario, self.sent = sandbox, Scenario(), 0
        for site_id in (BRON, LINDE):
            record_school(self.scenario, site_id)

    async def deliver(self, site_id: str, activities: int = 1) -> None:
        for _ in range(activities):
            deliver(self.scenario, site_id)
        for event, key, value in self.scenario.announced[self.sent :]:
            await self.sandbox.send(event.topics[0], (key.encode(), value))
        self.sent = len(self.scenario.announced)

    async def counts(self, activities: int) -> bool:
        """Whether so many are in the figures, and these on the topics."""
        return await has_counted(self.sandbox, activities) and await has_announced_everything(self.sandbox)


OF_THE_CITY = f"replaced-share/1/{PROGRAMMES[0]}/city/all/2025-2026"


async def has_counted(sandbox: Sandbox, activities: int) -> bool:
    newest = (await newest_of_all(sandbox)).get(OF_THE_CITY)
    return newest is not None and json.loads(newest)["numerator"] == activities


async def has_announced_everything(sandbox: Sandbox) -> bool:
    return not await sandbox.database.pool.fetchval("SELECT EXISTS (SELECT FROM outbox)")


async def newest_of_all(sandbox: Sandbox) -> dict[str, str]:
    return {row["key"]: row["data"] for row in await sandbox.database.pool.fetch("SELECT key, data FROM newest")}


async def outcome(sandbox: Sandbox) -> dict[str, Any] | None:
    """Of the newest rebuild."""
    found = await rebuild_store.rebuilds(sandbox.database.pool)
    return found[0]["outcome"] if found else None


async def test_a_rebuild_takes_the_place_of_the_live_tables_and_loses_nothing_of_what_comes_meanwhile(
    stack: RealParts,
) -> None:
    async with a_sandbox(stack, "reporting") as sandbox, a_service(sandbox):
        partnership = Partnership(sandbox)
        await partnership.deliver(BRON, 3)
        await eventually(lambda: partnership.counts(3))
        live = await the_table_of_facts(sandbox)

        await ask(sandbox)
        await partnership.deliver(LINDE, 20)
        await eventually(lambda: has_an_outcome(sandbox))
        await partnership.deliver(BRON)

        await eventually(lambda: partnership.counts(24))
        said = await outcome(sandbox)
        assert said is not None
        assert (said["equal"], said["differences"]) == (True, [])
        assert await the_table_of_facts(sandbox) != live
        assert await the_table_of_facts(sandbox, "before.facts") == live
        assert await differences(sandbox) == []


async def test_a_rebuild_is_of_what_was_announced_when_it_was_asked_for(stack: RealParts) -> None:
    """Red when it does not wait for the relay: it proves a cut of before. (Seen right after a first history: that one
    knew eight events, and a country's year was appended to it event by event.)"""
    async with a_sandbox(stack, "reporting") as sandbox:
        partnership = Partnership(sandbox)
        async with a_service(sandbox):
            await partnership.deliver(BRON, 3)
            await eventually(lambda: partnership.counts(3))
        async with running(Projection(sandbox.settings, sandbox.database, sandbox.health)):
            await partnership.deliver(LINDE)
            await eventually(lambda: has_counted(sandbox, 4))
            announced = await sandbox.database.pool.fetchval("SELECT max(cut_id) FROM cuts")
            await ask(sandbox)
            await eventually(lambda: looks_whether_it_is_there(sandbox))
            async with running(Relay(sandbox.settings, sandbox.health)):
                await eventually(lambda: has_an_outcome(sandbox))

        said = await outcome(sandbox)
        assert said is not None
        assert (said["cutId"], said["equal"]) == (announced, True)


async def looks_whether_it_is_there(sandbox: Sandbox) -> bool:
    """Whether a rebuild has found that something announced is not on its topic."""
    asked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query = $1)"
    return bool(await sandbox.database.pool.fetchval(asked, rebuild._NOT_THERE))


async def test_a_rebuild_that_finds_a_difference_names_it_and_swaps_nothing(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox, a_service(sandbox):
        partnership = Partnership(sandbox)
        await partnership.deliver(BRON, 3)
        await eventually(lambda: partnership.counts(3))
        live = await the_table_of_facts(sandbox)
        await sandbox.send(HISTORY, *await a_false_cut(sandbox))

        await ask(sandbox)

        await eventually(lambda: has_an_outcome(sandbox))
        said = await outcome(sandbox)
        assert said is not None
        assert [each.split(" ")[0] for each in said["differences"]] == [OF_THE_CITY]
        assert await the_table_of_facts(sandbox) == live


async def a_false_cut(sandbox: Sandbox) -> list[tuple[bytes, bytes]]:
    """One more cut of the same facts on the history topic, with another value of a figure."""
    rows = await sandbox.database.pool.fetch(
        "SELECT DISTINCT ON (aggregate) aggregate, key, value FROM journal WHERE topic LIKE '%history%'"
        " AND (aggregate = $1 OR aggregate LIKE 'cut:%') ORDER BY aggregate, position DESC",
        f"figure:{OF_THE_CITY}",
    )
    messages = {row["key"]: json.loads(row["value"]) for row in sorted(rows, key=itemgetter("aggregate"))}
    taken = messages[b"cut"]
    taken |= {"id": str(uuid4()), "subject": str(taken["data"]["cutId"] + 1)}
    taken["data"] |= {"cutId": taken["data"]["cutId"] + 1, "figureCount": 1, "knownAt": "2099-01-01T00:00:00.000Z"}
    figure = messages[OF_THE_CITY.encode()]
    figure["id"] = str(uuid4())
    figure["data"] |= {"numerator": 2, "cutId": taken["data"]["cutId"]}
    return [(key, json.dumps(message).encode()) for key, message in messages.items()]


@pytest.mark.parametrize("is_interrupted", [False, True], ids=["at once", "interrupted"])
async def test_after_a_loss_everything_comes_back_and_is_proven_by_whoever_leads(
    stack: RealParts, is_interrupted: bool
) -> None:
    """Red when a process that ends in the middle leaves a table of facts without the proof."""
    async with a_sandbox(stack, "reporting") as sandbox:
        partnership = Partnership(sandbox)
        async with a_service(sandbox):
            await partnership.deliver(BRON, 3)
            await eventually(lambda: partnership.counts(3))
        before = await newest_of_all(sandbox)
        await lose_everything(sandbox)

        if is_interrupted:
            await begin_to_restore(sandbox)
        async with a_service(sandbox):
            await eventually(lambda: has_an_outcome(sandbox))
            said = await outcome(sandbox)
            assert said is not None
            assert (said["equal"], said["figures"]) == (True, len(before))
            assert await newest_of_all(sandbox) == before
            await partnership.deliver(LINDE)
            await eventually(lambda: partnership.counts(4))


async def begin_to_restore(sandbox: Sandbox) -> None:
    """What a process had done that ended before it had read a fact."""
    db = await asyncpg.connect(sandbox.settings.database_url)
    ended = Projection(sandbox.settings, sandbox.database, sandbox.health)
    await counts.prepare(db)
    await ended._keep_history(db)
    await db.close()


async def lose_everything(sandbox: Sandbox) -> None:
    tables = (
        *rebuild.made_tables(),
        "cuts",
        "figures",
        "newest",
        "rebuilds",
        "positions",
        "skipped",
        "outbox",
        "journal",
    )
    await sandbox.database.pool.execute(f"TRUNCATE {', '.join(tables)} CASCADE")


async def test_a_rebuild_of_which_the_process_ended_is_told_as_failed_and_not_tried_for_ever(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        asked = await ask(sandbox)
        async with sandbox.database.transaction() as tx:
            await rebuild_store.begin_rebuild(tx.db, UUID(asked.subject), NOW)

        async with a_service(sandbox):
            await eventually(lambda: has_an_outcome(sandbox))
            partnership = Partnership(sandbox)
            await partnership.deliver(BRON)
            await eventually(lambda: partnership.counts(1))  # and it goes on

        said = await outcome(sandbox)
        assert said is not None
        assert "ask again" in said["differences"][0]


async def has_an_outcome(sandbox: Sandbox) -> bool:
    return await outcome(sandbox) is not None


async def the_table_of_facts(sandbox: Sandbox, name: str = "public.facts") -> int:
    """Tells it from any other that had or gets its name."""
    found: int = await sandbox.database.pool.fetchval("SELECT $1::regclass::oid::bigint", name)
    return found


async def differences(sandbox: Sandbox) -> list[str]:
    """Between what was published last and what all facts give."""
    db = await asyncpg.connect(sandbox.settings.database_url)
    _, found = await rebuild.compare(db, partial(connected, sandbox.settings.database_url), 2**40)
    await db.close()
    return found


async def test_who_asks_again_while_a_rebuild_waits_is_told_so(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        first = await ask(sandbox)

        with pytest.raises(api.RebuildUnderWay) as refused:
            await ask(sandbox)
        async with sandbox.database.transaction() as tx:
            waiting = await rebuild_store.unfinished_rebuild(tx.db, "asked")
            assert waiting is not None
            await rebuild_store.finish_rebuild(tx.db, waiting.rebuild_id, {}, NOW)
        second = await ask(sandbox)

        assert refused.value.errors[0].value == first.subject
        assert second.subject != first.subject


async def test_only_an_operator_asks_for_a_rebuild(stack: RealParts) -> None:
    async with a_sandbox(stack, "reporting") as sandbox:
        with pytest.raises(NotAllowed):
            await ask(sandbox, "analyst")


async def ask(sandbox: Sandbox, role: Role = "operator") -> Answer:
    call = Call(by=an_actor(role), at=NOW, body=NoBody(), key=str(uuid4()))
    return await carry_out(sandbox.database, api.commands.by_name["askForRebuild"], call)
