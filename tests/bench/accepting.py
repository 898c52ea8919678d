"""The dearest command: a partner accepts one of three parallel referrals, which withdraws the other two; beside a bare
ASGI endpoint that runs the same SQL.

The SQL is that of the command itself: it is carried out once on tables of its own, and each statement is noted with its
arguments. Then ours and the bare one do the same on copies of the tables as they were before, in this process.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import asyncpg
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.events import Event
from contracts.requests import RequestAssigned, RequestRaised
from contracts.values import Actor
from local.stack import Stack
from services.chassis.commands import Call, carry_out
from services.chassis.messaging.outbox import new_id
from services.chassis.running.database import Database, connect, migrate
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.referrals import reactions
from services.referrals.app import wire
from services.referrals.commands import organisations, referrals
from tests.bench.measured import Measured, rate
from tests.builders import ART, ATELIER, BABEL, BAZUIN, an_actor, partner_details, request_details
from tests.builders import referral_details as details_of

NAME = "bench_accepting"
AT_ONCE = 8
COMMANDS = 240  # a round
ROUNDS = 3  # in turn; the median of each counts
PARTNERS = (ATELIER, BAZUIN, "own:derde")
_ABOUT_TYPES = re.compile("typeinfo_tree|'jit'")
"""What asyncpg asks once on a connection."""

Statement = tuple[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class Bare:
    """An ASGI application that knows of each command nothing but its SQL and its answer."""

    pool: asyncpg.Pool
    statements: Mapping[str, Sequence[Statement]]
    """By path."""
    answer: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with self.pool.acquire() as connection:
            for query, arguments in self.statements[scope["path"]]:
                await (connection.fetch(query, *arguments) if arguments else connection.execute(query))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(self.answer)).encode())]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": self.answer})


async def measure(stack: Stack, commands: int) -> Measured:
    first = stack.create_database(NAME, NAME)
    await migrate(first, "services.chassis", "services.referrals")
    async with _service(first) as given:
        paths = await _given(given, commands * ROUNDS)
    ours_url, bare_url = await _copies(stack, first, "ours", "bare")
    async with _service(first) as noted:
        statements, answer = await _note(noted, paths)
    async with _service(ours_url) as ours, _service(bare_url) as bare:
        apps: dict[str, ASGIApp] = {"ours": wire(ours).app, "bare": Bare(bare.database.pool, statements, answer)}
        seconds: dict[str, list[float]] = {name: [] for name in apps}
        for turn in range(ROUNDS):
            for name, app in apps.items():
                seconds[name].append(await _seconds(app, paths[turn::ROUNDS]))
    mine, limit = median(seconds["ours"]), median(seconds["bare"])
    of_each = sum(map(len, statements.values())) / len(paths)
    return Measured(
        what=f"accepting one of three referrals, {AT_ONCE} at once",
        ours=rate(commands, mine),
        limit=f"{rate(commands, limit)} bare ASGI + asyncpg, the same {of_each:.0f} statements",
        ratio=f"{limit / mine:.0%}",
        aim=">= 70 %",
        limited_by="three referrals, their clocks and events are decided and written by one core of Python",
    )


@asynccontextmanager
async def _service(url: str) -> AsyncIterator[Service]:
    environment = {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_DEVELOPMENT_IDENTITY": "1"}
    settings, pool = read_settings("referrals", 8002, environment), await connect(url)
    try:
        yield Service(settings, Database(pool, pool, settings.source, 1, b"secret", lambda: None), Health())
    finally:
        await pool.close()


async def _copies(stack: Stack, url: str, *names: str) -> list[str]:
    """The addresses of databases that are as this one, to which nobody is connected."""
    server = await asyncpg.connect(stack.postgres.url)
    for name in names:
        await server.execute(f"CREATE DATABASE {NAME}_{name} TEMPLATE {NAME} OWNER {NAME}")
    await server.close()
    return [f"{url.rpartition('/')[0]}/{NAME}_{name}" for name in names]


async def _given(service: Service, number: int) -> list[str]:
    """So many requests, each with a referral to three partners; the paths at which the first of each is accepted."""
    now = datetime.now(UTC)

    async def give(name: str, body: object, by: Actor, subject: object = None) -> str:
        command = (referrals.commands.by_name | organisations.commands.by_name)[name]
        call = Call(by=by, at=now, subject=subject, body=body)  # type: ignore[arg-type]  # as the route would read it
        return str((await carry_out(service.database, command, call)).subject)

    async def hear(event: Event) -> None:
        async with service.database.transaction(at=now) as tx:
            tx.reacting_to = 1, 1
            await reactions.reactions.by_type[event.type](event, tx)

    for partner in PARTNERS:
        await give("recordPartner", partner_details(), an_actor("operator"), partner)
    paths = []
    for _ in range(number):
        request_id, wished = new_id(), {"wished_from": now.date(), "wished_to": now.date() + timedelta(60)}
        asked = request_details(groups=(), headcount=20, **wished)
        raised_by = an_actor("coordinator")
        await hear(RequestRaised(**dict(asked), request_id=request_id, raised_by=raised_by, raised_at=now))
        await hear(RequestAssigned(request_id=request_id, broker_ids=(BABEL,), learning_areas=(ART,), assigned_at=now))
        once = {"parallel_set": new_id(), "decide_by": now.date() + timedelta(14)}
        made = [details_of(request_id, partner_id=partner, **once) for partner in PARTNERS]
        referred = [await give("refer", details, an_actor("consultant")) for details in made]
        paths.append(f"/v1/referrals/{referred[0]}/acceptances")
    return paths


async def _note(service: Service, paths: Sequence[str]) -> tuple[dict[str, list[Statement]], bytes]:
    """Carry out all of them; what SQL each of them is, and the last answer."""
    app, noted, answer = wire(service).app, dict[str, list[Statement]](), b""
    log: list[Statement] = []
    pool = service.database.pool
    for connection in [await pool.acquire() for _ in range(pool.get_max_size())]:
        connection.add_query_logger(lambda query: log.append((query.query, query.args or ())))
        await pool.release(connection)
    for path in paths:
        log.clear()
        answer = await _ask(app, path)
        noted[path] = [each for each in log if not _ABOUT_TYPES.search(each[0])]
    return noted, answer


async def _seconds(app: ASGIApp, paths: Sequence[str]) -> float:
    async def work(first: int) -> None:
        for path in paths[first::AT_ONCE]:
            await _ask(app, path)

    started = time.perf_counter()
    await asyncio.gather(*map(work, range(AT_ONCE)))
    return time.perf_counter() - started


async def _ask(app: ASGIApp, path: str) -> bytes:
    """What is answered to the partner that accepts."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = {
        "content-type": "application/json",
        "content-length": "2",
        "idempotency-key": path.split("/")[3],
        "samenspel-actor": f"role=partner; organisation={ATELIER}; actor=bench",
    }
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "scheme": "http",
        "server": ("bench", 80),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 201, sent
    return bytes(sent[1]["body"])
