"""A database that was restored to an earlier point: the service rolls forward by what it announced itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.envelope import MAX_EPOCH
from contracts.sites import SITES
from contracts.values import Actor
from local import RealParts
from services.chassis import restorations
from services.chassis.clock_table import clock_id_of
from services.chassis.commands import Answer, Call, Commands, carry_out
from services.chassis.messaging import outbox
from services.chassis.messaging.relay import Relay
from services.chassis.messaging.roll_forward import Recovery
from services.chassis.problems import NotAllowed
from services.requests import commands, reactions, store
from services.requests.routing import Router
from tests.builders import (
    ART,
    BABEL,
    CHILDCARE,
    GROUP,
    NOW,
    SCHOOL,
    an_actor,
    group_details,
    request_details,
    site_details,
)
from tests.integration.requests.commands import a_broker
from tests.sandbox import Sandbox, a_sandbox
from tests.service_process import as_json
from tests.waiting import eventually

OWN = ("entities", "records", "groups", "requests", "clocks")
"""The tables that the service's own events make."""
ALL = (*OWN, "routing", "journal", "outbox", "inbox", "positions", "idempotency", "comments", "stream")
OPERATOR, COORDINATOR, CONSULTANT = an_actor("operator"), an_actor("coordinator"), an_actor("consultant")


@pytest.fixture
async def sandbox(stack: RealParts) -> AsyncIterator[Sandbox]:
    async with a_sandbox(stack, "requests") as sandbox:
        yield sandbox


async def test_what_was_announced_since_comes_back_and_the_epoch_rises(sandbox: Sandbox) -> None:
    async with relaying(sandbox):
        await record_city(sandbox)
        raised = await give(sandbox, "raiseRequest", as_json(request_details()), by=COORDINATOR)
        await back_up(sandbox)
        await give(sandbox, "recordSite", as_json(site_details(), name={"nl": "Anders"}), of=SCHOOL)
        await close(sandbox, raised)
        await give(sandbox, "raiseRequest", as_json(request_details()), by=COORDINATOR)
        await eventually(lambda: is_published(sandbox))
    before, journal = await state(sandbox, *OWN), await announced(sandbox)

    await restore(sandbox)
    rolled = await recovery(sandbox).roll_forward_if_needed()

    assert await state(sandbox, *OWN) == before
    assert await announced(sandbox) == journal
    assert rolled is not None
    assert (rolled.epoch, rolled.recovered, rolled.left_out) == (
        2,
        6,
        (),
    )  # with a clock that paused and one that began


async def test_a_service_that_lost_everything_is_what_it_was(sandbox: Sandbox) -> None:
    await back_up(sandbox)
    async with relaying(sandbox):
        await record_city(sandbox)
        await close(sandbox, await give(sandbox, "raiseRequest", as_json(request_details()), by=COORDINATOR))
        await eventually(lambda: is_published(sandbox))
    before = await state(sandbox, *OWN)

    await restore(sandbox)
    await recovery(sandbox).roll_forward_if_needed()

    assert await state(sandbox, *OWN) == before


async def test_a_version_that_was_issued_again_meanwhile_is_left_out_and_named(sandbox: Sandbox) -> None:
    async with relaying(sandbox):
        await record_city(sandbox)
        raised = await give(sandbox, "raiseRequest", as_json(request_details()), by=COORDINATOR)
        await back_up(sandbox)
        await close(sandbox, raised)
        await eventually(lambda: is_published(sandbox))

    await restore(sandbox)
    await close(sandbox, raised)  # before anybody noticed
    rolled = await recovery(sandbox).roll_forward_if_needed()

    assert rolled is not None
    clock = clock_id_of(UUID(raised.subject), "wish")
    assert (rolled.recovered, rolled.left_out) == (0, (f"request:{raised.subject} 1/3", f"clock:{clock} 1/2"))
    assert await recovery(sandbox).roll_forward_if_needed() is None  # once is enough


async def test_without_a_restore_nothing_is_rolled_forward(sandbox: Sandbox) -> None:
    async with relaying(sandbox):
        await record_city(sandbox)
        await eventually(lambda: is_published(sandbox))

    assert await recovery(sandbox).roll_forward_if_needed() is None


async def test_the_next_command_after_a_restore_is_of_the_new_epoch(sandbox: Sandbox) -> None:
    async with relaying(sandbox):
        await back_up(sandbox)
        await record_city(sandbox)
        await eventually(lambda: is_published(sandbox))

    await restore(sandbox)
    await recovery(sandbox).roll_forward_if_needed()
    await give(sandbox, "recordSite", as_json(site_details(), name={"nl": "Anders"}), of=SCHOOL)

    about = f"site:{SCHOOL}"
    rows = await sandbox.database.pool.fetch(
        "SELECT epoch, version FROM journal WHERE aggregate = $1 ORDER BY version", about
    )
    assert [tuple(row) for row in rows] == [(1, 1), (2, 2)]


async def test_a_false_epoch_does_not_push_the_next_one_beyond_what_readers_take(sandbox: Sandbox) -> None:
    """Red without the bound: nobody would read this service's events any more."""
    async with relaying(sandbox):
        await record_city(sandbox)
        await eventually(lambda: is_published(sandbox))
    record = next(each for each in await sandbox.read(SITES) if each.key == SCHOOL.encode())
    false = json.loads(record.value or b"") | {"id": str(outbox.new_id()), "streamepoch": MAX_EPOCH}
    await sandbox.send(SITES, (record.key, json.dumps(false).encode()))

    rolled = await recovery(sandbox).roll_forward_if_needed()
    await give(sandbox, "recordSite", as_json(site_details(), name={"nl": "Anders"}), of=SCHOOL)

    assert rolled is not None
    assert rolled.epoch == MAX_EPOCH


async def test_an_operator_may_say_so_and_name_the_least_epoch(sandbox: Sandbox) -> None:
    """As after false events of an epoch that nothing of ours could follow."""
    async with relaying(sandbox):
        await record_city(sandbox)
        await eventually(lambda: is_published(sandbox))
    asked = await give(sandbox, "restore", {"epoch": 40})
    assert await recovery(sandbox).is_asked()

    rolled = await recovery(sandbox).roll_forward_if_needed()

    assert rolled is not None
    assert (rolled.epoch, rolled.recovered) == (40, 0)
    assert not await recovery(sandbox).is_asked()
    (done,) = await sandbox.database.pool.fetch("SELECT * FROM restorations WHERE done_at IS NOT NULL")
    assert (str(done["restoration_id"]), done["epoch"], done["left_out"]) == (asked.subject, 40, [])


async def test_only_an_operator_may_say_so(sandbox: Sandbox) -> None:
    with pytest.raises(NotAllowed):
        await give(sandbox, "restore", {}, by=COORDINATOR)


async def test_a_day_routes_nothing_before_what_was_announced_on_it_already_is_back(
    sandbox: Sandbox, time_file: Path
) -> None:
    """Red without the comparison: the lost event would be left out, and what followed it."""
    async with relaying(sandbox):
        await record_city(sandbox)
        async with sandbox.database.transaction(at=NOW) as tx:
            tx.reacting_to = 1, 1
            later = a_broker(BABEL, ART).model_copy(update={"valid_from": date(2025, 10, 13)})
            await reactions.route_what_the_record_changes(later, tx)
        raised = await give(sandbox, "raiseRequest", as_json(request_details()), by=COORDINATOR)
        await back_up(sandbox)
        follow_time(time_file, "2025-10-13T00:00:01Z")
        await route(sandbox)
        await eventually(lambda: is_published(sandbox))
    before, journal = await state(sandbox, *OWN), await announced(sandbox)

    await restore(sandbox)
    await route(sandbox)

    assert await state(sandbox, *OWN) == before
    assert await announced(sandbox) == journal
    found = await store.find(sandbox.database.pool, UUID(raised.subject))
    assert found is not None
    assert (found.status, found.version) == ("assigned", 3)


def follow_time(time_file: Path, instant: str) -> None:
    time_file.write_text(instant)


async def route(sandbox: Sandbox) -> None:
    await Router(sandbox.settings, sandbox.database, sandbox.health, recovery(sandbox)).look(sandbox.database.pool)


async def record_city(sandbox: Sandbox) -> None:
    for site_id in (SCHOOL, CHILDCARE):
        await give(sandbox, "recordSite", as_json(site_details()), of=site_id)
    await give(sandbox, "recordGroup", as_json(group_details()), of=GROUP)


async def close(sandbox: Sandbox, raised: Answer) -> Answer:
    why = {"outcome": "not_fulfilled", "reason": {"list": "not-fulfilled", "code": "no_offer_in_area"}}
    return await give(sandbox, "closeRequest", why, of=str(raised.subject), by=CONSULTANT)


async def give(
    sandbox: Sandbox, name: str, said: dict[str, Any], *, of: str | None = None, by: Actor = OPERATOR
) -> Answer:
    known = Commands()
    known.include(commands.requests, commands.reference_data, restorations.commands)
    command = known.by_name[name]
    subject = None if of is None else command.read_subject(of)
    return await carry_out(
        sandbox.database, command, Call(by=by, at=NOW, subject=subject, body=command.read(said), key=str(uuid4()))
    )


def recovery(sandbox: Sandbox) -> Recovery:
    return Recovery(sandbox.settings, sandbox.database, store.RESTORE)


@asynccontextmanager
async def relaying(sandbox: Sandbox) -> AsyncIterator[None]:
    relay = asyncio.create_task(Relay(sandbox.settings, sandbox.health).run())
    yield
    relay.cancel()
    with suppress(asyncio.CancelledError):
        await relay


async def is_published(sandbox: Sandbox) -> bool:
    return not await sandbox.database.pool.fetchval("SELECT count(*) FROM outbox")


async def back_up(sandbox: Sandbox) -> None:
    """Keep all tables as they are now (what is staged is published first)."""
    await eventually(lambda: is_published(sandbox))
    for table in ALL:
        await sandbox.database.pool.execute(f"CREATE TABLE kept_{table} AS TABLE {table}")


async def restore(sandbox: Sandbox) -> None:
    """All tables as they were kept."""
    async with sandbox.database.pool.acquire() as db, db.transaction():
        await db.execute(f"TRUNCATE {', '.join(ALL)} CASCADE")
        for table in (*(each for each in ALL if each != "comments"), "comments"):
            values = "OVERRIDING SYSTEM VALUE" if table == "journal" else ""
            await db.execute(f"INSERT INTO {table} {values} TABLE kept_{table}")


async def state(sandbox: Sandbox, *tables: str) -> list[list[str]]:
    """Every row, in an order of its own."""
    return [
        sorted(str(row) for row in await sandbox.database.pool.fetch(f"SELECT to_jsonb(t) - 'epoch' FROM {table} AS t"))
        for table in tables
    ]


async def announced(sandbox: Sandbox) -> set[tuple[Any, ...]]:
    rows = await sandbox.database.pool.fetch(
        "SELECT event_id, topic, key, value, aggregate, epoch, version, recorded_at FROM journal"
    )
    return {tuple(row) for row in rows}
