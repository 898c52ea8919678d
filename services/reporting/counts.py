"""Counts and sums in the tables: what every subject counts for, and what that adds up to in every cell.

Each statement serves a cut (the affected subjects) and a rebuild (all of them); both give the same sums.
"""

import re
from collections.abc import Iterable, Sequence

import asyncpg

from services.reporting import store
from services.reporting.facts.events import Fact
from services.reporting.figures import Family, families
from services.reporting.things import KINDS, ProgrammeYear, Settled, settle

WORK_MEMORY = "128MB"  # for each sort of a whole year; the default of 4 MB puts them on disk
_COLUMNS = "subject, programme, period, stratum, units, components, amounts"
_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    subject text, programme text, period text, stratum text, units text[], components text[], amounts bigint[],
    PRIMARY KEY (subject, programme, period, stratum)
)
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
INSERT INTO affected SELECT '{family}', subject FROM ({affected}) AS found (subject) ON CONFLICT DO NOTHING
"""
_SUBJECTS = """
CREATE TEMPORARY TABLE subjects ON COMMIT DROP AS
SELECT DISTINCT subject FROM affected WHERE family = '{family}' {of_programme_years}
"""
_REMEMBER = "INSERT INTO {table} SELECT {columns} FROM differing WHERE sign = 1"
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
_MADE = re.compile(r"CREATE TEMPORARY TABLE (?P<name>\w+)")
_CHANGED_YEARS = """
CREATE TEMPORARY TABLE changed_programme_years ON COMMIT DROP AS
WITH are AS (SELECT programme, school_year, stratum FROM programme_years WHERE amount > 0)
(TABLE are EXCEPT TABLE programme_years_counted) UNION (TABLE programme_years_counted EXCEPT TABLE are)
"""
_REMEMBER_YEARS = """
INSERT INTO programme_years_counted SELECT programme, school_year, stratum FROM programme_years WHERE amount > 0
"""


async def prepare(db: asyncpg.Connection) -> None:
    """Make the tables of families that are new."""
    for family in families().values():
        await db.execute(_TABLE.format(table=family.table))


async def append(db: asyncpg.Connection, facts: Sequence[Fact], *, notes: bool = True) -> None:
    """Store facts, and bring the things that they are about up to date; within a transaction."""
    earlier = await store.facts_of(db, {fact.entity for fact in facts})
    await store.append(db, facts)
    await _store_things(db, settle(earlier, facts), notes=notes)


async def _store_things(db: asyncpg.Connection, settled: Settled, *, notes: bool) -> None:
    """Replace the rows of the things that changed; `notes` which subjects that affects, for the next cut."""
    if notes:
        await _note_affected(db, settled.known)
    for kind, ids in settled.known.items():
        for table in KINDS[kind].tables:
            await db.execute(_REMOVE.format(table=table, id=KINDS[kind].id_column), ids)
    for table, rows in settled.rows.items():
        if rows:
            await db.copy_records_to_table(table, records=rows)
    await _count_programme_years(db, settled.programme_years.items())
    if notes:
        await _note_affected(db, settled.ids)


async def _count_programme_years(db: asyncpg.Connection, amounts: Iterable[tuple[ProgrammeYear, int]]) -> None:
    await db.executemany(
        "INSERT INTO programme_years AS known VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (programme, school_year, stratum) DO UPDATE SET amount = known.amount + excluded.amount",
        [(*year, amount) for year, amount in amounts if amount],
    )


async def _note_affected(db: asyncpg.Connection, ids: dict[str, list[str]]) -> None:
    for family in families().values():
        for kind, some in ids.items():
            if kind in family.affected:
                await db.execute(_AFFECT.format(family=family.name, affected=family.affected[kind]), some)


async def count(db: asyncpg.Connection, *, everything: bool) -> None:
    """Count and add up what is affected, or everything; within a transaction."""
    await db.execute(_CHANGED_YEARS)
    for family in families().values():
        if everything:
            await _count_everything(db, family)
        else:
            await _count_affected(db, family)
    await db.execute("DELETE FROM affected")
    await db.execute("DELETE FROM programme_years_counted")
    await db.execute(_REMEMBER_YEARS)


async def _count_affected(db: asyncpg.Connection, family: Family) -> None:
    of_programme_years = f"UNION {family.of_programme_years}" if family.of_programme_years else ""
    made = await db.execute(_SUBJECTS.format(family=family.name, of_programme_years=of_programme_years))
    if made != "SELECT 0":
        await db.execute("ANALYZE subjects")
        counting = await _prepared(db, family, everything=False)
        await db.execute(_DIFFERING.format(columns=_COLUMNS, table=family.table, counting=counting))
        await db.execute(_FORGET.format(table=family.table))
        await db.execute(_REMEMBER.format(table=family.table, columns=_COLUMNS))
        await db.execute(_ADD_UP, family.name)
        await db.execute("DROP TABLE differing")
    await db.execute("DROP TABLE subjects")


async def _count_everything(db: asyncpg.Connection, family: Family) -> None:
    """As tables of their own: PostgreSQL makes those with all its cores, and the index when the rows are there."""
    await db.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    query = await _prepared(db, family, everything=True)
    await db.execute(f"DROP TABLE {family.table}")
    await db.execute(f"CREATE TABLE {family.table} AS {query}")
    await db.execute(f"ALTER TABLE {family.table} ADD PRIMARY KEY (subject, programme, period, stratum)")
    await db.execute(_ADD_UP_EVERYTHING.format(table=family.table))
    await db.execute("DELETE FROM sums WHERE family = $1", family.name)
    await db.execute(
        "INSERT INTO sums SELECT $1, programme, unit, stratum, period, component, amount FROM added_up", family.name
    )
    await db.execute("DROP TABLE added_up")


async def _prepared(db: asyncpg.Connection, family: Family, *, everything: bool) -> str:
    """Make the tables on the way to the counts; returns the query that gives the counts."""
    steps, query = family.counts(everything=everything)
    for step in steps:
        await db.execute(step)
        await db.execute(f"ANALYZE {_made_in(step)}")
    return query


def _made_in(step: str) -> str:
    made = _MADE.search(step)
    assert made is not None, "each step makes a table"
    return made["name"]
