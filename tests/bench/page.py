"""The page of a programme and of a figure, from the tables that `tables` has filled: as a browser gets them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.chassis.http.application import application
from services.chassis.running.database import Database, connect
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.reporting.page import routes
from tests.bench import national_year
from tests.http_door import client_of

TIMES = 50
PAGES = {
    "the page of a programme": f"/programmes/{national_year.PROGRAMME}?lang=nl",
    "the page of a country's adoption": f"/figures/adoption-strict/1/{national_year.PROGRAMME}/city/all/2026-07-31",
}


async def measure(url: str) -> dict[str, list[float]]:
    """Seconds, of each page; the first call, which compiles the templates, is left out."""
    took: dict[str, list[float]] = {}
    async with _browser(url) as browser:
        for what, path in PAGES.items():
            (await browser.get(path)).raise_for_status()
            took[what] = [await _seconds(browser, path) for _ in range(TIMES)]
    return took


async def _seconds(browser: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    (await browser.get(path)).raise_for_status()
    return time.perf_counter() - began


@asynccontextmanager
async def _browser(url: str) -> AsyncIterator[httpx.AsyncClient]:
    known = {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_DEVELOPMENT_IDENTITY": "1"}
    settings = read_settings("reporting", 8000, known)
    pool = await connect(url, size=2)
    database = Database(pool, pool, settings.source, epoch=1, secret=b"secret", on_staged=lambda: None)
    health = Health(died=asyncio.get_running_loop().create_future())
    app = application(Service(settings, database, health), title="Pages", description="")
    app.include_router(routes.pages)
    async with client_of(app) as browser:
        yield browser
    await pool.close()
