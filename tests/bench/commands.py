"""An HTTP command beside a bare ASGI endpoint with the same SQL, and how soon a command is a published figure."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer

from contracts.envelope import decode
from contracts.metrics import HISTORY, MetricPublished, MetricRestated
from local.stack import Stack
from services.chassis.running.database import migrate
from tests.bench import loops
from tests.bench.loops import Measured

SITES = 50
CLIENTS = 8  # two cores are busy long before
COMMANDS = 1_200  # a round
ROUNDS = 3  # in turn; the median of each counts
PACE = 50  # commands a second for the latency
PACED = 750
OPERATOR = {"Samenspel-Actor": "role=operator; organisation=own:bench; actor=bench"}
READY_SECONDS = 20.0


def _request(host: str, number: int, tag: str) -> bytes:
    """A raise-a-request command as bytes: the client must cost next to nothing."""
    site = f"own:bench-{number % SITES}"
    body = json.dumps(
        {
            "siteId": site,
            "programme": "kansen-voor-kinderen",
            "headcount": 20,
            "intention": "replaces",
            "learningAreas": [{"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}],
            "wishedFrom": f"20{30 + number // 300}-01-01",
            "wishedTo": f"20{30 + number // 300}-03-01",
        }
    ).encode()
    head = (
        f"POST /v1/requests HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {tag}-{number}\r\n"
        f"Samenspel-Actor: role=coordinator; organisation={site}; actor=bench\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Client:
    """One kept-alive connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> int:
        """Send a request and read the whole answer; its status."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(head[9:12])


async def _connect(url: str) -> Client:
    place = urlsplit(url)
    return Client(*await asyncio.open_connection(place.hostname, place.port))


async def _throughput(url: str, tag: str, count: int) -> float:
    clients = [await _connect(url) for _ in range(CLIENTS)]
    host = urlsplit(url).netloc

    async def work(client: Client, first: int) -> None:
        for number in range(first, count, CLIENTS):
            status = await client.ask(_request(host, number, tag))
            assert status == httpx.codes.CREATED, status

    started = time.perf_counter()
    await asyncio.gather(*(work(client, index) for index, client in enumerate(clients)))
    seconds = time.perf_counter() - started
    for client in clients:
        client.writer.close()
    return seconds


@contextmanager
def process(module: str, port_name: str, database_url: str, environment: dict[str, str]) -> Iterator[str]:
    """A module as a process of its own on a free port; its URL, once it answers there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"SAMENSPEL_DATABASE_URL": database_url, port_name: str(port), **environment}
    running = subprocess.Popen([sys.executable, "-m", module], env={**os.environ, **settings})
    try:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{module} did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def _record_sites(url: str) -> None:
    for number in range(SITES):
        details = {
            "validFrom": "2015-08-01",
            "kinds": ["primary"],
            "name": {"nl": f"School {number}"},
            "board": "own:board",
            "municipality": "GM0796",
            "postcode4": "5211",
            "neighbourhood": "5211",
        }
        httpx.put(f"{url}/v1/sites/own:bench-{number}", json=details, headers=OPERATOR).raise_for_status()


async def _copy_sites(from_url: str, to_url: str) -> None:
    """The same sites in the other database."""
    there, here = await asyncpg.connect(from_url), await asyncpg.connect(to_url)
    for table in ("sites", "site_records"):
        rows = [tuple(row) for row in await there.fetch(f"SELECT * FROM {table}")]
        await here.copy_records_to_table(table, records=rows)
    await there.close()
    await here.close()


async def measure_commands(stack: Stack) -> Measured:
    """Ours and the bare endpoint in turn, each a process with a database of its own; the medians count.

    Our process finds no Kafka, so that its relay rests: what is compared is the way from request to answer.
    """
    ours_url = stack.create_database("bench_ours", "bench_ours")
    bare_url = stack.create_database("bench_bare", "bench_bare")
    await migrate(bare_url, "services.chassis", "services.requests")
    environment = {
        "SAMENSPEL_DEVELOPMENT_IDENTITY": "1",
        "SAMENSPEL_KAFKA": "127.0.0.1:1",
        "SAMENSPEL_LOG_LEVEL": "error",
    }
    ours: list[float] = []
    limits: list[float] = []
    with (
        process("services.requests", "SAMENSPEL_HTTP_PORT", ours_url, environment) as url,
        process("tests.bench.bare", "SAMENSPEL_HTTP_PORT", bare_url, {}) as limit,
    ):
        _record_sites(url)
        await _copy_sites(ours_url, bare_url)
        for turn in range(ROUNDS):
            ours.append(await _throughput(url, f"ours-{turn}", COMMANDS))
            limits.append(await _throughput(limit, f"bare-{turn}", COMMANDS))
    return Measured(
        f"HTTP command, {CLIENTS} clients",
        loops.rate(COMMANDS, median(ours)),
        f"{loops.rate(COMMANDS, median(limits))} bare ASGI + asyncpg, same SQL",
        f"{median(limits) / median(ours):.0%}",
        ">= 70 %",
        "FastAPI, pydantic, the trace and the rules share one core with the SQL client",
    )


async def measure_latency(stack: Stack) -> Measured:
    """From the answer to a command until its figure is on the history topic."""
    url = stack.service_url("requests")
    _record_sites(url)
    reading = await loops.assigned(stack.kafka, HISTORY)
    await reading.seek_to_end()
    answered: list[float] = []
    waits: list[float] = []
    before = _raised_now(stack)
    collecting = asyncio.create_task(_collect(reading, before, answered, waits))
    client = await _connect(url)
    host = urlsplit(url).netloc
    began = time.perf_counter()
    for number in range(PACED):
        await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
        await client.ask(_request(host, number, "paced"))
        answered.append(time.perf_counter())
    await asyncio.wait_for(collecting, 30)
    await reading.stop()
    client.writer.close()
    waits.sort()
    p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    return Measured(
        f"command to published figure, {PACE}/s",
        f"p50 {p50:.2f} s, p99 {p99:.2f} s",
        "cuts are one second apart",
        "",
        "p99 < 2 s",
        "waiting for the next cut",
    )


def _raised_now(stack: Stack) -> int:
    """How many requests the published figures know."""
    which = {"indicator": "requests-raised", "unit": "city", "stratum": "all"}
    answer = httpx.get(f"{stack.service_url('reporting')}/v1/figures", params=which, headers=OPERATOR)
    return sum(item["numerator"] for item in answer.json()["items"])


async def _collect(reading: AIOKafkaConsumer, known: int, answered: list[float], waits: list[float]) -> None:
    """Each published count covers the commands answered before it; the wait of each is noted once."""
    while len(waits) < PACED:
        for records in (await reading.getmany(timeout_ms=20)).values():
            for record in records:
                now = time.perf_counter()
                covered = min(_raised_in(record.value) - known, len(answered))
                waits += [now - at for at in answered[len(waits) : covered]]


def _raised_in(value: bytes | None) -> int:
    """The number of requests raised in the city, if this message says it; otherwise 0."""
    event = decode(value).event
    if not isinstance(event, MetricPublished | MetricRestated):
        return 0
    is_count = (event.indicator, event.unit, event.stratum) == ("requests-raised", "city", "all")
    return event.numerator or 0 if is_count else 0
