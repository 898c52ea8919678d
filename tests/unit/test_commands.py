"""The registries of commands: in step with the life cycles, and described for those who call them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import pytest
from fastapi import FastAPI

from services.chassis import adoptions, redrives, republications, restorations
from services.chassis.clients import registrations
from services.chassis.commands import AggregateCommands, Command, Commands
from services.chassis.http.application import application
from services.chassis.http.command_routes import add_command_routes
from services.chassis.http.examples import example_of
from services.chassis.life_cycle import Step
from services.chassis.problems import Malformed
from services.chassis.running.database import Database
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.referrals.commands import activities, organisations, referrals
from services.reporting import api as reporting
from services.requests import commands as requests

AGGREGATES: list[AggregateCommands[Any]] = [requests.requests, referrals.commands, activities.commands]
SETTINGS = read_settings("requests", 8000, {"SAMENSPEL_DATABASE_URL": "postgresql://127.0.0.1/x"})
OF_OPERATORS = [
    redrives.commands,
    republications.commands,
    restorations.commands,
    registrations.commands,
    adoptions.commands_for(SETTINGS),
]
REGISTRIES: dict[str, Sequence[Commands]] = {
    "requests": [requests.requests, requests.reference_data, *OF_OPERATORS],
    "referrals": [referrals.commands, activities.commands, organisations.commands],
    "reporting": [reporting.commands],
}
COMMANDS = [command for some in REGISTRIES.values() for each in some for command in each.by_name.values()]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


class Operation(NamedTuple):
    command: Command
    described: dict[str, Any]


def operations() -> Iterator[Operation]:
    """Every command with its operation in OpenAPI."""
    for registries in REGISTRIES.values():
        paths = an_application(registries).openapi()["paths"]
        by_id = {described["operationId"]: described for path in paths.values() for described in path.values()}
        for command in [command for each in registries for command in each.by_name.values()]:
            yield Operation(command, by_id[command.name])


def an_application(registries: Sequence[Commands]) -> FastAPI:
    service = Service(SETTINGS, cast("Database", None), Health())
    app = application(service, title="Test", description="")
    add_command_routes(app, service, *registries)
    return app


OPERATIONS = list(operations())
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.command.name)


@pytest.mark.parametrize("commands", AGGREGATES, ids=lambda commands: commands.collection)
def test_what_a_person_may_do_has_a_command_and_every_command_a_row(commands: AggregateCommands[Any]) -> None:
    by_people = {step.action for step in commands.steps if set(step.who) != {"service"}}

    assert {step_of(command).action for command in commands.by_name.values()} == by_people


@pytest.mark.parametrize("commands", AGGREGATES, ids=lambda commands: commands.collection)
def test_a_command_that_makes_something_is_a_row_without_a_state_before(commands: AggregateCommands[Any]) -> None:
    for command in commands.by_name.values():
        assert (command.identified_by is None) == (not step_of(command).begins)


def step_of(command: Command) -> Step[Any]:
    assert command.step is not None
    return command.step


def test_two_commands_of_one_service_have_two_names() -> None:
    with pytest.raises(ValueError, match="two commands raiseRequest"):
        Commands().include(requests.requests, requests.requests)


@every_command
def test_a_command_says_what_it_does(command: Command) -> None:
    assert command.about.endswith(".")


@every_operation
def test_a_route_is_described_with_its_headers_and_problems(operation: Operation) -> None:
    command, described = operation

    names = {parameter["name"]: parameter["required"] for parameter in described["parameters"]}
    assert names["Idempotency-Key"] is (command.method == "POST")
    assert ("If-Match" in names) is (command.identified_by is not None)
    assert ("Location" in described["responses"][str(command.status)]["headers"]) is (
        command.has_address and command.identified_by is None and not command.in_lines
    )
    assert {"400", "401", "403", "409", "503", "default"} <= described["responses"].keys()


@pytest.mark.parametrize(
    ("command", "field", "other"),
    [
        (requests.requests.by_name["raiseRequest"], "headcount", False),
        (requests.requests.by_name["raiseRequest"], "headcount", "14"),
        (activities.commands.by_name["deliverActivity"], "holiday", "no"),
        (activities.commands.by_name["deliverActivity"], "durationMinutes", "90"),
        (republications.commands.by_name["republish"], "position", "1"),
        (restorations.commands.by_name["restore"], "epoch", True),
    ],
)
def test_a_command_takes_nothing_else_for_a_number_or_a_boolean(command: Command, field: str, other: object) -> None:
    said = {**(example_of(command) or {}), field: other}

    with pytest.raises(Malformed) as refused:
        command.read(said)

    assert [each.field for each in refused.value.errors] == [field]


@every_operation
def test_the_example_of_a_command_is_one(operation: Operation) -> None:
    content = operation.described["requestBody"]["content"]

    if operation.command.in_lines:
        operation.command.read_json(content["application/x-ndjson"]["example"].encode())
    else:
        (example,) = content["application/json"]["schema"]["examples"]
        operation.command.read(example)
