"""How long the dearest bodies hold up everybody else: the longest wait for an answer that costs nothing."""

import asyncio
import json
import time
from collections.abc import Callable

import httpx

from local.stack import Stack
from tests.bench.http_client import OPERATOR, REQUEST, SITE
from tests.bench.measured import Measured

IDLE_SECONDS = 5.0
PACE_SECONDS = 0.002  # between two questions: a burst that is longer is seen
PATIENCE_SECONDS = 300.0
LINES = 22_000  # about 8 MiB
RECORDED = 2_000  # of which the service really records so many
LINES_TYPE = {"Content-Type": "application/x-ndjson"}


def dearest_bodies() -> dict[str, tuple[str, bytes]]:
    """By what they are: path and body."""
    lines = [json.dumps(SITE | {"siteId": f"own:burst-{number}", "name": {"nl": "x" * 160}}) for number in range(LINES)]
    numbers = ["1." * 950, "(1" * 950, "06/" * 600, "+31 6 1 " * 200]  # no telephone numbers, and long to look at
    texts = [numbers[number % len(numbers)] for number in range(64)]
    return {
        "8 MiB of lines, the last one wrong": ("/v1/sites", "\n".join([*lines, "{}"]).encode()),
        f"{RECORDED} lines": ("/v1/sites", "\n".join(lines[:RECORDED]).encode()),
        "128 KiB of digits": ("/v1/requests", json.dumps(REQUEST | {"odd": texts}).encode()[: 128 * 1024]),
        "11,000 sites": ("/v1/requests", json.dumps(REQUEST | {"coSiteIds": ["own:s1"] * 11_000}).encode()),
    }


async def measure(stack: Stack) -> Measured:
    url = stack.service_url("requests")
    loop = asyncio.get_running_loop()
    idle = await asyncio.to_thread(_longest_wait, url, _within(IDLE_SECONDS))
    longest: dict[str, float] = {}
    async with httpx.AsyncClient(base_url=url, headers=OPERATOR, timeout=PATIENCE_SECONDS) as client:
        for what, (path, body) in dearest_bodies().items():
            headers = {"Idempotency-Key": f"{what} {loop.time()}".replace(" ", "-")}
            headers |= LINES_TYPE if path == "/v1/sites" else {"Content-Type": "application/json"}
            sending = asyncio.create_task(client.post(path, content=body, headers=headers))
            longest[what] = await asyncio.to_thread(_longest_wait, url, sending.done)
            answer = await sending
            assert answer.status_code in {200, 400}, answer.text
    what = max(longest, key=lambda each: longest[each])
    return Measured(
        what="longest CPU burst of the event loop",
        ours=f"{longest[what] * 1000:.0f} ms ({what})",
        limit=f"{idle * 1000:.0f} ms when idle",
        ratio="",
        aim="< 1 s, for Kafka's heartbeats",
        limited_by="Python's global lock: long bodies are read beside the loop",
    )


def _within(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def _longest_wait(url: str, is_over: Callable[[], bool]) -> float:
    """Of many questions whether the service is alive, one after another: seconds."""
    longest = 0.0
    with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        client.get("/health/live")
        while not is_over():
            asked = time.perf_counter()
            client.get("/health/live")
            longest = max(longest, time.perf_counter() - asked)
            time.sleep(PACE_SECONDS)
    return longest
