"""How old a figure is: from an activity on its topic until the city's figure on the history topic counts it, and until
who has the page open is told.

At a steady pace, and while everything is made anew beside it.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from itertools import count, islice

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.envelope import CONTENT_TYPE, decode
from contracts.metrics import HISTORY, MetricPublished, MetricRestated
from contracts.partitioner import partition_of
from local.stack import Stack
from services.chassis.messaging.kafka import producer
from tests.bench import events, limits
from tests.bench.http_client import OPERATOR
from tests.bench.measured import Measured
from tests.bench.rebuild import wait_for_figures
from tests.builders import PROGRAMME

BEFORE = 50_000  # activities that are there: a rebuild of them lasts some seconds
SECONDS = 20
WARM_UP = 30  # activities, in a second
PACES = ((50, False), (200, False), (50, True))
"""Activities a second, and whether a rebuild runs beside."""
PATIENCE_SECONDS = 120.0
ONE_BY_ONE, PAUSE_SECONDS = 15, 2.0
QUIET_MS = 3_000  # a cut and its figures come at least this often while there is news
HEADERS = [("content-type", CONTENT_TYPE)]


async def measure(stack: Stack, share: float) -> list[Measured]:
    await limits.send(stack.kafka, events.city(), stack.prefix)
    known = int(BEFORE * share)
    await limits.send(stack.kafka, events.activities(known), stack.prefix)
    await asyncio.to_thread(wait_for_figures, stack, known)
    await _waits_at(stack, WARM_UP, WARM_UP, known)  # after a long cut the next one waits as long
    known += WARM_UP
    rows = [_of_the_page(await _waits_of_a_reader(stack))]
    known += ONE_BY_ONE
    for pace, has_rebuild in PACES:
        sent = int(pace * SECONDS * max(share, 0.2))
        async with _rebuilding(stack) if has_rebuild else nullcontext([0]) as rebuilds:
            waits = await _waits_at(stack, pace, sent, known)
        known += sent
        beside = f", beside {rebuilds[0]} rebuilds of {known:,} activities" if has_rebuild else ""
        rows.append(
            Measured(
                what=f"activity to published figure, {pace}/s{beside}",
                ours=f"p50 {waits[len(waits) // 2]:.2f} s, p99 {waits[int(len(waits) * 0.99)]:.2f} s",
                limit="cuts are one second apart",
                aim="p99 <= 5 s" if has_rebuild else f"p99 <= {1.5 if pace <= PACES[0][0] else 2} s",
                limited_by="waiting for the next cut",
            )
        )
    return rows


def _of_the_page(waits: list[float]) -> Measured:
    return Measured(
        what="activity to open page, one by one",
        ours=f"p50 {waits[len(waits) // 2]:.2f} s, longest {waits[-1]:.2f} s",
        limit="cuts are one second apart",
        aim="<= 2 s",
        limited_by="cut, and making the page",
    )


async def _waits_of_a_reader(stack: Stack) -> list[float]:
    """From an activity on its topic until a reader of the page is sent it, the shortest first; one after another."""
    kafka = producer(stack.kafka, "bench")
    await kafka.start()
    waits: list[float] = []
    async with httpx.AsyncClient(base_url=stack.service_url("reporting"), timeout=PATIENCE_SECONDS) as browser:
        page = (await browser.get(f"/programmes/{PROGRAMME}?lang=en")).raise_for_status().text
        address = re.search(r'data-live="([^"]+)"', page)
        assert address, "a page says where its script listens"
        async with browser.stream("GET", address[1].replace("&amp;", "&")) as told:
            came: asyncio.Queue[float] = asyncio.Queue()
            listening = asyncio.create_task(_listen(told, came))
            for topic, key, value in events.activities(ONE_BY_ONE):
                sent_at = time.perf_counter()
                await kafka.send_and_wait(
                    stack.prefix + topic, value, key=key, partition=partition_of(key), headers=HEADERS
                )
                while (at := await came.get()) < sent_at:
                    pass  # of what came before: at first what there is
                waits.append(at - sent_at)
                await asyncio.sleep(PAUSE_SECONDS)
            listening.cancel()
    await kafka.stop()
    return sorted(waits)


async def _listen(told: httpx.Response, came: asyncio.Queue[float]) -> None:
    """When each piece of news came."""
    async for line in told.aiter_lines():
        if line.startswith("data: "):
            came.put_nowait(time.perf_counter())


async def _waits_at(stack: Stack, pace: int, number: int, known: int) -> list[float]:
    """The wait of each of these activities, the shortest first."""
    history = await limits.reading(stack.kafka, stack.prefix + HISTORY)
    await history.seek_to_end()
    while await history.getmany(timeout_ms=QUIET_MS):
        pass  # the figures of what came before
    kafka = producer(stack.kafka, "bench")
    await kafka.start()
    sent: list[float] = []
    collecting = asyncio.create_task(_waits(history, known, sent, number))
    await _send(kafka, stack.prefix, pace, number, sent)
    async with asyncio.timeout(PATIENCE_SECONDS):
        waits = await collecting
    await kafka.stop()
    await history.stop()
    return sorted(waits)


async def _send(kafka: AIOKafkaProducer, prefix: str, pace: int, number: int, sent: list[float]) -> None:
    began = time.perf_counter()
    for each, (topic, key, value) in enumerate(islice(events.activities(number), number)):
        await asyncio.sleep(max(0.0, began + each / pace - time.perf_counter()))
        await kafka.send_and_wait(prefix + topic, value, key=key, partition=partition_of(key), headers=HEADERS)
        sent.append(time.perf_counter())


async def _waits(history: AIOKafkaConsumer, known: int, sent: list[float], number: int) -> list[float]:
    """Each published count covers the activities sent before it; the wait of each is noted once."""
    waits: list[float] = []
    while len(waits) < number:
        for records in (await history.getmany(timeout_ms=20)).values():
            for record in records:
                now = time.perf_counter()
                covered = min(_counted_in(record.value) - known, len(sent))
                waits += [now - at for at in sent[len(waits) : covered]]
    return waits


def _counted_in(value: bytes | None) -> int:
    """How many activities the city has, if this message says it; otherwise 0."""
    event = decode(value).event
    if not isinstance(event, MetricPublished | MetricRestated) or event.denominator is None:
        return 0
    is_count = (event.indicator, event.unit) == ("unknown-share", "city")
    return event.denominator.lower if is_count else 0


@asynccontextmanager
async def _rebuilding(stack: Stack) -> AsyncIterator[list[int]]:
    """Ask for a rebuild, and for the next one when it is done; how many there were."""
    done = [0]
    asking = asyncio.create_task(_rebuild_again_and_again(stack.service_url("reporting"), done))
    try:
        yield done
    finally:
        asking.cancel()


async def _rebuild_again_and_again(url: str, done: list[int]) -> None:
    async with httpx.AsyncClient(base_url=url, headers=OPERATOR, timeout=PATIENCE_SECONDS) as client:
        for number in count():
            headers = {"Idempotency-Key": f"freshness-{number}"}
            asked = (await client.post("/v1/rebuilds", json={}, headers=headers)).raise_for_status().json()
            done[0] += 1
            found: dict[str, object] = {}
            while "outcome" not in found:
                await asyncio.sleep(0.2)
                found = (await client.get(f"/v1/rebuilds/{asked['rebuildId']}")).json()
