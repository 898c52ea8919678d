"""Which external systems give commands, and for whom each may act: an operator registers them.

Guarantee: what a client may do is what is registered here, whatever its messages say. A registration counts from the
next command on; running services notice the topics of a new client within seconds.
"""

from collections.abc import Collection, Mapping
from typing import Annotated

import asyncpg
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from contracts.outcomes import Client, command_topic, outcome_topic
from contracts.values import DISTINCT, Identifier, Instant, Role, Value
from services.chassis.checks import check_unique
from services.chassis.commands import Command, Commands, Done, NoBody
from services.chassis.http.identity import ROLES
from services.chassis.http.parameters import CurrentCaller, ReadPool, TopicName
from services.chassis.http.queries import query_routes
from services.chassis.life_cycle import check_operator
from services.chassis.problems import NotFound, WrongField
from services.chassis.running.database import CommandTx, Reader
from services.chassis.visibility import PARTY_OF

commands = Commands()
queries = query_routes()

_REGISTER = """
INSERT INTO clients (client, registered_at) VALUES ($1, $2)
ON CONFLICT (client) DO UPDATE SET client = excluded.client RETURNING registered_at
"""
_ACTORS = """
INSERT INTO client_actors (client, role, organisation, party)
SELECT $1, role, organisation, party FROM unnest($2::text[], $3::text[], $4::text[]) AS new (role, organisation, party)
"""
_LIST = """
SELECT client, registered_at, array_agg(role ORDER BY role, organisation) AS roles,
    array_agg(organisation ORDER BY role, organisation) AS organisations
FROM clients JOIN client_actors USING (client) GROUP BY client ORDER BY client
"""
_MAY_ACT = "SELECT client, role, organisation FROM client_actors WHERE client = ANY($1)"

Actors = Mapping[str, Collection[tuple[str, str]]]
"""By client: the roles and organisations for which it may act."""


class NoSuchClient(NotFound):
    """There is no such client."""


def _check_role(role: Role) -> Role:
    if role not in ROLES:
        raise PydanticCustomError("role", "must be the role of somebody who asks", {})
    return role


class ActsFor(Value):
    """A role in an organisation."""

    role: Annotated[Role, AfterValidator(_check_role), WithJsonSchema({"type": "string", "enum": list(ROLES)})]
    organisation: Identifier


class RegistrationDetails(Value):
    """For whom a client may act; each of its commands says for which of these."""

    acts_for: Annotated[tuple[ActsFor, ...], Field(min_length=1, max_length=100), DISTINCT]


class ClientView(Value):
    """A registered client, and its topics."""

    client_id: Client
    acts_for: Annotated[tuple[ActsFor, ...], Field(max_length=100)]
    command_topic: TopicName
    outcome_topic: TopicName
    registered_at: Instant


class ClientList(Value):
    """All registered clients."""

    items: Annotated[tuple[ClientView, ...], Field(max_length=1_000)]


class RemovalView(Value):
    """A client whose commands are not read any more."""

    client_id: Client


async def registered(db: Reader) -> frozenset[str]:
    return frozenset(row["client"] for row in await db.fetch("SELECT client FROM clients"))


async def actors_of(db: Reader, clients: Collection[str]) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for row in await db.fetch(_MAY_ACT, list(clients)):
        found.setdefault(row["client"], set()).add((row["role"], row["organisation"]))
    return found


async def _register(tx: CommandTx, client: str, body: RegistrationDetails) -> Done:
    check_operator("register a client", tx.by)
    check_unique([f"{each.role} {each.organisation}" for each in body.acts_for], field="actsFor")
    registered_at = await tx.db.fetchval(_REGISTER, client, tx.now)
    await tx.db.execute("DELETE FROM client_actors WHERE client = $1", client)
    rows = [(each.role, each.organisation, _party(each)) for each in body.acts_for]
    await tx.db.execute(_ACTORS, client, *map(list, zip(*rows, strict=True)))
    acts_for = tuple(sorted(body.acts_for, key=lambda each: (each.role, each.organisation)))
    return Done(client, None, _view(client, acts_for, registered_at))


def _party(each: ActsFor) -> str | None:
    """What its organisation is to an object. A board is found by the sites that it governs (`clients_among`)."""
    party = None if each.role == "board" else PARTY_OF.get(each.role)
    return party and f"{party}:{each.organisation}"


def _view(client: str, acts_for: tuple[ActsFor, ...], registered_at: Instant) -> ClientView:
    return ClientView(
        client_id=client,
        acts_for=acts_for,
        command_topic=command_topic(client),
        outcome_topic=outcome_topic(client),
        registered_at=registered_at,
    )


async def _remove(tx: CommandTx, client: str, _: NoBody) -> Done:
    check_operator("remove a client", tx.by)
    if await tx.db.execute("DELETE FROM clients WHERE client = $1", client) == "DELETE 0":
        raise NoSuchClient(None, WrongField("clientId", client, "the name of a registered client"))
    return Done(client, None, RemovalView(client_id=client))


commands.add(
    Command(
        name="registerClient",
        about="Register an external system that gives commands over Kafka, or say anew for whom it may act. Its topics"
        " are made by `samenspel clients add`, which calls this.",
        kind="client",
        collection="clients",
        method="PUT",
        status=200,
        identified_by=Client,
        body=RegistrationDetails,
        example={"actsFor": [{"role": "partner", "organisation": "own:atelier-de-dieze"}]},
        view=ClientView,
        run=_register,
    )
)
commands.add(
    Command(
        name="removeClient",
        about="Remove a client: its commands are not read any more, and it hears of nothing. Its topics stay.",
        kind="client",
        collection="clients",
        noun="removals",
        identified_by=Client,
        body=NoBody,
        example={},
        view=RemovalView,
        run=_remove,
    )
)


@queries.get("/v1/clients", tags=["clients"], responses={403: {}})
async def list_clients(db: ReadPool, caller: CurrentCaller) -> ClientList:
    """The external systems that give commands over Kafka, for operators."""
    check_operator("list the clients", caller.actor)
    rows = await db.fetch(_LIST)
    return ClientList(items=tuple(_view(row["client"], _acts_for(row), row["registered_at"]) for row in rows))


def _acts_for(row: asyncpg.Record) -> tuple[ActsFor, ...]:
    pairs = zip(row["roles"], row["organisations"], strict=True)
    return tuple(ActsFor.model_validate({"role": role, "organisation": organisation}) for role, organisation in pairs)
