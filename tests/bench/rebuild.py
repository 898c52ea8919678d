"""Everything from the topics, all figures, compared: of a hundred thousand activities after a loss, and of a share of
the national year beside the live service, which goes on with one activity a second.
"""

import asyncio
import os
import time
from itertools import islice
from statistics import median
from uuid import uuid4

import asyncpg
import httpx
import psutil

from local.stack import Stack
from services.reporting.figures import families
from services.reporting.things import KINDS
from tests import national_year
from tests.bench import events, limits
from tests.bench.http_client import OPERATOR
from tests.bench.measured import Measured, rate

ACTIVITIES = 100_000
PATIENCE_SECONDS = 300.0
YEAR_SECONDS = 1_800.0  # of patience with a whole year
SENT_AT_ONCE = 100_000  # events, which are in memory
_STANDS = """
SELECT (SELECT sum(next_offset) FROM positions) >= $1 AND (SELECT count(*) FROM made WHERE is_announced) = $2
"""
_CUTS_LATELY = "SELECT count(*) FROM cuts WHERE known_at > clock_timestamp() - interval '5 s'"
USUAL = 3  # cuts in five seconds, when there is something new each second
_LONGEST_GAP = """
SELECT max(extract(epoch FROM known_at - before))::float FROM (
    SELECT known_at, lag(known_at) OVER (ORDER BY cut_id) AS before FROM cuts WHERE known_at > $1
) AS since
"""


def _wait_for_rebuild(stack: Stack, known: int, patience: float = PATIENCE_SECONDS) -> dict[str, float]:
    url = stack.service_url("reporting")
    deadline = time.monotonic() + patience
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


async def measure_year(stack: Stack, share: float) -> list[Measured]:
    """From the topics to all figures, of a share of the national year, and then a rebuild that an operator asks for."""
    for name in ("requests", "referrals", "reporting"):  # the first two would read it all, too
        stack.stop_service(name)
    sent = await _send_year(stack, share)
    await _drop_tables(stack.database_url("reporting"))
    await asyncio.to_thread(os.sync)  # writing what was sent is not catching up
    began = time.monotonic()
    stack.start_service("reporting")
    db = await asyncpg.connect(stack.database_url("reporting"))
    resident = 0.0
    while not await db.fetchval(_STANDS, sent, len(KINDS) + len(families())):
        assert time.monotonic() - began < YEAR_SECONDS, "the figures did not come"
        resident = max(resident, _resident())
        await asyncio.sleep(0.5)
    caught_up = time.monotonic() - began
    going_on = asyncio.create_task(_one_activity_a_second(stack))
    while await db.fetchval(_CUTS_LATELY) < USUAL:  # after a cut of everything the next one waits as long as that took
        assert time.monotonic() - began < YEAR_SECONDS, "cuts did not come as usual"
        await asyncio.sleep(0.5)
    reads: list[float] = []
    reading = asyncio.create_task(_a_page_now_and_then(stack, reads))
    began_at = await db.fetchval("SELECT clock_timestamp()")
    outcome = await asyncio.to_thread(_wait_for_rebuild, stack, _ask_for_rebuild(stack), YEAR_SECONDS)
    gap = await db.fetchval(_LONGEST_GAP, began_at)
    resident_meanwhile = _resident()
    going_on.cancel()
    reading.cancel()
    await db.close()
    equal = "byte-equal" if outcome["equal"] else "NOT EQUAL"
    cuts = f"a cut at least every {gap:.1f} s meanwhile" if gap else "it was done before a second cut"
    return [
        Measured(
            what=f"from Kafka to all figures, {share:.0%} of a national year ({sent:,} events)",
            ours=f"{caught_up:.0f} s, at most {resident:,.0f} MB resident",
            aim="<= 180 s at 100 %; <= 400 MB",
            limited_by="two cores: reading, folding, then PostgreSQL",
        ),
        Measured(
            what=f"rebuild beside the live service, {share:.0%} of a national year",
            ours=f"{outcome['seconds']:.0f} s, {rate(int(outcome['events']), outcome['seconds'])}",
            limit=f"{outcome['figures']:,} figures, {equal}; {cuts}",
            ratio="",
            aim="<= 270 s at 100 %; 5 s",
            limited_by="both on two cores",
        ),
        Measured(
            what="a page of figures meanwhile, over HTTP",
            ours=f"p50 {1000 * median(reads):.0f} ms, longest {1000 * max(reads):.0f} ms;"
            f" {resident_meanwhile:,.0f} MB resident at its end",
            limited_by="half of the rebuild is in the same process",
        ),
    ]


async def _one_activity_a_second(stack: Stack) -> None:
    for activity in events.activities(int(YEAR_SECONDS)):
        await limits.send(stack.kafka, [activity], stack.prefix)
        await asyncio.sleep(1.0)


async def _a_page_now_and_then(stack: Stack, waits: list[float]) -> None:
    url = f"{stack.service_url('reporting')}/v1/figures"
    async with httpx.AsyncClient(headers=OPERATOR, timeout=PATIENCE_SECONDS) as client:
        while True:
            began = time.perf_counter()
            (await client.get(url, params={"limit": 100})).raise_for_status()
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.2)


def _resident() -> float:
    """Of the service, in MB."""
    words = [(each, " ".join(each.info["cmdline"] or ())) for each in psutil.process_iter(["cmdline"])]
    return sum(each.memory_info().rss for each, line in words if "services.reporting" in line) / 1e6


def _ask_for_rebuild(stack: Stack) -> int:
    """How many had ended before."""
    url = f"{stack.service_url('reporting')}/v1/rebuilds"
    items = httpx.get(url, headers=OPERATOR).raise_for_status().json()["items"]
    httpx.post(url, json={}, headers={**OPERATOR, "Idempotency-Key": str(uuid4())}).raise_for_status()
    return len([each for each in items if each.get("outcome")])


async def _send_year(stack: Stack, share: float) -> int:
    sent, year = 0, national_year.events(share)
    while some := [*islice(year, SENT_AT_ONCE)]:
        await limits.send(stack.kafka, some, stack.prefix)
        sent += len(some)
    return sent
