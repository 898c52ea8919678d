"""What follows when an object has waited too long: one process per database looks which clocks are due.

Guarantee: each breach is announced once and followed once, also when two processes look, or one is killed in the
middle. After a stop, what became due meanwhile follows in the order of its days, but not before what the other services
said meanwhile has been heard: it may be what was waited for. What fails is logged and tried again later; the others go
on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog
from aiokafka.errors import KafkaError

from contracts.values import calendar_day
from services.chassis import clock_table
from services.chassis.aggregates import Aggregate
from services.chassis.clock_table import DueClock
from services.chassis.messaging import outbox
from services.chassis.messaging.caught_up import CaughtUp
from services.chassis.messaging.roll_forward import Recovery
from services.chassis.now import now
from services.chassis.running.database import TRANSIENT, UNAVAILABLE, Database, Reader, Transaction
from services.chassis.running.health import Health
from services.chassis.running.leadership import lead_for_ever
from services.chassis.running.settings import Settings
from services.chassis.running.telemetry import origin

log = structlog.get_logger()

PART = "clocks"  # its name in the health report
LOOK_SECONDS = 0.5  # how soon a new day is noticed, also when the time of a development stack is set; one short query
FAILED_SECONDS = 60.0  # before a clock is tried again that failed: a person must look at it
AT_ONCE = 500  # clocks in one transaction: their rows are locked for some tenths of a second

Breached = Callable[[], Awaitable[bool]]
"""Announces the breach; False when the clock is not due any more."""
Act = Callable[[Transaction, UUID, Breached], Awaitable[None]]
"""Lock the object, let the breach be announced, and do what follows."""


@dataclass(slots=True)
class DueClocks:
    """Looks for clocks that are due, whenever no other process does."""

    settings: Settings
    database: Database
    health: Health
    topics: Mapping[str, str]
    """Where the events of each kind of object go."""
    acts: Mapping[tuple[str, str], Act]
    """By kind of object and breach; of all others it is told and nothing follows."""
    recovery: Recovery | None = None
    """After a restore, what was announced since comes back first: else this would announce it a second time."""
    without_turn: Sequence[tuple[Aggregate[Any], str]] = ()
    """Of each kind, the query for the open objects that are on no work list: those of a release without any."""
    caught_up: CaughtUp | None = None
    """What the topics that this service reacts to say before a day is applied before anything follows on that day."""
    failed: set[UUID] = field(default_factory=set)

    async def run(self) -> None:
        interrupted_by = (*UNAVAILABLE, *TRANSIENT, KafkaError)
        await lead_for_ever(
            self.settings.database_url, self._lead, health=self.health, part=PART, interrupted_by=interrupted_by
        )

    async def _lead(self, db: Reader) -> None:
        loop = asyncio.get_running_loop()
        forgets_at = loop.time() + FAILED_SECONDS
        if self.caught_up is not None:
            self.caught_up.forget()
        for aggregate, query in self.without_turn:
            await self._begin(db, aggregate, query)
        while True:
            if loop.time() > forgets_at:
                self.failed.clear()
                forgets_at = loop.time() + FAILED_SECONDS
            if not await self.look(db):
                await asyncio.sleep(LOOK_SECONDS)

    async def _begin(self, db: Reader, aggregate: Aggregate[Any], query: str) -> None:
        for row in await db.fetch(query):
            if self.recovery is not None:
                await self.recovery.roll_forward_if_needed()
            self.health.tick(PART, f"the clocks of every {aggregate.kind} begin")
            async with self.database.transaction() as tx:
                thing = await aggregate.load(tx, row[0])
                assert thing is not None, "it is there, and nothing is ever deleted"
                await outbox.stage(tx, await aggregate.follow(tx, None, thing))

    async def look(self, db: Reader) -> int:
        today = calendar_day(now())
        found = await clock_table.due(db, today, without=self.failed, limit=AT_ONCE)
        if found and self.caught_up is not None and not await self.caught_up.has_begun(db, today):
            self.health.tick(PART, f"some are due on {today}, and wait for what is still to be read from before")
            return 0
        if found and self.recovery is not None:
            await self.recovery.roll_forward_if_needed()
        for acts, some in groupby(found, lambda each: self.acts.get((each.object_kind, each.breach))):
            self.health.tick(PART, "some are due")
            await self._follow(list(some), acts)
        if self.failed:
            self.health.trouble(PART, f"{len(self.failed)} clocks failed; the log says which and why")
        else:
            self.health.tick(PART, f"{'some were' if found else 'nothing is'} due on {today}")
        return len(found)

    async def _follow(self, some: Sequence[DueClock], act: Act | None) -> None:
        if act is None:
            async with self.database.transaction() as tx:
                await clock_table.breach(tx, some, self.topics)
            return
        for each in some:
            await self._act(each, act)

    async def _act(self, clock: DueClock, act: Act) -> None:
        try:
            async with self.database.transaction() as tx:

                async def breached() -> bool:
                    return bool(await clock_table.breach(tx, [clock], self.topics))

                await act(tx, clock.object_id, breached)
        except UNAVAILABLE:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one of them, the others go on
            self.failed.add(clock.clock_id)
            log.error("clock_not_followed", clock=str(clock.clock_id), **origin(error))
