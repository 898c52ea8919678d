"""Commands that name what this service does not know yet: they wait in a table, and are tried again when something
was read or announced since.

Guarantee: a command that waits is carried out soon after what it waits for is known, or refused after half a minute.
That begins anew after a stop, because what is waited for may be there and not read. Meanwhile those behind it go on,
but for those of its client about the same thing. One process per database looks.
"""

import asyncio
from dataclasses import dataclass

import asyncpg
import structlog
from pydantic_core import from_json

from contracts.commands import Asked
from services.chassis.clients.deciding import PATIENCE, Decisions, Given
from services.chassis.clients.door import Door
from services.chassis.commands import AnsweredMeanwhile
from services.chassis.http.middleware import InternalError
from services.chassis.now import now
from services.chassis.problems import Problem
from services.chassis.running.database import TRANSIENT, UNAVAILABLE, Reader
from services.chassis.running.leadership import lead_for_ever
from services.chassis.running.telemetry import origin

log = structlog.get_logger()

PART = "waiting commands"  # its name in the health report
LOOK_SECONDS = 0.2  # how soon it is noticed that something was read; one short query
# What this service knows changes when it announces something, and when its reactions read on.
_CHANGES = """
SELECT (SELECT max(position) FROM journal) AS announced,
    (SELECT array_agg(next_offset ORDER BY topic, partition) FROM positions) AS read_on,
    (SELECT count(*) FROM client_commands WHERE waits_until IS NOT NULL) AS waiting,
    (SELECT min(waits_until) FROM client_commands WHERE waits_until IS NOT NULL) AS first_until
"""
_WAIT_ON = "UPDATE client_commands SET waits_until = $1 WHERE waits_until < $1"
_WAITING = "SELECT client, command_id, about FROM client_commands WHERE waits_until IS NOT NULL ORDER BY position"
_LOCK = """
SELECT client, attributes, waits_until FROM client_commands
WHERE client = $1 AND command_id = $2 AND waits_until IS NOT NULL FOR UPDATE
"""


@dataclass(slots=True)
class WaitingCommands:
    """Tries the commands that wait."""

    door: Door
    known: asyncpg.Record | None = None
    """How things were when they were tried last."""

    async def run(self) -> None:
        service = self.door.service
        await lead_for_ever(
            service.settings.database_url,
            self._lead,
            health=service.health,
            part=PART,
            interrupted_by=(*UNAVAILABLE, *TRANSIENT, AnsweredMeanwhile),
        )

    async def _lead(self, db: Reader) -> None:
        await db.execute(_WAIT_ON, now() + PATIENCE)
        while True:
            await self.look(db)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, db: Reader) -> None:
        found = await db.fetchrow(_CHANGES)
        assert found is not None, "a row without a table behind it"
        self.door.service.health.tick(PART, f"{found['waiting']} waiting")
        if found["waiting"] and (found != self.known or found["first_until"] <= now()):
            await self._try_all(db)
        self.known = found

    async def _try_all(self, db: Reader) -> None:
        held: set[tuple[str, str]] = set()
        for row in await db.fetch(_WAITING):
            thing = row["client"], row["about"]
            if thing not in held and not await self._try(row) and row["about"] is not None:
                held.add(thing)

    async def _try(self, row: asyncpg.Record) -> bool:
        try:
            return await self._decide(row, None)
        except (*UNAVAILABLE, *TRANSIENT, AnsweredMeanwhile):
            raise
        except Exception as error:  # noqa: BLE001 - an error in the command: whoever gave it is answered
            log.error("command_given_up", **origin(error))
            return await self._decide(row, InternalError())

    async def _decide(self, row: asyncpg.Record, problem: Problem | None) -> bool:
        database = self.door.service.database
        async with database.transaction() as tx:
            locked = await tx.db.fetchrow(_LOCK, row["client"], row["command_id"])
            if locked is None:  # another process decided it
                return True
            attributes = from_json(locked["attributes"])
            given = Given(row["client"], Asked(row["command_id"], attributes), size=0)  # it was not too large
            decisions = Decisions(tx, database.secret, self.door.commands, is_careful=True)
            if problem is not None:
                await decisions.reject(given, problem)
                return True
            return await decisions.decide_waiting(given, locked["waits_until"])
