"""How far a reader has come: the next offset of each partition, stored with what was made of the records before it.

Guarantee: a position moves in the transaction that applies the records, and only on from where this process read. So
positions go back when the database does, and what was lost with it is read again; and a process that was overtaken by
another one, or by a restore, applies nothing.
"""

from collections.abc import Iterable

from contracts.topics import PARTITIONS
from services.chassis.running.database import Reader

Positions = dict[tuple[str, int], int]
"""The next offset to read, by topic (its name in the contracts) and partition."""

_LOCK = """
SELECT topic, partition, next_offset FROM positions
JOIN unnest($1::text[], $2::integer[]) AS moved (topic, partition) USING (topic, partition)
ORDER BY topic, partition FOR UPDATE OF positions
"""
_MOVE = """
INSERT INTO positions (topic, partition, next_offset)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset
"""


class Skipped(Exception):
    """The records do not follow the stored position: another process moved it, or the database went back."""


async def load_positions(db: Reader, topics: Iterable[str]) -> Positions:
    """The stored position of every partition of these topics; 0 where nothing was read yet."""
    stored = {
        (row["topic"], row["partition"]): row["next_offset"]
        for row in await db.fetch("SELECT topic, partition, next_offset FROM positions")
    }
    return {
        (topic, partition): stored.get((topic, partition), 0) for topic in topics for partition in range(PARTITIONS)
    }


async def move(db: Reader, read_from: Positions, reached: Positions) -> None:
    """Lock the stored positions of these partitions, compare them with where this process read on, and move them.

    Raises `Skipped` where another one is stored.
    """
    columns = [topic for topic, _ in reached], [partition for _, partition in reached]
    stored = {(row["topic"], row["partition"]): row["next_offset"] for row in await db.fetch(_LOCK, *columns)}
    for key in reached:
        if stored.get(key, 0) != read_from[key]:
            raise Skipped(
                f"{key[0]}/{key[1]}: {stored.get(key, 0)} is stored, this process read on from {read_from[key]}"
            )
    await db.execute(_MOVE, *columns, list(reached.values()))
