"""A service publishes its journal again: in order, also what Kafka refused, and on compacted topics only the newest.

Each test names the line that it protects: without that line it is red.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from contracts.metrics import CURRENT, HISTORY
from contracts.offers import OFFERS
from contracts.requests import REQUESTS
from contracts.values import Role
from local import RealParts
from services.chassis import republications
from services.chassis.commands import Call, carry_out
from services.chassis.messaging import outbox
from services.chassis.problems import NotAllowed
from services.chassis.republications import commands
from services.chassis.running.database import Transaction
from tests.builders import NOW, an_actor
from tests.integration.chassis.test_outbox import announce, is_drained, relaying, versions_committed, versions_seen
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually


async def test_what_kafka_lost_is_published_again_in_order_while_the_service_goes_on(stack: RealParts) -> None:
    """Red without `stage_again`, and when it makes new rows instead of pointers: bytes and ids are the same."""
    async with a_sandbox(stack, "referrals") as sandbox, relaying(sandbox):
        await announce(sandbox, 50)
        await eventually(lambda: is_drained(sandbox))
        once = await sandbox.read(OFFERS)

        said = await republish(sandbox)
        await announce(sandbox, 20)
        await eventually(lambda: is_drained(sandbox))

        again = (await sandbox.read(OFFERS))[len(once) :]
        assert (said["messages"], said["isComplete"]) == ({OFFERS: 50}, True)
        assert len(again) == 70
        assert versions_seen(await sandbox.read(OFFERS)) == await versions_committed(sandbox)


async def test_a_long_journal_is_put_back_in_parts_without_a_gap(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when the next part begins with the last row of this one, or behind the next."""
    monkeypatch.setattr(republications, "ROWS", 4)
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        await announce(sandbox, 10)
        await empty_outbox(sandbox)

        parts = [said := await republish(sandbox)]
        while not said["isComplete"]:
            parts.append(said := await republish(sandbox, position=said["nextPosition"]))

        assert [part["messages"] for part in parts] == [{OFFERS: 4}, {OFFERS: 4}, {OFFERS: 2}]
        assert await waiting(sandbox) == list(range(1, 11))


async def test_the_same_again_changes_nothing_while_it_waits(stack: RealParts) -> None:
    """Red without ON CONFLICT."""
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        await announce(sandbox, 3)

        for _ in ("once", "again"):
            await republish(sandbox)

        assert await waiting(sandbox) == [1, 2, 3]


async def test_what_kafka_refused_gets_another_try(stack: RealParts) -> None:
    """Red without the DELETE from `refused`: when Kafka refuses it again, the relay cannot set it aside again."""
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        await announce(sandbox, 2)
        await empty_outbox(sandbox)
        await sandbox.database.pool.execute("INSERT INTO refused (position, reason) VALUES (2, 'too large')")

        await republish(sandbox)

        assert await waiting(sandbox) == [1, 2]
        assert await sandbox.database.pool.fetchval("SELECT count(*) FROM refused") == 0


async def test_of_a_compacted_topic_only_the_newest_of_each_key_is_published_again(stack: RealParts) -> None:
    """Red without `is_superseded`; other topics keep every version."""
    async with a_sandbox(stack, "reporting", has_topics=False) as sandbox:
        await stage_figures(sandbox, "a", "b", "a", "a")
        await empty_outbox(sandbox)

        said = await republish(sandbox)

        assert said["messages"] == {CURRENT: 2, HISTORY: 4}
        newest = "SELECT position FROM outbox JOIN journal USING (position, topic) WHERE topic = $1 ORDER BY position"
        values = "SELECT convert_from(value, 'UTF8') FROM journal WHERE position = ANY($1::bigint[]) ORDER BY position"
        found = [row["position"] for row in await sandbox.database.pool.fetch(newest, CURRENT)]
        assert [row[0] for row in await sandbox.database.pool.fetch(values, found)] == ["b 2", "a 4"]


async def test_no_newer_figure_slips_in_before_an_older_one(stack: RealParts) -> None:
    """Red without the lock: the newer one, staged and committed meanwhile, could be sent before the older one."""
    async with a_sandbox(stack, "reporting", has_topics=False) as sandbox:
        await stage_figures(sandbox, "a")
        await empty_outbox(sandbox)
        async with sandbox.database.transaction() as staging:
            await stage_figure(staging, "a", 2)
            republishing = asyncio.create_task(republish(sandbox))
            await eventually(lambda: waits_for_the_lock(sandbox))

        assert (await republishing)["messages"] == {CURRENT: 1, HISTORY: 2}


async def test_part_of_the_journal_is_chosen_by_topic_and_by_instant(stack: RealParts) -> None:
    """Red when rows are chosen by their own time: what was recorded behind an instant may be dated before it."""
    async with a_sandbox(stack, "reporting", has_topics=False) as sandbox:
        for days in (0, 2, 1):
            async with sandbox.database.transaction(at=NOW + timedelta(days=days)) as tx:
                await stage_figure(tx, "a", days + 1)
        await empty_outbox(sandbox)

        later = await republish(sandbox, since=(NOW + timedelta(days=2)).isoformat(), topic=HISTORY)
        too_late = await republish(sandbox, since=(NOW + timedelta(days=3)).isoformat())

        assert (later["messages"], too_late["messages"]) == ({HISTORY: 2}, {})


async def test_only_operators_and_only_for_topics_of_the_service(stack: RealParts) -> None:
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        with pytest.raises(NotAllowed):
            await republish(sandbox, by="coordinator")
        with pytest.raises(outbox.TopicNotWritten):
            await republish(sandbox, topic=REQUESTS)


async def republish(sandbox: Sandbox, *, by: Role = "operator", **body: Any) -> dict[str, Any]:
    command = commands.by_name["republish"]
    call = Call(by=an_actor(by), at=NOW, body=command.read(body))
    view: dict[str, Any] = json.loads((await carry_out(sandbox.database, command, call)).view)
    return view


async def stage_figures(sandbox: Sandbox, *keys: str) -> None:
    """The next version of each figure, in this order."""
    for version, key in enumerate(keys, start=1):
        async with sandbox.database.transaction() as tx:
            await stage_figure(tx, key, version)


async def stage_figure(tx: Transaction, key: str, version: int) -> None:
    event_id, value = outbox.new_id(), f"{key} {version}".encode()
    figure = key.encode(), value, None, f"figure:{key}", 1, version
    await outbox.stage(tx, [outbox.Staged(event_id, topic, *figure) for topic in (CURRENT, HISTORY)])


async def empty_outbox(sandbox: Sandbox) -> None:
    """As if Kafka had acknowledged everything."""
    await sandbox.database.pool.execute("DELETE FROM outbox")


async def waiting(sandbox: Sandbox) -> list[int]:
    return [row["position"] for row in await sandbox.database.pool.fetch("SELECT position FROM outbox ORDER BY 1")]


async def waits_for_the_lock(sandbox: Sandbox) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE relation = 'outbox'::regclass AND NOT granted"
    return bool(await sandbox.database.pool.fetchval(query))
