"""The page of a programme and of a figure, from the tables that `tables` has filled: as a browser gets them, made anew
and as it is; and what it costs the process that serves them, and perhaps leads, that many have it open."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import httpx
from fastapi import FastAPI

from local import ports
from services.chassis.http.application import application
from services.chassis.http.server import server
from services.chassis.running.database import Database, connect
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.reporting.page import routes
from services.reporting.page.live import Live
from services.reporting.page.making import make
from tests import national_year
from tests.bench.measured import Measured

TIMES = 50
PROGRAMME = f"/programmes/{national_year.PROGRAMME}?lang=nl"
MADE_ANEW, AS_IT_IS = "the page of a programme, made anew", "the page of a programme, again"
OF_A_FIGURE = "the page of a country's adoption"
PAGES = {
    MADE_ANEW: PROGRAMME,
    AS_IT_IS: PROGRAMME,
    OF_A_FIGURE: f"/figures/adoption-strict/1/{national_year.PROGRAMME}/city/all/2026-07-31",
}
READERS, CUTS, CUT_EVERY = 200, 20, 2.0  # seconds
ANOTHER_CUT = """
WITH grown AS (
    UPDATE newest
    SET data = (data::jsonb || jsonb_build_object('numerator', (data::jsonb ->> 'numerator')::int + 1))::text
    WHERE indicator = 'requests-raised' AND unit = 'city' AND stratum = 'all'
)
INSERT INTO cuts SELECT cut_id + 1, day, clock_timestamp(), event, figure_count FROM cuts ORDER BY cut_id DESC LIMIT 1
"""
"""With one figure more that is another one on every page: a cut that changes nothing sends a line alone."""


async def measure(url: str) -> dict[str, list[float]]:
    """Seconds, of each page; the first call, which compiles the templates, is left out."""
    took: dict[str, list[float]] = {what: [] for what in PAGES}
    async with _an_application(url) as app:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as browser:
            for what, path in PAGES.items():
                (await browser.get(path)).raise_for_status()
                for _ in range(TIMES):
                    if what == MADE_ANEW:
                        await app.state.service.database.pool.execute(ANOTHER_CUT)
                    began = time.perf_counter()
                    (await browser.get(path)).raise_for_status()
                    took[what].append(time.perf_counter() - began)
    return took


async def measure_readers(url: str) -> list[Measured]:
    """While a cut is taken every two seconds: nobody reads, one does, two hundred do."""
    spent, latencies = list[float](), list[float]()
    async with _an_application(url) as app:
        live: Live = app.state.live
        port = ports.find_free()
        http = server(app, host="127.0.0.1", port=port)
        running = [asyncio.create_task(http.serve()), asyncio.create_task(live.run())]
        for number in (0, 1, READERS):
            cpu, latencies = await _with_readers(app, port, number)
            spent.append(cpu)
        app.state.service.leaving.set()
        http.leave()
        await running[0]
        running[1].cancel()
    none, one, many = (f"{100 * each:.1f}%" for each in spent)
    return [
        Measured(
            what=f"tables: of one processor, with {READERS} pages open and a cut every {CUT_EVERY:.0f} s",
            ours=many,
            limit=f"{one} with one open, {none} with none",
            limited_by="making the page, once for all",
        ),
        Measured(
            what=f"tables: from a cut to the last of {READERS} open pages (median)",
            ours=f"{1000 * median(latencies):.0f} ms",
            aim="<= 2 s, from the event",
            limited_by="making the page",
        ),
    ]


async def _with_readers(app: FastAPI, port: int, number: int) -> tuple[float, list[float]]:
    """The share of a processor that this process spends, and the seconds until the last reader has what is new."""
    service: Service = app.state.service
    readers = None
    if number:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
            page = (await browser.get(PROGRAMME)).text
        found = re.search(r'data-live="([^"]+)"', page)
        assert found, "a page says where its script listens"
        command = [sys.executable, "-m", "tests.bench.readers", str(port), str(number), found[1].replace("&amp;", "&")]
        readers = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert readers.stdout is not None, "asked for"
        await readers.stdout.readline()  # all listen
    took = list[float]()
    began, cpu = time.perf_counter(), time.process_time()
    for turn in range(CUTS):
        await service.database.pool.execute(ANOTHER_CUT)
        cut_at = time.time()
        if readers is not None and readers.stdout is not None:
            took.append(float(await readers.stdout.readline()) - cut_at)
        await asyncio.sleep(max(0.0, began + (turn + 1) * CUT_EVERY - time.perf_counter()))
    spent = (time.process_time() - cpu) / (time.perf_counter() - began)
    if readers is not None:
        readers.kill()
        await readers.wait()
    return spent, took


@asynccontextmanager
async def _an_application(url: str) -> AsyncIterator[FastAPI]:
    known = {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_DEVELOPMENT_IDENTITY": "1"}
    settings = read_settings("reporting", 8000, known)
    pool = await connect(url, size=2)
    database = Database(pool, pool, settings.source, epoch=1, secret=b"secret", on_staged=lambda: None)
    health = Health(died=asyncio.get_running_loop().create_future())
    service = Service(settings, database, health)
    app = application(service, title="Pages", description="")
    app.include_router(routes.pages)
    app.state.live = Live(service, make)
    yield app
    await pool.close()
