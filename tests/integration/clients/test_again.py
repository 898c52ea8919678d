"""What is read twice, or fails half-way, has one effect and one outcome; commands of a batch are as if one by one."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from contracts.outcomes import command_topic, outcome_topic
from contracts.requests import RequestAssigned
from local import RealParts
from services.chassis.clients.door import Door
from services.chassis.messaging.kafka import Record
from services.chassis.running.service import Service
from services.requests import commands, store
from tests.builders import BABEL, NOW, S_PORT, SCHOOL, a_request, request_details, site_details
from tests.deliveries import a_record
from tests.sandbox import Sandbox, a_sandbox
from tests.service_process import as_json

CLIENT = "planning"
DETAILS = as_json(request_details(), groups=[], headcount=20)
WRONG = {**DETAILS, "siteId": "own:unknown"}


@pytest.fixture
async def sandbox(stack: RealParts) -> AsyncIterator[Sandbox]:
    """A service that knows a school, and a client that acts for it and for an operator."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        db = sandbox.database.pool
        await db.execute("INSERT INTO clients (client, registered_at) VALUES ($1, now())", CLIENT)
        add = "INSERT INTO client_actors (client, role, organisation, party) VALUES ($1, $2, $3, $4)"
        await db.execute(add, CLIENT, "coordinator", SCHOOL, f"site:{SCHOOL}")
        await db.execute(add, CLIENT, "operator", "own:city", None)
        await a_door(sandbox).receive([a_command("RecordSite", as_json(site_details()), subject=SCHOOL)])
        yield sandbox


def a_door(sandbox: Sandbox) -> Door:
    service = Service(sandbox.settings, sandbox.database, sandbox.health)
    return Door.of(service, commands.requests, commands.reference_data)


def a_command(name: str, data: Any, *, offset: int = 0, **other: Any) -> Record:
    is_record = name.startswith("Record")
    message = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:nld:oin:00000099000000001000:systeem:{CLIENT}",
        "type": f"nl.samenspel.requests.{name}.v1",
        "actingrole": "operator" if is_record else "coordinator",
        "actingorganisation": "own:city" if is_record else SCHOOL,
        "data": data,
        **other,
    }
    topic = command_topic(CLIENT)
    return a_record(topic, 0, offset, key=SCHOOL.encode(), value=json.dumps(message).encode())


def some_commands() -> list[Record]:
    """Of which the second is refused."""
    return [a_command("RaiseRequest", data, offset=number) for number, data in enumerate([DETAILS, WRONG, DETAILS])]


async def told(sandbox: Sandbox) -> list[str]:
    """The types on the client's topic of outcomes, in order, but of what the fixture did."""
    rows = await sandbox.database.pool.fetch(
        "SELECT convert_from(value, 'UTF8')::json->>'type' AS type FROM journal WHERE topic = $1 ORDER BY position",
        outcome_topic(CLIENT),
    )
    types = [row["type"].removeprefix("nl.samenspel.").removesuffix(".v1") for row in rows]
    return [each for each in types if each.startswith("Command")][1:]


async def number_of_requests(sandbox: Sandbox) -> int:
    found: int = await sandbox.database.pool.fetchval("SELECT count(*) FROM requests")
    return found


async def test_a_batch_that_is_read_again_after_a_crash_has_one_effect_and_one_outcome_each(sandbox: Sandbox) -> None:
    records = some_commands()
    await a_door(sandbox).receive(records)

    await a_door(sandbox).receive(records)  # the process ended before Kafka was told how far it came

    assert await told(sandbox) == ["CommandAccepted", "CommandRejected", "CommandAccepted"]
    assert await number_of_requests(sandbox) == 2


async def test_what_two_processes_read_at_the_same_time_is_done_once(sandbox: Sandbox) -> None:
    records = some_commands()
    one, other = a_door(sandbox), a_door(sandbox)

    await both(one.receive(records), other.receive(records))

    assert sorted(await told(sandbox)) == ["CommandAccepted", "CommandAccepted", "CommandRejected"]
    assert await number_of_requests(sandbox) == 2


async def both(*work: Any) -> None:

    await asyncio.gather(*work)


async def test_a_command_in_the_moment_of_a_restore_is_tried_again_in_the_new_epoch(sandbox: Sandbox) -> None:
    await sandbox.database.pool.execute("UPDATE stream SET epoch = 2")

    await a_door(sandbox).receive(some_commands())

    assert await told(sandbox) == ["CommandAccepted", "CommandRejected", "CommandAccepted"]
    assert sandbox.database.epoch == 2


async def test_a_failure_of_ours_is_told_and_leaves_nothing_behind(sandbox: Sandbox) -> None:
    await sandbox.database.pool.execute("ALTER TABLE requests ADD CHECK (site_id <> $$duo:99ZA00$$)")

    await a_door(sandbox).receive(some_commands())

    assert await told(sandbox) == ["CommandRejected"] * 3
    assert await slugs(sandbox) == ["internal-error", "not-allowed", "internal-error"]
    assert await number_of_requests(sandbox) == 0


async def slugs(sandbox: Sandbox) -> list[str]:
    rows = await sandbox.database.pool.fetch(
        "SELECT convert_from(value, 'UTF8')::json->'data'->'problem'->>'type' AS type FROM journal"
        " WHERE topic = $1 AND aggregate LIKE 'command:%' ORDER BY position",
        outcome_topic(CLIENT),
    )
    return [row["type"].rpartition("/")[2] for row in rows if row["type"]]


async def test_events_to_a_party_stand_before_the_outcome_of_what_made_them(sandbox: Sandbox) -> None:
    await a_door(sandbox).receive([a_command("RaiseRequest", DETAILS)])

    rows = await sandbox.database.pool.fetch(
        "SELECT aggregate FROM journal WHERE topic = $1 ORDER BY position", outcome_topic(CLIENT)
    )
    kinds = [row["aggregate"].partition(":")[0] for row in rows]
    assert kinds == ["site", "command", "request", "request", "clock", "command"]


async def test_who_is_a_party_no_more_hears_of_what_ended_it(sandbox: Sandbox) -> None:
    db = sandbox.database.pool
    for client, broker in (("first", BABEL), ("second", S_PORT), ("third", "own:third")):
        await db.execute("INSERT INTO clients (client, registered_at) VALUES ($1, now())", client)
        add = "INSERT INTO client_actors (client, role, organisation, party) VALUES ($1, 'consultant', $2, $3)"
        await db.execute(add, client, broker, f"broker:{broker}")
    request = a_request()
    routed = RequestAssigned(
        request_id=request.id, broker_ids=(S_PORT,), learning_areas=request.details.learning_areas, assigned_at=NOW
    )

    async with sandbox.database.transaction() as tx:
        await store.REQUESTS.announce(tx, request, routed)

    rows = await db.fetch("SELECT topic, value FROM journal WHERE aggregate = $1", f"request:{request.id}")
    assert sorted(row["topic"] for row in rows) == [
        "partnership.outcomes.first.v1",
        "partnership.outcomes.planning.v1",
        "partnership.outcomes.second.v1",
        "partnership.requests.v1",
    ]
    assert len({row["value"] for row in rows}) == 1


async def test_a_board_hears_of_the_sites_that_it_governs(sandbox: Sandbox) -> None:
    db = sandbox.database.pool
    for client, board in (("mine", "own:board"), ("another", "own:another-board")):
        await db.execute("INSERT INTO clients (client, registered_at) VALUES ($1, now())", client)
        add = "INSERT INTO client_actors (client, role, organisation) VALUES ($1, 'board', $2)"
        await db.execute(add, client, board)

    await a_door(sandbox).receive([a_command("RaiseRequest", DETAILS)])

    rows = await db.fetch("SELECT DISTINCT topic FROM journal WHERE aggregate LIKE 'request:%'")
    assert sorted(row["topic"] for row in rows) == [
        "partnership.outcomes.mine.v1",
        "partnership.outcomes.planning.v1",
        "partnership.requests.v1",
    ]
