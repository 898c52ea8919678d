"""One service, one process: migrate, then HTTP, relay and its other parts side by side until one dies.

Start-up waits for PostgreSQL and Kafka; readiness says what it waits for. SIGTERM finishes the requests
under way; what is staged stays in the outbox and is published after the next start.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg
import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from services.chassis.messaging.relay import Relay
from services.chassis.running import telemetry
from services.chassis.running.database import Database, MigrationChanged, connect, forget_old_answers, migrate
from services.chassis.running.health import Health
from services.chassis.running.settings import Settings, WrongSetting, read_settings

log = structlog.get_logger()

DATABASE_SECONDS = 60  # a container's PostgreSQL takes a few seconds; then a supervisor may try again
DRAIN_SECONDS = 15


@dataclass(slots=True)
class Service:
    """What a service's wiring is given."""

    settings: Settings
    database: Database
    health: Health


@dataclass(slots=True)
class Wiring:
    """What a service consists of beside its relay."""

    app: FastAPI
    parts: dict[str, Callable[[], Coroutine[object, object, None]]]
    """Long-lived tasks by name: each should run for ever."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Done once, after the migrations and before anything is served."""


def _tell(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What the event loop complains of, as one line; a client that could not start need not be closed."""
    message = str(context.get("message", ""))
    if not message.startswith("Unclosed AIOKafka"):
        log.warning("event_loop", message=message, error=repr(context.get("exception")))


class Server(uvicorn.Server):
    """An HTTP server that leaves the signals to us: uvicorn would raise them again before we have cleaned up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    def leave(self) -> None:
        """Finish the requests under way, and take no new ones."""
        self.should_exit = True


async def _migrate_when_there(settings: Settings, package: str) -> None:
    for left in range(DATABASE_SECONDS, -1, -1):
        try:
            applied = await migrate(settings.database_url, "services.chassis", package)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
            if left == 0:
                raise
            log.info("waiting_for_database", error=str(error))
            await asyncio.sleep(1)
        else:
            log.info("migrated", applied=applied)
            return


async def serve(settings: Settings, package: str, wire: Callable[[Service], Wiring]) -> str | None:
    """Run the service until it is told to stop (None) or a part dies (the sentence why)."""
    await _migrate_when_there(settings, package)
    health = Health(died=asyncio.get_running_loop().create_future())
    relay = Relay(settings, health)
    pool = await connect(settings.database_url)
    epoch = await pool.fetchval("SELECT epoch FROM stream")
    database = Database(pool, settings.source, epoch, relay.wake.set)
    wiring = wire(Service(settings, database, health))
    if wiring.prepare is not None:
        await wiring.prepare()
    parts = {"relay": relay.run, **wiring.parts}
    health.expect(*parts)
    tasks = [asyncio.create_task(health.watch(name, part()), name=name) for name, part in parts.items()]
    tasks.append(asyncio.create_task(forget_old_answers(pool), name="housekeeping"))
    server = Server(
        uvicorn.Config(
            wiring.app,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            lifespan="off",
        )
    )
    assert health.died is not None, "set above"
    health.died.add_done_callback(lambda _: server.leave())
    asyncio.get_running_loop().set_exception_handler(_tell)
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, server.leave)
    log.info("serving", host=settings.http_host, port=settings.http_port)
    try:
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        database.pool.terminate()
    return health.died.result() if health.died.done() else None


def run(name: str, package: str, wire: Callable[[Service], Wiring]) -> None:
    """The main function of a service; exits 0 when told to stop, 1 with a sentence when it cannot go on."""
    try:
        settings = read_settings(name)
        telemetry.configure(name, settings.log_level)
        why = uvloop.run(serve(settings, package, wire))
    except (WrongSetting, MigrationChanged, OSError, asyncpg.PostgresError) as error:
        why = str(error) or repr(error)
    if why:
        sys.stderr.write(f"samenspel {name}: {why}\n")
        raise SystemExit(1)
