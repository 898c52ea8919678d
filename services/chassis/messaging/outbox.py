"""The outbox: a service announces events by writing them to its journal, in the transaction that changes its state.

Guarantee: an event is in the journal if and only if its transaction committed; its bytes never change; the relay
publishes it at least once, in order per aggregate. The caller of `add` must hold a lock on the aggregate's row, or have
just inserted that row. A pointer names topic and partition, because the relay sends each partition by itself.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
import uuid_utils.compat

from contracts.envelope import describe, encode
from contracts.events import MAX_EVENT_BYTES, Event
from contracts.outcomes import OUTCOMES
from contracts.partitioner import partition_of
from services.chassis.problems import Malformed
from services.chassis.running.database import EpochChanged, Transaction

_LAST = """
SELECT version FROM journal WHERE aggregate = $1 ORDER BY version DESC, epoch DESC LIMIT 1
"""
STAGE = """
WITH staged AS (
    SELECT * FROM unnest(
        $2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[],
        $7::text[], $8::integer[], $9::integer[], $10::text[], $11::integer[]
    ) WITH ORDINALITY
        AS staged (event_id, topic, key, value, headers, aggregate, epoch, version, parties, partition, turn)
), new AS (
    SELECT event_id, topic, key, value, headers, aggregate, epoch, version, partition, turn FROM staged
    UNION ALL
    SELECT event_id, replace($13, '{client}', client), key, value, headers, aggregate, epoch, version, partition, turn
    FROM staged CROSS JOIN clients_among(string_to_array(parties, ' '), $1) AS client WHERE parties <> ''
), added AS (
    INSERT INTO journal (event_id, topic, key, value, headers, aggregate, epoch, version, recorded_at)
    SELECT event_id, topic, key, value, headers, aggregate, epoch, version, $1 FROM new
    WHERE $12 = (SELECT epoch FROM stream) ORDER BY turn
    RETURNING position, event_id, topic
)
INSERT INTO outbox (position, topic, partition, size)
SELECT position, topic, partition, coalesce(length(key), 0) + coalesce(length(value), 0) + coalesce(length(headers), 0)
FROM added JOIN new USING (event_id, topic)
"""
AGAIN = """
WITH again AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[]) AS again (position, topic, partition)
), given_another_try AS (
    DELETE FROM refused USING again WHERE refused.position = again.position
)
INSERT INTO outbox (position, topic, partition, size)
SELECT position, topic, partition, coalesce(length(key), 0) + coalesce(length(value), 0) + coalesce(length(headers), 0)
FROM again JOIN journal USING (position, topic)
ON CONFLICT (position) DO NOTHING
"""


class TopicNotWritten(Malformed):
    """This service does not write that topic; ask the one that does."""


class EventTooLarge(Malformed):
    """The command would make an event that is larger than an event may be."""


class Staged(NamedTuple):
    """One message for the journal, in the order of its columns. The migration explains `headers`."""

    event_id: UUID
    topic: str
    key: bytes | None
    value: bytes | None
    headers: bytes | None
    aggregate: str
    epoch: int
    version: int
    parties: str = ""
    """Whom it concerns, each as `party:organisation`: clients that act for one of them get it on their own topic."""


def new_id() -> UUID:
    """A UUIDv7: unique, and later ids are larger."""
    return uuid_utils.compat.uuid7()


def encoded(
    tx: Transaction,
    event: Event,
    *,
    key: str,
    epoch: int,
    version: int,
    correlation: str | None = None,
    parties: Iterable[str] = (),
) -> list[Staged]:
    """The event as the journal keeps it: once per topic, always with the same id and bytes."""
    envelope = describe(
        event,
        id=new_id(),
        source=tx.source,
        time=tx.now,
        key=key,
        version=version,
        epoch=epoch,
        correlation=correlation,
        causation=tx.causation,
        traceparent=tx.traceparent,
    )
    value = encode(envelope, event)
    if len(value) > MAX_EVENT_BYTES:
        raise EventTooLarge(f"It would make an event of {len(value)} bytes; {MAX_EVENT_BYTES} are allowed.")
    aggregate = f"{event.aggregate}:{event.subject}"
    first, *others = event.topics
    staged = Staged(envelope.id, first, key.encode(), value, None, aggregate, epoch, version, " ".join(parties))
    return [staged, *(staged._replace(topic=topic, parties="") for topic in others)]


async def stage(tx: Transaction, messages: Sequence[Staged]) -> None:
    """Write messages to the journal, and pointers to them to the outbox. Raises `EpochChanged`."""
    if tx.held_back is not None:
        tx.held_back += messages
    elif messages:
        done = await tx.db.execute(STAGE, tx.now, *columns(messages), tx.epoch, OUTCOMES)
        if done == "INSERT 0 0":
            raise EpochChanged
        tx.staged += len(messages)


async def stage_again(tx: Transaction, rows: Sequence[asyncpg.Record]) -> None:
    """Put pointers to these rows of the journal (position, topic, key, event_id) back into the outbox, also to what
    Kafka refused. Where a pointer still waits, nothing changes."""
    positions, topics = [row["position"] for row in rows], [row["topic"] for row in rows]
    partitions = [partition(row["key"], row["event_id"]) for row in rows]
    await tx.db.execute(AGAIN, positions, topics, partitions)
    tx.staged += len(rows)


def columns(messages: Sequence[Staged]) -> list[list[object]]:
    """What `STAGE` takes behind the time: the messages by column, and their partitions. (Then come the epoch, and the
    topic of a client with `{client}` for its name.)"""
    partitions: list[object] = [partition(each.key, each.event_id) for each in messages]
    return [*(list(column) for column in zip(*messages, strict=True)), partitions]


def partition(key: bytes | None, event_id: UUID) -> int:
    """The partition of a message. One without a key (some dead letters) goes to any, but always to the same."""
    return partition_of(event_id.bytes if key is None else key)


async def add(tx: Transaction, event: Event, *, key: str, version: int, parties: Iterable[str] = ()) -> None:
    await stage(tx, encoded(tx, event, key=key, epoch=tx.epoch, version=version, parties=parties))


async def add_once(tx: Transaction, event: Event, *, version: int, topic: str) -> None:
    """Announce this version of something that the service ships as data, unless it did so before."""
    aggregate = f"{event.aggregate}:{event.subject}"
    await tx.one_at_a_time(aggregate)
    last = await tx.db.fetchval(_LAST, aggregate)
    if last is None or last < version:
        messages = encoded(tx, event, key=event.subject, epoch=tx.epoch, version=version)
        await stage(tx, [message for message in messages if message.topic == topic])
