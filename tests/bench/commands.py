"""An HTTP command beside a bare ASGI endpoint with the same SQL, and the same command from a topic."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import asyncpg
import httpx

from local.stack import Stack
from services.chassis.running.database import migrate
from tests.bench.http_client import REQUEST, Client, record_sites
from tests.bench.measured import Measured, rate

CLIENTS = 8  # two cores are busy long before
COMMANDS = 1_200  # a round
ROUNDS = 3  # in turn; the median of each counts
READY_SECONDS = 20.0
BROKER = "own:broker"
KAFKA = (("singly", ">= 1 x"), ("batches", ">= 3 x"))
# Our process finds no Kafka, so that its relay rests: what is compared is the way from request to answer.
OURS = {
    "SAMENSPEL_DEVELOPMENT_IDENTITY": "1",
    "SAMENSPEL_KAFKA": "127.0.0.1:1",
    "SAMENSPEL_LOG_LEVEL": "critical",  # that it finds none is no news
}


async def measure(stack: Stack, commands: int) -> list[Measured]:
    """Ours and the bare endpoint in turn, each a process with a database of its own; then the same commands from a
    topic. The medians count."""
    ours_url = stack.create_database("bench_ours", "bench_ours")
    bare_url = stack.create_database("bench_bare", "bench_bare")
    await migrate(bare_url, "services.chassis", "services.requests")
    ours: list[float] = []
    limits: list[float] = []
    from_topic: list[dict[str, float]] = []
    with (
        process("services.requests", {"SAMENSPEL_DATABASE_URL": ours_url} | OURS) as url,
        process("tests.bench.http_limit", {"SAMENSPEL_DATABASE_URL": bare_url}) as limit,
    ):
        record_sites(url)
        await _record_broker(ours_url)
        await _copy_records(ours_url, bare_url)
        for turn in range(ROUNDS):
            ours.append(await _seconds(url, f"ours-{turn}", commands))
            limits.append(await _seconds(limit, f"bare-{turn}", commands))
            from_topic.append(await asyncio.to_thread(_from_topic, ours_url, commands))
    over_http = Measured(
        what=f"HTTP command, {CLIENTS} clients",
        ours=rate(commands, median(ours)),
        limit=f"{rate(commands, median(limits))} bare ASGI + asyncpg, same SQL",
        ratio=f"{median(limits) / median(ours):.0%}",
        aim=">= 70 %",
        limited_by="FastAPI, pydantic, the trace and the rules share one core with the SQL client",
    )
    kafka = [_beside_http(how, aim, [each[how] for each in from_topic], median(ours), commands) for how, aim in KAFKA]
    return [over_http, *kafka]


def _beside_http(how: str, aim: str, seconds: list[float], http: float, commands: int) -> Measured:
    return Measured(
        what=f"the same from a topic, {how}",
        ours=rate(commands, median(seconds)),
        limit=f"{rate(commands, http)} over HTTP",
        ratio=f"{http / median(seconds):.1f} x",
        aim=aim,
        limited_by="the SQL of the command itself, one after another in each partition",
    )


def _from_topic(url: str, commands: int) -> dict[str, float]:
    """The seconds that a process takes for as many commands, singly and in batches."""
    environment = os.environ | {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_LOG_LEVEL": "error"}
    command = (sys.executable, "-m", "tests.bench.kafka_door", str(commands))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


async def _seconds(url: str, tag: str, commands: int) -> float:
    clients = [await Client.connect(url) for _ in range(CLIENTS)]

    async def work(client: Client, first: int) -> None:
        for number in range(first, commands, CLIENTS):
            status = await client.raise_request(number, tag)
            assert status == httpx.codes.CREATED, status

    started = time.perf_counter()
    await asyncio.gather(*(work(client, index) for index, client in enumerate(clients)))
    seconds = time.perf_counter() - started
    for client in clients:
        client.writer.close()
    return seconds


@contextmanager
def process(module: str, environment: dict[str, str]) -> Iterator[str]:
    """A module as a process of its own on a free port; its URL, once it answers there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    everything = os.environ | environment | {"SAMENSPEL_HTTP_PORT": str(port)}
    running = subprocess.Popen([sys.executable, "-m", module], env=everything)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(port):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{module} did not start")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _record_broker(url: str) -> None:
    """One that covers what is asked, as if `referrals` had announced it."""
    database = await asyncpg.connect(url)
    details = {
        "brokerId": BROKER,
        "validFrom": "2015-08-01",
        "name": {"nl": BROKER},
        "learningAreas": REQUEST["learningAreas"],
    }
    await database.execute(
        "INSERT INTO records (kind, entity_id, valid_from, details) VALUES ('broker', $1, '2015-08-01', $2)",
        BROKER,
        json.dumps(details),
    )
    await database.close()


async def _copy_records(from_url: str, to_url: str) -> None:
    """The same sites and the same broker in the other database."""
    there, here = await asyncpg.connect(from_url), await asyncpg.connect(to_url)
    for table in ("entities", "records"):
        rows = [tuple(row) for row in await there.fetch(f"SELECT * FROM {table}")]
        await here.copy_records_to_table(table, records=rows)
    await there.close()
    await here.close()
