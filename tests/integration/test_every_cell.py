"""Every command in every state, by every role, at a party and at a stranger: through both doors exactly the cells of
the tables are allowed. (Of the tables themselves: `tests/life_cycles.py`.)"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.admission import admit
from contracts.commands import command_type
from contracts.outcomes import CommandRejected, command_topic, outcome_topic
from contracts.partitioner import partition_of
from contracts.requests import RequestRaised
from contracts.sites import SiteRecorded
from contracts.values import Role
from local import RealParts
from services.chassis.aggregates import Aggregate
from services.chassis.clients.door import Door
from services.chassis.commands import AggregateCommands, Command
from services.chassis.http.examples import example_of
from services.chassis.life_cycle import State, Step
from services.chassis.messaging.outbox import new_id
from services.chassis.running.database import Transaction
from services.chassis.running.service import Service
from services.referrals import replicas
from services.referrals import store as of_referrals
from services.referrals.commands import activities, referrals
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as referral_rules
from services.requests import commands as requests
from services.requests import store as of_requests
from services.requests.rules import request as request_rules
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    NOW,
    SCHOOL,
    a_referral,
    a_request,
    activity_plan,
    an_activity,
    an_actor,
    referral_details,
    request_details,
    site_details,
)
from tests.deliveries import a_record
from tests.http_door import a_client, post, problem_of
from tests.life_cycles import FORBIDDEN, Cell, OpenToAll, cells, cells_of_change, cells_of_creation
from tests.sandbox import Sandbox, a_sandbox
from tests.service_process import as_json

CLIENT = "everyone"
NOT_IN_THE_TABLE = {"not-allowed", "illegal-transition"}
OURSELVES: Role = "service"
NOT_YET_KNOWN = "not-yet-known"


class Machine(NamedTuple):
    service: str
    aggregate: Aggregate[Any]
    commands: AggregateCommands[Any]
    steps: Sequence[Step[Any]]
    statuses: type[Any]
    make: Callable[[Any], Any]
    missing: str
    """How it is to whom it does not concern."""
    open_to_all: OpenToAll = {}  # noqa: RUF012 - read only

    def __str__(self) -> str:
        return self.aggregate.kind


OF_NOBODY: OpenToAll = {
    ("raise", None): {"operator"},
    **{
        (step.action, status): {"consultant", "broker_lead"}
        for step in request_rules.LIFE_CYCLE
        for status in (request_rules.Status.RAISED, request_rules.Status.NO_BROKER)
    },
}
"""While a request has no broker, every broker is a party to it; an operator raises one for any site."""
MACHINES = [
    Machine(
        "requests",
        of_requests.REQUESTS,
        requests.requests,
        request_rules.LIFE_CYCLE,
        request_rules.Status,
        a_request,
        "no-such-request",
        OF_NOBODY,
    ),
    Machine(
        "referrals",
        of_referrals.REFERRALS,
        referrals.commands,
        referral_rules.LIFE_CYCLE,
        referral_rules.Status,
        a_referral,
        "no-such-referral",
    ),
    Machine(
        "referrals",
        of_referrals.ACTIVITIES,
        activities.commands,
        activity_rules.LIFE_CYCLE,
        activity_rules.Status,
        an_activity,
        "no-such-activity",
    ),
]


@pytest.fixture
async def sandbox(stack: RealParts, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    machine: Machine = request.param
    async with a_sandbox(stack, machine.service, has_topics=False) as sandbox:
        yield sandbox


class Try(NamedTuple):
    """One command that is given."""

    cell: Cell[Any]
    command: Command
    subject: UUID


each_machine = pytest.mark.parametrize(
    ("machine", "sandbox"), [(each, each) for each in MACHINES], indirect=["sandbox"], ids=str
)


@each_machine
@pytest.mark.fault("T30")
async def test_over_http_exactly_the_cells_of_the_table_are_allowed(machine: Machine, sandbox: Sandbox) -> None:
    tries = await tries_of(machine, sandbox)

    async with a_client(sandbox, machine.commands) as client:
        problems = [await given_over_http(client, each) for each in tries]

    check(problems, tries, machine)


@each_machine
@pytest.mark.fault("T30")
async def test_over_kafka_exactly_the_cells_of_the_table_are_allowed(machine: Machine, sandbox: Sandbox) -> None:
    tries = await tries_of(machine, sandbox)
    await register(sandbox, tries)
    messages = [a_message(machine.service, each) for each in tries]

    await give(sandbox, machine, messages)

    told = await outcomes(sandbox)
    check([told.get(message["id"]) for message in messages], tries, machine)


@each_machine
@pytest.mark.fault("T30")
async def test_over_http_exactly_who_the_table_names_makes_one(machine: Machine, sandbox: Sandbox) -> None:
    command, asked = creation_of(machine)
    body = await a_body_of(sandbox, machine)

    async with a_client(sandbox, machine.commands) as client:
        problems = [problem_of(await post(client, f"/v1/{command.collection}", body, by=cell.by)) for cell in asked]

    check_makers(problems, asked)


@each_machine
@pytest.mark.fault("T30")
async def test_over_kafka_exactly_who_the_table_names_makes_one(machine: Machine, sandbox: Sandbox) -> None:
    command, asked = creation_of(machine)
    body = await a_body_of(sandbox, machine)
    tries = [Try(cell, command, UUID(int=0)) for cell in asked]
    await register(sandbox, tries)
    messages = [{**a_message(machine.service, each), "data": body, "subject": None} for each in tries]

    await give(sandbox, machine, [{name: said for name, said in each.items() if said is not None} for each in messages])

    told = await outcomes(sandbox)
    check_makers([told.get(message["id"], NOT_YET_KNOWN) for message in messages], asked)


def creation_of(machine: Machine) -> tuple[Command, list[Cell[Any]]]:
    """The command that makes one, and everybody who may try."""
    (command,) = (each for each in machine.commands.by_name.values() if each.step and not each.step.begins)
    every = cells_of_creation(cells(machine.steps, machine.statuses, open_to_all=machine.open_to_all))
    return command, [each for each in every if each.by.role != OURSELVES]


async def a_body_of(sandbox: Sandbox, machine: Machine) -> Any:
    """Of what is made: for the school, by its broker, to its partner."""
    if machine.aggregate is of_requests.REQUESTS:
        return as_json(request_details(groups=(), headcount=20))
    request_id, by = new_id(), an_actor("coordinator")
    raised = RequestRaised(**dict(request_details()), request_id=request_id, raised_by=by, raised_at=NOW)
    async with sandbox.database.transaction(at=NOW) as tx:
        tx.reacting_to = 1, 1
        await replicas.save_site(tx, SiteRecorded(**dict(site_details()), site_id=SCHOOL))
        await replicas.save_raised(tx, raised)
        await replicas.save_routing(tx, request_id, "assigned", (BABEL,), (ART,))
    return as_json(activity_plan() if machine.aggregate is of_referrals.ACTIVITIES else referral_details(request_id))


def check_makers(problems: Sequence[str | None], asked: Sequence[Cell[Any]]) -> None:
    """What was refused for its body alone was allowed. A broker that is no party hears of a request what it would hear
    of one that is not there."""
    is_refused = [problem in {"not-allowed", NOT_YET_KNOWN} for problem in problems]
    wrong = [
        f"{cell}: {problem}"
        for cell, problem, refused in zip(asked, problems, is_refused, strict=True)
        if refused != (cell.becomes is FORBIDDEN)
    ]
    assert wrong == []
    assert set(is_refused) == {True, False}


async def tries_of(machine: Machine, sandbox: Sandbox) -> list[Try]:
    """An object for every cell that has a command."""
    by_action = {each.step.action: each for each in machine.commands.by_name.values() if each.step}
    returns_to = getattr(machine.statuses, "ANSWERED", None)  # as the builders make what can be reopened
    every = cells_of_change(
        cells(machine.steps, machine.statuses, open_to_all=machine.open_to_all, previous=returns_to)
    )
    asked = [cell for cell in every if cell.by.role != OURSELVES and cell.action in by_action]
    assert len(asked) > 50
    return [Try(cell, by_action[cell.action], await an_object(sandbox, machine, cell.status)) for cell in asked]


def check(problems: Sequence[str | None], tries: Sequence[Try], machine: Machine) -> None:
    """`problems`: as which each was refused, if it was. What was refused for its body alone was allowed."""
    refusals = {*NOT_IN_THE_TABLE, machine.missing}
    is_refused = [problem in refusals for problem in problems]
    wrong = [
        str(each.cell)
        for each, refused in zip(tries, is_refused, strict=True)
        if refused != (each.cell.becomes is FORBIDDEN)
    ]
    assert wrong == []
    assert set(is_refused) == {True, False}


async def given_over_http(client: httpx.AsyncClient, given: Try) -> str | None:
    path = f"/v1/{given.command.collection}/{given.subject}/{given.command.noun}"
    answer = await post(client, path, body_of(given.command), by=given.cell.by)
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
    return problem_of(answer)


async def register(sandbox: Sandbox, tries: Sequence[Try]) -> None:
    """A client that may act for everybody: so the rules decide."""
    db = sandbox.database.pool
    pairs = {(each.cell.by.role, each.cell.by.organisation) for each in tries}
    await db.execute("INSERT INTO clients (client, registered_at) VALUES ($1, now())", CLIENT)
    await db.executemany(
        "INSERT INTO client_actors (client, role, organisation) VALUES ($1, $2, $3)",
        [(CLIENT, *pair) for pair in pairs],
    )


async def an_object(sandbox: Sandbox, machine: Machine, status: State) -> UUID:
    thing = machine.make(status)
    async with sandbox.database.transaction() as tx:
        await a_known_request(tx, thing)
        await machine.aggregate.save(tx, thing)
    found: UUID = thing.id
    return found


async def a_known_request(tx: Transaction, thing: Any) -> None:
    """What a referral is of."""
    if isinstance(thing, referral_rules.Referral):
        await tx.db.execute(
            "INSERT INTO requests (request_id, status, epoch, version) VALUES ($1, 'assigned', 1, 1)",
            thing.made.request_id,
        )


def a_message(service: str, given: Try) -> dict[str, Any]:
    by = given.cell.by
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:nld:oin:00000099000000001000:systeem:{CLIENT}",
        "type": command_type(service, given.command.name),
        "subject": str(given.subject),
        "actingrole": by.role,
        "actingorganisation": by.organisation,
        "data": body_of(given.command),
    }


def body_of(command: Command) -> dict[str, Any]:
    """The example of the command, about the organisations of the builders."""
    example = json.dumps(example_of(command) or {})
    body: dict[str, Any] = json.loads(example.replace("own:atelier-de-dieze", ATELIER).replace("lrk:990000025", SCHOOL))
    return body


async def give(sandbox: Sandbox, machine: Machine, messages: Sequence[dict[str, Any]]) -> None:
    """As they come from the topic, a hundred at a time."""
    door = Door.of(Service(sandbox.settings, sandbox.database, sandbox.health), machine.commands)
    topic = sandbox.settings.topic(command_topic(CLIENT))
    records = [
        a_record(topic, number % 12, number, key=b"key", value=json.dumps(each).encode())
        for number, each in enumerate(messages)
    ]
    for first in range(0, len(records), 100):
        await door.receive(records[first : first + 100])


async def outcomes(sandbox: Sandbox) -> dict[str, str]:
    """By the id of the command: the last part of the problem's type; empty for what was accepted. One without an
    outcome is allowed, and waits for what it names."""
    topic = outcome_topic(CLIENT)
    rows = await sandbox.database.pool.fetch("SELECT key, value FROM journal WHERE topic = $1", topic)
    told = {}
    for row in rows:
        event = admitted(topic, row["key"], row["value"])
        told[str(event.subject)] = event.problem.type.rpartition("/")[2] if isinstance(event, CommandRejected) else ""
    assert len(told) == len(rows), "each has one outcome"
    return told


def admitted(topic: str, key: bytes, value: bytes) -> Any:
    return admit(a_record(topic, partition_of(key), 0, key=key, value=value), topic).event()
