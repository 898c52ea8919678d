"""The CloudEvents 1.0 envelope around every event: written in structured mode, read in both modes.

`encode` gives the bytes that are kept in the journal and sent unchanged, however often. `decode` raises
`InvalidMessage`, and nothing else, for whatever bytes arrive. A service reads records with `contracts.admission`, which
also looks at where they stand.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from contracts import (  # noqa: F401 - they fill the catalogue
    activities,
    clocks,
    metrics,
    offers,
    outcomes,
    reasons,
    referrals,
    requests,
    sites,
    targets,
)
from contracts.events import NAMESPACE, Event, catalogue
from contracts.values import Instant, Visible

MAX_EPOCH = 9_999  # each is a restore of a database
MAX_VERSIONS = 2**31 - 2  # a 32-bit integer (NL GOV profile, CloudEvents), with room for the one behind it
CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"
_STRUCTURED = "application/cloudevents+json"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def media_type(content_type: str) -> str:
    """A content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def without_parameters(content_type: object) -> object:
    return media_type(content_type) if isinstance(content_type, str) else content_type


def one_spelling(value: object) -> object:
    """A UUID as RFC 9562 writes it, in lower case: pydantic would also read braces and a URN."""
    if isinstance(value, UUID) or (isinstance(value, str) and _UUID.fullmatch(value)):
        return value
    raise ValueError("must be a UUID")


class Envelope(BaseModel):
    """The attributes of one event; `aggregateversion` and `streamepoch` give the order of its aggregate."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[UUID, BeforeValidator(one_spelling)]
    """Stays the same when the event is sent again, with the same bytes."""
    source: Annotated[str, Field(pattern=r"^urn:nld:oin:[0-9]{8}[0-9A-Z]{12}:systeem:[a-z-]{1,64}$")]
    type: Annotated[str, Field(pattern=r"^nl\.samenspel\.[A-Za-z]{1,64}\.v[1-9][0-9]{0,3}$")]
    subject: Visible
    """The id of the aggregate; its kind is in the topic manifest."""
    time: Instant
    """When it was registered; when it happened is in the data."""
    datacontenttype: Annotated[Literal["application/json"], BeforeValidator(without_parameters)] = "application/json"
    """A reader takes it without its parameters, and this one where it is absent."""
    dataschema: Visible
    partitionkey: Visible
    """The Kafka key."""
    correlationid: Visible | None = None
    """The request's id through the whole loop."""
    causationid: Visible | None = None
    """The command or event that led here."""
    traceparent: Visible | None = None
    aggregateversion: Annotated[int, Field(ge=1, le=MAX_VERSIONS)]
    streamepoch: Annotated[int, Field(ge=1, le=MAX_EPOCH)]


class InvalidMessage(Exception):
    """A message that cannot be understood, whatever happens later."""

    def __init__(self, reason: str, detail: str, about: Envelope | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.about = reason, detail, about


@dataclass(frozen=True, slots=True)
class Message:
    """An event and its envelope."""

    envelope: Envelope
    event: Event

    @property
    def aggregate(self) -> str:
        """The aggregate's kind and id, unique over all topics."""
        return f"{self.event.aggregate}:{self.envelope.subject}"


def encode(envelope: Envelope, event: Event) -> bytes:
    attributes = envelope.model_dump_json(exclude_none=True)
    data = event.model_dump_json(by_alias=True, exclude_none=True)
    return f'{attributes[:-1]},"data":{data}}}'.encode()


def _parsed(value: bytes | str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return from_json(value, allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage("malformed-json", str(error)) from error


def read_attributes(value: bytes, headers: Mapping[str, bytes | None] | None) -> dict[str, Any]:
    """The attributes that are there, with `data` among them; the header `content-type` alone tells the mode."""
    content_type = CONTENT_TYPE.decode() if headers is None else _text(headers.get("content-type"))
    mode = media_type(content_type)
    if mode == _STRUCTURED:
        return _from_structured(_parsed(value))
    if mode.startswith("application/cloudevents"):  # a batch, or another format
        raise InvalidMessage("invalid-envelope", "content-type: only application/cloudevents+json is read")
    named: dict[str, Any] = {name[3:]: _text(text) for name, text in (headers or {}).items() if name.startswith("ce_")}
    named.pop("datacontenttype", None)  # in binary mode it is the content type
    return {**named, **({"datacontenttype": content_type} if content_type else {}), "data": _parsed(value)}


def _text(header: bytes | None) -> str:
    try:
        return (header or b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidMessage("invalid-envelope", "a header is not UTF-8") from error


def _from_structured(parsed: object) -> dict[str, Any]:
    if not isinstance(parsed, dict):
        raise InvalidMessage("malformed-json", f"an object was expected, not {type(parsed).__name__}")
    attributes = {name: value for name, value in parsed.items() if value is not None}
    if "data_base64" in attributes:
        if "data" in attributes:
            raise InvalidMessage("invalid-envelope", "data_base64: beside data")
        attributes["data"] = _parsed(_decoded(attributes["data_base64"]))
    return attributes


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidMessage("invalid-envelope", "data_base64: is not Base64") from error


def _what_is_wrong(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{where}: {first['msg']} ({error.error_count()} in all)"


def decode(value: bytes | None, headers: Mapping[str, bytes | None] | None = None) -> Message:
    """The event in these bytes; without headers it is taken to be in structured mode.

    Fields that are not known here are ignored; a type that is not, is not.
    """
    if not value:
        raise InvalidMessage("no-data", "the message has no value")
    attributes = read_attributes(value, headers)
    try:
        envelope = Envelope.model_validate(attributes)
    except ValidationError as error:
        raise InvalidMessage("invalid-envelope", _what_is_wrong(error)) from error
    model = catalogue.get(envelope.type)
    if model is None:
        name = envelope.type.removeprefix(NAMESPACE + ".").rpartition(".")[0]
        known = any(event.__name__ == name for event in catalogue.values())
        raise InvalidMessage("unknown-version" if known else "unknown-type", envelope.type, envelope)
    try:
        event = model.model_validate(attributes.get("data"), extra="ignore")
    except ValidationError as error:
        raise InvalidMessage("invalid-data", _what_is_wrong(error), envelope) from error
    if event.subject != envelope.subject:
        raise InvalidMessage("invalid-envelope", "subject: is not the one in the data", envelope)
    return Message(envelope, event)


def describe(
    event: Event,
    *,
    id: UUID,  # noqa: A002 - CloudEvents calls it so
    source: str,
    time: datetime,
    key: str,
    version: int,
    epoch: int,
    correlation: str | None = None,
    causation: str | None = None,
    traceparent: str | None = None,
) -> Envelope:
    return Envelope.model_construct(  # its parts were checked where they came in
        id=id,
        source=source,
        type=event.type,
        subject=event.subject,
        time=time,
        dataschema=event.dataschema,
        partitionkey=key,
        correlationid=correlation,
        causationid=causation,
        traceparent=traceparent,
        aggregateversion=version,
        streamepoch=epoch,
    )
