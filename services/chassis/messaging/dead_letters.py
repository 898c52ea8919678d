"""A message that cannot be understood or applied goes, unchanged, to the service's dead-letter topic; of a message with
personal data only its topic, partition and offset, the reason and a digest are kept.

Guarantee: one dead letter per message, however often it is delivered, announced in the transaction that moves past the
message. The headers say why, where it came from, and how often it was tried. A marker behind a letter says that it was
redriven.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from pydantic_core import from_json

from contracts.events import MAX_EVENT_BYTES
from contracts.personal_data import find_personal_data
from contracts.topics import LETTER_MARKER, dead_letter_topic
from services.chassis.messaging import outbox
from services.chassis.messaging.kafka import Record
from services.chassis.running.database import Transaction

PERSONAL_DATA = "personal_data"
"""The reason of a letter whose bytes are not kept."""
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
MAX_DETAIL = 1_000  # characters: enough to understand it, while a detail can quote a whole message of 1 MiB


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message, and why it cannot be applied."""

    record: Record
    topic: str
    """The topic's name in the contracts."""
    reason: str
    detail: str
    attempts: int = 1
    incarnation: int = 1
    """Of the topic: one that was made again has other messages at the same offsets."""

    @property
    def record_id(self) -> str:
        """Topic, partition and offset of the message, which identify it, and the topic's incarnation unless it is the
        first."""
        record = f"{self.topic}/{self.record.partition}/{self.record.offset}"
        return record if self.incarnation == 1 else f"{record}/{self.incarnation}"


async def add(tx: Transaction, service: str, letter: DeadLetter) -> None:
    if not await _is_announced(tx, _aggregate(letter.record_id)):
        await outbox.stage(tx, [as_message(letter, service, failed_at=tx.now)])


async def mark(tx: Transaction, service: str, record_id: str, redriven_as: UUID) -> bool:
    """Announce, once, a marker behind the letter of this record: what it was redriven as. False: there is no letter."""
    letter = await tx.db.fetchrow("SELECT event_id, key FROM journal WHERE aggregate = $1", _aggregate(record_id))
    if letter is None:
        return False
    marker = f"marker:{record_id}"
    await tx.one_at_a_time(marker)
    if not await _is_announced(tx, marker):
        message = outbox.Staged(
            event_id=outbox.new_id(),
            topic=dead_letter_topic(service),
            key=letter["event_id"].bytes if letter["key"] is None else letter["key"],  # the partition of the letter
            value=msgspec.json.encode({"record": record_id, "redrivenAs": str(redriven_as)}),
            headers=msgspec.msgpack.encode(
                [(LETTER_MARKER, b"redriven"), ("samenspel-marked-at", tx.now.isoformat().encode())]
            ),
            aggregate=marker,
            epoch=1,
            version=1,
        )
        await outbox.stage(tx, [message])
    return True


def as_message(letter: DeadLetter, service: str, *, failed_at: datetime) -> outbox.Staged:
    personal = _personal_data_in(letter.record.value)
    reason, detail = letter.reason, letter.detail
    if personal is not None:
        reason, detail = PERSONAL_DATA, f"{personal[0]} seems to hold {personal[1]} ({letter.reason})"
    why = {
        "samenspel-reason": reason,
        "samenspel-detail": detail[:MAX_DETAIL],
        "samenspel-topic": letter.topic,
        "samenspel-partition": str(letter.record.partition),
        "samenspel-offset": str(letter.record.offset),
        "samenspel-attempts": str(letter.attempts),
        "samenspel-failed-at": failed_at.isoformat(),
    }
    if letter.incarnation > 1:
        why["samenspel-incarnation"] = str(letter.incarnation)
    kept = [] if personal else letter.record.headers
    headers = [(name, value or b"") for name, value in kept if not name.startswith("samenspel-")]
    headers += [(name, value.encode("utf-8", "replace")) for name, value in why.items()]
    return outbox.Staged(
        event_id=outbox.new_id(),
        topic=dead_letter_topic(service),
        key=letter.record.key,
        value=_digest(letter, personal[0]) if personal else letter.record.value,
        headers=msgspec.msgpack.encode(headers),
        aggregate=_aggregate(letter.record_id),
        epoch=1,
        version=1,
    )


def _aggregate(record_id: str) -> str:
    return f"dead-letter:{record_id}"


async def _is_announced(tx: Transaction, aggregate: str) -> bool:
    return bool(await tx.db.fetchval("SELECT true FROM journal WHERE aggregate = $1", aggregate))


def _digest(letter: DeadLetter, field: str) -> bytes:
    """What may be kept of a message with personal data: enough to find it and to recognise it again."""
    kept: dict[str, str | int] = {
        "topic": letter.topic,
        "partition": letter.record.partition,
        "offset": letter.record.offset,
        "field": field,
        "sha256": hashlib.sha256(letter.record.value or b"").hexdigest(),
    }
    if letter.incarnation > 1:
        kept["incarnation"] = letter.incarnation
    return msgspec.json.encode(kept)


def _personal_data_in(value: bytes | None) -> tuple[str, str] | None:
    """(field, what) of a value that seems to hold personal data; text that is not JSON is looked at as a whole, but for
    the ids in it, of which some have nine digits in a row."""
    try:
        said = from_json(value or b"null")
    except ValueError:
        said = _UUID.sub(" ", (value or b"")[:MAX_EVENT_BYTES].decode("utf-8", "ignore"))
    return find_personal_data(said)
