"""Clocks: ten thousand that are due at once, and a million that wait; and the first page of a long work list.

The limit of the first is one UPDATE of as many rows; of the second, the same statements where nothing waits; of the
third, the statement that finds the page.
"""

import asyncio
import time
from datetime import UTC, date, datetime
from statistics import median
from uuid import UUID

import asyncpg

from services.chassis.due_clocks import DueClocks
from services.chassis.http.application import application
from services.chassis.running.database import Database, connect, migrate
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.chassis.work_lists import PAGE
from services.referrals import breaches, store
from services.referrals.api import work
from tests.bench.measured import Measured, rate
from tests.builders import ATELIER, a_referral
from tests.http_door import client_of

DUE, WAITING, STARTS, OPEN = 10_000, 1_000_000, 400, 100_000
PAGES, PAGE_SIZE = 100, 50
NOW = datetime(2025, 10, 3, 9, 12, tzinfo=UTC)

_FILL = """
INSERT INTO clocks (clock_id, object_kind, object_id, name, key, parties, breaches, dues, due_on, version)
SELECT gen_random_uuid(), 'referral', gen_random_uuid(), 'see', 'own:x', '{}', '{remind,escalate}',
    ARRAY[$2::date, '2099-01-01'], $2::date, 1 FROM generate_series(1, $1)
"""


# As many open referrals as are wanted, all up to one partner, over a year of days.
_OPEN = """
WITH new AS (
    SELECT gen_random_uuid() AS id, '2099-01-01'::date + number % 365 AS day FROM generate_series(1, $1) AS number
), referral AS (
    INSERT INTO referrals (referral_id, request_id, partner_id, status, made, version, parties)
    SELECT new.id, request_id, partner_id, status, replace(made, referral_id::text, new.id::text), version, parties
    FROM new, referrals WHERE referral_id = $2
), clock AS (
    INSERT INTO clocks (clock_id, object_kind, object_id, name, key, parties, breaches, dues, due_on, version)
    SELECT id, 'referral', id, 'decide', 'own:x', '{}', '{expire}', ARRAY[day], day, 1 FROM new
)
INSERT INTO work (clock_id, holder, act_by) SELECT id, $3, day FROM new
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
        page, statement = await _first_page(url, database, int(OPEN * share))
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
        Measured(
            what=f"the first page of a work list among {int(OPEN * share):,} open objects (median)",
            ours=f"{1000 * page:.1f} ms",
            limit=f"{1000 * statement:.1f} ms for its statement alone",
            ratio=f"{statement / page:.0%}",
            aim="<= 20 ms",
            limited_by=f"{PAGE_SIZE} objects are read, and what may be done with each",
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


async def _first_page(url: str, database: Database, number: int) -> tuple[float, float]:
    """The median seconds for a page over HTTP in this process, and for the statement that finds it."""
    referral = a_referral()
    async with database.transaction(at=NOW) as tx:
        await tx.db.execute(
            "INSERT INTO requests (request_id, status, epoch, version) VALUES ($1, 'assigned', 1, 2)",
            referral.made.request_id,
        )
        await store.REFERRALS.announce(tx, None, referral.made)
    db = await asyncpg.connect(url)
    try:
        await db.execute(_OPEN, number, referral.id, f"partner:{ATELIER}")
        await db.execute("ANALYZE work, clocks, referrals")
    finally:
        await db.close()
    environment = {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_DEVELOPMENT_IDENTITY": "1"}
    settings = read_settings("referrals", 8000, environment)
    service = Service(settings, database, Health(died=asyncio.get_running_loop().create_future()))
    app = application(service, title="Work lists", description="")
    app.include_router(work)
    caller = {"Samenspel-Actor": f"role=partner; organisation={ATELIER}; actor=a1"}
    pages, statements = list[float](), list[float]()
    async with client_of(app, **caller) as client:
        for _ in range(PAGES):
            began = time.perf_counter()
            answer = await client.get(f"/v1/work?limit={PAGE_SIZE}")
            pages.append(time.perf_counter() - began)
            assert len(answer.json()["items"]) == PAGE_SIZE
            began = time.perf_counter()
            await database.pool.fetch(PAGE, f"partner:{ATELIER}", None, None, PAGE_SIZE + 1, UUID(int=0))
            statements.append(time.perf_counter() - began)
    return median(pages), median(statements)


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
