"""Making of all facts what is not there yet: things, and the counts of families. At the first start, after a loss, in a
rebuild, and where a release has something new.

Guarantee: `made` names what is there whole. Whatever is interrupted is made again from the beginning, and what another
process still does of an earlier attempt is not stored.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import structlog

from services.chassis.running import telemetry
from services.reporting import counts, fact_store
from services.reporting.ahead import ahead, fetched_ahead, together
from services.reporting.fact_store import PATIENCE_SECONDS, Share
from services.reporting.figures import Family, families
from services.reporting.helper import HelperEnded
from services.reporting.things import KINDS, ProgrammePeriod, Settled, settle

log = structlog.get_logger()

# For each sort of a whole year, and for making an index of it; by default they take a few megabytes, and the disk.
# Two connections keep two cores busy: with more processes of PostgreSQL they wait for each other.
_SETTINGS = """
SET {local} work_mem = '128MB'; SET {local} maintenance_work_mem = '256MB';
SET {local} max_parallel_workers_per_gather = 0; SET {local} max_parallel_maintenance_workers = 0;
"""
_INDEXES = """
ALTER TABLE {table} ADD PRIMARY KEY (programme, period, stratum, subject);
CREATE INDEX {table}_of_subject ON {table} (subject);
"""
_NOT_STUCK = """
DELETE FROM stuck_things WHERE split_part(entity, ':', 1) = ANY ($1) AND NOT entity = ANY ($2)
"""
_ADD_UP_EVERYTHING = """
CREATE TEMPORARY TABLE added_up ON COMMIT DROP AS
SELECT programme, unit, stratum, period, component, sum(amount) AS amount
FROM (  -- first by the units together: many subjects have the same
    SELECT programme, units, stratum, period, component, sum(amount) AS amount
    FROM {table}, unnest(components, amounts) AS counted (component, amount)
    GROUP BY programme, units, stratum, period, component
) AS together, unnest(units) AS unit
GROUP BY programme, unit, stratum, period, component
"""
_ADDED_UP = "INSERT INTO sums SELECT $1, programme, unit, stratum, period, component, amount FROM added_up"
_INDEXES_OF = """
SELECT CASE WHEN conname IS NULL THEN format('DROP INDEX %s', indexrelid::regclass)
        ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', indrelid::regclass, conname) END AS drop,
    CASE WHEN conname IS NULL THEN pg_get_indexdef(indexrelid)
        ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', indrelid::regclass, conname, pg_get_constraintdef(found.oid))
        END AS make
FROM pg_index LEFT JOIN pg_constraint AS found ON conindid = indexrelid
WHERE indrelid = ANY ($1::text[]::regclass[])
"""
_STANDS = "SELECT true FROM making WHERE attempt = $1 FOR SHARE"

Another = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""One more connection that sees the same tables."""
Tell = Callable[[str], None]
"""Is told how far long work is."""
Helped = Callable[..., AsyncGenerator[Any]]
"""Has a function yield in a second process (`helper.helped`)."""


class Overtaken(Exception):
    """Another process makes everything anew."""


def nobody(_: str) -> None:
    pass


class Made(NamedTuple):
    """What a part of a share was made of, and at its end what all of it adds."""

    facts: int
    periods: Sequence[tuple[ProgrammePeriod, int]] = ()
    """How many more things each has."""
    failed: Sequence[str] = ()
    """The things that could not be made."""


class Total:
    """What all shares add."""

    def __init__(self, tell: Tell, are_sorted: asyncio.Event) -> None:
        self.tell, self.are_sorted = tell, are_sorted
        self.facts, self.periods, self.failed = 0, Counter[ProgrammePeriod](), list[str]()

    async def add(self, share: AsyncGenerator[Any]) -> None:
        async with aclosing(share) as parts:
            async for part in parts:
                self._add(Made(*part))

    def _add(self, made: Made) -> None:
        self.are_sorted.set()
        self.facts += made.facts
        for (programme, period, stratum), amount in made.periods:
            self.periods[programme, period, stratum] += amount
        self.failed += made.failed
        self.tell(f"making things of all events: {self.facts:,} so far")


async def begin_anew(db: asyncpg.Connection) -> None:
    """Forget what was made of the facts: it is made when all are there."""
    tables = ["programme_periods", "made", *(table for kind in KINDS.values() for table in kind.tables)]
    async with db.transaction():
        await db.execute(f"TRUNCATE {', '.join(tables)}")
        await counts.forget_changes(db)
        await db.execute("DROP INDEX IF EXISTS facts_of_entity")


async def make_missing(
    db: asyncpg.Connection, another: Another, tell: Tell = nobody, helped: Helped | None = None
) -> None:
    """Make of all facts what is not there yet. Not within a transaction.

    It tells how far it is: of a country's year it takes minutes. `helped`: to have half of the things made by a second
    process, which costs a second and a hundred megabytes."""
    made = set(await counts.made_of(db, [*KINDS, *families()]))
    if kinds := [kind for kind in KINDS if kind not in made]:
        are_sorted = asyncio.Event()
        await together(
            _make_things(db, kinds, another, Total(tell, are_sorted), helped), _index_facts(another, are_sorted)
        )
    if left := [family for name, family in families().items() if name not in made]:
        is_first = len(left) == len(families())
        await _count_everything(db, left, another, tell)
        if is_first:
            await counts.remember_periods(db)


async def _index_facts(another: Another, are_sorted: asyncio.Event) -> None:
    # Kept up to date by every fact, it makes catching up with a country's year three times slower. Sorting them keeps
    # both cores busy, what follows does not.
    await are_sorted.wait()
    async with another() as db, db.transaction():
        await db.execute(_SETTINGS.format(local="LOCAL"))
        await db.execute("CREATE INDEX IF NOT EXISTS facts_of_entity ON facts (entity)", timeout=PATIENCE_SECONDS)
        await db.execute("ANALYZE facts", timeout=PATIENCE_SECONDS)


async def _make_things(
    db: asyncpg.Connection, kinds: list[str], another: Another, total: Total, helped: Helped | None
) -> None:
    total.tell("sorting the events")
    tables = [table for kind in kinds for table in KINDS[kind].tables]
    attempt = await _clear(db, tables)
    try:
        await _make_shares(total, another, kinds, attempt, helped)
    except HelperEnded as error:
        log.warning("made_without_help", **telemetry.origin(error))
        total = Total(total.tell, total.are_sorted)
        attempt = await _clear(db, tables)
        await _make_shares(total, another, kinds, attempt, None)
    total.tell("making the indexes of things")
    left = [*await db.fetchval("SELECT indexes FROM making"), *(f"ANALYZE {table}" for table in tables)]
    await together(_run(another, left), _run(another, left))
    async with db.transaction():
        await db.execute(_NOT_STUCK, kinds, total.failed)
        await counts.count_programme_periods(db, total.periods.items())
        await db.executemany("INSERT INTO made VALUES ($1)", [(kind,) for kind in kinds])
        await db.execute("DELETE FROM making")


async def _clear(db: asyncpg.Connection, tables: Sequence[str]) -> UUID:
    """Empty these tables and drop their indexes: when the rows are there, they are made in half of the time.

    Returns what names this attempt: nobody stores rows of an earlier one after this."""
    attempt = uuid4()
    async with db.transaction():
        earlier = await db.fetchval("DELETE FROM making RETURNING indexes", timeout=PATIENCE_SECONDS) or []
        found = await db.fetch(_INDEXES_OF, tables)
        for index in found:
            await db.execute(index["drop"])
        await db.execute(f"TRUNCATE {', '.join(tables)}")
        indexes = dict.fromkeys([*earlier, *(index["make"] for index in found)])
        await db.execute("INSERT INTO making VALUES ($1, $2)", attempt, [*indexes])
    return attempt


async def _make_shares(total: Total, another: Another, kinds: list[str], attempt: UUID, helped: Helped | None) -> None:
    if helped is None:
        await total.add(make_share(another, kinds, Share(0, of=1), attempt))
        return
    mine, other = Share(0, of=2), Share(1, of=2)
    await together(
        total.add(make_share(another, kinds, mine, attempt)),
        total.add(helped(make_share, another, kinds, other, attempt)),
    )


async def make_share(another: Another, kinds: list[str], share: Share, attempt: UUID) -> AsyncGenerator[Made]:
    """Make a share of the things. The facts are fetched on one connection while the rows are stored on the other."""
    periods, failed = Counter[ProgrammePeriod](), list[str]()
    async with another() as reading, another() as db, reading.transaction(), db.transaction():
        if not await db.fetchval(_STANDS, attempt):
            raise Overtaken
        await reading.execute(_SETTINGS.format(local="LOCAL"))
        async with aclosing(fetched_ahead(fact_store.rows_by_thing(reading, kinds, share))) as pages:
            async for rows, settled in ahead(_settled, pages):
                for stored in await _copy_or_set_aside(db, rows, settled):
                    periods.update(stored.programme_periods)
                    await counts.set_aside(db, stored.failed)
                    failed += stored.failed
                yield Made(len(rows))
    yield Made(0, [*periods.items()], failed)


Facts = Sequence[asyncpg.Record]


async def _settled(rows: Facts) -> Settled:
    return settle({}, fact_store.facts_in(rows))


async def _copy_or_set_aside(db: asyncpg.Connection, facts: Facts, settled: Settled) -> list[Settled]:
    """Store the rows of these things; one whose rows cannot be stored is found by halves, and has none."""
    try:
        async with db.transaction():  # a savepoint
            await counts.copy_rows(db, settled)
    except fact_store.UNSTORABLE as error:
        entities = list(dict.fromkeys(row["entity"] for row in facts))
        if len(entities) == 1:
            settled.rows.clear()
            settled.programme_periods.clear()
            settled.failed[entities[0]] = error
            return [settled]
        first = set(entities[: len(entities) // 2])
        halves = [row for row in facts if row["entity"] in first], [row for row in facts if row["entity"] not in first]
        return [each for half in halves for each in await _copy_or_set_aside(db, half, await _settled(half))]
    return [settled]


async def _run(another: Another, statements: list[str]) -> None:
    """Statements that make indexes and count rows, until none is left."""
    async with another() as db:
        await db.execute(_SETTINGS.format(local="SESSION"))
        while statements:
            await db.execute(statements.pop(0))


async def _count_everything(db: asyncpg.Connection, left: list[Family], another: Another, tell: Tell) -> None:
    """On two connections: a statement that counts uses one core most of the time."""
    async with another() as second:
        await together(*(_count_some(each, left, tell) for each in (db, second)))


async def _count_some(db: asyncpg.Connection, left: list[Family], tell: Tell) -> None:
    while left:
        family = left.pop(0)
        tell(f"counting everything: {family.name}")
        async with db.transaction():
            # Another leader, if there is one, appends before this or after it, and then notes whom that affects.
            await db.execute("LOCK TABLE facts IN SHARE MODE", timeout=PATIENCE_SECONDS)
            await _count_family(db, family)


async def _count_family(db: asyncpg.Connection, family: Family) -> None:
    """As tables of their own, whose index is made when the rows are there."""
    await db.execute(_SETTINGS.format(local="LOCAL"))
    query = await counts.prepared(db, family, everything=True)
    await db.execute(f"DROP TABLE {family.table}")
    await db.execute(f"CREATE TABLE {family.table} AS {query}", timeout=PATIENCE_SECONDS)
    await db.execute(_INDEXES.format(table=family.table), timeout=PATIENCE_SECONDS)
    await db.execute(f"ANALYZE {family.table}", timeout=PATIENCE_SECONDS)
    await db.execute(_ADD_UP_EVERYTHING.format(table=family.table), timeout=PATIENCE_SECONDS)
    await db.execute("DELETE FROM sums WHERE family = $1", family.name, timeout=PATIENCE_SECONDS)
    await db.execute(_ADDED_UP, family.name, timeout=PATIENCE_SECONDS)
    await db.execute("INSERT INTO made VALUES ($1, false)", family.name)
