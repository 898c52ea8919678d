"""A cut: what was known, and the figures that changed since the one before.

Guarantee: a cut, its figures and their events are committed in one transaction, and only if the stored positions are
those up to which this process has facts in memory. `CutTaken` and the figures reach the topic in any order.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType

import asyncpg

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
from services.chassis.running.database import Transaction
from services.reporting import publication, store
from services.reporting.facts.events import Fact
from services.reporting.facts.ledger import Ledger
from services.reporting.figures.totals import Totals, Touched
from services.reporting.publication import Fields, Published


@dataclass(frozen=True, slots=True)
class Restated:
    """A figure that differs from what was published, and the facts that changed it.

    Whether it is announced as a restatement depends on these facts.
    """

    fields: Fields
    digest: str
    facts: list[list[Fact]]


@dataclass(slots=True)
class Figures:
    """Everything that the leader holds in memory. The next leader loads it again from the tables."""

    ledger: Ledger = field(default_factory=Ledger)
    totals: Totals = field(default_factory=Totals)
    published: dict[str, Published] = field(default_factory=dict)
    unpublished: dict[str, Restated] = field(default_factory=dict)
    """Figures that differ from what was published; the next cut announces them."""
    last_cut: int = 0
    last_known_at: datetime | None = None
    last_day: date | None = None

    def recompute(self) -> None:
        """Bring everything up to date; figures that now differ from what was published go to `unpublished`."""
        changes = self.ledger.settle()
        touched: Touched = self.totals.update(self.ledger, changes)
        if any(change.kind == "indicator" for change in changes):  # a new definition can change every figure
            touched = {where: touched.get(where, []) for where in self.totals.sums}
        for key, where, fields in publication.figures(self.totals, self.ledger, touched):
            before = self.published.get(key)
            digest = publication.digest_of(fields)
            if before.digest == digest if before else publication.is_emptied(fields):
                self.unpublished.pop(key, None)
            else:
                waiting = self.unpublished[key].facts if key in self.unpublished else []
                self.unpublished[key] = Restated(fields, digest, [*waiting, *touched[where]])

    def is_due(self, day: date) -> bool:
        """Whether facts came or figures changed since the last cut, or a new day has begun.

        A day before that of the last cut, where the simulated time was set back, is no new day.
        """
        return bool(self.ledger.fresh or self.unpublished) or (self.last_day is not None and day > self.last_day)


def vector_of(positions: Positions, incarnations: Incarnations) -> tuple[Offsets, ...]:
    return tuple(
        Offsets(
            topic=topic,
            offsets=tuple(positions[topic, partition] for partition in range(PARTITIONS)),
            incarnation=number if (number := incarnations.get(topic, 1)) > 1 else None,
        )
        for topic in INPUTS
    )


async def check_positions(db: asyncpg.Connection, positions: Positions, incarnations: Incarnations) -> None:
    """Raise `Skipped` unless these are stored: another leader appended, or an operator adopted a topic."""
    stored = await load_positions(db, INPUTS), await load_incarnations(db, INPUTS)
    if stored != (positions, {topic: incarnations.get(topic, 1) for topic in INPUTS}):
        raise Skipped("the stored positions are not this process's: another leader appended, or a topic was adopted")


async def take(
    db: asyncpg.Connection,
    source: str,
    figures: Figures,
    positions: Positions,
    incarnations: Incarnations = MappingProxyType({}),
) -> int:
    """Take a cut and announce it with the figures that changed; returns its id.

    Raises `Skipped` when another leader has appended facts.
    """
    changed = figures.unpublished
    known_at = now()
    if figures.last_known_at is not None:
        known_at = max(known_at, figures.last_known_at + timedelta(milliseconds=1))
    cut_id = figures.last_cut + 1
    async with db.transaction(isolation="repeatable_read"):
        await check_positions(db, positions, incarnations)
        epoch = await db.fetchval("SELECT epoch FROM stream")
        tx = Transaction(db, known_at, source, epoch)
        taken = CutTaken(
            cut_id=cut_id,
            vector=vector_of(positions, incarnations),
            day=calendar_day(known_at),
            known_at=known_at,
            skipped=tuple(
                Position(topic=topic, partition=partition, offset=offset)
                for topic, partition, offset in await store.skipped(db)
            ),
            figure_count=len(changed),
        )
        await store.save_cut(
            db,
            cut_id=cut_id,
            day=taken.day,
            known_at=known_at,
            figure_count=len(changed),
            event=taken.model_dump_json(by_alias=True, exclude_none=True),
        )
        await outbox.stage(tx, outbox.encoded(tx, taken, key="cut", epoch=epoch, version=1))
        published = await _announce(tx, figures, changed, cut_id, epoch)
    figures.published |= published
    figures.unpublished = {}
    figures.last_cut, figures.last_known_at, figures.last_day = cut_id, known_at, taken.day
    return cut_id


async def _announce(
    tx: Transaction, figures: Figures, changed: dict[str, Restated], cut_id: int, epoch: int
) -> dict[str, Published]:
    messages: list[outbox.Staged] = []
    rows: list[store.FigureRow] = []
    published: dict[str, Published] = {}
    for key, restated in changed.items():
        before = figures.published.get(key)
        version = before.version + 1 if before else 1
        causes = publication.causes_of(restated.facts) if before else []
        events = publication.announced(restated.fields, restated.digest, before, causes, cut_id=cut_id, known_at=tx.now)
        for event in events:
            # A restatement goes to the history topic; the current topic carries MetricPublished only.
            staged = outbox.encoded(tx, event, key=key, epoch=epoch, version=version)
            messages += staged if len(events) == 1 or isinstance(event, MetricRestated) else staged[:1]
        data = events[-1].model_dump_json(by_alias=True, exclude_none=True)
        rows.append((key, cut_id, version, epoch, tx.now, restated.digest, data))
        published[key] = Published(version, epoch, tx.now, restated.digest, restated.fields)
    await outbox.stage(tx, messages)
    await store.save_figures(tx.db, rows)
    return published
