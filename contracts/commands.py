"""Topic `partnership.commands.<client>.v1`: what an external system asks the services to do.

A command is a CloudEvent. Its `type` follows from the API: `nl.samenspel.<service>.<OperationId>.v1`, where the
operation is described in docs/openapi of that service. `subject` is the id in the operation's path, `data` its body,
`expectedversion` the version that `If-Match` would name. `actingrole` and `actingorganisation` say for whom the client
acts, one of the pairs for which an operator registered it. The `id` is the key by which a command is carried out once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from contracts.envelope import MAX_VERSIONS, InvalidMessage, one_spelling, read_attributes, without_parameters
from contracts.events import NAMESPACE
from contracts.outcomes import ANSWERERS, CLIENT, CommandType
from contracts.values import Identifier, Instant, Role, Visible

MAX_COMMAND_BYTES = 65_536  # as an event
CommandId = Annotated[UUID, BeforeValidator(one_spelling)]
_command_id = TypeAdapter[UUID](CommandId)
_command_type = TypeAdapter[str](CommandType)


class CommandEnvelope(BaseModel):
    """The attributes of one command."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    specversion: Literal["1.0"]
    id: CommandId
    """New for each command. The same command with the same id again has no second effect and gets the same outcome."""
    source: Annotated[str, StringConstraints(pattern=rf"^urn:nld:oin:[0-9]{{8}}[0-9A-Z]{{12}}:systeem:{CLIENT}$")]
    """The organisation's OIN, and the client's name: the one in the topic's name."""
    type: CommandType
    subject: Visible | None = None
    """The id of what is to be changed; absent for what has none yet."""
    time: Instant | None = None
    datacontenttype: Annotated[Literal["application/json"], BeforeValidator(without_parameters)] = "application/json"
    traceparent: Visible | None = None
    actingrole: Role
    actingorganisation: Identifier
    expectedversion: Annotated[int, Field(ge=1, le=MAX_VERSIONS)] | None = None
    """Refuse the command when the subject is at another version."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that has an id, so that its outcome can be addressed; whatever else is wrong with it."""

    command_id: UUID
    attributes: Mapping[str, Any]
    """Those that are there, with `data` among them."""

    @property
    def type(self) -> str | None:
        """None where it has none that looks like one."""
        try:
            return _command_type.validate_python(self.attributes.get("type"))
        except ValidationError:
            return None

    @property
    def answerer(self) -> str:
        """The service that answers it: the one that its type names; the first for what names none."""
        named = (self.type or "..").split(".")[2]
        return named if named in ANSWERERS else ANSWERERS[0]


def command_type(service: str, operation_id: str) -> str:
    """The type of the command that an operation of a service's API is."""
    return f"{NAMESPACE}.{service}.{operation_id[0].upper()}{operation_id[1:]}.v1"


def read_command(value: bytes | None, headers: Mapping[str, bytes | None]) -> Asked:
    """Raises `InvalidMessage` when no outcome can be addressed: it is not JSON, or has no id."""
    if not value:
        raise InvalidMessage("no-data", "the message has no value")
    attributes = read_attributes(value, headers)
    try:
        return Asked(_command_id.validate_python(attributes.get("id")), attributes)
    except ValidationError as error:
        raise InvalidMessage("no-command-id", "id: must be a UUID, or no outcome can be addressed") from error
