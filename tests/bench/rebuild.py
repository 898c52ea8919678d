"""A rebuild of a hundred thousand activities: everything from the topics, all figures, compared."""

import time

import asyncpg
import httpx

from local.stack import Stack
from tests.bench import events, limits
from tests.bench.http_client import OPERATOR
from tests.bench.measured import Measured, rate

ACTIVITIES = 100_000
PATIENCE_SECONDS = 300.0


def _wait_for_rebuild(stack: Stack, known: int) -> dict[str, float]:
    url = stack.service_url("reporting")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            items = httpx.get(f"{url}/v1/rebuilds", headers=OPERATOR, timeout=PATIENCE_SECONDS).json()["items"]
        except httpx.HTTPError:
            items = []
        done = [each for each in items if each.get("outcome")]
        if len(done) > known:
            outcome: dict[str, float] = done[0]["outcome"]
            return outcome
        time.sleep(0.2)
    raise TimeoutError("the rebuild did not finish")


async def _drop_tables(url: str) -> None:
    db = await asyncpg.connect(url)
    for row in await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        await db.execute(f'DROP TABLE "{row["tablename"]}" CASCADE')
    await db.close()


def wait_for_figures(stack: Stack, count: int) -> None:
    url, asked = f"{stack.service_url('reporting')}/v1/figures", {"indicator": "unknown-share", "unit": "city"}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = httpx.get(url, params=asked, headers=OPERATOR, timeout=PATIENCE_SECONDS)
        if any(item["denominator"]["lower"] >= count for item in answer.json()["items"]):
            return
        time.sleep(0.2)
    raise TimeoutError("the figures did not come")


async def measure(stack: Stack, activities: int) -> Measured:
    """Publish, wait until it is in the figures, lose reporting's tables, start again."""
    await limits.send(stack.kafka, events.city(), stack.prefix)
    await limits.send(stack.kafka, events.activities(activities), stack.prefix)
    wait_for_figures(stack, activities)
    stack.stop_service("reporting")
    await _drop_tables(stack.database_url("reporting"))
    stack.start_service("reporting")
    outcome = _wait_for_rebuild(stack, 0)
    equal = "byte-equal" if outcome["equal"] else "NOT EQUAL"
    return Measured(
        what=f"rebuild, {activities:,} activities",
        ours=rate(int(outcome["events"]), outcome["seconds"]),
        limit=f"{outcome['seconds']:.1f} s for {outcome['figures']:,} figures, {equal}",
        ratio="",
        aim=">= 30,000/s",
        limited_by="one process: decoding, COPY and adding up share a core",
    )
