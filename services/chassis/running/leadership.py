"""One leader per database, by a session advisory lock: PostgreSQL frees it when the leader's connection ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog

from services.chassis.running.database import UNAVAILABLE, WRITABLE, stay_cancelled
from services.chassis.running.health import Health
from services.chassis.running.telemetry import origin

log = structlog.get_logger()

STANDBY_SECONDS = 1.0  # a new leader within about a second
RETRY_SECONDS = 1.0


async def lead_for_ever(
    url: str,
    lead: Callable[[asyncpg.Connection], Awaitable[None]],
    *,
    health: Health,
    part: str,
    interrupted_by: tuple[type[BaseException], ...],
) -> None:
    """Let this process lead this part whenever no other does, again after each of these interruptions; its name is
    also that in the health report."""
    while True:
        try:
            async with leadership(url, part, lambda: health.tick(part, "standing by")) as connection:
                await lead(connection)
        except interrupted_by as error:
            health.trouble(part, f"interrupted ({type(error).__name__})")
            event = f"{part}_interrupted"
            log.warning(event, **origin(error))
            await asyncio.sleep(RETRY_SECONDS)


@asynccontextmanager
async def leadership(url: str, part: str, standing_by: Callable[[], None]) -> AsyncIterator[asyncpg.Connection]:
    """Wait until this process leads this part, and lead it until the block ends; one process per database can.

    The leader must write through this connection only: it ends together with the lock, so a leader that lost the lock
    cannot write any more. (Or two leaders must do no harm, because each thing is done under a lock of its own.) A
    killed process frees the lock at once, a lost machine within 15 s.
    """
    keepalives = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "1"}
    connection = await asyncpg.connect(url, server_settings=keepalives, command_timeout=60, **WRITABLE)
    try:
        while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"lead {part}"):
            standing_by()
            await asyncio.sleep(STANDBY_SECONDS)
        yield connection
    except UNAVAILABLE as error:
        stay_cancelled(error)
        raise
    finally:
        connection.terminate()
