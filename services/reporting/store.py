"""Facts, cuts, published figures and rebuilds in PostgreSQL. Rows of facts and figures are never updated."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.chassis.running.database import Connection, Reader
from services.reporting.facts.events import Fact, body_of
from services.reporting.publication import Published

_FACT_COLUMNS = (
    "topic",
    "partition",
    "offset",
    "name",
    "entity",
    "epoch",
    "version",
    "event_id",
    "data",
    "incarnation",
)
_FACTS = 'SELECT topic, partition, "offset", name, entity, epoch, version, event_id, data, incarnation FROM facts'
_SWAP_IN = """
INSERT INTO facts_beside SELECT facts.* FROM facts
LEFT JOIN unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[])
    AS cut (topic, partition, incarnation, next_offset) USING (topic, partition)
WHERE facts.incarnation <> coalesce(cut.incarnation, 1) OR facts."offset" >= coalesce(next_offset, 0)
"""
Vector = dict[tuple[str, int], tuple[int, int]]
"""Of each partition the incarnation of its topic and the next offset: what a cut knew is below it."""
_NOT_FIGURE = frozenset({"cutId", "knownAt", "digest", "previous", "causes", "causeCount"})
PAGE = 20_000  # facts read at a time: some tens of megabytes


async def append(db: Connection, facts: Sequence[Fact], *, table: str = "facts") -> None:
    rows = [
        (
            fact.topic,
            fact.partition,
            fact.offset,
            fact.name,
            fact.entity,
            fact.epoch,
            fact.version,
            fact.event_id,
            fact.data,
            fact.incarnation,
        )
        for fact in facts
    ]
    await db.copy_records_to_table(table, records=rows, columns=_FACT_COLUMNS)


BESIDE = "facts_beside"


async def make_beside(db: Connection) -> None:
    await db.execute("DROP TABLE IF EXISTS facts_beside")
    await db.execute("CREATE TABLE facts_beside (LIKE facts INCLUDING ALL)")


async def swap(db: Connection, below: Vector) -> None:
    """Put the table beside in the place of the live one, which stays for a rollback as `facts_before`.

    Facts above the rebuilt cut are copied from the live table, so that the stored positions stay right; so are those of
    topics that are no more, because older figures rest on them.
    """
    await db.execute(
        _SWAP_IN,
        [topic for topic, _ in below],
        [partition for _, partition in below],
        [incarnation for incarnation, _ in below.values()],
        [offset for _, offset in below.values()],
    )
    await db.execute("DROP TABLE IF EXISTS facts_before")
    await db.execute("ALTER TABLE facts RENAME TO facts_before")
    await db.execute("ALTER TABLE facts_beside RENAME TO facts")


async def skip(db: Connection, places: Iterable[tuple[str, int, int, int]]) -> None:
    """Note that no fact came of these: topic, partition, offset and incarnation."""
    await db.executemany(
        'INSERT INTO skipped (topic, partition, "offset", incarnation) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
        list(places),
    )


async def skipped(db: Connection) -> list[tuple[str, int, int]]:
    """What no fact came of, in the present topics."""
    rows = await db.fetch(
        'SELECT topic, partition, "offset" FROM skipped JOIN positions USING (topic, partition, incarnation)'
        ' ORDER BY topic, partition, "offset"'
    )
    return [(row["topic"], row["partition"], row["offset"]) for row in rows]


async def facts(db: Connection, *, below: Vector | None = None) -> list[Fact]:
    """Every fact, or those below a vector. Call within a repeatable-read transaction."""
    found: list[Fact] = []
    async for row in db.cursor(_FACTS, prefetch=PAGE):
        place = row["topic"], row["partition"]
        if below is None or (row["incarnation"], row["offset"]) < below.get(place, (1, 0)):
            found.append(_fact(row))
    return found


async def facts_of(db: Connection, entities: Collection[str]) -> dict[str, list[Fact]]:
    """What is stored of these things."""
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for row in await db.fetch(f"{_FACTS} WHERE entity = ANY ($1)", entities):
        found[row["entity"]].append(_fact(row))
    return found


def _fact(row: asyncpg.Record) -> Fact:
    return Fact(
        row["topic"],
        row["partition"],
        row["offset"],
        row["name"],
        row["entity"],
        row["epoch"],
        row["version"],
        row["event_id"],
        body_of(row["name"], row["data"]),
        row["data"],
        incarnation=row["incarnation"],
    )


async def save_cut(
    db: Connection, *, cut_id: int, day: date, known_at: datetime, event: str, figure_count: int
) -> None:
    await db.execute(
        "INSERT INTO cuts (cut_id, day, known_at, event, figure_count) VALUES ($1, $2, $3, $4, $5)",
        cut_id,
        day,
        known_at,
        event,
        figure_count,
    )


_LAST_CUT = """
SELECT greatest((SELECT max(cut_id) FROM cuts), (SELECT max(cut_id) FROM figures)) AS cut_id,
    greatest((SELECT max(known_at) FROM cuts), (SELECT max(known_at) FROM figures)) AS known_at,
    (SELECT day FROM cuts ORDER BY cut_id DESC LIMIT 1) AS day
"""


async def last_cut(db: Connection) -> tuple[int, datetime | None, date | None]:
    """The newest cut: its id (0: none), moment and day. After a loss it may have figures only: `CutTaken` was lost."""
    row = await db.fetchrow(_LAST_CUT)
    assert row is not None, "a query without FROM has one row"
    return row["cut_id"] or 0, row["known_at"], row["day"]


async def newest_cut_event(db: Connection) -> dict[str, Any] | None:
    text = await db.fetchval("SELECT event FROM cuts ORDER BY cut_id DESC LIMIT 1")
    return json.loads(text) if text else None


async def cut_event(db: Connection, cut_id: int) -> dict[str, Any] | None:
    text = await db.fetchval("SELECT event FROM cuts WHERE cut_id = $1", cut_id)
    return json.loads(text) if text else None


FigureRow = tuple[str, int, int, int, datetime, str, str]
"""key, cut id, version, epoch, known at, digest, data: the columns of `figures`."""


async def save_figures(db: Connection, rows: Sequence[FigureRow]) -> None:
    await db.copy_records_to_table(
        "figures", records=rows, columns=("key", "cut_id", "version", "epoch", "known_at", "digest", "data")
    )


def fields_of(data: str) -> dict[str, Any]:
    """The fields of a published figure that its digest covers."""
    return {name: value for name, value in json.loads(data).items() if name not in _NOT_FIGURE}


async def newest_figures(db: Connection) -> dict[str, Published]:
    rows = await db.fetch(
        "SELECT DISTINCT ON (key) key, version, epoch, known_at, digest, data FROM figures ORDER BY key, cut_id DESC"
    )
    return {
        row["key"]: Published(row["version"], row["epoch"], row["known_at"], row["digest"], fields_of(row["data"]))
        for row in rows
    }


async def figure_page(
    db: Reader,
    *,
    indicator: str | None,
    programme: str | None,
    unit: str | None,
    stratum: str | None,
    period: str | None,
    known_at: datetime | None,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The newest figures published at or before a moment, in the order of their keys."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (key) key, data FROM figures WHERE ($1::timestamptz IS NULL OR known_at <= $1)"
        " AND ($2::text IS NULL OR key > $2) AND ($3::text IS NULL OR split_part(key, '/', 1) = $3)"
        " AND ($4::text IS NULL OR split_part(key, '/', 3) = $4) AND ($5::text IS NULL OR split_part(key, '/', 4) = $5)"
        " AND ($6::text IS NULL OR split_part(key, '/', 5) = $6) AND ($7::text IS NULL OR split_part(key, '/', 6) = $7)"
        " ORDER BY key, cut_id DESC LIMIT $8",
        known_at,
        after,
        indicator,
        programme,
        unit,
        stratum,
        period,
        limit,
    )
    return [json.loads(row["data"]) for row in rows]


async def last_published(db: Reader, key: str) -> dict[str, Any] | None:
    text = await db.fetchval("SELECT data FROM figures WHERE key = $1 ORDER BY cut_id DESC LIMIT 1", key)
    return json.loads(text) if text else None


async def history(db: Reader, key: str, *, after: int, limit: int) -> list[dict[str, Any]]:
    """What was published of a figure in the cuts after this one, oldest first."""
    rows = await db.fetch(
        "SELECT data FROM figures WHERE key = $1 AND cut_id > $2 ORDER BY cut_id LIMIT $3", key, after, limit
    )
    return [json.loads(row["data"]) for row in rows]


async def request_rebuild(db: Connection, rebuild_id: UUID, cause: str, at: datetime) -> bool:
    """False when one was asked for that has not finished yet."""
    return bool(
        await db.fetchval(
            "INSERT INTO rebuilds (rebuild_id, cause, requested_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (cause) WHERE cause = 'asked' AND finished_at IS NULL DO NOTHING RETURNING true",
            rebuild_id,
            cause,
            at,
        )
    )


async def requested_rebuild(db: Connection) -> UUID | None:
    found: UUID | None = await db.fetchval(
        "SELECT rebuild_id FROM rebuilds WHERE finished_at IS NULL AND cause = 'asked' ORDER BY rebuild_id LIMIT 1"
    )
    return found


async def finish_rebuild(db: Connection, rebuild_id: UUID, outcome: dict[str, Any], at: datetime) -> None:
    await db.execute(
        "UPDATE rebuilds SET finished_at = $2, outcome = $3 WHERE rebuild_id = $1", rebuild_id, at, json.dumps(outcome)
    )


async def rebuilds(db: Reader, rebuild_id: UUID | None = None) -> list[dict[str, Any]]:
    rows = await db.fetch(
        "SELECT rebuild_id, cause, requested_at, finished_at, outcome FROM rebuilds"
        " WHERE $1::uuid IS NULL OR rebuild_id = $1 ORDER BY rebuild_id DESC LIMIT 50",
        rebuild_id,
    )
    return [
        {
            "rebuildId": str(row["rebuild_id"]),
            "cause": row["cause"],
            "requestedAt": row["requested_at"].isoformat(),
            "finishedAt": row["finished_at"].isoformat() if row["finished_at"] else None,
            "outcome": json.loads(row["outcome"]) if row["outcome"] else None,
        }
        for row in rows
    ]
