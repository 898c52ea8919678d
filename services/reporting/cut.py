"""A cut: what was known, and the figures that changed since the one before.

Guarantee: a cut, its figures and their events are committed in one transaction, whose snapshot *is* the cut, and only
if the stored positions are those up to which this process appended. `CutTaken` and the figures reach the topic in any
order.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import asyncpg
import structlog

from contracts.metrics import CutTaken, MetricRestated, Offsets, Position
from contracts.topics import INPUTS, PARTITIONS
from contracts.values import calendar_day
from services.chassis.messaging import outbox
from services.chassis.messaging.positions import (
    Incarnations,
    Positions,
    Skipped,
    load_incarnations,
    load_positions,
)
from services.chassis.now import now
from services.chassis.running import telemetry
from services.chassis.running.database import Connection, Transaction
from services.reporting import counts, fact_store, figure_store, publication
from services.reporting.ahead import ahead
from services.reporting.figures.values import Cell
from services.reporting.publication import Causes, ComputedFigure, Published

log = structlog.get_logger()

IN_A_TURN = 50  # cells or figures: some 3 ms; others have their turn in between
CELLS = 300  # computed at a time: with some two figures each, three parts of them are in memory
MAX_SKIPS = 500  # that a cut names: 40 KB; the next one goes on
_CELLS = """
SELECT family, programme, unit, stratum, period,
    coalesce(array_agg(component) FILTER (WHERE component IS NOT NULL), '{}') AS components,
    coalesce(array_agg(amount) FILTER (WHERE component IS NOT NULL), '{}') AS amounts
FROM (SELECT DISTINCT family, programme, unit, stratum, period FROM touched) AS cell
LEFT JOIN sums USING (family, programme, unit, stratum, period)
GROUP BY family, programme, unit, stratum, period
"""
_CAUSES = """
SELECT DISTINCT family, programme, unit, stratum, period, component, fresh.entity, topic, partition, incarnation,
    "offset", event_id, restates
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS cell (family, programme, unit, stratum, period)
JOIN touched USING (family, programme, unit, stratum, period)
JOIN affected USING (family, subject) JOIN fresh ON fresh.entity = affected.entity
ORDER BY topic, partition, incarnation, "offset"
"""
_STUCK = "INSERT INTO stuck VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"


class FamilyCell(NamedTuple):
    """A cell of a family."""

    family: str
    cell: Cell


class Changed(NamedTuple):
    """A figure that differs from what was published."""

    where: FamilyCell
    figure: ComputedFigure
    digest: str
    before: Published | None


def vector_of(positions: Positions, incarnations: Incarnations) -> tuple[Offsets, ...]:
    return tuple(
        Offsets(
            topic=topic,
            offsets=tuple(positions[topic, partition] for partition in range(PARTITIONS)),
            incarnation=number if (number := incarnations.get(topic, 1)) > 1 else None,
        )
        for topic in INPUTS
    )


def has_named_all(taken: CutTaken) -> bool:
    """Whether nothing below its vector is left for the next cut to name as skipped."""
    return len(taken.skipped) < MAX_SKIPS


def is_new_day(last_day: date | None, day: date) -> bool:
    """Whether a day has begun since the last cut. One before it, where the simulated time was set back, is none."""
    return last_day is not None and day > last_day


async def check_positions(db: asyncpg.Connection, positions: Positions, incarnations: Incarnations) -> None:
    """Raise `Skipped` unless these are stored: another leader appended, or an operator adopted a topic."""
    stored = await load_positions(db, INPUTS), await load_incarnations(db, INPUTS)
    if stored != (positions, {topic: incarnations.get(topic, 1) for topic in INPUTS}):
        raise Skipped("the stored positions are not this process's: another leader appended, or a topic was adopted")


async def take(
    db: asyncpg.Connection,
    source: str,
    positions: Positions,
    incarnations: Incarnations = MappingProxyType({}),
) -> CutTaken:
    """Count what changed, take a cut, and announce it with the figures that are other ones now.

    Raises `Skipped` when another leader has appended facts.
    """
    last_cut, last_known_at, _ = await figure_store.last_cut(db)
    known_at = now()
    if last_known_at is not None:
        known_at = max(known_at, last_known_at + timedelta(milliseconds=1))
    async with db.transaction(isolation="repeatable_read"):
        await check_positions(db, positions, incarnations)
        epoch = await db.fetchval("SELECT epoch FROM stream")
        tx = Transaction(db, known_at, source, epoch)
        anew = await counts.count(db)
        figure_count = await _publish_changed(tx, last_cut + 1, anew)
        taken = CutTaken(
            cut_id=last_cut + 1,
            vector=vector_of(positions, incarnations),
            day=calendar_day(known_at),
            known_at=known_at,
            skipped=tuple(
                Position(topic=topic, partition=partition, offset=offset)
                for topic, partition, offset in await fact_store.name_skipped(db, last_cut + 1, MAX_SKIPS)
            ),
            figure_count=figure_count,
        )
        await figure_store.save_cut(db, taken)
        await outbox.stage(tx, outbox.encoded(tx, taken, key="cut", epoch=epoch, version=1))
        await counts.forget_changes(db)
    if anew:  # PostgreSQL would plan the next cuts as for empty tables, until it does this by itself
        await db.execute("ANALYZE sums, newest, figures", timeout=fact_store.PATIENCE_SECONDS)
    return taken


async def _publish_changed(tx: Transaction, cut_id: int, anew: Collection[str]) -> int:
    """Announce every figure that is another one now; returns how many. One that cannot be announced stays behind.

    A figure of a family that was counted `anew` changed without an event: after a loss, or because a release counts
    otherwise. That restates it."""
    stuck = await _try_stuck_again(tx.db)
    definitions, count = publication.computable(await fact_store.definitions(tx.db)), 0
    announce = partial(_announced, tx, cut_id=cut_id, anew=anew)
    async for (_, _, failed), announced in ahead(announce, _changed_cells(tx.db, definitions)):
        await outbox.stage(tx, announced.messages)
        await figure_store.save_figures(tx.db, announced.rows)
        for where, error in (*failed, *announced.failed):
            await _set_aside(tx, where, error, stuck)
        count += len(announced.rows)
    return count


Failed = list[tuple[FamilyCell, Exception]]


class _Cause(NamedTuple):
    component: str
    entity: str
    event_id: str
    restates: bool


class _ChangedCells(NamedTuple):
    figures: list[Changed]
    causes: Mapping[FamilyCell, Sequence[_Cause]]
    failed: Failed


async def _changed_cells(db: Connection, definitions: publication.DefinitionsByFamily) -> AsyncIterator[_ChangedCells]:
    compute = partial(_computed, definitions=definitions)
    async for _, (figures, failed) in ahead(compute, touched_cells(db)):
        changed = await _changed(db, figures)
        yield _ChangedCells(changed, await _causes(db, {each.where for each in changed if each.before}), failed)


async def _computed(
    cells: Sequence[tuple[FamilyCell, dict[str, int]]], definitions: publication.DefinitionsByFamily
) -> tuple[list[tuple[FamilyCell, ComputedFigure]], Failed]:
    figures: list[tuple[FamilyCell, ComputedFigure]] = []
    failed: Failed = []
    for number, (where, sums) in enumerate(cells):
        if number % IN_A_TURN == 0:
            await asyncio.sleep(0)
        for definition in definitions.get(where.family, ()):
            try:
                figures += [(where, each) for each in publication.figures_of([definition], where.cell, sums)]
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                failed.append((where, error))
    return figures, failed


async def _try_stuck_again(db: Connection) -> dict[FamilyCell, datetime]:
    await db.execute("INSERT INTO touched SELECT family, programme, unit, stratum, period, '', '' FROM stuck")
    return {
        FamilyCell(family, Cell(*cell)): since
        for family, *cell, _, since in await db.fetch("DELETE FROM stuck RETURNING *")
    }


async def touched_cells(db: Connection) -> AsyncIterator[list[tuple[FamilyCell, dict[str, int]]]]:
    found: list[tuple[FamilyCell, dict[str, int]]] = []
    async for row in db.cursor(_CELLS, prefetch=CELLS, timeout=fact_store.PATIENCE_SECONDS):
        where = FamilyCell(row["family"], Cell(row["programme"], row["unit"], row["stratum"], row["period"]))
        found.append((where, dict(zip(row["components"], row["amounts"], strict=True))))
        if len(found) == CELLS:
            yield found
            found = []
    yield found


async def _changed(db: Connection, figures: Sequence[tuple[FamilyCell, ComputedFigure]]) -> list[Changed]:
    published = await figure_store.newest_figures(db, [figure.key for _, figure in figures])
    changed: list[Changed] = []
    for where, figure in figures:
        before, digest = published.get(figure.key), publication.digest_of(figure.fields)
        is_known = before.digest == digest if before else publication.is_emptied(figure.fields)
        if not is_known:
            changed.append(Changed(where, figure, digest, before))
    return changed


async def _causes(db: Connection, cells: Collection[FamilyCell]) -> dict[FamilyCell, list[_Cause]]:
    """The facts since the last cut that changed something in these cells, in the order of their topics; none where all
    is ordinary growth, which nobody asks the causes of."""
    found: defaultdict[FamilyCell, list[_Cause]] = defaultdict(list)
    if not cells or not await db.fetchval("SELECT EXISTS (SELECT FROM fresh WHERE restates)"):
        return found
    columns = zip(*((where.family, *where.cell) for where in cells), strict=True)
    for row in await db.fetch(_CAUSES, *columns):
        where = FamilyCell(row["family"], Cell(row["programme"], row["unit"], row["stratum"], row["period"]))
        found[where].append(_Cause(row["component"], row["entity"], row["event_id"], row["restates"]))
    return found


def _causes_of(figure: ComputedFigure, causes: Sequence[_Cause], *, is_anew: bool) -> Causes:
    """Those that changed a component on which this figure rests, and its own definition (ruling 44)."""
    its_definition = f"indicator:{figure.indicator}"
    its_own = [each for each in causes if each.component in figure.rests_on or each.entity == its_definition]
    restate = is_anew or any(each.restates for each in its_own)
    return Causes(list(dict.fromkeys(each.event_id for each in its_own)), restate)


class _Announced(NamedTuple):
    messages: list[outbox.Staged]
    rows: list[figure_store.FigureRow]
    failed: Failed


async def _announced(tx: Transaction, changed: _ChangedCells, cut_id: int, anew: Collection[str]) -> _Announced:
    found = _Announced([], [], [])
    for number, each in enumerate(changed.figures):
        if number % IN_A_TURN == 0:
            await asyncio.sleep(0)
        before = each.before
        version = before.version + 1 if before else 1
        why = _causes_of(each.figure, changed.causes.get(each.where, ()), is_anew=each.where.family in anew)
        try:
            events = publication.announced(each.figure.fields, each.digest, before, why, cut_id=cut_id, known_at=tx.now)
            staged: list[outbox.Staged] = []
            for event in events:
                # A restatement goes to the history topic; the current topic carries MetricPublished only.
                its = outbox.encoded(tx, event, key=each.figure.key, epoch=tx.epoch, version=version)
                staged += its if len(events) == 1 or isinstance(event, MetricRestated) else its[:1]
            if also := each.figure.function.also:
                beside = also(each.figure.fields, cut_id, tx.now)
                staged += outbox.encoded(tx, beside, key=each.figure.key, epoch=tx.epoch, version=version)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            found.failed.append((each.where, error))
            continue
        found.messages.extend(staged)
        data = events[-1].model_dump_json(by_alias=True, exclude_none=True)
        found.rows.append((each.figure.key, cut_id, version, tx.epoch, tx.now, each.digest, data))
    return found


async def _set_aside(tx: Transaction, where: FamilyCell, error: Exception, stuck: dict[FamilyCell, datetime]) -> None:
    log.error("figure_stuck", **telemetry.origin(error))
    reason = telemetry.origin_in_words(error)
    await tx.db.execute(_STUCK, where.family, *where.cell, reason, stuck.get(where, tx.now))
