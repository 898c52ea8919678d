"""Topic `partnership.outcomes.<client>.v1`: what became of the commands of an external system.

Each external system, a client, has two topics of its own: on one it gives commands (`contracts.commands`), on the other
it hears what became of each, and what happens to the objects to which it is a party: the same bytes as on the events'
own topics.
"""

import re
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from contracts.events import Event
from contracts.values import BOOLEAN, DISTINCT, NUMBER, Instant, Prose, Value, Visible

COMMANDS = "partnership.commands.{client}.v1"
OUTCOMES = "partnership.outcomes.{client}.v1"
ANSWERERS = ("requests", "referrals")
"""The services that answer commands, each its own. The first also answers what is nobody's command."""
CLIENT = "[a-z][a-z0-9-]{0,39}"
Client = Annotated[str, StringConstraints(pattern=f"^{CLIENT}$")]
"""The name of an external system, as an operator registered it: lower-case letters, digits and hyphens."""
_ADDRESS = re.compile(rf"partnership\.(commands|outcomes)\.({CLIENT})\.v1")


def command_topic(client: str) -> str:
    return COMMANDS.format(client=client)


def outcome_topic(client: str) -> str:
    return OUTCOMES.format(client=client)


def address_of(topic: str) -> str:
    """The address with `{client}` in it, for a topic of a client; any other topic as it is."""
    found = _ADDRESS.fullmatch(topic)
    return topic if found is None else f"partnership.{found[1]}.{{client}}.v1"


def client_of(topic: str) -> str:
    """Whose topic it is; raises `ValueError` for one that is no client's."""
    found = _ADDRESS.fullmatch(topic)
    if found is None:
        raise ValueError(f"{topic} is no client's topic")
    return found[2]


CommandType = Annotated[
    str, StringConstraints(pattern=r"^nl\.samenspel\.[a-z]{1,32}\.[A-Za-z]{1,64}\.v[1-9][0-9]{0,3}$")
]
"""`nl.samenspel.<service>.<OperationId>.v1`, such as `nl.samenspel.referrals.AcceptReferral.v1`."""
MAX_WRONG = 50
MAX_WARNINGS = 20
MAX_LIKELY_DOUBLES = 10
_Said = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]{0,200}$")]
_Whole = Annotated[int, Field(ge=-(2**53), le=2**53), NUMBER]
_Scalar = Annotated[bool, BOOLEAN] | _Whole | _Said
Repeated = (
    _Scalar
    | Annotated[tuple[_Scalar, ...], Field(max_length=100)]
    | Annotated[dict[_Said, _Scalar], Field(max_length=100)]
)
"""One value, several, or several by name."""


class WrongField(Value):
    """One field that must change."""

    field: _Said
    """Such as `groups[0].groupId`; an attribute of the message by its name."""
    value: Repeated | None = None
    """What it was, where that is an id, a code, a date or a number."""
    allowed: Repeated | None = None


class Problem(Value):
    """Why a command was refused, as over HTTP (RFC 9457)."""

    type: Annotated[str, StringConstraints(pattern=r"^https://samenspel\.nl/problems/[a-z0-9-]{1,100}$")]
    title: Prose
    status: Annotated[int, Field(ge=400, le=599), NUMBER]
    """The status that the same problem has over HTTP."""
    detail: Prose
    errors: Annotated[tuple[WrongField, ...], Field(max_length=MAX_WRONG)] = ()
    trace_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    """What to tell us when you ask about it."""


class Warned(Value):
    """Something that is strange and was not refused."""

    field: _Said
    value: _Said
    detail: Prose


class CommandAccepted(
    Event, topics=(OUTCOMES,), aggregate="command", identified_by="command_id", nl="Opdracht uitgevoerd"
):
    """A command of a client was carried out. The events that it made are announced with it."""

    command_id: UUID
    """The `id` of the command's message."""
    command: CommandType
    """The `type` of the command's message."""
    aggregate_kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    """What it changed or made, such as `referral`."""
    aggregate_id: Visible
    aggregate_version: Annotated[int, Field(ge=1, le=2**31 - 2), NUMBER]
    """The version that the command led to: what a next command may name as `expectedversion`."""
    warnings: Annotated[tuple[Warned, ...], Field(max_length=MAX_WARNINGS)] | None = None
    """What is strange of it, as over HTTP: the first ones."""
    likely_doubles: Annotated[tuple[UUID, ...], Field(max_length=MAX_LIKELY_DOUBLES), DISTINCT] | None = None
    """Of a request that was raised: open ones that ask for much the same, as over HTTP."""
    accepted_at: Instant


class CommandRejected(
    Event, topics=(OUTCOMES,), aggregate="command", identified_by="command_id", nl="Opdracht geweigerd"
):
    """A command of a client was refused; it changed nothing."""

    command_id: UUID
    """The `id` of the command's message."""
    command: CommandType | None = None
    """The `type` of the command's message, where it has one that looks like one."""
    problem: Problem
    rejected_at: Instant
