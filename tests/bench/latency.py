"""How soon a command is a published figure."""

import asyncio
import time

import httpx
from aiokafka import AIOKafkaConsumer

from contracts.envelope import decode
from contracts.metrics import HISTORY, MetricPublished, MetricRestated
from local.stack import Stack
from tests.bench import limits
from tests.bench.http_client import OPERATOR, Client, record_sites
from tests.bench.measured import Measured

PACE = 50  # commands a second
COMMANDS = 750
PATIENCE_SECONDS = 30.0


async def measure(stack: Stack, commands: int) -> Measured:
    """From the answer to a command until its figure is on the history topic."""
    url = stack.service_url("requests")
    record_sites(url)
    history = await limits.reading(stack.kafka, HISTORY)
    await history.seek_to_end()
    answered: list[float] = []
    collecting = asyncio.create_task(_waits(history, _raised_now(stack), answered, commands))
    client = await Client.connect(url)
    began = time.perf_counter()
    for number in range(commands):
        await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
        await client.raise_request(number, "paced")
        answered.append(time.perf_counter())
    async with asyncio.timeout(PATIENCE_SECONDS):
        waits = sorted(await collecting)
    await history.stop()
    client.writer.close()
    p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    return Measured(
        what=f"command to published figure, {PACE}/s",
        ours=f"p50 {p50:.2f} s, p99 {p99:.2f} s",
        limit="cuts are one second apart",
        ratio="",
        aim="p99 < 2 s",
        limited_by="waiting for the next cut",
    )


def _raised_now(stack: Stack) -> int:
    """How many requests the published figures know."""
    which = {"indicator": "requests-raised", "unit": "city", "stratum": "all"}
    answer = httpx.get(f"{stack.service_url('reporting')}/v1/figures", params=which, headers=OPERATOR)
    return sum(item["numerator"] for item in answer.json()["items"])


async def _waits(history: AIOKafkaConsumer, known: int, answered: list[float], commands: int) -> list[float]:
    """Each published count covers the commands answered before it; the wait of each is noted once."""
    waits: list[float] = []
    while len(waits) < commands:
        for records in (await history.getmany(timeout_ms=20)).values():
            for record in records:
                now = time.perf_counter()
                covered = min(_raised_in(record.value) - known, len(answered))
                waits += [now - at for at in answered[len(waits) : covered]]
    return waits


def _raised_in(value: bytes | None) -> int:
    """The number of requests raised in the city, if this message says it; otherwise 0."""
    event = decode(value).event
    if not isinstance(event, MetricPublished | MetricRestated):
        return 0
    is_count = (event.indicator, event.unit, event.stratum) == ("requests-raised", "city", "all")
    return event.numerator or 0 if is_count else 0
