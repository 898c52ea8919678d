"""Which clocks run, kept in the table `clocks`, and whose turn it is, in the table `work`: whoever changes an object
starts and pauses its clocks, in the same transaction.

Guarantee: a clock runs as long as its row of the life cycle's clocks says so; each start, pause and breach is announced
once. An object that waits costs nothing until its day has passed. It stands on the work list of whoever is next as long
as the clock runs, also when everything that follows has followed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from contracts.clocks import ClockBreached, ClockPaused, ClockStarted, NextActor, ObjectKind
from contracts.values import HolidayRegion
from services.chassis.clocks import Clock, Numbers, Turn, changed, dues
from services.chassis.messaging import outbox
from services.chassis.records import Records
from services.chassis.running.database import Reader, Transaction
from services.chassis.running.settings import WrongSetting

Thing = TypeVar("Thing")
START = """
WITH clock AS (
    INSERT INTO clocks
        (clock_id, object_kind, object_id, name, key, correlation, parties, breaches, dues, due_on, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
    ON CONFLICT (clock_id) DO UPDATE
    SET parties = $7, breaches = $8, dues = $9, passed = 0, due_on = $10, running = true, version = clocks.version + 1
    RETURNING version
), others AS (
    DELETE FROM work WHERE clock_id = $1 AND holder <> ALL ($11)
), turn AS (
    INSERT INTO work (clock_id, holder, act_by) SELECT $1, holder, $12 FROM unnest($11::text[]) AS holder
    ON CONFLICT (clock_id, holder) DO UPDATE SET act_by = excluded.act_by
)
SELECT version FROM clock
"""
_BREACH = """
UPDATE clocks SET passed = passed + 1, due_on = dues[passed + 2], version = version + 1
WHERE clock_id IN (
    SELECT clock_id FROM clocks JOIN unnest($1::uuid[], $3::text[]) AS found (clock_id, breach) USING (clock_id)
    WHERE due_on < $2 AND breaches[passed + 1] = found.breach ORDER BY clock_id FOR UPDATE OF clocks SKIP LOCKED
)
RETURNING clock_id, object_kind, object_id, name, key, correlation, parties, version, breaches[passed] AS breach,
    dues[passed] AS was_due_on, breaches[passed + 1] AS next_breach, due_on
"""
_DUE = """
SELECT clock_id, object_kind, object_id, breaches[passed + 1] AS breach FROM clocks
WHERE due_on < $1 AND NOT clock_id = ANY ($2) ORDER BY due_on, clock_id LIMIT $3
"""
_PAUSE = """
WITH turn AS (DELETE FROM work WHERE clock_id = $1)
UPDATE clocks SET running = false, due_on = NULL, version = version + 1 WHERE clock_id = $1 AND running
RETURNING version
"""
_OTHER_HOLDERS = """
WITH turn AS (
    SELECT DISTINCT act_by FROM work WHERE clock_id = $1
), others AS (
    DELETE FROM work WHERE clock_id = $1 AND holder <> ALL ($2)
)
INSERT INTO work (clock_id, holder, act_by) SELECT $1, holder, act_by FROM turn, unnest($2::text[]) AS holder
ON CONFLICT (clock_id, holder) DO NOTHING
"""
NEXT_ACTOR: Mapping[str, NextActor] = {"broker": "consultant", "partner": "partner", "operator": "operator"}
"""The role that acts for a party."""
OPERATORS = "operator:*"
"""Whose turn it is where nobody else is left."""


def use_own_numbers(shipped: Numbers, own: Numbers) -> None:
    """Let programmes wait as long as the settings say. Raises `WrongSetting` for what is no number of this service."""
    for programme, numbers in own.items():
        for name in numbers:
            if name not in shipped["default"]:
                allowed = ", ".join(shipped["default"])
                raise WrongSetting(f"SAMENSPEL_CLOCK_NUMBERS names {name} for {programme}; allowed: {allowed}")
    shipped |= {programme: shipped.get(programme, {}) | numbers for programme, numbers in own.items()}


def clock_id_of(object_id: UUID, clock: str) -> UUID:
    return uuid5(object_id, clock)


@dataclass(frozen=True, slots=True)
class ClockedObject:
    """An object that has clocks: what their rows and events need to know of it."""

    kind: ObjectKind
    id: UUID
    key: str
    correlation: UUID | None
    parties: Sequence[str]
    """Whom it concerns, each as `party:organisation`: they hear of it."""
    parties_before: Sequence[str]
    """Whom it concerned before it changed."""

    def holders(self, turn: Turn | None) -> list[str]:
        """On whose work list it stands: the organisations whose turn it is."""
        if turn is None:
            return []
        theirs = [party for party in self.parties if party.startswith(f"{turn.party}:")]
        return theirs if theirs and f"{turn.party}:*" not in theirs else [OPERATORS]


def _staged(
    tx: Transaction, event: ClockStarted | ClockPaused, version: int, clocked: ClockedObject, topic: str
) -> list[outbox.Staged]:
    correlation = str(clocked.correlation) if clocked.correlation else None
    messages = outbox.encoded(tx, event, key=clocked.key, epoch=tx.epoch, version=version, correlation=correlation)
    return _only_on(topic, messages, clocked.parties)


def _only_on(topic: str, messages: Iterable[outbox.Staged], parties: Sequence[str]) -> list[outbox.Staged]:
    return [message._replace(parties=" ".join(parties)) for message in messages if message.topic == topic]


@dataclass(frozen=True, slots=True)
class ClockTable(Generic[Thing]):
    """The clocks of one kind of object."""

    clocks: Sequence[Clock]
    numbers: Numbers
    topic: str
    """Of their events."""
    programme: Callable[[Thing], str | None]
    sites: Records[Any]
    """With their holiday regions; the site of an object is its key."""

    async def follow(
        self, tx: Transaction, before: Thing | None, after: Thing, clocked: ClockedObject
    ) -> list[outbox.Staged]:
        """Start and pause what the change of an object starts and pauses; returns what is to be announced of it."""
        started, paused = changed(self.clocks, before, after)
        messages = [message for clock in paused for message in await self._pause(tx, clock, clocked)]
        region = await self._region(tx, clocked.key) if started else None
        for clock in started:
            messages += await self._start(tx, clock, after, clocked, region)
        for clock in self.clocks:
            if clock.turn and clock not in started and clock.runs(after) and clocked.parties != clocked.parties_before:
                await tx.db.execute(_OTHER_HOLDERS, clock_id_of(clocked.id, clock.name), clocked.holders(clock.turn))
        return messages

    async def _region(self, tx: Transaction, site_id: str) -> HolidayRegion | None:
        site = (await self.sites.today(tx, [site_id])).get(site_id)
        return site.holiday_region if site else None

    async def _start(
        self, tx: Transaction, clock: Clock, thing: Thing, clocked: ClockedObject, region: HolidayRegion | None
    ) -> list[outbox.Staged]:
        today = tx.today
        programme = self.programme(thing)
        found = dues(clock, thing, today=today, programme=programme, region=region, numbers=self.numbers)
        clock_id, first = clock_id_of(clocked.id, clock.name), found[0]
        holders = clocked.holders(clock.turn)
        act_by = next((due.on for due in found if clock.turn and due.breach == clock.turn.until), None)
        version = await tx.db.fetchval(
            START,
            clock_id,
            clocked.kind,
            clocked.id,
            clock.name,
            clocked.key,
            clocked.correlation,
            list(clocked.parties),
            [due.breach for due in found],
            [due.on for due in found],
            first.on,
            holders,
            act_by,
        )
        started = ClockStarted(
            clock_id=clock_id,
            clock=clock.name,
            object_kind=clocked.kind,
            object_id=clocked.id,
            request_id=clocked.correlation,
            site_id=clocked.key,
            programme=programme,
            breach=first.breach,
            due_on=first.on,
            unknown_years=first.unknown_years,
            next_actor=NEXT_ACTOR[holders[0].partition(":")[0]] if holders else None,
            act_by=act_by,
            started_at=tx.now,
        )
        return _staged(tx, started, version, clocked, self.topic)

    async def _pause(self, tx: Transaction, clock: Clock, clocked: ClockedObject) -> list[outbox.Staged]:
        clock_id = clock_id_of(clocked.id, clock.name)
        version = await tx.db.fetchval(_PAUSE, clock_id)
        if version is None:
            return []
        paused = ClockPaused(
            clock_id=clock_id, clock=clock.name, object_kind=clocked.kind, object_id=clocked.id, paused_at=tx.now
        )
        return _staged(tx, paused, version, clocked, self.topic)


@dataclass(frozen=True, slots=True)
class DueClock:
    """A clock of which the day has passed."""

    clock_id: UUID
    object_kind: ObjectKind
    object_id: UUID
    breach: str
    """What follows."""


async def due(db: Reader, today: date, *, without: Collection[UUID], limit: int) -> list[DueClock]:
    return [DueClock(*row.values()) for row in await db.fetch(_DUE, today, list(without), limit)]


async def breach(tx: Transaction, found: Sequence[DueClock], topics: Mapping[str, str]) -> int:
    """Announce what follows of these clocks, and let them run on; returns how many were still due for just that.
    `topics`: where the events of each kind of object go."""
    clock_ids = [each.clock_id for each in found]
    rows = await tx.db.fetch(_BREACH, clock_ids, tx.today, [each.breach for each in found])
    order = {clock_id: number for number, clock_id in enumerate(clock_ids)}
    messages: list[outbox.Staged] = []
    for row in sorted(rows, key=lambda row: order[row["clock_id"]]):
        breached = ClockBreached(
            clock_id=row["clock_id"],
            clock=row["name"],
            object_kind=row["object_kind"],
            object_id=row["object_id"],
            breach=row["breach"],
            due_on=row["was_due_on"],
            next_breach=row["next_breach"],
            next_due_on=row["due_on"],
            breached_at=tx.now,
        )
        told = outbox.encoded(
            tx,
            breached,
            key=row["key"],
            epoch=tx.epoch,
            version=row["version"],
            correlation=str(row["correlation"]) if row["correlation"] else None,
        )
        messages += _only_on(topics[breached.object_kind], told, row["parties"])
    await outbox.stage(tx, messages)
    return len(rows)


async def restore_breach(tx: Transaction, event: ClockBreached, version: int) -> bool:
    """Bring back that a breach was announced before the database was restored; False when it does not follow."""
    done = await tx.db.execute(
        "UPDATE clocks SET passed = passed + 1, due_on = dues[passed + 2], version = version + 1"
        " WHERE clock_id = $1 AND version = $2 - 1 AND breaches[passed + 1] = $3",
        event.clock_id,
        version,
        event.breach,
    )
    return done == "UPDATE 1"


async def restore_change(_: Transaction, __: ClockStarted | ClockPaused, ___: int) -> bool:
    """A clock started or paused with its object, and does so again when that is brought back. It begins on that day."""
    return True
