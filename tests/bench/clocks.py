"""Clocks: ten thousand that are due at once, and a million that wait.

The limit of the first is one UPDATE of as many rows; of the second, the same statements where nothing waits.
"""

import asyncio
import time
from datetime import UTC, date, datetime
from statistics import median

import asyncpg

from services.chassis.due_clocks import DueClocks
from services.chassis.running.database import Database, connect, migrate
from services.chassis.running.health import Health
from services.chassis.running.settings import read_settings
from services.referrals import breaches, store
from tests.bench.measured import Measured, rate
from tests.builders import a_referral

DUE, WAITING, STARTS = 10_000, 1_000_000, 400
NOW = datetime(2025, 10, 3, 9, 12, tzinfo=UTC)

_FILL = """
INSERT INTO clocks (clock_id, object_kind, object_id, name, key, parties, breaches, dues, due_on, version)
SELECT gen_random_uuid(), 'referral', gen_random_uuid(), 'see', 'own:x', '{}', '{remind,escalate}',
    ARRAY[$2::date, '2099-01-01'], $2::date, 1 FROM generate_series(1, $1)
"""


async def measure(url: str, share: float) -> list[Measured]:
    """The rows of the table; `share` of the usual numbers."""
    due, waiting, starts = int(DUE * share), int(WAITING * share), max(20, int(STARTS * share))
    await migrate(url, "services.chassis", "services.referrals")
    pool = await connect(url, size=4)
    settings = read_settings("referrals", 8000, {"SAMENSPEL_DATABASE_URL": url})
    database = Database(pool, pool, settings.source, epoch=1, secret=b"secret", on_staged=lambda: None)
    try:
        alone = await _starts(database, starts)
        await _fill(url, waiting, 2100)
        beside = await _starts(database, starts)
        await _fill(url, due, 2020)
        limit = await _update(pool)
        followed = await _follow(
            DueClocks(
                settings,
                database,
                Health(died=asyncio.get_running_loop().create_future()),
                breaches.TOPICS,
                breaches.ACTS,
            ),
            pool,
        )
    finally:
        await pool.close()
    return [
        Measured(
            what=f"{due:,} clocks that are due at once: told",
            ours=f"{followed:.1f} s ({rate(due, followed)})",
            limit=f"{limit:.1f} s to update the rows alone",
            ratio=f"{limit / followed:.0%}",
            aim="<= 5 s",
            limited_by="an event for each, in the journal and in the outbox",
        ),
        Measured(
            what=f"a referral is made, beside {waiting:,} clocks that wait (median)",
            ours=f"{1000 * beside:.1f} ms",
            limit=f"{1000 * alone:.1f} ms where none waits",
            ratio=f"{alone / beside:.0%}",
            aim=">= 90 %",
            limited_by="an index on the days that are due",
        ),
    ]


async def _fill(url: str, number: int, year: int) -> None:
    """On a connection without the time limit of a service's statements."""
    db = await asyncpg.connect(url)
    try:
        await db.execute(_FILL, number, date(year, 1, 1))
        await db.execute("ANALYZE clocks")
    finally:
        await db.close()


async def _starts(database: Database, times: int) -> float:
    """The median seconds to make a referral, which starts two clocks."""
    took: list[float] = []
    for _ in range(times):
        referral = a_referral()
        async with database.transaction(at=NOW) as tx:
            await tx.db.execute(
                "INSERT INTO requests (request_id, status, epoch, version) VALUES ($1, 'assigned', 1, 2)",
                referral.made.request_id,
            )
            began = time.perf_counter()
            await store.REFERRALS.announce(tx, None, referral.made)
            took.append(time.perf_counter() - began)
    return median(took)


async def _update(pool: asyncpg.Pool) -> float:
    """The seconds for one statement that changes the due rows, and is undone."""
    async with pool.acquire() as db:
        transaction = db.transaction()
        await transaction.start()
        began = time.perf_counter()
        await db.execute("UPDATE clocks SET passed = 1, due_on = dues[2], version = 2 WHERE due_on < '2021-01-01'")
        seconds = time.perf_counter() - began
        await transaction.rollback()
    return seconds


async def _follow(clocks: DueClocks, pool: asyncpg.Pool) -> float:
    began = time.perf_counter()
    while await clocks.look(pool):
        pass
    return time.perf_counter() - began
