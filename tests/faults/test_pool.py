"""More callers than connections to the database (T15): who waits too long is told so, nobody for ever."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import httpx
import pytest

from local import RealParts
from tests.builders import SCHOOL, an_actor, request_details, site_details
from tests.service_process import ServiceProcess, as_json, started
from tests.waiting import eventually

CONNECTIONS = 5
CLIENTS = 200
FEW, MANY = 2_000, 20_000  # calls
NORMAL = 5.0  # seconds, from faults.md
PATH = "/v1/requests"
BODY = as_json(request_details(groups=(), headcount=20))
COORDINATOR = {"Samenspel-Actor": f"role=coordinator; organisation={SCHOOL}; actor=a1"}


@pytest.fixture(scope="module")
def service(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service `requests` with five connections, and a school."""
    folder = tmp_path_factory.mktemp("pool")
    with started(stack, "requests", prefix="pool-", folder=folder, database_connections=CONNECTIONS) as service:
        service.ask_ok("PUT", f"/v1/sites/{SCHOOL}", as_json(site_details()), by=an_actor("operator"))
        yield service


@asynccontextmanager
async def callers(service: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=service.url, headers=COORDINATOR, limits=limits, timeout=60) as client:
        yield client


async def call(client: httpx.AsyncClient, number: int, tag: str = "call") -> httpx.Response:
    """Every second one writes."""
    if number % 2:
        return await client.get(PATH, params={"limit": 1})
    return await client.post(PATH, json=BODY, headers={"Idempotency-Key": f"{tag}-{number}"})


@asynccontextmanager
async def nobody_can_use(service: ServiceProcess, table: str) -> AsyncIterator[asyncpg.Connection]:
    """Who needs this table waits in the database, and keeps a connection meanwhile. Yields the one that keeps them
    waiting."""
    database = await asyncpg.connect(service.database_url)
    try:
        async with database.transaction():
            await database.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield database
    finally:
        await database.close()


async def are_all_taken(database: asyncpg.Connection) -> bool:
    """Whether each connection of the service waits in the database."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'idempotency'::regclass"
    return bool(await database.fetchval(waiting) == CONNECTIONS)


@pytest.mark.fault("T15")
async def test_who_waits_too_long_for_a_connection_is_told_so_and_all_is_normal_soon_after(
    service: ServiceProcess,
) -> None:
    async with callers(service) as client:
        async with nobody_can_use(service, "idempotency") as database:
            holding = [asyncio.create_task(call(client, 2 * number, "holding")) for number in range(CONNECTIONS)]
            await eventually(partial(are_all_taken, database))
            # All are answered while no connection is free, so none of them waits for one.
            refused = await asyncio.gather(*(call(client, number, "refused") for number in range(CLIENTS)))
        released = time.monotonic()
        normal = await asyncio.gather(*(call(client, number, "normal") for number in range(CONNECTIONS)))
        normal_after = time.monotonic() - released
        await asyncio.gather(*holding)

    # Queries have connections of their own.
    assert {(answer.request.method, answer.status_code) for answer in refused} == {("GET", 200), ("POST", 503)}
    told = [answer for answer in refused if answer.status_code == 503]
    assert all(answer.headers["Retry-After"] and answer.json()["traceId"] for answer in told)
    assert {answer.status_code for answer in normal} == {200, 201}
    assert normal_after < NORMAL


@pytest.mark.fault("T15")
async def test_who_waits_too_long_for_an_answer_to_a_query_is_told_so_and_all_is_normal_soon_after(
    service: ServiceProcess,
) -> None:
    async with callers(service) as client:
        async with nobody_can_use(service, "requests"):
            refused = await asyncio.gather(*(call(client, 2 * number + 1) for number in range(CLIENTS // 2)))
        released = time.monotonic()
        normal = await asyncio.gather(*(call(client, 2 * number + 1) for number in range(CONNECTIONS)))
        normal_after = time.monotonic() - released

    assert {answer.status_code for answer in refused} == {503}
    assert all(answer.headers["Retry-After"] and answer.json()["traceId"] for answer in refused)
    assert {answer.status_code for answer in normal} == {200}
    assert normal_after < NORMAL


@pytest.mark.fault("T15")
@pytest.mark.parametrize("calls", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
async def test_two_hundred_callers_share_five_connections(
    service: ServiceProcess, calls: int, record_property: Callable[[str, object], None]
) -> None:
    numbers, answers = iter(range(calls)), list[httpx.Response]()
    before = _requests(service)

    async def ask(client: httpx.AsyncClient) -> None:
        for number in numbers:
            while (answer := await call(client, number, f"of-{calls}")).status_code == 503:
                assert answer.headers["Retry-After"]
            answers.append(answer)

    async with callers(service) as client, asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(ask(client))

    record_property("commands", calls)
    record_property("answered", len(answers))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert _requests(service) == before + calls // 2


def _requests(service: ServiceProcess) -> int:
    (row,) = service.rows("SELECT count(*) AS requests FROM requests")
    found: int = row["requests"]
    return found
