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

from contracts.envelope import PERSONAL_DATA
from contracts.topics import dead_letter_topic
from services.chassis.messaging import outbox
from services.chassis.running.database import Transaction

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
    def place(self) -> str:
        """Where the message is from."""
        return f"{self.topic}/{self.record.partition}/{self.record.offset}"


def headers_of(record: Record) -> Mapping[str, bytes | None]:
    """The headers by name; a null is kept, bytes stay bytes."""
    return dict(record.headers)


def _digest(letter: DeadLetter) -> bytes:
    """What may be kept of a message with personal data: enough to find it and to recognise it."""
    digest = hashlib.sha256(letter.record.value or b"").hexdigest()
    return msgspec.json.encode({"place": letter.place, "detail": letter.detail, "sha256": digest})


async def add(tx: Transaction, service: str, letter: DeadLetter) -> None:
    """Announce a dead letter, once."""
    aggregate = f"dead-letter:{letter.place}"
    if await tx.db.fetchval("SELECT true FROM journal WHERE aggregate = $1", aggregate):
        return
    said = {
        "samenspel-reason": letter.reason,
        "samenspel-detail": letter.detail[:1000],  # enough to understand; a message can be a mebibyte
        "samenspel-topic": letter.topic,
        "samenspel-partition": str(letter.record.partition),
        "samenspel-offset": str(letter.record.offset),
        "samenspel-attempts": str(letter.attempts),
        "samenspel-failed-at": tx.now.isoformat(),
    }
    is_personal = letter.reason == PERSONAL_DATA
    kept = [] if is_personal else letter.record.headers
    headers = [(name, value or b"") for name, value in kept if not name.startswith("samenspel-")]
    headers += [(name, value.encode("utf-8", "replace")) for name, value in said.items()]
    message = outbox.Staged(
        outbox.new_id(),
        dead_letter_topic(service),
        letter.record.key,
        _digest(letter) if is_personal else letter.record.value,
        msgspec.msgpack.encode(headers),
        aggregate,
        1,
        1,
        None,
    )
    await outbox.stage(tx, [message])
