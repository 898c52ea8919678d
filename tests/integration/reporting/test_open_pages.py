"""Pages that stay open: who reads one is told what is new, it is made once for all, and it keeps no service running."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import httpx
import pytest

from local import RealParts, ports
from services.chassis.http.server import server
from services.chassis.running.service import Service
from services.reporting.page.live import MAX_OPEN, PART, PING_SECONDS, Live, Made, Which
from services.reporting.page.making import make
from tests.integration.reporting.test_cuts import BRON, LINDE
from tests.integration.reporting.test_page import PAGE, Outline, Site, a_site
from tests.waiting import SOON, eventually

MANY = 60


class Reader:
    """Who has a page open: what the page's script gets."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self.lines, self.last_id = lines, ""

    async def main(self) -> dict[str, str]:
        """The next that has another main part than the page that this reader has."""
        while "main" not in (told := await self.next()):
            pass
        return told

    async def next(self) -> dict[str, str]:
        """What is put in the place of what was."""
        async with asyncio.timeout(SOON):
            async for line in self.lines:
                if line.startswith("id: "):
                    self.last_id = line.removeprefix("id: ")
                if line.startswith("data: "):
                    said: dict[str, str] = json.loads(line.removeprefix("data: "))
                    return said
        raise EOFError


class Served:
    """The site behind a real server."""

    def __init__(self, site: Site, client: httpx.AsyncClient, made: Counter[Which]) -> None:
        self.site, self.client, self.made = site, client, made
        self.live: Live = site.app.state.live

    @property
    def ticked(self) -> float:
        """When it was time to look last."""
        return self.live.service.health.parts[PART].ticked

    async def deliver(self, site_id: str = BRON) -> None:
        self.site.partnership.deliver(site_id)
        await self.site.partnership.cut()

    async def open(self, path: str = f"{PAGE}?lang=en") -> str:
        """The page, and where its script listens."""
        outline = Outline((await self.client.get(path)).text)
        return next(str(said["data-live"]) for _, said in outline.found if "data-live" in said)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Reader]:
        """Who opened the page after a first delivery."""
        await self.deliver()
        async with self.reader(await self.open()) as reader:
            yield reader

    @asynccontextmanager
    async def reader(self, address: str, **headers: str) -> AsyncIterator[Reader]:
        async with self.client.stream("GET", address, headers=headers) as answer:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            yield Reader(answer.aiter_lines())


@asynccontextmanager
async def served(stack: RealParts, **settings: Any) -> AsyncIterator[Served]:
    made = Counter[Which]()

    async def counted(service: Service, which: Which) -> Made | None:
        made[which] += 1
        return await make(service, which)

    async with a_site(stack, **settings) as site:
        service: Service = site.app.state.service
        site.app.state.live = Live(service, counted)
        port = ports.find_free()
        http = server(site.app, host="127.0.0.1", port=port)
        limits = httpx.Limits(max_connections=2 * MANY)
        serving = asyncio.create_task(http.serve())
        looking = asyncio.create_task(site.app.state.live.run())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=SOON) as client:
            await eventually(lambda: answers(client))
            try:
                yield Served(site, client, made)
            finally:
                http.leave()
                service.leaving.set()
                async with asyncio.timeout(5):  # and not after the fifteen seconds for requests in progress
                    await serving
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking


async def test_who_has_a_page_open_is_told_what_is_new(stack: RealParts) -> None:
    async with served(stack) as pages:
        async with pages.opened() as reader:
            await pages.deliver(LINDE)
            told = await reader.main()

        assert told["known"].startswith("Known at ")
        now = (await pages.client.get(f"{PAGE}?lang=en")).text
        assert told["main"] in now
        assert told["known"] in now


async def test_what_became_new_while_nobody_listened_is_told_first(stack: RealParts) -> None:
    async with served(stack) as pages:
        await pages.deliver()
        address = await pages.open()
        await pages.deliver(LINDE)  # between page and script: a page made now says which cut it shows

        async with pages.reader(address) as reader:
            first = await reader.main()
        await pages.deliver(LINDE)  # while the connection is away
        async with pages.reader(address, **{"Last-Event-ID": reader.last_id}) as reader:
            second = await reader.main()

        assert "(cut 2)" in first["known"]
        assert "(cut 3)" in second["known"]
        assert second["known"] in (await pages.client.get(f"{PAGE}?lang=en")).text


async def test_a_page_is_made_once_however_many_read_it(stack: RealParts) -> None:
    async with served(stack) as pages:
        await pages.deliver()
        address = await pages.open()

        async def reads(ready: asyncio.Barrier) -> str:
            async with pages.reader(address) as reader:
                await ready.wait()
                return (await reader.main())["main"]

        ready = asyncio.Barrier(MANY + 1)
        reading = [asyncio.create_task(reads(ready)) for _ in range(MANY)]
        await ready.wait()
        before = pages.made.total()
        await pages.deliver(LINDE)
        told = await asyncio.gather(*reading)

        assert len(set(told)) == 1
        assert pages.made.total() == before + 1


async def test_an_open_page_keeps_no_service_running(stack: RealParts) -> None:
    """Red without `leaving`: the server waited its fifteen seconds for an answer that goes on for ever."""
    async with served(stack) as pages:
        reading = pages.opened()
        reader = await reading.__aenter__()
        await pages.deliver(LINDE)
        await reader.next()
    with suppress(httpx.HTTPError):
        await reading.__aexit__(None, None, None)


async def test_what_nobody_reads_any_more_is_neither_looked_up_nor_made(stack: RealParts) -> None:
    async with served(stack) as pages:
        async with pages.opened() as reader:
            await reader.next()
        await eventually(lambda: is_closed(pages.live), within=PING_SECONDS)  # which would find out, sooner or later
        stand, made = pages.live.stand, pages.made.total()
        await pages.deliver(LINDE)
        for _ in range(3):
            await eventually(partial(has_ticked_since, pages, pages.ticked))

        assert (pages.live.stand, pages.made.total()) == (stand, made)


async def has_ticked_since(pages: Served, before: float) -> bool:
    """Whether it was time to look once more."""
    return pages.ticked > before


async def answers(client: httpx.AsyncClient) -> bool:
    with suppress(httpx.ConnectError):
        return (await client.get("/health/live")).is_success
    return False


async def is_closed(live: Live) -> bool:
    return not live.open


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"{PAGE}/changes?seen=another", 400),
        (f"{PAGE}/changes?lang=fy", 400),
        ("/programmes/NOT%20A%20SLUG/changes", 400),
    ],
)
async def test_a_wrong_address_to_listen_at_is_refused(stack: RealParts, address: str, status: int) -> None:
    async with served(stack) as pages:
        assert (await pages.client.get(address)).status_code == status


async def test_of_what_is_not_there_nobody_is_told_and_nothing_is_kept(stack: RealParts) -> None:
    async with served(stack) as pages:
        await pages.deliver()
        for address in [*(f"/programmes/other-{number}/changes" for number in range(20)), f"{PAGE}/changes?year=1"]:
            assert (await pages.client.get(address)).status_code == 404
        assert (pages.live.made, pages.live.rest_until) == ({}, 0.0)


async def test_who_has_what_is_shown_already_is_told_when_it_was_known_and_no_more(stack: RealParts) -> None:
    async with served(stack) as pages:
        async with pages.opened() as reader:
            await reader.next()
            await pages.site.partnership.db.execute("UPDATE backlog SET events = 12000")
            told = await reader.next()

        assert "About 12,000 messages" in told["known"]
        assert "main" not in told


async def test_a_page_is_the_same_one_by_its_year_and_without(stack: RealParts) -> None:
    async with served(stack) as pages:
        await pages.deliver()
        for path in (f"{PAGE}?lang=nl", f"{PAGE}?lang=nl&year=2025-2026", "/?lang=nl"):
            (await pages.client.get(path)).raise_for_status()

        assert pages.made.total() == 1


async def test_too_many_open_pages_are_refused_and_the_page_itself_is_not(stack: RealParts) -> None:
    async with served(stack) as pages:
        await pages.deliver()
        address = await pages.open()
        pages.live.open = MAX_OPEN
        refused: dict[str, Any] = (await pages.client.get(address)).json()

        assert refused["status"] == 503
        assert refused["type"].endswith("too-many-readers")
        assert (await pages.client.get(PAGE)).status_code == 200
        pages.live.open = 0
