"""The events behind a figure: what was said, below a cut, of each thing that counts in it.

A page costs what it shows: things are found by index, some at a time, in the order of their ids.
"""

import json
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from services.chassis.running.database import Connection
from services.reporting import fact_store
from services.reporting.facts import folds
from services.reporting.facts.events import READ, Fact, IndicatorDefined
from services.reporting.figures import Family, families, functions
from services.reporting.figures.values import Cell
from services.reporting.publication import cell_of, figures_of
from services.reporting.who_sees import Own

CURSOR = re.compile(r"([!-?A-~]+)@([A-Za-z0-9._-]+)/([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,18})")
"""A key as a cursor."""
FEW, MANY = 10, 100  # subjects at a time: at first few, for a school can have a thousand activities
# Its first line gives $1 a type, where no `at_sites` does.
_SUBJECTS = """
WITH sites AS (SELECT $1::text[])
SELECT DISTINCT subject FROM {among}
WHERE (programme, period, stratum) = ($2, $3, $4) AND $5 = ANY (units) AND ($6::text[] IS NULL OR units && $6)
    AND subject {since} $7 AND components && $8
ORDER BY subject LIMIT $9
"""
_SUMS = """
SELECT component, amount FROM sums
WHERE family = $1 AND (programme, unit, stratum, period) = ($2, $3, $4, $5)
"""
_AT_SITES = "({at_sites}) AS found (subject) JOIN {table} USING (subject)"
_IN_NEIGHBOURHOOD = "SELECT DISTINCT site_id FROM site_records WHERE neighbourhood = $1"
_BEHIND = """
WITH cell AS (SELECT $2::text AS programme, $3::text AS stratum, $4::text AS period),
subjects AS (SELECT unnest($1::text[]) AS subject)
SELECT DISTINCT subject, thing FROM ({sources}) AS behind
"""


class SourceKey(NamedTuple):
    """Where an event stands among those behind a figure."""

    counts_for: str
    """The thing for which it counts, such as `group:duo:16NV00-7`; for the figure's definition itself."""
    topic: str
    partition: int
    incarnation: int
    offset: int

    @property
    def cursor(self) -> str:
        return f"{self.counts_for}@{self.topic}/{self.partition}/{self.incarnation}/{self.offset}"


def key_in(cursor: str | None) -> SourceKey | None:
    said = CURSOR.fullmatch(cursor) if cursor else None
    return SourceKey(said[1], said[2], *(int(number) for number in said.groups()[2:])) if said else None


class Source(NamedTuple):
    """An event behind a figure."""

    key: SourceKey
    fact: Fact


async def sources(
    db: Connection, key: str, *, own: Own, below: fact_store.Vector, after: SourceKey | None
) -> AsyncGenerator[Source]:
    """The events behind a figure, below a vector: its definition, then what counts in it, in the order of their keys.
    An event is there once for each thing for which it counts. `own`: only what counts for these units.

    There are none if this release does not compute the figure. Call within a repeatable-read transaction.
    """
    indicator, version, cell = cell_of(key)
    defined = await _definition_of(db, indicator, version)
    if defined is None:
        return
    family = families()[functions()[defined.function].family]
    reached = after.counts_for if after else ""
    definition, first = f"indicator:{indicator}", f"{family.kind}:"
    if not reached.startswith(first):
        for source in await _said(db, {definition: [definition]}, below, after):
            yield source
    components = await _components(db, family, defined, cell)
    async for subjects in _subjects(db, family, cell, components, own, reached.removeprefix(first) if after else ""):
        for source in await _said(db, await _behind(db, family, cell, subjects), below, after):
            yield source


async def first_sources(
    db: Connection, key: str, *, own: Own, below: fact_store.Vector, after: SourceKey | None, most: int
) -> list[Source]:
    found: list[Source] = []
    async with aclosing(sources(db, key, own=own, below=below, after=after)) as behind:
        async for source in behind:
            found.append(source)
            if len(found) == most:
                break
    return found


async def site_names(db: Connection, unit: str, found: Sequence[Source]) -> dict[str, str]:
    site_ids = {unit.removeprefix("site:")} if unit.startswith("site:") else set()
    for fact in (source.fact for source in found):
        one, some = getattr(fact.body, "site_id", None), getattr(fact.body, "site_ids", ())
        site_ids |= {each for each in (one, *some) if each}
    return await fact_store.site_names(db, site_ids)


async def partner_names(db: Connection, found: Sequence[Source]) -> dict[str, str]:
    said = [json.loads(source.fact.data) for source in found]
    ids = {each["partnerId"] for each in said if "partnerId" in each}
    return await fact_store.partner_names(db, ids.union(*(each.get("partnerIds", ()) for each in said)))


async def _definition_of(db: Connection, indicator: str, version: int) -> IndicatorDefined | None:
    for each in await fact_store.definitions(db):
        if (each.indicator, each.definition_version) == (indicator, version) and each.function in functions():
            return each
    return None


async def _components(db: Connection, family: Family, defined: IndicatorDefined, cell: Cell) -> list[str]:
    """Those of the cell's sums on which the figure rests: a family's table has what others rest on, too."""
    rows = await db.fetch(_SUMS, family.name, *cell)
    sums = {row["component"]: row["amount"] for row in rows}
    return [component for figure in figures_of([defined], cell, sums) for component in figure.rests_on]


async def _subjects(
    db: Connection, family: Family, cell: Cell, components: Sequence[str], own: Own, since: str
) -> AsyncGenerator[list[str]]:
    sites = await _sites_of(db, cell.unit, own)
    among = family.table if sites is None else _AT_SITES.format(at_sites=family.at_sites, table=family.table)
    comparison, number = ">=", FEW
    while True:
        rows = await db.fetch(
            _SUBJECTS.format(among=among, since=comparison),
            sites,
            cell.programme,
            cell.period,
            cell.stratum,
            cell.unit,
            own,
            since,
            components,
            number,
        )
        found = [row["subject"] for row in rows]
        if found:
            yield found
        if len(found) < number:
            return
        comparison, since, number = ">", found[-1], MANY


async def _sites_of(db: Connection, unit: str, own: Own) -> list[str] | None:
    """The sites to which all belong that counts in a unit, and for these units; None where that are most of them."""
    kind, _, id_ = unit.partition(":")
    match kind:
        case "site":
            return [id_]
        case "neighbourhood":
            return [row["site_id"] for row in await db.fetch(_IN_NEIGHBOURHOOD, id_)]
        case _ if own is not None:
            return [each.removeprefix("site:") for each in own if each.startswith("site:")]
    return None


async def _behind(db: Connection, family: Family, cell: Cell, subjects: Sequence[str]) -> Mapping[str, list[str]]:
    query = _BEHIND.format(sources=family.sources)
    rows = await db.fetch(query, subjects, cell.programme, cell.stratum, cell.period)
    things: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        things[row["subject"]].append(row["thing"])
    return {f"{family.kind}:{subject}": things[subject] for subject in subjects}


async def _said(
    db: Connection, behind: Mapping[str, list[str]], below: fact_store.Vector, after: SourceKey | None
) -> list[Source]:
    facts = await fact_store.facts_of(db, {thing for things in behind.values() for thing in things})
    found: list[Source] = []
    for counts_for, things in behind.items():
        told = [
            Source(SourceKey(counts_for, fact.topic, fact.partition, fact.incarnation, fact.offset), fact)
            for thing in things
            for fact in _below(facts.get(thing, ()), below)
        ]
        found += sorted(told)
    return [each for each in found if after is None or each.key.counts_for != after.counts_for or each.key > after]


def _below(facts: Sequence[Fact], vector: fact_store.Vector) -> list[Fact]:
    known = [
        fact
        for fact in facts
        if (fact.incarnation, fact.offset) < vector.get((fact.topic, fact.partition), (1, 0)) and fact.name in READ
    ]
    return folds.that_happened(folds.distinct(known).values()) if known else []
