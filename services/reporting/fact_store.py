"""Facts in PostgreSQL, and what could not be made of them. A row of facts is never updated."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Any, NamedTuple

import asyncpg

from services.chassis.running.database import Connection, Reader
from services.reporting.facts.events import Fact, IndicatorDefined, body_of
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
PAGE = 2_500  # facts read at a time: some megabytes, which are folded in 25 ms


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


class Share(NamedTuple):
    """A part of all things: each is in one of so many."""

    number: int
    """From 0."""
    of: int


_BY_THING = f"""
{_FACTS} WHERE split_part(entity, ':', 1) = ANY ($1) AND abs(mod(hashtextextended(entity, 0), $3)) = $2 ORDER BY entity
"""


async def rows_by_thing(db: Connection, kinds: Collection[str], share: Share) -> AsyncIterator[list[asyncpg.Record]]:
    """Every stored fact about a share of the things of these kinds, some thousands at a time; those of one thing always
    together."""
    cursor = await db.cursor(_BY_THING, kinds, *share, timeout=PATIENCE_SECONDS)
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
            yield facts_in(rows)
            rows = []
    yield facts_in(rows)


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
    return [Fact(*row) for row in rows]  # the columns of `_FACTS`


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


async def stuck_things(db: Reader, own: Own, limit: int) -> list[dict[str, Any]]:
    """Things are told of to those who see every figure."""
    if own is not None:
        return []
    rows = await db.fetch("SELECT entity, reason, since FROM stuck_things ORDER BY since, entity LIMIT $1", limit)
    return [dict(row) for row in rows]


async def count_stuck_things(db: Reader) -> int:
    return int(await db.fetchval("SELECT count(*) FROM stuck_things"))


async def note_backlog(db: Connection, events: int) -> None:
    """How many events came in that are not counted yet; 0 where they soon are."""
    await db.execute("UPDATE backlog SET events = $1 WHERE events <> $1", events)
