"""PostgreSQL: the pool, the transaction that a handler works in, and migrations.

A transaction carries the moment, the cause and the trace of what it is for, so that handlers need nothing
but it. Migrations are plain SQL files, forward only, and checked: an applied file never changes.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable

import asyncpg

from services.chassis.now import now
from services.chassis.problems import VersionConflict

Connection = asyncpg.pool.PoolConnectionProxy | asyncpg.Connection
Reader = Connection | asyncpg.Pool
"""What a single query can be put to, inside or outside a transaction."""
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that ended while this process slept, in the middle of a query
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
"""The database does not answer: wait, or say 503."""
TRANSIENT = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
"""This one transaction had bad luck: try it again."""
ACQUIRE_SECONDS = 5.0  # then the caller hears 503 instead of waiting in a queue that only grows
HOUR_SECONDS = 3600.0
POOL_SIZE = 10  # more than two cores can keep busy; 3 services x 10 stay far below 100 connections
STATEMENT_TIMEOUT = "15s"  # no handler's statement takes a second; longer ones hold up the outbox
IDLE_TIMEOUT = "15s"
_MIGRATION_LOCK = 7_305_001  # any number, the same in every replica of a service


@dataclass(slots=True)
class Transaction:
    """One database transaction and what it is about."""

    db: Connection
    now: datetime
    source: str
    epoch: int
    """The stream epoch of what is announced."""
    causation: str | None = None
    traceparent: str | None = None
    expected_version: int | None = None
    """The version that the caller read (`If-Match`)."""
    reacting_to: tuple[int, int] = (0, 0)
    """Epoch and version of the event that this reacts to."""
    staged: int = 0
    """How many messages wait for the commit to be published."""

    def check_version(self, version: int) -> None:
        """Raise `VersionConflict` when the caller read another version of what it wants to change."""
        if self.expected_version not in {None, version}:
            raise VersionConflict(f"It is at version {version}; you read version {self.expected_version}.")


@dataclass(slots=True)
class Database:
    """The service's own database."""

    pool: asyncpg.Pool
    source: str
    epoch: int
    on_staged: Callable[[], None]
    """Called after a commit that staged something: wakes the relay."""

    @asynccontextmanager
    async def transaction(
        self,
        *,
        at: datetime | None = None,
        causation: str | None = None,
        traceparent: str | None = None,
        expected_version: int | None = None,
    ) -> AsyncIterator[Transaction]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            async with connection.transaction():
                tx = Transaction(
                    connection, at or now(), self.source, self.epoch, causation, traceparent, expected_version
                )
                yield tx
            if tx.staged:
                self.on_staged()


async def connect(url: str, *, size: int = POOL_SIZE) -> asyncpg.Pool:
    """A pool of connections whose statements and idle transactions have a deadline."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        command_timeout=30,
        server_settings={
            "statement_timeout": STATEMENT_TIMEOUT,
            "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
            "timezone": "UTC",
        },
    )


class MigrationChanged(Exception):
    """An applied migration is not what it was: migrations are forward only, write a new file."""


def _scripts(package: str) -> list[tuple[str, str]]:
    folder: Traversable = files(package) / "migrations"
    found = [item for item in folder.iterdir() if item.name.endswith(".sql")]
    return [
        (f"{package}/{item.name}", item.read_text(encoding="utf-8"))
        for item in sorted(found, key=lambda item: item.name)
    ]


async def migrate(url: str, *packages: str) -> list[str]:
    """Apply what is new in each package's `migrations/*.sql`, in order; returns the names applied.

    Safe when several replicas start at once. Raises `MigrationChanged` when an applied file differs.
    """
    connection = await asyncpg.connect(url)
    applied: list[str] = []
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row["name"]: row["digest"] for row in await connection.fetch("SELECT name, digest FROM migrations")}
        for name, script in [script for package in packages for script in _scripts(package)]:
            digest = hashlib.sha256(script.encode()).hexdigest()
            if name not in done:
                async with connection.transaction():
                    await connection.execute(script)
                    await connection.execute("INSERT INTO migrations (name, digest) VALUES ($1, $2)", name, digest)
                applied.append(name)
            elif done[name] != digest:
                raise MigrationChanged(
                    f"{name} was changed after it was applied: restore it, and put the change into a new file"
                )
    finally:
        await connection.close()
    return applied


async def forget_old_answers(pool: asyncpg.Pool) -> None:
    """For ever: delete the answers to commands whose key is older than the 30 days that are promised."""
    while True:
        with suppress(*UNAVAILABLE, *TRANSIENT):  # an hour later will do
            await pool.execute("DELETE FROM idempotency WHERE created_at < now() - interval '30 days'")
        await asyncio.sleep(HOUR_SECONDS)
