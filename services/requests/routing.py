"""Routing is a function of the day: open requests go to the brokers that cover their areas today.

On a day on which a broker's record begins or ends, and when a record arrives, the requests for its areas are routed
anew. Guarantee: once the day is completed, every open request is routed by its records, and whatever changed was
announced, once. Days that were missed are made up for by the next look, but not before what was said of brokers
meanwhile has been read; nothing is dated back. One process per database looks; it is the lock on each request's row
that keeps two of them from announcing the same.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import structlog
from aiokafka.errors import KafkaError

from contracts.values import calendar_day
from services.chassis.messaging.caught_up import CaughtUp
from services.chassis.messaging.roll_forward import Recovery
from services.chassis.now import now
from services.chassis.running.database import TRANSIENT, UNAVAILABLE, Database, Reader, Transaction
from services.chassis.running.health import Health
from services.chassis.running.leadership import lead_for_ever
from services.chassis.running.settings import Settings
from services.chassis.running.telemetry import origin
from services.requests import replicas, store
from services.requests.rules import routing as rules
from services.requests.rules.request import OPEN, Request

log = structlog.get_logger()

PART = "routing"  # its name in the health report
LOOK_SECONDS = 0.5  # how soon a new day is noticed, also when the time of a development stack is set; one short query
FAILED_SECONDS = 60.0  # before a day is tried again of which a request failed: a person must look at that one


async def route_anew(tx: Transaction, requests: Sequence[Request]) -> None:
    """Announce for each of these locked requests where it goes now, if that is news."""
    covering = await replicas.covering(tx, {area for request in requests for area in request.details.learning_areas})
    for request in requests:
        if (routed := rules.route_anew(request, covering, at=tx.now)) is not None:
            await store.REQUESTS.announce(tx, request, routed)


@dataclass(slots=True)
class Router:
    """Begins each day, and routes anew what it changes."""

    settings: Settings
    database: Database
    health: Health
    recovery: Recovery | None = None
    """After a restore, what was announced since comes back first: else this would announce it a second time."""
    caught_up: CaughtUp | None = None
    """What the topic of brokers' records says before a day is applied before that day changes anything."""

    async def run(self) -> None:
        """Look whenever no other process does. Retries for ever while PostgreSQL or Kafka does not answer."""
        await lead_for_ever(
            self.settings.database_url,
            self._lead,
            health=self.health,
            part=PART,
            interrupted_by=(*UNAVAILABLE, *TRANSIENT, KafkaError),
        )

    async def _lead(self, db: Reader) -> None:
        if self.caught_up is not None:
            self.caught_up.forget()
        while True:
            seconds = await self.look(db)
            await asyncio.sleep(seconds)

    async def look(self, db: Reader) -> float:
        """Route by today what is not yet; returns after how many seconds to look again."""
        today = calendar_day(now())
        if not await replicas.is_routed(db, today):
            if not await self._may_begin(db, today):
                self.health.tick(PART, f"{today} changes brokers, and waits for what is still to be read from before")
                return LOOK_SECONDS
            if failed := await self._begin():
                self.health.trouble(PART, f"{failed} requests could not be routed; the log says which and why")
                return FAILED_SECONDS
        self.health.tick(PART, f"routed by {today}")
        return LOOK_SECONDS

    async def _may_begin(self, db: Reader, today: date) -> bool:
        """Whether what was announced and said before is known, if the day changes any broker."""
        if not await replicas.changed_brokers(db, today):
            return True
        if self.caught_up is not None and not await self.caught_up.has_begun(db, today):
            return False
        if self.recovery is not None:
            await self.recovery.roll_forward_if_needed()
        return True

    async def _begin(self) -> int:
        """Route what the day changes, and complete it; returns how many requests failed, with which it is not."""
        async with self.database.transaction() as tx:
            day, changed = tx.today, await store.open_for(tx, await replicas.begin_day(tx))
        failed = 0
        for request_id in changed:
            self.health.tick(PART, f"routing by {day}")
            failed += not await self._route(request_id)
        if not failed:
            async with self.database.transaction() as tx:
                await replicas.complete_day(tx, day)
        return failed

    async def _route(self, request_id: UUID) -> bool:
        """Whether it is routed now. What fails is logged, and does not stop the others."""
        try:
            async with self.database.transaction() as tx:
                request = await store.lock(tx, request_id)
                if request is not None and request.status in OPEN:  # else it was closed meanwhile
                    await route_anew(tx, [request])
        except UNAVAILABLE:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one request, the others go on
            log.error("request_not_routed", request=str(request_id), **origin(error))
            return False
        return True
