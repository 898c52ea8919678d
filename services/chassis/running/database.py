"""PostgreSQL: the pool, the transaction that a handler works in, and migrations.

A transaction carries the time, the cause and the trace of the command or event that it handles, so that a handler
needs nothing else. Migrations are plain SQL files, forward only; it is checked that an applied
file never changes.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from contracts.values import Actor, calendar_day
from services.chassis.now import now
from services.chassis.problems import Unavailable, VersionConflict

Connection = asyncpg.pool.PoolConnectionProxy | asyncpg.Connection
Reader = Connection | asyncpg.Pool
"""Runs single queries, inside or outside a transaction."""
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection ended while this process was suspended in the middle of a query
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # its disk is full, or an operator said so
)
"""The database does not answer: wait and try again, or answer 503."""


class EpochChanged(Unavailable):
    """This service was restored to an earlier point while it ran: it knows that now, ask again."""


TRANSIENT = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, EpochChanged)
"""Only this transaction failed, on a lock, a conflict or its time limit: the same again can succeed."""
ACQUIRE_SECONDS = 5.0  # then the caller gets a 503 instead of waiting in a queue that only grows
HOUR_SECONDS = 3600.0
PROBE_SECONDS = 1.0  # an answer about the database is as old as this at most
PROBE_PATIENCE_SECONDS = 2.0  # routers ask every few seconds, and wait about as long
STATEMENT_TIMEOUT = "15s"  # no handler's statement takes a second; a longer one holds up the outbox
IDLE_TIMEOUT = "15s"  # an idle transaction keeps its locks: as harmful as a long statement


@dataclass(slots=True)
class Transaction:
    """One database transaction, and the command or event that it handles."""

    db: Connection
    now: datetime
    source: str
    epoch: int
    """The stream epoch of the events that this transaction announces."""
    causation: str | None = None
    traceparent: str | None = None
    reacting_to: tuple[int, int] = (0, 0)
    """Epoch and version of the event that this reacts to."""
    staged: int = 0
    """How many messages can be published after the commit."""
    held_back: list[Any] | None = None
    """Messages that whoever began the transaction writes to the journal before the commit, all at once."""
    held_off: set[str] = field(default_factory=set)
    """What nobody else does until the end of the transaction."""
    known: dict[tuple[str, ...], Any] = field(default_factory=dict)
    """What it has read and need not read again before its end, by kind and id; None where there is no such thing."""

    async def one_at_a_time(self, what: str) -> None:
        """Wait for every other transaction of this service that does `what`, until it ends: what comes after sees what
        they did. (Locks have names, and no numbers: two that were the same number waited for each other.)"""
        await self.db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", what)

    async def hold_off(self, what: str) -> None:
        """Let nobody do `what` one at a time before this transaction ends; many can hold it off."""
        if what in self.held_off:
            return
        self.held_off.add(what)
        await self.db.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", what)

    @property
    def today(self) -> date:
        """The calendar day in Europe/Amsterdam."""
        return calendar_day(self.now)


@dataclass(slots=True, kw_only=True)
class CommandTx(Transaction):
    """The transaction of a command."""

    by: Actor
    """Who gave it."""
    expected_versions: Collection[int] | None = None
    """The version that the caller has read, or those that will do."""

    def check_version(self, version: int) -> None:
        """Raise `VersionConflict` when the caller has read another version than this one (0: there is nothing yet)."""
        if self.expected_versions is not None and version not in self.expected_versions:
            raise VersionConflict(f"It is at version {version}, which If-Match does not name.")


Tx = TypeVar("Tx", bound=Transaction)


@dataclass(slots=True)
class Database:
    """The database of this service, which no other service uses."""

    pool: asyncpg.Pool
    read_pool: asyncpg.Pool
    """For queries: many slow ones keep no command waiting."""
    source: str
    epoch: int
    secret: bytes
    """Known to this service alone."""
    on_staged: Callable[[], None]
    """Called after each commit that staged messages: wakes the relay."""
    probe: tuple[float, asyncio.Task[bool]] | None = None
    """The last question whether it answers, and when it was asked."""

    async def answers(self) -> bool:
        """Whether the database answers now; asked at most once a second, however many want to know."""
        now_at = asyncio.get_running_loop().time()
        if self.probe is None or now_at - self.probe[0] > PROBE_SECONDS:
            self.probe = now_at, asyncio.create_task(self._ask())
        return await asyncio.shield(self.probe[1])

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_PATIENCE_SECONDS):
                return bool(await self.pool.fetchval("SELECT true"))
        except (*UNAVAILABLE, *TRANSIENT):
            return False

    def transaction(self, *, at: datetime | None = None) -> AbstractAsyncContextManager[Transaction]:
        """One transaction: committed when the block ends, rolled back when the block raises."""
        return self._begin(lambda db: Transaction(db, at or now(), self.source, self.epoch))

    def command(
        self,
        *,
        by: Actor,
        at: datetime,
        causation: str | None,
        traceparent: str | None,
        expected_versions: Collection[int] | None,
    ) -> AbstractAsyncContextManager[CommandTx]:
        def start(db: Connection) -> CommandTx:
            return CommandTx(
                db,
                at,
                self.source,
                self.epoch,
                causation,
                traceparent,
                by=by,
                expected_versions=expected_versions,
            )

        return self._begin(start)

    @asynccontextmanager
    async def _begin(self, start: Callable[[Connection], Tx]) -> AsyncIterator[Tx]:
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                tx = start(connection)
                yield tx
        except EpochChanged:
            self.epoch = await self.pool.fetchval("SELECT epoch FROM stream")
            raise
        except UNAVAILABLE as error:
            stay_cancelled(error)
            raise
        if tx.staged:
            self.on_staged()


def stay_cancelled(error: BaseException) -> None:
    """Who is told to stop stops, also where the connection was gone and could not be rolled back: else that error takes
    the place of the cancellation, and is one to wait for."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error


async def _leave_as_it_is(_: Connection) -> None:
    """No round trip to reset a connection that goes back to the pool: nothing here changes the state of a session. (The
    pool itself rolls back what was not committed.)"""


class Pool(asyncpg.Pool):
    """A pool in which nobody waits for ever: who gets no connection in time is told so, for reads as for writes."""

    async def _acquire(self, timeout: float | None) -> PoolConnectionProxy:  # noqa: ASYNC109 - as in asyncpg
        """What `acquire`, `fetch`, `execute` and the like all come by. (asyncpg's own time-out makes a task each time,
        and has no default.)"""
        async with asyncio.timeout(timeout or ACQUIRE_SECONDS):
            connection: PoolConnectionProxy = await super()._acquire(None)  # type: ignore[misc]  # not in its stubs
        return connection


# One that is being restored answers before it is at its point, and a standby always: with what was, and only to read.
WRITABLE: Any = {"target_session_attrs": "read-write"}


async def connect(url: str, *, size: int = 10, patience: str = STATEMENT_TIMEOUT) -> asyncpg.Pool:
    return await Pool(
        url,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        min_size=1,
        max_size=size,
        max_queries=50_000,  # asyncpg's defaults, which its constructor does not have
        max_inactive_connection_lifetime=300.0,
        setup=None,
        init=None,
        loop=None,
        command_timeout=30,
        reset=_leave_as_it_is,
        **WRITABLE,
        server_settings={
            "statement_timeout": patience,
            "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
            "timezone": "UTC",
        },
    )


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of one's own, for work that takes long, with these settings of PostgreSQL."""
    db = await asyncpg.connect(url, server_settings=settings, **WRITABLE)
    try:
        yield db
    finally:
        db.terminate()


class MigrationChanged(Exception):
    """A migration file was changed after it was applied: restore it, and put the change into a new file."""


def _scripts(package: str) -> list[tuple[str, str]]:
    folder: Traversable = files(package) / "migrations"
    found = [item for item in folder.iterdir() if item.name.endswith(".sql")]
    return [
        (f"{package}/{item.name}", item.read_text(encoding="utf-8"))
        for item in sorted(found, key=lambda item: item.name)
    ]


async def migrate(url: str, *packages: str) -> list[str]:
    """Apply the new files of each package's `migrations/*.sql`, in order; returns the names of those applied.

    Safe when several instances start at the same time. Raises `MigrationChanged` when an applied file differs.
    """
    connection = await asyncpg.connect(url, **WRITABLE)
    applied: list[str] = []
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('migrate', 0))")
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
    while True:
        with suppress(*UNAVAILABLE, *TRANSIENT):  # the next hour is early enough
            await pool.execute("DELETE FROM idempotency WHERE created_at < now() - interval '30 days'")
            await pool.execute(
                "DELETE FROM client_commands WHERE received_at < now() - interval '30 days' AND waits_until IS NULL"
            )
        await asyncio.sleep(HOUR_SECONDS)
