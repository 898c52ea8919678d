"""Facts, cuts, published figures and rebuilds in PostgreSQL. Rows of facts and figures are never updated."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from contracts.metrics import CutTaken
from services.chassis.running.database import Connection, Reader
from services.reporting.facts.events import Fact, IndicatorDefined, body_of, stored_body_of
from services.reporting.publication import Published
from services.reporting.who_sees import EVERYONES, Own

FACT_COLUMNS = (
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
Vector = dict[tuple[str, int], tuple[int, int]]
"""Of each partition the incarnation of its topic and the next offset: what a cut knew is below it."""
_NOT_FIGURE = frozenset({"cutId", "knownAt", "digest", "previous", "causes", "causeCount"})
UNSTORABLE = (
    asyncpg.DataError,
    asyncpg.CheckViolationError,
    asyncpg.NotNullViolationError,
    asyncpg.ProgramLimitExceededError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
)
"""What is wrong with what was said, and would be at every try: not a lock, and not a database that does not answer."""
PATIENCE_SECONDS = 3_600.0  # for one statement over a whole country's years
PAGE = 5_000  # facts read at a time: some megabytes


def row_of(fact: Fact) -> tuple[object, ...]:
    at = fact.topic, fact.partition, fact.offset
    return (*at, fact.name, fact.entity, fact.epoch, fact.version, fact.event_id, fact.data, fact.incarnation)


async def append(db: Connection, facts: Sequence[Fact]) -> None:
    await db.copy_records_to_table("facts", records=[row_of(fact) for fact in facts], columns=FACT_COLUMNS)


async def skip(db: Connection, records: Iterable[tuple[str, int, int, int]], *, named_by: int | None = None) -> None:
    """Note that no fact came of these: topic, partition, offset and incarnation; and the cut that named them."""
    await db.executemany(
        'INSERT INTO skipped (topic, partition, "offset", incarnation, cut_id) VALUES ($1, $2, $3, $4, $5)'
        " ON CONFLICT DO NOTHING",
        [(*record, named_by) for record in records],
    )


_NAME_SKIPPED = """
UPDATE skipped SET cut_id = $1 FROM (
    SELECT topic, partition, incarnation, "offset" FROM skipped JOIN positions USING (topic, partition, incarnation)
    WHERE cut_id IS NULL ORDER BY topic, partition, "offset" LIMIT $2
) AS found
WHERE (skipped.topic, skipped.partition, skipped.incarnation, skipped."offset")
    = (found.topic, found.partition, found.incarnation, found."offset")
RETURNING skipped.topic, skipped.partition, skipped."offset"
"""


async def name_skipped(db: Connection, cut_id: int, most: int) -> list[tuple[str, int, int]]:
    """What no fact came of in the present topics, and no cut has named: this one does; at most so many."""
    rows = await db.fetch(_NAME_SKIPPED, cut_id, most)
    return sorted((row["topic"], row["partition"], row["offset"]) for row in rows)


async def rows_by_thing(db: Connection, kinds: Collection[str]) -> AsyncIterator[list[asyncpg.Record]]:
    """Every stored fact about things of these kinds, some thousands at a time; those of one thing always together."""
    query = f"{_FACTS} WHERE split_part(entity, ':', 1) = ANY ($1) ORDER BY entity"
    cursor = await db.cursor(query, kinds, timeout=PATIENCE_SECONDS)
    rows: list[asyncpg.Record] = []
    while page := await cursor.fetch(PAGE, timeout=PATIENCE_SECONDS):
        rows += page
        whole = len(rows)  # all but those of the last thing: it may have more
        while whole and rows[whole - 1]["entity"] == rows[-1]["entity"]:
            whole -= 1
        yield rows[:whole]
        rows = rows[whole:]
    yield rows


_NOT_BELOW = """
SELECT facts.* FROM public.facts  -- in the order of `_FACTS`
LEFT JOIN unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[])
    AS cut (topic, partition, incarnation, next_offset) USING (topic, partition)
WHERE (facts.incarnation, facts."offset") >= (coalesce(cut.incarnation, 1), coalesce(next_offset, 0))
    OR (facts.incarnation < cut.incarnation AND $5)
"""
_FORGET_FRESH = """
DELETE FROM fresh USING unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[])
    AS cut (topic, partition, incarnation, next_offset)
WHERE (fresh.topic, fresh.partition) = (cut.topic, cut.partition)
    AND (fresh.incarnation, fresh."offset") < (cut.incarnation, next_offset)
"""


def _columns(vector: Vector) -> tuple[list[object], ...]:
    rows = [(*partition, *reached) for partition, reached in vector.items()]
    return tuple([row[number] for row in rows] for number in range(4))


async def facts_not_below(db: Connection, vector: Vector, *, of_earlier_topics: bool) -> AsyncIterator[list[Fact]]:
    """The facts in the service's own tables above a vector, some thousands at a time; also those of topics that were
    made again since."""
    rows: list[asyncpg.Record] = []
    async for row in db.cursor(_NOT_BELOW, *_columns(vector), of_earlier_topics, prefetch=PAGE):
        rows.append(row)
        if len(rows) == PAGE:
            yield await asyncio.to_thread(facts_in, rows)
            rows = []
    yield await asyncio.to_thread(facts_in, rows)


async def forget_fresh_below(db: Connection, vector: Vector) -> None:
    await db.execute(_FORGET_FRESH, *_columns(vector))


async def definitions(db: Connection) -> list[IndicatorDefined]:
    found = [body_of("IndicatorDefined", row["data"]) for row in await db.fetch("SELECT data FROM definitions")]
    return [body for body in found if isinstance(body, IndicatorDefined)]


async def definition_of(db: Connection, indicator: str, version: int) -> dict[str, Any]:
    for fact in reversed((await facts_of(db, [f"indicator:{indicator}"]))[f"indicator:{indicator}"]):
        said: dict[str, Any] = json.loads(fact.data)
        if said["definitionVersion"] == version:
            return said | {"source": f"{fact.topic}/{fact.partition}/{fact.offset}"}
    return {}


async def definition_events(db: Reader) -> list[dict[str, Any]]:
    rows = await db.fetch("SELECT data FROM definitions ORDER BY indicator, definition_version")
    return [json.loads(row["data"]) for row in rows]


_NAMES = """
SELECT DISTINCT ON (entity) entity, data FROM facts WHERE entity = ANY ($1) AND name = $2
ORDER BY entity, epoch DESC, version DESC
"""


async def facts_of(db: Connection, entities: Collection[str]) -> dict[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts_in(await db.fetch(f"{_FACTS} WHERE entity = ANY ($1)", entities)):
        found[fact.entity].append(fact)
    return found


async def site_names(db: Reader, site_ids: Collection[str]) -> dict[str, str]:
    return await _names(db, "site", "SiteRecorded", site_ids)


async def partner_names(db: Reader, partner_ids: Collection[str]) -> dict[str, str]:
    return await _names(db, "partner", "PartnerRecorded", partner_ids)


async def _names(db: Reader, kind: str, recorded: str, ids: Collection[str]) -> dict[str, str]:
    rows = await db.fetch(_NAMES, [f"{kind}:{each}" for each in ids], recorded)
    return {row["entity"].removeprefix(f"{kind}:"): json.loads(row["data"])["name"]["nl"] for row in rows}


def facts_in(rows: Iterable[asyncpg.Record]) -> list[Fact]:
    """Decoded; of thousands in a thread, so that nobody who reads waits for it."""
    return [_fact(*row) for row in rows]


def _fact(  # the columns of `_FACTS`
    topic: str,
    partition: int,
    offset: int,
    name: str,
    entity: str,
    epoch: int,
    version: int,
    event_id: str,
    data: bytes,
    incarnation: int,
) -> Fact:
    body = stored_body_of(name, data)
    return Fact(topic, partition, offset, name, entity, epoch, version, event_id, body, data, None, incarnation)


async def has_facts(db: Connection) -> bool:
    return bool(await db.fetchval("SELECT EXISTS (SELECT FROM facts)"))


_STUCK = """
SELECT * FROM stuck WHERE $1::text[] IS NULL OR unit = ANY ($1) OR {everyones}
ORDER BY since, family, unit LIMIT $2
"""


async def stuck(db: Reader, own: Own, limit: int) -> list[dict[str, Any]]:
    return [dict(row) for row in await db.fetch(_STUCK.format(everyones=EVERYONES), own, limit)]


async def count_stuck(db: Reader) -> int:
    return int(await db.fetchval("SELECT count(*) FROM stuck"))


async def stuck_things(db: Reader, limit: int) -> list[dict[str, Any]]:
    rows = await db.fetch("SELECT entity, reason, since FROM stuck_things ORDER BY since, entity LIMIT $1", limit)
    return [dict(row) for row in rows]


async def count_stuck_things(db: Reader) -> int:
    return int(await db.fetchval("SELECT count(*) FROM stuck_things"))


async def note_backlog(db: Connection, events: int) -> None:
    """How many events came in that are not counted yet; 0 where they soon are."""
    await db.execute("UPDATE backlog SET events = $1 WHERE events <> $1", events)


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


class UnfinishedRebuild(NamedTuple):
    """A rebuild that has not finished."""

    rebuild_id: UUID
    began_at: datetime | None
    cut_id: int | None
    """After a loss: the cut that it proves."""


async def unfinished_rebuild(db: Connection, cause: str) -> UnfinishedRebuild | None:
    row = await db.fetchrow(
        "SELECT rebuild_id, began_at, cut_id FROM rebuilds WHERE finished_at IS NULL AND cause = $1"
        " ORDER BY rebuild_id LIMIT 1",
        cause,
    )
    return UnfinishedRebuild(*row) if row else None


async def begin_rebuild(db: Connection, rebuild_id: UUID, at: datetime, cut_id: int | None = None) -> None:
    await db.execute("UPDATE rebuilds SET began_at = $2, cut_id = $3 WHERE rebuild_id = $1", rebuild_id, at, cut_id)


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
