"""The CloudEvents 1.0 envelope around every event: written in structured mode, read in both modes.

`encode` gives the bytes that are kept in the journal and sent unchanged, however often. `decode` raises
`Malformed`, and nothing else, for whatever bytes arrive.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from contracts import activities, metrics, offers, reasons, referrals, requests, sites, targets  # noqa: F401 - they fill the catalogue
from contracts.events import MAX_EVENT_BYTES, NAMESPACE, Event, catalogue
from contracts.values import Instant, Visible

MAX_EPOCH = 9_999  # each is a restore of a database
MAX_VERSIONS = 2**31 - 2  # a 32-bit integer (NL GOV profile, CloudEvents), with room for the one behind it
CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"


class Envelope(BaseModel):
    """The attributes of one event; `aggregateversion` and `streamepoch` give the order of its aggregate."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    """Stays the same when the event is sent again, with the same bytes."""
    source: Annotated[str, Field(pattern=r"^urn:nld:oin:[0-9]{8}[0-9A-Z]{12}:systeem:[a-z-]{1,64}$")]
    type: Annotated[str, Field(pattern=r"^nl\.samenspel\.[A-Za-z]{1,64}\.v[1-9][0-9]{0,3}$")]
    subject: Visible
    """The id of the aggregate; its kind is in the topic manifest."""
    time: Instant
    """When it was registered; when it happened is in the data."""
    datacontenttype: Literal["application/json"] = "application/json"
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


class Malformed(Exception):
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


def _attributes(value: bytes, headers: Mapping[str, bytes | None]) -> dict[str, Any]:
    """The envelope's attributes with `data` among them, from either mode."""
    try:
        parsed = from_json(value)
        if "ce_type" in headers:
            named = {name[3:]: (text or b"").decode() for name, text in headers.items() if name.startswith("ce_")}
            return {**named, "data": parsed}
    except (ValueError, RecursionError) as error:
        raise Malformed("malformed-json", str(error)) from error
    if not isinstance(parsed, dict):
        raise Malformed("malformed-json", f"an object was expected, not {type(parsed).__name__}")
    return parsed


def _what_is_wrong(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{where}: {first['msg']} ({error.error_count()} in all)"


def check_transport(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> None:
    """Refuse a record that no service of ours could have sent, before its bytes are read."""
    if key is None:
        raise Malformed("no-key", "the record has no key, so its aggregate has no order")
    if value is not None and len(value) > MAX_EVENT_BYTES:
        raise Malformed("too-large", f"{len(value)} bytes; an event has at most {MAX_EVENT_BYTES}")
    for name, text in headers:
        if text is None:
            raise Malformed("null-header", f"header {name} has no value")


def decode(value: bytes | None, headers: Mapping[str, bytes | None] | None = None) -> Message:
    """The event in these bytes. Fields that are not known here are ignored; a type that is not, is not."""
    if not value:
        raise Malformed("no-data", "the message has no value")
    attributes = _attributes(value, headers or {})
    try:
        envelope = Envelope.model_validate(attributes)
    except ValidationError as error:
        raise Malformed("invalid-envelope", _what_is_wrong(error)) from error
    model = catalogue.get(envelope.type)
    if model is None:
        name = envelope.type.removeprefix(NAMESPACE + ".").rpartition(".")[0]
        known = any(event.__name__ == name for event in catalogue.values())
        raise Malformed("unknown-version" if known else "unknown-type", envelope.type, envelope)
    try:
        event = model.model_validate(attributes.get("data"), extra="ignore")
    except ValidationError as error:
        raise Malformed("invalid-data", _what_is_wrong(error), envelope) from error
    except RecursionError as error:
        raise Malformed("invalid-data", str(error), envelope) from error
    if event.subject != envelope.subject:
        raise Malformed("invalid-envelope", f"subject: is {envelope.subject}, the data says {event.subject}", envelope)
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
    return Envelope(
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
