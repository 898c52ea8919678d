"""How far a reader has come: the next offset of each partition, stored with what was made of the records before it.

Guarantee: a position moves in the transaction that applies the records, and only on from where this process read. So
positions go back when the database does, and what was lost with it is read again; and a process that was overtaken by
another one, or by a restore, applies nothing. A topic that was made again is told from the one that was read.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import PARTITIONS
from services.chassis.messaging.kafka import START_SECONDS, Record, stop
from services.chassis.running.database import Reader
from services.chassis.running.settings import Settings

Positions = dict[tuple[str, int], int]
"""The next offset to read, by topic (its name in the contracts) and partition."""
Last = Mapping[tuple[str, int], Record]
"""The last record of each partition that was read."""

_BEGIN = """
INSERT INTO positions (topic, partition, next_offset)
SELECT topic, partition, 0 FROM unnest($1::text[], $2::integer[]) AS new (topic, partition) ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT topic, partition, next_offset FROM positions
JOIN unnest($1::text[], $2::integer[]) AS moved (topic, partition) USING (topic, partition)
ORDER BY topic, partition FOR UPDATE OF positions
"""
_MOVE = """
INSERT INTO positions (topic, partition, next_offset, last_offset, last_digest)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bytea[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset,
    last_offset = coalesce(excluded.last_offset, positions.last_offset),
    last_digest = coalesce(excluded.last_digest, positions.last_digest)
"""
POLL_MS = 1_000


class Skipped(Exception):
    """The records do not follow the stored position: another process moved it, or the database went back."""


class AnotherTopic(Exception):
    """A topic is not the one that was read: it was made again, or lost records. Nothing more of it is read."""


async def load_positions(db: Reader, topics: Iterable[str]) -> Positions:
    """The stored position of every partition of these topics; 0 where nothing was read yet."""
    stored = {
        (row["topic"], row["partition"]): row["next_offset"]
        for row in await db.fetch("SELECT topic, partition, next_offset FROM positions")
    }
    return {
        (topic, partition): stored.get((topic, partition), 0) for topic in topics for partition in range(PARTITIONS)
    }


async def move(db: Reader, read_from: Positions, reached: Positions, last: Last) -> None:
    """Lock the stored positions of these partitions, compare them with where this process read on, and move them.

    Raises `Skipped` where another one is stored.
    """
    columns = [topic for topic, _ in reached], [partition for _, partition in reached]
    if not all(read_from[key] for key in reached):
        await db.execute(_BEGIN, *columns)  # a row to lock: of two processes at the beginning one goes on
    stored = {(row["topic"], row["partition"]): row["next_offset"] for row in await db.fetch(_LOCK, *columns)}
    for key in reached:
        if (present := stored.get(key, 0)) != read_from[key]:
            raise Skipped(f"{key[0]}/{key[1]}: {present} is stored, this process read on from {read_from[key]}")
    records = [last.get(key) for key in reached]
    offsets = [None if record is None else record.offset for record in records]
    digests = [None if record is None else digest(record) for record in records]
    await db.execute(_MOVE, *columns, list(reached.values()), offsets, digests)


def digest(record: Record) -> bytes:
    """Tells a record from any other that may stand at its offset."""
    return hashlib.sha256((record.key or b"") + b"\0" + (record.value or b"")).digest()


async def check_topics(db: Reader, settings: Settings, topics: Sequence[str]) -> None:
    """Read the last record of each partition again. Raises `AnotherTopic`, or `KafkaError`."""
    rows = await db.fetch(
        "SELECT topic, partition, next_offset, last_offset, last_digest FROM positions WHERE topic = ANY($1)", topics
    )
    known = {TopicPartition(settings.topic(row["topic"]), row["partition"]): row for row in rows if row["last_digest"]}
    if not known:
        return
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        client_id=f"{settings.service}-check",
        auto_offset_reset="none",
        enable_auto_commit=False,
        max_partition_fetch_bytes=1,  # one batch: Kafka sends that even when it is larger
    )
    consumer.assign(list(known))
    try:
        await asyncio.wait_for(consumer.start(), START_SECONDS)
        ends = await consumer.end_offsets(list(known))
        for partition, row in known.items():
            if ends[partition] < row["next_offset"]:
                raise AnotherTopic(
                    f"{row['topic']}/{row['partition']} ends at {ends[partition]}, and was read up to"
                    f" {row['next_offset']}: it is not the topic that it was"
                )
        found = await _records_at(consumer, {partition: row["last_offset"] for partition, row in known.items()})
        for partition, row in known.items():
            if found[partition].offset != row["last_offset"] or digest(found[partition]) != row["last_digest"]:
                raise AnotherTopic(
                    f"{row['topic']}/{row['partition']} has another record at {row['last_offset']} than the one that"
                    " was read: it is not the topic that it was"
                )
    finally:
        await stop(consumer)


async def _records_at(
    consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Record]:
    """Of each partition the first record at its offset or behind it."""
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
    found: dict[TopicPartition, Record] = {}
    async with asyncio.timeout(START_SECONDS):
        while len(found) < len(offsets):
            for partition, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                found[partition] = records[0]
                consumer.pause(partition)  # or what stands behind it would keep the others waiting
    return found
