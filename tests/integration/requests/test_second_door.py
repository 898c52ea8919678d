"""Commands have two doors: what HTTP takes, a topic of commands can give too, with the same bodies and one effect."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.offers import OFFERS
from contracts.values import Actor
from local import RealParts
from samenspel.topic_records import TopicRecord
from services.chassis.commands import Call, Commands, carry_out
from services.chassis.http.application import application
from services.chassis.http.command_routes import add_command_routes
from services.chassis.problems import Problem
from services.chassis.running.service import Service
from services.requests import commands as registry
from tests.builders import NOW, S_PORT, SCHOOL, an_actor, request_details, site_details
from tests.sandbox import Sandbox, a_sandbox
from tests.service_process import as_json

COMMANDS = OFFERS  # any topic will do: a client's own topic of commands is made when the client is registered
COORDINATOR = an_actor("coordinator")
DETAILS = as_json(request_details(), groups=[], headcount=20, coSiteIds=[])


@pytest.fixture
async def sandbox(stack: RealParts) -> AsyncIterator[Sandbox]:
    """A service that knows one school."""
    async with a_sandbox(stack, "requests") as sandbox:
        await give(sandbox, "recordSite", as_json(site_details()), subject=SCHOOL, by=an_actor("operator"))
        yield sandbox


async def give(sandbox: Sandbox, name: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Put a command on the topic; what the door says of it."""
    by: Actor = more.pop("by", COORDINATOR)  # a client's registration says who it acts for, never the message
    message = {"id": str(uuid4()), "type": name, "data": data, **more}
    await sandbox.send(COMMANDS, (SCHOOL.encode(), json.dumps(message).encode()))
    record = next(each for each in await sandbox.read(COMMANDS) if json.loads(each.value or b"")["id"] == message["id"])
    return await receive(sandbox, record, by)


async def receive(sandbox: Sandbox, record: TopicRecord, by: Actor) -> dict[str, Any]:
    """The door: everything that it needs is in the registry."""
    said = json.loads(record.value or b"")
    known = Commands()
    known.include(registry.requests, registry.reference_data)
    command = known.by_name[said["type"]]
    try:
        call = Call(
            by=by,
            at=NOW,
            subject=command.read_subject(said["subject"]) if "subject" in said else None,
            body=command.read(said["data"]),
            key=said["id"],
        )
        answer = await carry_out(sandbox.database, command, call)
    except Problem as problem:
        return {"rejected": problem.slug, "field": problem.errors[0].field}
    return {"accepted": answer.subject, "version": answer.version, "view": json.loads(answer.view)}


async def test_a_command_from_the_topic_does_what_the_one_over_http_does(sandbox: Sandbox) -> None:
    raised = await give(sandbox, "raiseRequest", DETAILS)
    closure = {"outcome": "not_fulfilled", "reason": {"list": "not-fulfilled", "code": "no_offer_in_area"}}
    closed = await give(sandbox, "closeRequest", closure, subject=raised["accepted"], by=an_actor("consultant"))

    assert (raised["view"]["status"], raised["version"]) == ("no_broker", 2)
    assert (closed["view"]["status"], closed["version"]) == ("closed", 3)


REFUSED: list[tuple[dict[str, Any], Actor, dict[str, str]]] = [
    ({"siteId": "16NV00"}, COORDINATOR, {"rejected": "malformed", "field": "siteId"}),
    ({"siteId": S_PORT}, an_actor("operator"), {"rejected": "unknown-site", "field": "siteId"}),
    ({}, an_actor("partner"), {"rejected": "not-allowed", "field": "role"}),
    ({"programme": "bel-0736123456"}, COORDINATOR, {"rejected": "personal-data", "field": "programme"}),
]


async def test_what_one_door_refuses_the_other_refuses(sandbox: Sandbox) -> None:
    said = [await give(sandbox, "raiseRequest", {**DETAILS, **change}, by=by) for change, by, _ in REFUSED]

    assert said == [rejected for _, _, rejected in REFUSED]


async def test_a_command_that_comes_through_both_doors_has_one_effect(sandbox: Sandbox) -> None:
    key = str(uuid4())
    from_topic = await give(sandbox, "raiseRequest", DETAILS, id=key)

    async with an_http_door(sandbox) as client:
        actor = f"role=coordinator; organisation={SCHOOL}; actor={COORDINATOR.actor}"
        headers = {"Samenspel-Actor": actor, "Idempotency-Key": key}
        over_http = await client.post("/v1/requests", json=DETAILS, headers=headers)

    assert (over_http.status_code, over_http.headers["Idempotency-Replayed"]) == (201, "true")
    assert over_http.json() == from_topic["view"]
    assert await sandbox.database.pool.fetchval("SELECT count(*) FROM requests") == 1


def an_http_door(sandbox: Sandbox) -> httpx.AsyncClient:
    settings = sandbox.settings.model_copy(update={"development_identity": True})
    service = Service(settings, sandbox.database, sandbox.health)
    app = application(service, title="Test", description="")
    add_command_routes(app, service, registry.requests)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
