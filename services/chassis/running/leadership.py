"""One leader per database: a session advisory lock that lives and dies with its connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

STANDBY_SECONDS = 1.0  # a new leader within about a second


@asynccontextmanager
async def leadership(url: str, lock: int, standing_by: Callable[[], None]) -> AsyncIterator[asyncpg.Connection]:
    """Wait until this process holds a lock that one process per database can hold, and keep it.

    The lock lives and dies with the connection: the leader works through this connection only, so that it
    cannot write after it lost the lead. A killed process frees it at once, a lost machine within 15 s.
    """
    keepalives = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "1"}
    connection = await asyncpg.connect(url, server_settings=keepalives, command_timeout=60)
    try:
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):
            standing_by()
            await asyncio.sleep(STANDBY_SECONDS)
        yield connection
    finally:
        connection.terminate()
