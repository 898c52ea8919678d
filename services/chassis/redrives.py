"""Redrives: an operator sends the message of a dead letter again, mended or as it was, through the topic's own service.

Guarantee: what is accepted is admitted by every reader, and is in the journal of the service that owns the topic, so a
wiped Kafka gets it again. A record is redriven once; the same again changes nothing. The service that wrote the letter
then writes a marker behind it: so each topic keeps its one writer.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec
from pydantic import Base64Bytes, Field
from pydantic_core import from_json

from contracts import envelope
from contracts.admission import Admitted, admit
from contracts.envelope import CONTENT_TYPE, decode, media_type
from contracts.events import catalogue
from contracts.partitioner import partition_of
from contracts.topics import INPUTS, service_of, topics_of
from contracts.values import Value
from services.chassis.checks import check_personal_data
from services.chassis.commands import Command, Commands, Done
from services.chassis.http.examples import first_example
from services.chassis.http.parameters import TopicName
from services.chassis.life_cycle import check_operator
from services.chassis.messaging import dead_letters, outbox
from services.chassis.messaging.outbox import TopicNotWritten
from services.chassis.problems import Malformed, RuleSaysNo, WrongField
from services.chassis.running.database import CommandTx

commands = Commands()
OUR_HEADERS = [("content-type", CONTENT_TYPE)]
MAX_HEADERS = 100  # binary mode has fifteen
_REDRIVEN = "SELECT event_id, value, headers FROM journal WHERE aggregate = $1"
_KNOWN = "SELECT position, topic, key, event_id, value, headers FROM journal WHERE event_id = $1 AND topic = $2"

RecordName = Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,200}/[0-9]{1,4}/[0-9]{1,18}(/[0-9]{1,7})?$")]
"""Topic, partition and offset; then the topic's incarnation, unless it is the first."""


class NotAdmitted(Malformed):
    """No reader would accept this message."""


class AlreadyRedriven(RuleSaysNo):
    """This record was redriven as another message; look at what became of that one."""


class EventIdTaken(RuleSaysNo):
    """There is another event with this id; give the mended message a new id."""


class NoSuchLetter(RuleSaysNo):
    """This service wrote no dead letter about this record."""


class Header(Value):
    """A header of a record."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    value: Base64Bytes


class Redrive(Value):
    """The message that takes the place of a record which became a dead letter. Its key is its `partitionkey`."""

    record: RecordName
    """The record that could not be understood or applied, as topic/partition/offset, and /incarnation of a topic that
    was made again."""
    value: Base64Bytes
    """The bytes of the message."""
    headers: Annotated[tuple[Header, ...], Field(max_length=MAX_HEADERS)] = ()
    """Of a message in binary mode that is sent as it was; a mended one is in structured mode, and needs none."""


class RedriveView(Value):
    """What a dead letter was redriven as, and where it will be."""

    record: RecordName
    event_id: UUID
    topic: TopicName
    partition: int
    outcome: Literal["staged", "redriven before"]


class LetterMarker(Value):
    """Says what became of a dead letter of this service."""

    record: RecordName
    """The record that the letter is about, named as in a redrive."""
    event_id: UUID
    """What it was redriven as."""


@dataclass(frozen=True, slots=True)
class Resent:
    """A record as it will be on its topic."""

    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]

    @property
    def partition(self) -> int:
        return partition_of(self.key)


def resent(value: bytes, headers: Sequence[tuple[str, bytes]], topic: str) -> tuple[Resent, Admitted]:
    """The record with its right key and headers, and the event that readers find in it; raises `NotAdmitted`.

    Only a message in binary mode keeps its headers: beside a structured one they would say something else.
    """
    content_type = dict(headers).get("content-type", CONTENT_TYPE).decode("utf-8", "replace")
    if media_type(content_type) == media_type(CONTENT_TYPE.decode()):
        headers = OUR_HEADERS
    try:
        key = decode(value, dict(headers)).envelope.partitionkey.encode()
        record = Resent(key, value, headers)
        return record, admit(record, topic)
    except envelope.InvalidMessage as error:
        raise NotAdmitted(f"{error.reason}: {error.detail}", WrongField("value", error.reason, "an event")) from error


def _check_owner(source: str, topic: str) -> None:
    owned = [each for each in topics_of(service_of(source)) if each in INPUTS]
    if topic not in owned:
        raise TopicNotWritten(None, WrongField("record", topic, owned))


def _look_for_personal_data(record: Resent, admitted: Admitted) -> None:
    """In all that is written and all that is read; the door has not looked into these bytes."""
    headers = {name: text.decode("utf-8", "replace") for name, text in record.headers}
    check_personal_data({"value": from_json(record.value), "data": from_json(admitted.data), "headers": headers})


async def _redrive(tx: CommandTx, _: None, body: Redrive) -> Done:
    check_operator("redrive a dead letter", tx.by)
    topic = body.record.split("/")[0]
    _check_owner(tx.source, topic)
    record, admitted = resent(body.value, [(each.name, each.value) for each in body.headers], topic)
    await asyncio.to_thread(_look_for_personal_data, record, admitted)
    is_new = await _stage(tx, body.record, record, UUID(admitted.id), topic)
    view = RedriveView(
        record=body.record,
        event_id=UUID(admitted.id),
        topic=topic,
        partition=record.partition,
        outcome="staged" if is_new else "redriven before",
    )
    return Done(None, None, view)


async def _stage(tx: CommandTx, redriven: str, record: Resent, event_id: UUID, topic: str) -> bool:
    """Stage what takes the place of a record. False: it was staged before.

    An event that this service announced itself is in its journal: then the pointer to it goes back to the outbox.
    """
    headers = None if record.headers == OUR_HEADERS else msgspec.msgpack.encode(list(record.headers))
    await tx.one_at_a_time("redrive")  # they are rare, and two of one letter would race
    before = await tx.db.fetchrow(_REDRIVEN, aggregate := f"redrive:{redriven}")
    if before is not None:
        if (before["value"], before["headers"]) != (record.value, headers):
            said = WrongField("record", redriven, f"what was sent as {before['event_id']}")
            raise AlreadyRedriven(f"It was redriven as event {before['event_id']}.", said)
        return False
    known: asyncpg.Record | None = await tx.db.fetchrow(_KNOWN, event_id, topic)
    if known is None:
        message = outbox.Staged(event_id, topic, record.key, record.value, headers, aggregate, tx.epoch, 1)
        await outbox.stage(tx, [message])
    elif (known["key"], known["value"], known["headers"]) == (record.key, record.value, headers):
        await outbox.stage_again(tx, [known])
    else:
        raise EventIdTaken(None, WrongField("value", str(event_id), "the id of no other event"))
    return True


async def _mark(tx: CommandTx, _: None, body: LetterMarker) -> Done:
    check_operator("mark a dead letter", tx.by)
    if not await dead_letters.mark(tx, service_of(tx.source), body.record, body.event_id):
        raise NoSuchLetter(None, WrongField("record", body.record, "a record that became a dead letter here"))
    return Done(None, None, body)


_EVENT = next(iter(catalogue.values()))
_MESSAGE, _RECORD = first_example(_EVENT), f"{_EVENT.topics[0]}/3/1041"
"""What the examples are about: a message of any type, and where it might have been."""

commands.add(
    Command(
        name="redrive",
        about="Send the message of a dead letter again, mended or as it was, to the topic from which it came."
        " Refused when readers would not accept it either.",
        kind="redrive",
        collection="redrives",
        status=202,
        body=Redrive,
        example={"record": _RECORD, "value": b64encode(json.dumps(_MESSAGE).encode()).decode()},
        in_base64=frozenset({"value", "headers"}),
        has_address=False,
        view=RedriveView,
        run=_redrive,
    )
)
commands.add(
    Command(
        name="markLetter",
        about="Write behind a dead letter of this service what it was redriven as: then it is no longer open.",
        kind="letter-marker",
        collection="letter-markers",
        status=202,
        body=LetterMarker,
        example={"record": _RECORD, "eventId": _MESSAGE["id"]},
        has_address=False,
        view=LetterMarker,
        run=_mark,
    )
)
