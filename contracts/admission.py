"""Which records are events: one verdict for every reader, before inbox, projection and rebuild.

`admit` is a pure function of a record and its topic. It believes nobody: the type must belong on the topic, the
sender must be the topic's service, the key must be the `partitionkey` and the partition the key's. (Who may write to
a topic at all is a matter of Kafka's access control.) Most records are written as our schemas say and are checked
fast; whatever else arrives is judged by the models.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from contracts.envelope import CONTENT_TYPE, InvalidMessage, Message, decode
from contracts.events import MAX_EVENT_BYTES, Event, catalogue
from contracts.outcomes import ANSWERERS, OUTCOMES, address_of
from contracts.partitioner import partition_of
from contracts.topics import TOPICS, service_of
from contracts.written import data_form, envelope_form

_BY_NAME = {topic.name: topic for topic in TOPICS}
_SCHEMA_OF = {event.type: event.dataschema for event in catalogue.values()}
_SUBJECT_OF = {
    event.type: event.model_fields[event.identified_by].alias or event.identified_by for event in catalogue.values()
}


class Record(Protocol):
    """One record of a topic, as a Kafka client returns it."""

    @property
    def partition(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Admitted(msgspec.Struct, gc=False):
    """An event that every reader understands."""

    kind: type[Event]
    id: str
    source: str
    subject: str
    partitionkey: str
    epoch: int
    version: int
    time: datetime
    traceparent: str | None
    data: bytes
    """The event's data: as it was written, or in our own form when it was written in another."""

    @property
    def aggregate(self) -> str:
        """The aggregate's kind and id, unique over all topics."""
        return f"{self.kind.aggregate}:{self.subject}"

    def event(self) -> Event:
        """The typed event; costs more than all the rest, so it is made where it is needed."""
        return self.kind.model_validate_json(self.data, extra="ignore")


def admit(record: Record, topic: str) -> Admitted:
    """The event in a record of this topic (its name in the contracts). Raises `InvalidMessage`, and nothing else."""
    value = _check_transport(record)
    admitted = read_as_written(value, record.headers) or _of_message(decode(value, dict(record.headers)))
    _check_sender(admitted.kind, admitted.source, topic)
    key = admitted.partitionkey.encode()
    if record.key != key:
        raise InvalidMessage("wrong-key", f"the key is not the partitionkey {admitted.partitionkey}")
    if record.partition != partition_of(key):
        raise InvalidMessage("wrong-partition", f"the key {admitted.partitionkey} belongs on {partition_of(key)}")
    return admitted


def _check_transport(record: Record) -> bytes:
    """Refuse what no service of ours could have sent, before its bytes are read."""
    if record.key is None:
        raise InvalidMessage("no-key", "the record has no key, so its aggregate has no order")
    for name, text in record.headers:
        if text is None:
            raise InvalidMessage("null-header", f"header {name} has no value")
    value = record.value
    if not value:
        raise InvalidMessage("no-data", "the message has no value")
    if len(value) > MAX_EVENT_BYTES:
        raise InvalidMessage("too-large", f"{len(value)} bytes; an event has at most {MAX_EVENT_BYTES}")
    return value


def read_as_written(value: bytes, headers: Sequence[tuple[str, bytes]]) -> Admitted | None:
    """The event, if everything about it is as our own services write it."""
    if len(headers) != 1 or headers[0] != ("content-type", CONTENT_TYPE) or not _is_utf8(value):
        return None
    envelope: Any = envelope_form().read(value)
    if envelope is None or _SCHEMA_OF.get(envelope.type) != envelope.dataschema:
        return None
    data = data_form(envelope.type).read(envelope.data)
    if data is None or str(getattr(data, _SUBJECT_OF[envelope.type])) != envelope.subject:
        return None
    return _admitted(catalogue[envelope.type], envelope, bytes(envelope.data))


def _is_utf8(value: bytes) -> bool:
    """The fast reader does not look into fields that it does not know."""
    try:
        return value.isascii() or bool(value.decode())
    except UnicodeDecodeError:
        return False


def _of_message(message: Message) -> Admitted:
    data = message.event.model_dump_json(by_alias=True, exclude_none=True).encode()
    return _admitted(type(message.event), message.envelope, data)


def _admitted(kind: type[Event], envelope: Any, data: bytes) -> Admitted:  # noqa: ANN401 - the fast form or the model
    return Admitted(
        kind,
        str(envelope.id),
        envelope.source,
        envelope.subject,
        envelope.partitionkey,
        envelope.streamepoch,
        envelope.aggregateversion,
        envelope.time,
        envelope.traceparent,
        data,
    )


def _check_sender(kind: type[Event], source: str, topic: str) -> None:
    wrong = _what_is_wrong(kind, source, topic)
    if wrong is not None:
        raise InvalidMessage(*wrong)


@lru_cache(maxsize=1_024)  # some dozens are in use; a stranger can name many more
def _what_is_wrong(kind: type[Event], source: str, topic: str) -> tuple[str, str] | None:
    producers = _producers(kind, topic)
    if not producers:
        return "wrong-topic", f"{kind.__name__} does not belong on {topic}"
    if service_of(source) not in producers:
        return "wrong-source", f"{source} is not {' or '.join(producers)}, which alone writes this topic"
    return None


def _producers(kind: type[Event], topic: str) -> tuple[str, ...]:
    """Who may write this type on this topic; nobody where it does not belong."""
    if address_of(topic) != OUTCOMES:
        return (_BY_NAME[topic].producer,) if topic in kind.topics else ()
    if OUTCOMES in kind.topics:
        return ANSWERERS
    # A client's outcomes topic also carries the events of objects to which it is a party.
    return tuple(_BY_NAME[each].producer for each in kind.topics if _BY_NAME[each].producer in ANSWERERS)
