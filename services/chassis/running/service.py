"""One service as one process: migrations first, then HTTP, the relay and its other parts side by side.

Guarantee: the process ends with a sentence as soon as one part ends; a supervisor starts it again. At start-up it waits
for PostgreSQL and Kafka, and readiness says what it waits for. SIGTERM lets the requests in progress finish; what is
staged stays in the outbox and is published after the next start.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

import asyncpg
import structlog
import uvloop
from fastapi import FastAPI

from services.chassis import now
from services.chassis.http.server import DRAIN_SECONDS, server
from services.chassis.messaging.relay import Relay
from services.chassis.running import telemetry
from services.chassis.running.database import Database, MigrationChanged, connect, forget_old_answers, migrate
from services.chassis.running.health import Health
from services.chassis.running.settings import Settings, WrongSetting, read_settings

log = structlog.get_logger()

DATABASE_SECONDS = 60  # a container's PostgreSQL takes a few seconds; then a supervisor may try again
NOT_YET = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,  # it is being restored
    asyncpg.ReadOnlySQLTransactionError,
)
READ_CONNECTIONS = 4  # queries are short: two keep two cores busy, and two may be slow ones
READ_PATIENCE = "5s"  # a query takes milliseconds; one of seconds would hold up the others


@dataclass(slots=True)
class Service:
    """What the wiring of a service is given."""

    settings: Settings
    database: Database
    health: Health
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is told to stop: an answer that would go on for ever ends then."""


@dataclass(slots=True)
class Wiring:
    """What a service consists of besides its relay."""

    app: FastAPI
    parts: dict[str, Callable[[], Coroutine[object, object, None]]]
    """Long-running tasks by name: each must run until it is cancelled."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Runs once, after the migrations and before anything is served."""


async def serve(settings: Settings, package: str, wire: Callable[[Service], Wiring]) -> str | None:
    """Run the service until it is told to stop (returns None) or a part ends (returns why)."""
    asyncio.get_running_loop().set_exception_handler(telemetry.log_loop_error)
    await _migrate(settings, package)
    health = Health(died=asyncio.get_running_loop().create_future())
    relay = Relay(settings, health)
    pool = await connect(settings.database_url, size=settings.database_connections)
    stream = await pool.fetchrow("SELECT epoch, secret FROM stream")
    assert stream is not None, "the first migration made it"
    read_pool = await connect(settings.database_url, size=READ_CONNECTIONS, patience=READ_PATIENCE)
    database = Database(pool, read_pool, settings.source, stream["epoch"], stream["secret"], relay.wake.set)
    service = Service(settings, database, health)
    wiring = wire(service)
    if wiring.prepare is not None:
        await wiring.prepare()
    parts = {"relay": relay.run, **wiring.parts}
    health.expect(*parts)
    tasks = [asyncio.create_task(health.watch(name, part()), name=name) for name, part in parts.items()]
    tasks.append(asyncio.create_task(forget_old_answers(pool), name="housekeeping"))
    try:
        await _serve_http(service, wiring.app)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        pool.terminate()
        read_pool.terminate()
    assert health.died is not None, "set above"
    if health.died.done():
        return health.died.result()
    log.info("stopped")
    return None


async def _migrate(settings: Settings, package: str) -> None:
    for left in range(DATABASE_SECONDS, -1, -1):
        try:
            applied = await migrate(settings.database_url, "services.chassis", package)
        except NOT_YET as error:
            if left == 0:
                raise
            log.info("waiting_for_database", **telemetry.origin(error))
            await asyncio.sleep(1)
        else:
            log.info("migrated", applied=applied)
            return


async def _serve_http(service: Service, app: FastAPI) -> None:
    settings = service.settings
    http = server(app, host=settings.http_host, port=settings.http_port)

    def leave() -> None:
        http.leave()
        service.leaving.set()

    assert service.health.died is not None, "set by serve"
    service.health.died.add_done_callback(lambda _: leave())
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, leave)
    log.info("serving", host=settings.http_host, port=settings.http_port)
    await http.serve()


def run(name: str, *, default_port: int, package: str, wire: Callable[[Service], Wiring]) -> None:
    """The main function of a service: exits 0 when told to stop, 1 with a sentence when it cannot go on.

    `package` is the service's own package: its migrations are in the folder `migrations`.
    """
    try:
        settings = read_settings(name, default_port)
        now.follow(settings.development_time)
        telemetry.configure(name, settings.log_level)
        why = uvloop.run(serve(settings, package, wire))
    except (WrongSetting, now.UnreadableTime, MigrationChanged, *NOT_YET, asyncpg.PostgresError) as error:
        why = str(error) or repr(error)
    if why:
        sys.stderr.write(f"samenspel {name}: {why}\n")
        raise SystemExit(1)
