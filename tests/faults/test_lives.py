"""Both command services are killed in the middle of random lives of requests and their referrals.

What their own tables allow is done, what they do not allow is refused, nothing acknowledged is lost, and in the end
both services know the same, and every open object is on exactly one work list.
"""

from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.topics import SERVICES
from local.waiting import completed
from services.chassis.commands import AggregateCommands
from services.referrals.commands import referrals
from services.requests import commands as requests
from tests.faults.client import Call, Client
from tests.faults.conftest import System
from tests.faults.load import CONSULTANT, MUSICIAN, REFERRAL, coordinator, raise_request
from tests.integration.test_lives import OF_A_REFERRAL, OF_A_REQUEST
from tests.partnership import OPEN_REFERRALS_AND_ACTIVITIES, OPEN_REQUESTS, TURNS

MOVES = 12
BODIES = OF_A_REFERRAL | {"waitlist": OF_A_REFERRAL["waitlist"] | {"reviewOn": "2100-01-01"}}
LEAD = CONSULTANT.replace("consultant", "broker_lead")
IN_BOTH = {"closed", "withdrawn", "voided", "answered"}
"""How far a request has come, as both services say it in one word; what is routed is told in another."""


@pytest.mark.fault("T01")
@pytest.mark.parametrize(
    ("lives", "kills"), [(60, 6), pytest.param(1_000, 40, marks=pytest.mark.long)], ids=["some", "many"]
)
def test_random_lives_end_soundly_while_both_services_are_killed(system: System, lives: int, kills: int) -> None:
    with system.load(requests=lives, handle=live) as load:
        for number in range(1, kills + 1):
            load.reaches(number / (kills + 1))
            service = ("requests", "referrals")[number % 2]
            system.stack.kill_service(service)
            system.stack.start_service(service)

    assert any(call.was_unknown for call in system.calls)  # the negative control: callers noticed
    assert {call.outcome for call in system.calls} == {"ok", "failed"}
    system.recovers(within=45)
    assert system.violations() == []
    assert completed(unsound(system)) == []


async def live(client: Client, number: int) -> None:
    """A request, and whatever random people try with it and its referrals."""
    random = Random(number)
    raised = await raise_request(client, number)
    request_id, site = raised.answer["requestId"], raised.answer["details"]["siteId"]
    made: list[str] = []
    for _ in range(MOVES):
        actor = random.choice((coordinator(site), CONSULTANT, LEAD, MUSICIAN))
        if random.random() < 0.2:
            call = await client.ask(
                "referrals", "POST", "/v1/referrals", CONSULTANT, REFERRAL | {"requestId": request_id}
            )
            made += [call.answer["referralId"]] if call.outcome == "ok" else []
        elif made and random.random() < 0.7:
            await tries(client, "referrals", referrals.commands, random.choice(made), actor, random, BODIES)
        else:
            await tries(client, "requests", requests.requests, request_id, actor, random, OF_A_REQUEST)


async def tries(
    client: Client,
    service: str,
    commands: AggregateCommands[Any],
    subject: str,
    actor: str,
    random: Random,
    bodies: dict[str, dict[str, Any]],
) -> None:
    """One action. What was offered just before is done, unless the other service was heard of in between."""
    command = random.choice([each for each in commands.by_name.values() if each.step and each.step.action in bodies])
    assert command.step is not None
    path = f"/v1/{command.collection}/{subject}"
    before = await shown(client, service, path, actor)
    call = await client.ask(service, "POST", f"{path}/{command.noun}", actor, bodies[command.step.action])
    after = await shown(client, service, path, actor)
    if call.was_unknown == 0 and before.get("version") == after.get("version") and call.outcome == "failed":
        assert command.step.action not in before.get("availableActions", []), f"{command.name}: {call.answer}"
    if call.outcome == "ok" and call.was_unknown == 0 and after["version"] == before["version"] + 1:
        assert command.step.action in before["availableActions"], command.name


async def shown(client: Client, service: str, path: str, actor: str) -> dict[str, Any]:
    """As this caller sees it; nothing for one who does not."""
    call = Call(service, "GET", path, actor, None)
    while call.outcome == "unknown":
        await client.repeat(call)
    return call.answer if call.outcome == "ok" else {}


async def unsound(system: System) -> list[str]:
    """What both services do not say alike, and what is on no work list or on two."""
    mine, theirs = [await asyncpg.connect(system.stack.database_url(name)) for name in SERVICES[:2]]
    try:
        found = [
            *await on_wrong_lists(mine, OPEN_REQUESTS),
            *await on_wrong_lists(theirs, OPEN_REFERRALS_AND_ACTIVITIES),
        ]
        said = {row["request_id"]: row["status"] for row in await mine.fetch("SELECT request_id, status FROM requests")}
        heard = await theirs.fetch("SELECT request_id, status FROM requests")
        found += [
            f"{row['request_id']} is {said[row['request_id']]}, and heard of as {row['status']}"
            for row in heard
            if said[row["request_id"]] != row["status"] and {said[row["request_id"]], row["status"]} & IN_BOTH
        ]
        open_there = {
            row[0] for row in await theirs.fetch("SELECT referral_id FROM referrals WHERE status = ANY ($1)", OPEN)
        }
        open_here = {row[0] for row in await mine.fetch("SELECT referral_id FROM referrals WHERE ended IS NULL")}
        found += [f"referral {each} is open for one of the two" for each in open_there ^ open_here]
        return found
    finally:
        await mine.close()
        await theirs.close()


OPEN = ["requested", "accepted", "waitlisted", "in_progress"]


async def on_wrong_lists(db: asyncpg.Connection, open_objects: str) -> list[str]:
    turns: dict[UUID, tuple[int, int]] = {
        row["object_id"]: (row["clocks"], row["actors"]) for row in await db.fetch(TURNS)
    }
    due = {row[0]: (1, 1) for row in await db.fetch(open_objects)}
    return [
        f"{each} has turns {turns.get(each)}, not {due.get(each)}"
        for each in turns.keys() | due
        if turns.get(each) != due.get(each)
    ]
