"""Every role, at a party and at a stranger, on every route of an object: what a caller does not see is not there."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from contracts.values import Actor, Role
from services.chassis.commands import Command, Commands
from services.chassis.http.examples import example_of
from tests.builders import ORGANISATION_OF, an_actor
from tests.life_cycles import STRANGER
from tests.service_process import ServiceProcess

SINGULAR = {"requests": "request", "referrals": "referral", "activities": "activity"}
SEES_ALL: tuple[Role, ...] = ("operator", "analyst")
OF_A_PARTY: tuple[Role, ...] = ("coordinator", "board", "consultant", "broker_lead", "partner")
PARTIES = [an_actor(role) for role in (*OF_A_PARTY, *SEES_ALL)]
STRANGERS = [an_actor(role, STRANGER) for role in OF_A_PARTY]
"""Of each role that sees what its own organisation is a party to, one of another organisation."""
NO_VERSION = '"0"'
OTHER_ROLE_AT_A_PARTY = [
    an_actor("partner", ORGANISATION_OF["coordinator"]),
    an_actor("coordinator", ORGANISATION_OF["partner"]),
]
"""Of an organisation that is a party, but not as what it acts."""


def answers(service: ServiceProcess, path: str, by: Actor, *registries: Commands) -> Mapping[str, httpx.Response]:
    """What this caller is told of an object, by route: to read it, and to do each thing that can be done with it.
    Nothing is done: the caller names a version that nobody has read."""
    collection = path.split("/")[2]
    things = [each for each in _commands(registries) if each.collection == collection and each.noun]
    told = {f"GET {path}": service.ask("GET", path, by=by)}
    for command in things:
        told[command.name] = service.ask(
            "POST", f"{path}/{command.noun}", _example(command), by=by, If_Match=NO_VERSION
        )
    assert len(told) > 1
    return told


def listed(service: ServiceProcess, path: str, by: Actor) -> list[str]:
    """The ids on the list of the object's kind, all pages."""
    collection = path.split("/")[2]
    named, found, cursor = f"{SINGULAR[collection]}Id", list[str](), None
    while True:
        query = f"/v1/{collection}?limit=200" + (f"&cursor={cursor}" if cursor else "")
        page: dict[str, Any] = service.ask("GET", query, by=by).json()
        found += [item[named] for item in page["items"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            return found


def _commands(registries: Sequence[Commands]) -> list[Command]:
    return [command for each in registries for command in each.by_name.values()]


def _example(command: Command) -> Mapping[str, Any]:
    return example_of(command) or {}
