"""What cannot be understood or applied goes, untouched, to the service's dead-letter topic (of a message with
personal data only its place and digest).

Guarantee: one dead letter per message, however often it is delivered, announced in the transaction that
moves past it. The headers say why, from where, and how often it was tried.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from aiokafka import ConsumerRecord
from pydantic_core import from_json

from contracts.events import MAX_EVENT_BYTES
from contracts.personal_data import find_personal_data
from contracts.topics import dead_letter_topic
from services.chassis.messaging import outbox
from services.chassis.running.database import Transaction

PERSONAL_DATA = "personal_data"
"""The reason whose bytes are not kept."""

Record = ConsumerRecord[bytes | None, bytes | None]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message, and why it cannot be applied."""

    record: Record
    topic: str
    """The topic's name in the contracts."""
    reason: str
    detail: str
    attempts: int = 1

    @property
    def position(self) -> str:
        """Where the message is from."""
        return f"{self.topic}/{self.record.partition}/{self.record.offset}"


def headers_of(record: Record) -> Mapping[str, bytes | None]:
    """The headers by name; a null is kept, bytes stay bytes."""
    return dict(record.headers)


def _personal_data_in(value: bytes | None) -> tuple[str, str] | None:
    """(field, what) of a value that seems to hold personal data; text that is not JSON is looked at as a whole."""
    try:
        said = from_json(value or b"null")
    except ValueError:
        said = (value or b"")[:MAX_EVENT_BYTES].decode("utf-8", "ignore")
    return find_personal_data(said)


def _digest(letter: DeadLetter, field: str) -> bytes:
    """What may be kept of a message with personal data: enough to find it and to recognise it."""
    digest = hashlib.sha256(letter.record.value or b"").hexdigest()
    return msgspec.json.encode({"position": letter.position, "field": field, "sha256": digest})


async def add(tx: Transaction, service: str, letter: DeadLetter) -> None:
    """Announce a dead letter, once."""
    aggregate = f"dead-letter:{letter.position}"
    if await tx.db.fetchval("SELECT true FROM journal WHERE aggregate = $1", aggregate):
        return
    personal = _personal_data_in(letter.record.value)
    detail = letter.detail if personal is None else f"{personal[0]} seems to hold {personal[1]} ({letter.reason})"
    said = {
        "samenspel-reason": letter.reason if personal is None else PERSONAL_DATA,
        "samenspel-detail": detail[:1000],  # enough to understand; a message can be a mebibyte
        "samenspel-topic": letter.topic,
        "samenspel-partition": str(letter.record.partition),
        "samenspel-offset": str(letter.record.offset),
        "samenspel-attempts": str(letter.attempts),
        "samenspel-failed-at": tx.now.isoformat(),
    }
    kept = letter.record.headers if personal is None else []
    headers = [(name, value or b"") for name, value in kept if not name.startswith("samenspel-")]
    headers += [(name, value.encode("utf-8", "replace")) for name, value in said.items()]
    message = outbox.Staged(
        event_id=outbox.new_id(),
        topic=dead_letter_topic(service),
        key=letter.record.key,
        value=letter.record.value if personal is None else _digest(letter, personal[0]),
        headers=msgspec.msgpack.encode(headers),
        aggregate=aggregate,
        epoch=1,
        version=1,
        correlation=None,
    )
    await outbox.stage(tx, [message])
