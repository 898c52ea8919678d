"""Every answer of every service is as its description says, whoever asks, for whatever the description allows (T29)."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.topics import SERVICES
from contracts.values import Actor, Role
from tests.integration.contracts.described import Asked, Known, Operation, operations, requests_to, what_is_wrong
from tests.integration.contracts.played import PARTNER, Play
from tests.life_cycles import STRANGER
from tests.service_process import problem_type

FEW, MANY = 3, 60  # requests to each operation, each sent by all seven roles; the many are 25,000 in all
Apis = dict[str, list[Operation]]
AT_HOME: dict[Role, str] = {
    "coordinator": "duo:99ZA00",
    "consultant": "own:babel",
    "broker_lead": "own:babel",
    "partner": PARTNER.organisation,
    "board": "own:stichting-aan-de-dommel",
    "analyst": "own:city",
    "operator": "own:city",
}
"""The organisation of each role in the story of the examples."""


@pytest.fixture(scope="module")
def known(played: Play) -> Known:
    """The ids of the story and of its figures, and the bodies of its commands."""
    named: dict[str, list[str]] = {}
    bodies: dict[str, list[dict[str, Any]]] = {}
    for route, sent in played.sent.items():
        operation = played.described(route.service)["paths"][route.path][route.method.lower()]
        bodies[operation["operationId"]] = [played.real(body) for body in sent]
    for name, subject in played.subjects:
        named.setdefault(name, []).append(played.real(subject))
    reporting = played.services["reporting"]
    figures = reporting.ask_ok("GET", "/v1/figures?limit=5", by=an_actor("analyst"))["items"]
    named |= {name: [figure[name] for figure in figures] for name in ("key", "indicator", "unit", "period")}
    named["If-Match"] = ["*", '"1"', '"2", "3"']
    return Known(named, bodies)


def an_actor(role: Role, organisation: str | None = None) -> Actor:
    return Actor(role=role, organisation=organisation or AT_HOME[role], actor="a1")


def ask(client: httpx.Client, asked: Asked, by: Actor | None) -> httpx.Response:
    who = f"role={by.role}; organisation={by.organisation}; actor={by.actor}" if by else None
    headers = {**asked.headers, **({"Samenspel-Actor": who} if who else {})}
    return client.request(asked.operation.method, asked.target, headers=headers, content=asked.content)


@pytest.fixture(scope="module")
def apis(played: Play) -> Apis:
    """The operations of each service, as it describes them itself."""
    return {service: list(operations(played.described(service))) for service in SERVICES}


@pytest.mark.fault("T29")
@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_as_the_api_is_described_whoever_asks(
    played: Play, known: Known, apis: Apis, service: str, count: int
) -> None:
    wrong: list[str] = []
    client = played.services[service].client
    everyone = [an_actor(role) for role in AT_HOME]
    strangers = [an_actor(role, STRANGER) for role in AT_HOME]

    for operation in apis[service]:

        @settings(max_examples=count, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
        @given(requests_to(operation, known), st.sampled_from([everyone, everyone, strangers]))
        def check(asked: Asked, callers: list[Actor]) -> None:
            for by in callers:
                answer = ask(client, asked, by)
                if why := what_is_wrong(asked, answer):
                    wrong.append(f"{why}: {by.role} {asked} -> {answer.status_code} {answer.text[:500]}")

        check()

    assert wrong[:5] == []


def plainly(operation: Operation, known: Known) -> Asked:
    """The operation with ids that there are, and without a body."""
    target = operation.path
    for parameter in operation.said.get("parameters", ()):
        if parameter["in"] == "path":
            target = target.replace(f"{{{parameter['name']}}}", known.named.get(parameter["name"], [str(uuid4())])[0])
    return Asked(operation, target, {"Idempotency-Key": str(uuid4())}, None)


@pytest.mark.fault("T30")
@pytest.mark.parametrize("service", SERVICES)
def test_whoever_does_not_say_who_asks_is_told_nothing(played: Play, known: Known, apis: Apis, service: str) -> None:
    api = [operation for operation in apis[service] if operation.said["security"]]

    answers = {each.name: ask(played.services[service].client, plainly(each, known), None) for each in api}

    assert {name: (answer.status_code, problem_type(answer)) for name, answer in answers.items()} == dict.fromkeys(
        answers, (401, "unknown-caller")
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_address_takes_the_methods_that_it_is_described_with_and_says_so(
    played: Play, known: Known, apis: Apis, service: str
) -> None:
    client, described = played.services[service].client, dict[str, set[str]]()
    for operation in apis[service]:
        described.setdefault(plainly(operation, known).target, set()).add(operation.method)

    told = {target: client.request("TRACE", target) for target in described}

    assert {target: set(answer.headers["allow"].split(", ")) - {"HEAD"} for target, answer in told.items()} == described
    assert {answer.status_code for answer in told.values()} == {405}


@pytest.mark.parametrize("service", SERVICES)
def test_a_command_without_a_key_is_refused(played: Play, known: Known, apis: Apis, service: str) -> None:
    posts = [plainly(each, known) for each in apis[service] if each.method == "POST"]

    for asked in posts:
        del asked.headers["Idempotency-Key"]
        answer = ask(played.services[service].client, asked, an_actor("operator"))
        assert (answer.status_code, problem_type(answer)) == (400, "idempotency-key-missing")
