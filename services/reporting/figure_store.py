"""Cuts and published figures in PostgreSQL. What was published is never updated; a copy of the newest is."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg

from contracts.metrics import CutTaken
from services.chassis.running.database import Connection, Reader
from services.reporting.publication import Published
from services.reporting.who_sees import EVERYONES, Own

_NOT_FIGURE = frozenset({"cutId", "knownAt", "digest", "previous", "causes", "causeCount"})


async def save_cut(db: Connection, taken: CutTaken) -> None:
    await db.execute(
        "INSERT INTO cuts (cut_id, day, known_at, event, figure_count) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        taken.cut_id,
        taken.day,
        taken.known_at,
        taken.model_dump_json(by_alias=True, exclude_none=True),
        taken.figure_count,
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


async def newest_cut_event(db: Reader) -> dict[str, Any] | None:
    text = await db.fetchval("SELECT event FROM cuts ORDER BY cut_id DESC LIMIT 1")
    return json.loads(text) if text else None


_CUT_AT = """
SELECT cut_id, known_at FROM cuts WHERE $1::timestamptz IS NULL OR known_at <= $1 ORDER BY cut_id DESC LIMIT 1
"""


async def cut_at(db: Reader, known_at: datetime | None) -> tuple[int, datetime] | None:
    row = await db.fetchrow(_CUT_AT, known_at)
    return (row["cut_id"], row["known_at"]) if row else None


async def cut_event(db: Connection, cut_id: int) -> dict[str, Any] | None:
    text = await db.fetchval("SELECT event FROM cuts WHERE cut_id = $1", cut_id)
    return json.loads(text) if text else None


FigureRow = tuple[str, int, int, int, datetime, str, str]
"""key, cut id, version, epoch, known at, digest, data: the columns of `figures`."""


_FIGURES = """
INSERT INTO figures (key, cut_id, version, epoch, known_at, digest, data)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::integer[], $5::timestamptz[], $6::text[], $7::text[])
ON CONFLICT (key, cut_id) DO NOTHING
"""
_NEWEST = """
INSERT INTO newest
SELECT DISTINCT ON (key) key, split_part(key, '/', 1), split_part(key, '/', 3), split_part(key, '/', 4),
    split_part(key, '/', 5), split_part(key, '/', 6), cut_id, version, epoch, known_at, digest, data
FROM {figures} ORDER BY key, cut_id DESC
ON CONFLICT (key) DO UPDATE SET cut_id = excluded.cut_id, version = excluded.version, epoch = excluded.epoch,
    known_at = excluded.known_at, digest = excluded.digest, data = excluded.data
"""
_OF_THIS_CUT = "figures JOIN unnest($1::text[], $2::bigint[]) AS new (key, cut_id) USING (key, cut_id)"


async def save_figures(db: Connection, rows: Sequence[FigureRow]) -> None:
    if rows:
        await keep_history(db, rows)
        keys, cut_ids = [row[0] for row in rows], [row[1] for row in rows]
        await db.execute(_NEWEST.format(figures=_OF_THIS_CUT), keys, cut_ids)


async def keep_history(db: Connection, rows: Sequence[FigureRow]) -> None:
    await db.execute(_FIGURES, *zip(*rows, strict=True))


async def has_figures(db: Connection) -> bool:
    return bool(await db.fetchval("SELECT EXISTS (SELECT FROM newest)"))


async def make_newest(db: Connection) -> None:
    await db.execute(_NEWEST.format(figures="figures"))


def fields_of(data: str) -> dict[str, Any]:
    """The fields of a published figure that its digest covers."""
    return {name: value for name, value in json.loads(data).items() if name not in _NOT_FIGURE}


async def newest_figures(db: Connection, keys: Collection[str]) -> dict[str, Published]:
    rows = await db.fetch("SELECT key, version, epoch, known_at, digest, data FROM newest WHERE key = ANY ($1)", keys)
    return {row["key"]: _published(row) for row in rows}


async def published_at(db: Connection, keys: Collection[str], cut_id: int) -> dict[str, Published]:
    rows = await db.fetch(
        "SELECT DISTINCT ON (key) key, version, epoch, known_at, digest, data FROM figures"
        " WHERE key = ANY ($1) AND cut_id <= $2 ORDER BY key, cut_id DESC",
        keys,
        cut_id,
    )
    return {row["key"]: _published(row) for row in rows}


def _published(row: asyncpg.Record) -> Published:
    return Published(row["version"], row["epoch"], row["known_at"], row["digest"], fields_of(row["data"]))


async def figure_page(
    db: Reader,
    *,
    where: Mapping[str, str | Sequence[str]],
    known_at: datetime | None,
    own: Own,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The newest figures in the order of their keys, or what was the newest at a moment; `where` by column: this value,
    or one of these. `own`: of units that not everyone sees, only these."""
    given = [*where.items(), *([("key", after)] if after else [])]
    wanted = "".join(
        f" AND newest.{name} {_comparison(name, value).format(f'${number}')}"
        for number, (name, value) in enumerate(given, start=_FIRST_CONDITION)
    )
    page = (_PAGE if known_at is None else _PAGE_THEN).format(wanted=wanted)
    # Of everyone's and of the caller's own, each by its index: most figures are of sites, and would be passed over.
    query = page.format(seen="$3::text[] IS NULL")
    if own is not None:
        parts = (page.format(seen=each) for each in (EVERYONES, f"NOT {EVERYONES} AND unit = ANY ($3)"))
        query = " UNION ALL ".join(f"({part})" for part in parts) + " ORDER BY key LIMIT $1"
    rows = await db.fetch(query, limit, known_at, own, *(value for _, value in given))
    return [json.loads(row["data"]) for row in rows]


def _comparison(name: str, value: str | Sequence[str]) -> str:
    if name == "key":
        return "> {}"
    return "= {}" if isinstance(value, str) else "= ANY ({})"


_PAGE = """
SELECT key, data FROM newest WHERE $2::timestamptz IS NULL AND {{seen}}{wanted} ORDER BY key LIMIT $1
"""
_PAGE_THEN = """
SELECT newest.key, past.data FROM newest CROSS JOIN LATERAL (
    SELECT data FROM figures WHERE figures.key = newest.key AND figures.known_at <= $2 ORDER BY cut_id DESC LIMIT 1
) AS past
WHERE {{seen}}{wanted} ORDER BY newest.key LIMIT $1
"""
_FIRST_CONDITION = 4  # behind the limit, the moment and the caller's own


async def last_published(db: Reader, key: str) -> dict[str, Any] | None:
    text = await db.fetchval("SELECT data FROM newest WHERE key = $1", key)
    return json.loads(text) if text else None


# By the index of those that restate, which has them among millions.
_CAUSES = """
SELECT event_id, name FROM facts WHERE event_id = ANY ($1) AND (
    name IN ('ActivityCorrected', 'ActivityRetracted', 'RequestVoided', 'ReferralVoided')
    OR (version > 1 AND name IN ('SiteRecorded', 'GroupRecorded', 'IndicatorDefined')))
"""


async def history(db: Reader, key: str, *, after: int, limit: int) -> list[dict[str, Any]]:
    """What was published of a figure in the cuts after this one, oldest first; where it was restated, with how many
    events of each type did that (`causeTypes`)."""
    rows = await db.fetch(
        "SELECT data FROM figures WHERE key = $1 AND cut_id > $2 ORDER BY cut_id LIMIT $3", key, after, limit
    )
    return await _with_causes(db, [json.loads(row["data"]) for row in rows])


async def newest_history(db: Reader, key: str, limit: int) -> tuple[list[dict[str, Any]], int]:
    """What was published of a figure last, oldest first, as `history` has it; and how often it was published."""
    rows = await db.fetch("SELECT data FROM figures WHERE key = $1 ORDER BY cut_id DESC LIMIT $2", key, limit)
    count = await db.fetchval("SELECT count(*) FROM figures WHERE key = $1", key)
    return await _with_causes(db, [json.loads(row["data"]) for row in reversed(rows)]), count


async def _with_causes(db: Reader, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    causes = {each for figure in found for each in figure.get("causes", ())}
    names = {row["event_id"]: row["name"] for row in await db.fetch(_CAUSES, causes)} if causes else {}
    for figure in found:
        if types := Counter(names[each] for each in figure.get("causes", ()) if each in names):
            figure["causeTypes"] = dict(types)
    return found
