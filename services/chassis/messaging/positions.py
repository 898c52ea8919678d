"""How far a reader has come: the next offset of each partition, stored with what was made of the records before it.

Guarantee: a position moves in the transaction that applies the records, and only on from where this process read. So
positions go back when the database does, and what was lost with it is read again; and a process that was overtaken by
another one, or by a restore, applies nothing. A topic that was made again is told from the one that was read, and is
read on only when an operator has accepted it: from its beginning, as the next incarnation.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import PARTITIONS
from services.chassis.messaging.kafka import Record, a_consumer
from services.chassis.running.database import Reader
from services.chassis.running.settings import Settings

Positions = dict[tuple[str, int], int]
"""The next offset to read, by topic (its name in the contracts) and partition."""
Last = Mapping[tuple[str, int], Record]
"""The last record of each partition that was read."""
Incarnations = Mapping[str, int]
"""Which topic of its name each one is: 1 (or absent) for the first, one more each time that it was made again."""

_BEGIN = """
INSERT INTO positions (topic, partition, next_offset)
SELECT topic, partition, 0 FROM unnest($1::text[], $2::integer[]) AS new (topic, partition) ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT topic, partition, next_offset, incarnation FROM positions
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
_LAST_READ = """
SELECT topic, partition, next_offset, last_offset, last_digest, compared_offset, compared_digest FROM positions
WHERE topic = ANY($1) AND next_offset > 0 ORDER BY topic, partition
"""
# What is locked is moved on just now: it is noted at the next look.
_COMPARED = """
WITH compared AS (
    SELECT positions.topic, positions.partition, compared.last_offset, compared.last_digest FROM positions
    JOIN unnest($1::text[], $2::integer[], $3::bigint[], $4::bytea[])
        AS compared (topic, partition, last_offset, last_digest) USING (topic, partition)
    WHERE next_offset > compared.last_offset AND compared_offset IS DISTINCT FROM compared.last_offset
    FOR UPDATE OF positions SKIP LOCKED
)
UPDATE positions SET compared_offset = compared.last_offset, compared_digest = compared.last_digest
FROM compared WHERE positions.topic = compared.topic AND positions.partition = compared.partition
"""
_BEGIN_ANEW = """
INSERT INTO positions (topic, partition, next_offset, incarnation)
SELECT $1, partition, 0, $2 FROM generate_series(0, $3 - 1) AS partition
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = 0, incarnation = excluded.incarnation,
    last_offset = NULL, last_digest = NULL, compared_offset = NULL, compared_digest = NULL
"""
POLL_MS = 1_000
CHECK_SECONDS = 60.0  # between two looks whether the topics are still those that were read: a fraction of a second each
ANOTHER_TOPIC_SECONDS = 5.0  # a person must act; then it goes on soon


class Skipped(Exception):
    """The records do not follow the stored position: another process moved it, or the database went back."""


class AnotherTopic(Exception):
    """A topic is not the one that was read: it was made again, or lost records. Nothing more is read."""


async def load_positions(db: Reader, topics: Iterable[str]) -> Positions:
    stored = {
        (row["topic"], row["partition"]): row["next_offset"]
        for row in await db.fetch("SELECT topic, partition, next_offset FROM positions")
    }
    return {
        (topic, partition): stored.get((topic, partition), 0) for topic in topics for partition in range(PARTITIONS)
    }


async def load_incarnations(db: Reader, topics: Sequence[str]) -> dict[str, int]:
    rows = await db.fetch(
        "SELECT topic, max(incarnation) AS incarnation FROM positions WHERE topic = ANY($1) GROUP BY topic", topics
    )
    return dict.fromkeys(topics, 1) | {row["topic"]: row["incarnation"] for row in rows}


async def begin_anew(db: Reader, topic: str, incarnation: int) -> None:
    await db.execute(_BEGIN_ANEW, topic, incarnation, PARTITIONS)


async def move(db: Reader, read_from: Positions, reached: Positions, last: Last, incarnations: Incarnations) -> None:
    """Lock the stored positions of these partitions, compare them with where this process read on, and move them.

    Raises `Skipped` where another one is stored, or one of another incarnation.
    """
    columns = [topic for topic, _ in reached], [partition for _, partition in reached]
    if not all(read_from[key] for key in reached):
        await db.execute(_BEGIN, *columns)  # a row to lock: of two processes at the beginning one goes on
    stored = {(row["topic"], row["partition"]): row for row in await db.fetch(_LOCK, *columns)}
    for key in reached:
        known = read_from[key], incarnations.get(key[0], 1)
        present = (stored[key]["next_offset"], stored[key]["incarnation"]) if key in stored else (0, 1)
        if present != known:
            raise Skipped(f"{key[0]}/{key[1]}: {present} is stored, this process read on from {known}")
    records = [last.get(key) for key in reached]
    offsets = [None if record is None else record.offset for record in records]
    digests = [None if record is None else digest(record) for record in records]
    await db.execute(_MOVE, *columns, list(reached.values()), offsets, digests)


def digest(record: Record) -> bytes:
    return hashlib.sha256((record.key or b"") + b"\0" + (record.value or b"")).digest()


async def check_topics(db: Reader, settings: Settings, topics: Sequence[str]) -> None:
    """Raise `AnotherTopic`, with a sentence that names them, where topics are not those that were read.

    Raises `KafkaError` or `TimeoutError` where that cannot be told.
    """
    others = await other_topics(db, settings, topics)
    if others:
        raise AnotherTopic(
            f"{'; '.join(others.values())}. `samenspel topics adopt {' '.join(others)}` accepts what is there"
        )


async def other_topics(db: Reader, settings: Settings, topics: Sequence[str]) -> dict[str, str]:
    """The topics that are not those that were read, and why. Of each partition the last record is read again, and the
    one that was the last when the topics were compared before: what was read since then may be of another topic."""
    rows = await db.fetch(_LAST_READ, topics)
    if not rows:
        return {}
    known = {TopicPartition(settings.topic(row["topic"]), row["partition"]): row for row in rows}
    client = f"{settings.service}-check"
    async with a_consumer(settings.kafka, client, reset="none", isolation="read_uncommitted") as consumer:
        others = await _compare(consumer, known)
    await _note_as_compared(db, [row for row in rows if row["topic"] not in others and row["last_digest"]])
    return others


async def _compare(consumer: AIOKafkaConsumer, known: Mapping[TopicPartition, asyncpg.Record]) -> dict[str, str]:
    others: dict[str, str] = {}
    ends = await consumer.end_offsets(list(known))
    for partition, row in known.items():
        if ends[partition] < row["next_offset"]:
            why = f"ends at {ends[partition]}, and was read up to {row['next_offset']}"
            others.setdefault(row["topic"], _not_the_one(row, why))
    for which in ("last", "compared"):
        kept = {each: row for each, row in known.items() if row[f"{which}_digest"] and row["topic"] not in others}
        offsets = {partition: row[f"{which}_offset"] for partition, row in kept.items()}
        for partition, record in (await _records_at(consumer, offsets)).items():
            row, offset = kept[partition], offsets[partition]
            if record.offset != offset or digest(record) != row[f"{which}_digest"]:
                why = f"has another record at {offset} than the one that was read"
                others.setdefault(row["topic"], _not_the_one(row, why))
    return others


async def _note_as_compared(db: Reader, rows: Sequence[asyncpg.Record]) -> None:
    columns = [[row[name] for row in rows] for name in ("topic", "partition", "last_offset", "last_digest")]
    await db.execute(_COMPARED, *columns)


def _not_the_one(row: asyncpg.Record, why: str) -> str:
    return f"{row['topic']}/{row['partition']} {why}: it is not the topic that it was"


async def _records_at(
    consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Record]:
    if not offsets:
        return {}
    consumer.assign(list(offsets))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
    found: dict[TopicPartition, Record] = {}
    while len(found) < len(offsets):
        for partition, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
            found[partition] = records[0]
            consumer.pause(partition)  # or what stands behind it would keep the others waiting
    return found
