"""Every role, at its own and at another organisation, on every route that is no step of a life cycle: reference data,
queries and what operators do. (Of the steps: `tests/integration/test_every_cell.py`.)

The routes are those that the services describe; a new one is red here until the table says who may use it.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from uuid import uuid4

import pytest

from contracts.topics import SERVICES
from contracts.values import Actor, Role
from local import RealParts
from services.chassis.http.identity import OURSELVES
from services.referrals.commands import activities, referrals
from services.requests import commands as requests
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    GROUP,
    ORGANISATION_OF,
    ROLES,
    SCHOOL,
    an_actor,
    group_details,
    partner_details,
    site_details,
)
from tests.contract.story import CONTRACTS, Json, contents
from tests.integration.contracts.described import Operation, operations
from tests.life_cycles import STRANGER
from tests.service_process import ServiceProcess, as_json, problem_type, started

OWN, OTHER = "own", "other"
"""The organisation for which the caller acts: the one that the builders' object is of, or a stranger."""
EITHER = frozenset({OWN, OTHER})

Who = Mapping[Role, Collection[str]]
OPERATORS: Who = {"operator": EITHER}
OPERATORS_AND_COORDINATOR: Who = {**OPERATORS, "coordinator": {OWN}}
EVERYONE: Who = {role: EITHER for role in ROLES if role != OURSELVES}
SEE_THE_GROUP: Who = {**OPERATORS, "analyst": EITHER, "coordinator": {OWN}, "board": {OWN}}

TABLE: dict[str, Who] = {
    # reference data
    "recordSite": OPERATORS_AND_COORDINATOR,  # of a site that is there; a new one: test_who_sees_what.py
    "recordSites": OPERATORS_AND_COORDINATOR,
    "recordGroup": OPERATORS_AND_COORDINATOR,
    "recordGroups": OPERATORS_AND_COORDINATOR,
    "recordBroker": OPERATORS,
    "recordPartner": {**OPERATORS, "partner": {OWN}},
    "showSite": EVERYONE,
    "listSites": EVERYONE,
    "showGroup": SEE_THE_GROUP,
    "listGroups": EVERYONE,  # each its own
    "showBroker": EVERYONE,
    "listBrokers": EVERYONE,
    "showPartner": EVERYONE,
    "listPartners": EVERYONE,
    # what operators do
    "redrive": OPERATORS,
    "markLetter": OPERATORS,
    "republish": OPERATORS,
    "showWaiting": OPERATORS,
    "adoptTopic": OPERATORS,
    "registerClient": OPERATORS,
    "listClients": OPERATORS,
    "removeClient": OPERATORS,
    "askForRebuild": OPERATORS,
    "listRebuilds": OPERATORS,
    "showRebuild": OPERATORS,
    "showRestoration": OPERATORS,
    "restore": OPERATORS,
    # lists of what concerns the caller, and figures
    "listRequests": EVERYONE,
    "listReferrals": EVERYONE,
    "listActivities": EVERYONE,
    "listWork": EVERYONE,
    "listFigures": EVERYONE,
    "exportFiguresAsCsv": EVERYONE,
    "describeExportedFigures": EVERYONE,
    "exportFiguresAsJson": EVERYONE,
    "listIndicators": EVERYONE,
    "listStuckFigures": EVERYONE,
    # health, for whoever watches over the service
    "live": EVERYONE,
    "ready": EVERYONE,
}
FOR_WATCHERS = {"live", "ready"}
"""Who asks is not looked at."""
SEEN_BY_PARTIES = {
    "showRequest": "requests/test_who_sees_what.py",
    "showReferral": "referrals/test_who_sees_what.py",
    "showActivity": "referrals/test_who_sees_what.py",
    "showSources": "contracts/test_who_sees_figures.py",
    "showHistory": "contracts/test_who_sees_figures.py",
}
"""An object or a figure, by where it is tested who finds it and who is told that there is none."""
STEPS = {
    name
    for registry in (requests.requests, referrals.commands, activities.commands)
    for name, command in registry.by_name.items()
    if command.step is not None
}
LAST = "restore"
"""It raises the service's epoch."""
REFUSED = {"not-allowed", "no-such-group", "unknown-caller"}
ABOUT = {"siteId": SCHOOL, "board": ORGANISATION_OF["board"]}
IN_PATHS = {"siteId": SCHOOL, "groupId": GROUP, "brokerId": BABEL, "partnerId": ATELIER, "clientId": "a-client"}


@dataclass(frozen=True)
class Cell:
    role: Role
    at: str

    @property
    def by(self) -> Actor:
        return an_actor(self.role, ORGANISATION_OF[self.role] if self.at == OWN else STRANGER)

    def __str__(self) -> str:
        return f"{self.role}-{self.at}"


CELLS = [Cell(role, at) for role, at in product(ROLES, (OWN, OTHER))]


def described() -> Iterator[tuple[str, Operation]]:
    """Every route that is no step of a life cycle, as committed; what raises the epoch comes last."""
    found = [
        (service, operation)
        for service in SERVICES
        for operation in operations(contents(CONTRACTS.parent / "docs" / "openapi" / f"{service}.json"))
        if operation.name not in STEPS
    ]
    return iter(sorted(found, key=lambda each: each[1].name == LAST))


ROUTES = list(described())


@pytest.fixture(scope="module")
def partnership(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServiceProcess]]:
    """The services, with a school and its group, a broker and a partner."""
    folder, operator = tmp_path_factory.mktemp("who-may"), an_actor("operator")
    with ExitStack() as running:
        found = {
            name: running.enter_context(started(stack, name, prefix="who-may-", folder=folder)) for name in SERVICES
        }
        found["requests"].ask_ok("PUT", f"/v1/sites/{SCHOOL}", as_json(site_details()), by=operator)
        found["requests"].ask_ok("PUT", f"/v1/groups/{GROUP}", as_json(group_details()), by=operator)
        for kind, id_ in (("brokers", BABEL), ("partners", ATELIER)):
            found["referrals"].ask_ok("PUT", f"/v1/{kind}/{id_}", as_json(partner_details(ART)), by=operator)
        yield found


def test_every_route_is_a_step_of_a_life_cycle_or_in_the_table() -> None:
    routes = {operation.name for _, operation in ROUTES}

    assert routes == TABLE.keys() | SEEN_BY_PARTIES.keys()
    assert STEPS
    assert not TABLE.keys() & SEEN_BY_PARTIES.keys()


@pytest.mark.fault("T30")
@pytest.mark.parametrize("service", SERVICES)
def test_a_route_is_for_whom_the_table_says(partnership: dict[str, ServiceProcess], service: str) -> None:
    routes = [operation for its, operation in ROUTES if its == service and operation.name in TABLE]

    let_in = {
        operation.name: {str(cell) for cell in CELLS if asked(partnership[service], operation, cell.by) not in REFUSED}
        for operation in routes
    }

    assert let_in == {operation.name: who(operation.name) for operation in routes}


def who(route: str) -> set[str]:
    return {str(cell) for cell in CELLS if route in FOR_WATCHERS or cell.at in TABLE[route].get(cell.role, ())}


def asked(service: ServiceProcess, operation: Operation, by: Actor) -> str | None:
    """The problem that this caller is answered with; none for a success."""
    path = operation.path
    for parameter in operation.said.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", IN_PATHS.get(parameter["name"], str(uuid4())))
    type_, body = operation.body()
    answer = service.ask(operation.method, path, example(body) if body else None, by=by, Content_Type=type_)
    assert answer.status_code < 500, answer.text
    return None if answer.is_success else problem_type(answer)


def example(body: Json) -> bytes:
    """The described body, about the school of the builders."""
    said: Json = json.loads(body["example"]) if "example" in body else body["schema"]["examples"][0]
    return json.dumps(said | {name: value for name, value in ABOUT.items() if name in said}).encode()
