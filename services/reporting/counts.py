"""Things, counts and sums in the tables: what is the case, what every subject counts for, and what that adds up to.

Each statement serves a cut (the affected subjects) and a rebuild (all of them); both give the same sums. The table
`made` says which kinds of things and which families hold everything: what is missing is made from all facts, and until
then facts are only appended.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence

import asyncpg
import structlog

from services.chassis.now import now
from services.chassis.running import telemetry
from services.reporting import fact_store
from services.reporting.definitions import not_made
from services.reporting.fact_store import PATIENCE_SECONDS
from services.reporting.facts.events import Fact, IndicatorDefined
from services.reporting.figures import Family, families, functions
from services.reporting.publication import restates
from services.reporting.things import KINDS, ProgrammePeriod, Settled, settle

log = structlog.get_logger()

DEFINED = IndicatorDefined.__name__
_COLUMNS = "subject, programme, municipality, period, stratum, units, components, amounts"
_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    subject text, programme text, municipality text, period text, stratum text,
    units text[], components text[], amounts bigint[],
    PRIMARY KEY (programme, period, stratum, subject)
);
CREATE INDEX IF NOT EXISTS {table}_of_subject ON {table} (subject);
"""
_DIFFERING = """
CREATE TEMPORARY TABLE differing ON COMMIT DROP AS
WITH were AS MATERIALIZED (SELECT {columns} FROM {table} JOIN subjects USING (subject)),
are AS MATERIALIZED (SELECT {columns} FROM ({counting}) AS counted)
SELECT {columns}, -1 AS sign FROM (SELECT * FROM were EXCEPT SELECT * FROM are) AS went
UNION ALL SELECT {columns}, 1 FROM (SELECT * FROM are EXCEPT SELECT * FROM were) AS came
"""
_REMOVE = "DELETE FROM {table} WHERE {id} = ANY ($1)"
_AFFECT = """
INSERT INTO affected SELECT DISTINCT '{family}', subject, '{kind}:' || id
FROM ({affected}) AS found (id, subject) ON CONFLICT DO NOTHING
"""
_REDEFINE = """
INSERT INTO affected SELECT family, entity, entity FROM unnest($1::text[], $2::text[]) AS new (family, entity)
ON CONFLICT DO NOTHING
"""
_FRESH = ("entity", "topic", "partition", "incarnation", "offset", "event_id", "restates")
_STUCK = """
INSERT INTO stuck_things VALUES ($1, $2, $3) ON CONFLICT (entity) DO UPDATE SET reason = excluded.reason
"""
_SUBJECTS = """
CREATE TEMPORARY TABLE subjects ON COMMIT DROP AS
SELECT DISTINCT subject FROM affected WHERE family = '{family}' {of_programme_periods}
"""
_TOUCHED = """
CREATE TEMPORARY TABLE touched (
    family text, programme text, unit text, stratum text, period text, component text, subject text
) ON COMMIT DROP
"""
_TOUCH = """
INSERT INTO touched SELECT $1, programme, unit, stratum, period, component, subject
FROM differing, unnest(units) AS unit, unnest(components, amounts) AS counted (component, amount)
GROUP BY programme, unit, stratum, period, component, subject HAVING sum(sign * amount) <> 0
"""
_TOUCH_REDEFINED = """
INSERT INTO touched SELECT DISTINCT $1, programme, unit, stratum, period, '', subject
FROM sums CROSS JOIN affected AS redefined
WHERE sums.family = $1 AND redefined.family = $1 AND redefined.entity LIKE 'indicator:%'
"""
# What was published counts, too: nothing may be left of it.
_TOUCH_EVERYTHING = """
INSERT INTO touched
SELECT $1, programme, unit, stratum, period, '', '' FROM sums WHERE family = $1
UNION SELECT $1, programme, unit, stratum, period, '', '' FROM newest WHERE indicator = ANY ($2)
"""
_REMEMBER = "INSERT INTO {table} ({columns}) SELECT {columns} FROM differing WHERE sign = 1"
_FORGET = """
DELETE FROM {table} AS counted USING differing AS went WHERE sign = -1 AND counted.subject = went.subject
AND counted.programme = went.programme AND counted.period = went.period AND counted.stratum = went.stratum
"""
_ADD_UP = """
INSERT INTO sums AS known
SELECT $1, programme, unit, stratum, period, component, sum(sign * amount)
FROM differing, unnest(units) AS unit, unnest(components, amounts) AS counted (component, amount)
GROUP BY programme, unit, stratum, period, component
ON CONFLICT (family, programme, unit, stratum, period, component) DO UPDATE SET amount = known.amount + excluded.amount
"""
_MADE = re.compile(r"CREATE TEMPORARY TABLE (?P<name>\w+)")
_CHANGED_PERIODS = """
CREATE TEMPORARY TABLE changed_programme_periods ON COMMIT DROP AS
WITH are AS (SELECT programme, period, stratum FROM programme_periods WHERE amount > 0)
(TABLE are EXCEPT TABLE programme_periods_counted) UNION (TABLE programme_periods_counted EXCEPT TABLE are)
"""
_ANNOUNCE = "UPDATE made SET is_announced = true WHERE NOT is_announced RETURNING part"
_REMEMBER_PERIODS = """
INSERT INTO programme_periods_counted SELECT programme, period, stratum FROM programme_periods WHERE amount > 0
"""


async def prepare(db: asyncpg.Connection) -> None:
    """Make the tables of families that are new; until things are made, nobody asks for the facts of one."""
    for family in families().values():
        await db.execute(_TABLE.format(table=family.table))
    if not await made_of(db, KINDS):
        await db.execute("DROP INDEX IF EXISTS facts_of_entity")


async def has_things(db: asyncpg.Connection) -> bool:
    """Whether things are made of each fact as it comes."""
    return bool(await made_of(db, KINDS))


async def made_of(db: asyncpg.Connection, parts: Iterable[str]) -> list[str]:
    made = {row["part"] for row in await db.fetch("TABLE made")}
    return [part for part in parts if part in made]


async def append(db: asyncpg.Connection, facts: Sequence[Fact]) -> None:
    """Store facts, and bring the things that they are about up to date; within a transaction."""
    for fact in facts:
        if fact.name == DEFINED and isinstance(fact.body, IndicatorDefined) and (names := not_made(fact.body)):
            log.warning("definition_names_what_is_not_made_here", definition=fact.entity, names=names)
    kinds = set(await made_of(db, KINDS))
    of_kinds = [fact for fact in facts if _kind_of(fact) in kinds]
    earlier = await fact_store.facts_of(db, {fact.entity for fact in of_kinds}) if kinds else {}
    await fact_store.append(db, facts)
    await _store_things(db, await asyncio.to_thread(settle, earlier, of_kinds))  # nobody who reads waits for it


def _kind_of(fact: Fact) -> str:
    return fact.entity.partition(":")[0]


async def _store_things(db: asyncpg.Connection, settled: Settled) -> None:
    entities = {f"{kind}:{each}" for kind, ids in settled.ids.items() for each in ids}
    await db.execute("DELETE FROM stuck_things WHERE entity = ANY ($1)", entities - settled.failed.keys())
    await set_aside(db, settled.failed)
    counted = [families()[name] for name in await made_of(db, families())]
    await _note_affected(db, counted, settled.known)
    for kind, ids in settled.known.items():
        for table in KINDS[kind].tables:
            await db.execute(_REMOVE.format(table=table, id=KINDS[kind].id_column), ids)
    await copy_rows(db, settled)
    await count_programme_periods(db, settled.programme_periods.items())
    await _note_affected(db, counted, settled.ids)
    if counted:
        await _note_fresh(db, settled.fresh)


async def try_things_again(db: asyncpg.Connection) -> None:
    """Make the things that could not be made: this release may be the one that can."""
    for row in await db.fetch("SELECT entity FROM stuck_things"):
        facts = await fact_store.facts_of(db, [row["entity"]])
        try:
            async with db.transaction():
                await _store_things(db, settle({}, facts[row["entity"]]))
        except fact_store.UNSTORABLE as error:
            log.error("thing_stuck", **telemetry.origin(error))


async def set_aside(db: asyncpg.Connection, failed: Mapping[str, Exception]) -> None:
    for entity, error in failed.items():
        log.error("thing_stuck", **telemetry.origin(error))
        await db.execute(_STUCK, entity, telemetry.origin_in_words(error), now())


async def copy_rows(db: asyncpg.Connection, settled: Settled) -> None:
    for table, rows in settled.rows.items():
        if rows:
            await db.copy_records_to_table(table, records=rows)


async def count_programme_periods(db: asyncpg.Connection, amounts: Iterable[tuple[ProgrammePeriod, int]]) -> None:
    await db.executemany(
        "INSERT INTO programme_periods AS known VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (programme, period, stratum) DO UPDATE SET amount = known.amount + excluded.amount",
        [(*period, amount) for period, amount in amounts if amount],
    )


async def _note_affected(db: asyncpg.Connection, counted: Iterable[Family], ids: dict[str, list[str]]) -> None:
    for family in counted:
        for kind, some in ids.items():
            if kind in family.affected:
                await db.execute(_AFFECT.format(family=family.name, kind=kind, affected=family.affected[kind]), some)


async def _note_fresh(db: asyncpg.Connection, facts: Sequence[Fact]) -> None:
    rows = [
        (each.entity, each.topic, each.partition, each.incarnation, each.offset, each.event_id, restates(each))
        for each in facts
    ]
    await db.copy_records_to_table("fresh", records=rows, columns=_FRESH)
    defined = [
        (functions()[fact.body.function].family, fact.entity)
        for fact in facts
        if isinstance(fact.body, IndicatorDefined) and fact.body.function in functions()
    ]
    if defined:
        await db.execute(_REDEFINE, *zip(*defined, strict=True))


async def count(db: asyncpg.Connection) -> list[str]:
    """Count and add up what is affected; within a transaction, and with nothing missing.

    Returns which families were counted from everything since the last cut. Leaves the table `touched`: the cells that
    changed, and by which subject and component.
    """
    await db.execute(_TOUCHED)
    await db.execute(_CHANGED_PERIODS)
    for family in families().values():
        await _count_affected(db, family)
    await remember_periods(db)
    anew = [row["part"] for row in await db.fetch(_ANNOUNCE)]
    for name in anew:
        indicators = await _indicators_of(db, families()[name])
        await db.execute(_TOUCH_EVERYTHING, name, indicators, timeout=PATIENCE_SECONDS)
    await db.execute("ANALYZE touched")
    return anew


async def remember_periods(db: asyncpg.Connection) -> None:
    async with db.transaction():
        await db.execute("DELETE FROM programme_periods_counted")
        await db.execute(_REMEMBER_PERIODS)


async def forget_changes(db: asyncpg.Connection) -> None:
    await db.execute("DELETE FROM affected")
    await db.execute("DELETE FROM fresh")


async def count_everything_anew(db: asyncpg.Connection) -> None:
    """Let everything be counted, and the next cut compare it with what was published."""
    await db.execute("DELETE FROM made WHERE part = ANY ($1)", list(families()))


async def _count_affected(db: asyncpg.Connection, family: Family) -> None:
    of_programme_periods = f"UNION {family.of_programme_periods}" if family.of_programme_periods else ""
    made = await db.execute(_SUBJECTS.format(family=family.name, of_programme_periods=of_programme_periods))
    if made != "SELECT 0":
        await db.execute("ANALYZE subjects")
        counting = await prepared(db, family, everything=False)
        await db.execute(_DIFFERING.format(columns=_COLUMNS, table=family.table, counting=counting))
        await db.execute(_FORGET.format(table=family.table))
        await db.execute(_REMEMBER.format(table=family.table, columns=_COLUMNS))
        await db.execute(_ADD_UP, family.name)
        await db.execute(_TOUCH, family.name)
        await db.execute("DROP TABLE differing")
        await db.execute(_TOUCH_REDEFINED, family.name)
    await db.execute("DROP TABLE subjects")


async def _indicators_of(db: asyncpg.Connection, family: Family) -> list[str]:
    return [each.indicator for each in await fact_store.definitions(db) if each.function in family.functions]


async def prepared(db: asyncpg.Connection, family: Family, *, everything: bool) -> str:
    """Make the tables on the way to the counts; returns the query that gives the counts."""
    steps, query = family.counts(everything=everything)
    for step in steps:
        await db.execute(step, timeout=PATIENCE_SECONDS)
        await db.execute(f"ANALYZE {_made_in(step)}")
    return query


def _made_in(step: str) -> str:
    made = _MADE.search(step)
    assert made is not None, "each step makes a table"
    return made["name"]
