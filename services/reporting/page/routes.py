"""The pages: of a programme at `/`, and of each figure, in Dutch and in English; a script only tells what is new.

Guarantee: who is not identified sees nothing of one site, and only where development identities are accepted; what a
page shows is what was published, and it says when that was known.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path as File
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from markupsafe import Markup

from contracts.values import Slug, calendar_day
from services.chassis.http.parameters import ReadPool, Text
from services.chassis.problems import NotFound
from services.chassis.running.database import Reader
from services.chassis.running.service import Service
from services.reporting import store
from services.reporting.page import pictures
from services.reporting.page.asking import FOR_READERS, Lang, Year, language_of, own_of
from services.reporting.page.board import Both, title_of
from services.reporting.page.downloads import downloads
from services.reporting.page.live import MAX_OPEN, Live, TooManyReaders, Which
from services.reporting.page.making import render, texts_in
from services.reporting.rebuild import newest_vector
from services.reporting.sources import Source, first_sources, site_names
from services.reporting.who_sees import sees
from words.explanation import parts_of

pages = APIRouter(include_in_schema=False)
pages.include_router(downloads)
EVENTS, VALUES = 50, 200  # behind a figure and of its history, on its page; the terminal has all
Digest = Annotated[str | None, Query(pattern="^[0-9a-f]{16}$")]
_PROGRAMMES = "SELECT programme, count(*) FROM newest WHERE unit = 'city' GROUP BY programme ORDER BY count(*) DESC, 1"
# The script is our own; styles stand in the page and in its pictures.
_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; base-uri 'none'"


class NoSuchPage(NotFound):
    """There is no page of this programme, or of this year."""


@pages.get("/", dependencies=FOR_READERS)
async def show_front(request: Request, db: ReadPool, lang: Lang = None, year: Year = None) -> HTMLResponse:
    """The programme with the most figures."""
    language, found = language_of(request, lang), await _programmes(db)
    return (
        await _board(request, db, Which(found[0], year, language))
        if found
        else _nothing(request, texts_in(language), [])
    )


@pages.get("/programmes/{programme}", dependencies=FOR_READERS)
async def show_programme(
    request: Request, db: ReadPool, programme: Annotated[Slug, Path()], lang: Lang = None, year: Year = None
) -> HTMLResponse:
    return await _board(request, db, Which(programme, year, language_of(request, lang)))


@pages.get("/programmes/{programme}/changes", dependencies=FOR_READERS)
async def tell_changes(
    request: Request, programme: Annotated[Slug, Path()], lang: Lang = None, year: Year = None, seen: Digest = None
) -> StreamingResponse:
    """What becomes new on a page, for its script. `seen`: the digest of what it shows."""
    live: Live = request.app.state.live
    if live.open >= MAX_OPEN:
        raise TooManyReaders
    which = Which(programme, year, language_of(request, lang))
    if await live.page(which) is None:
        raise NoSuchPage
    changes = live.changes(which, request.headers.get("Last-Event-ID", seen))
    return StreamingResponse(changes, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@pages.get("/page.js")
async def show_script() -> Response:
    return Response(_script(), media_type="text/javascript")


@cache
def _script() -> str:
    return File(__file__).with_name("page.js").read_text(encoding="utf-8")


async def _programmes(db: Reader) -> list[str]:
    return [row["programme"] for row in await db.fetch(_PROGRAMMES)]


async def _board(request: Request, db: Reader, which: Which) -> HTMLResponse:
    live: Live = request.app.state.live
    made = await live.page(which)
    return _html(made.html) if made else _nothing(request, texts_in(which.language), await _programmes(db))


def _nothing(request: Request, texts: Both, programmes: list[str]) -> HTMLResponse:
    """That there is nothing; while a loss is made good, that it comes back."""
    service: Service = request.app.state.service
    is_there = service.health.can_answer
    text, status = (texts.page.say("none"), 404) if is_there else (texts.page.say("none.restoring"), 503)
    return _html(
        render("none.html", texts, title=texts.page.say("none.title"), text=text, programmes=programmes), status
    )


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, {"Content-Security-Policy": _POLICY})


@pages.get("/figures/{key:path}")
async def show_figure(request: Request, key: Annotated[Text, Path()], db: ReadPool, lang: Lang = None) -> HTMLResponse:
    """A figure explained, in the words of `samenspel figures explain`."""
    texts = texts_in(language_of(request, lang))
    async with db.acquire() as reading, reading.transaction(isolation="repeatable_read", readonly=True):
        own = await own_of(request, reading)
        figure = await store.last_published(reading, key)
        if figure is None or not sees(own, figure["unit"]):
            return _nothing(request, texts, [])
        below = await newest_vector(reading)
        found = await first_sources(reading, key, own=own, below=below, after=None, most=EVENTS + 1)
        names = await site_names(reading, figure["unit"], found)
        history, count = await store.newest_history(reading, key, VALUES)
        definition = await store.definition_of(reading, figure["indicator"], figure["definitionVersion"])
    page = {
        "figure": figure,
        "siteNames": names,
        "items": [_event(source) for source in found[:EVENTS]],
        "hasMore": len(found) > EVENTS,
        "areHidden": own is not None,
    }
    shown = {
        "title": title_of(figure, definition, names, texts),
        "programme": figure["programme"],
        "history": history,
        "picture": _history(history, texts),
        "parts": parts_of(page, definition, history, texts.words, count),
    }
    return _html(render("figure.html", texts, **shown))


def _event(source: Source) -> dict[str, Any]:
    place, fact = source.place, source.fact
    return {
        "countsFor": place.counts_for,
        "eventId": fact.event_id,
        "type": fact.name,
        "topic": fact.topic,
        "partition": fact.partition,
        "offset": fact.offset,
        "data": json.loads(fact.data),
    }


def _day(figure: Mapping[str, Any], texts: Both) -> str:
    return texts.words.day(calendar_day(datetime.fromisoformat(figure["knownAt"])))


def _history(history: list[dict[str, Any]], texts: Both) -> Markup:
    """The shares that were published, as a curve; nothing for other figures."""
    shares = [(_day(each, texts), float(each["value"]) * 100) for each in history if "value" in each]
    if len(shares) < 2 or history[0]["measure"] != "share":  # noqa: PLR2004 - a curve has two points
        return Markup("")
    days, values = zip(*shares, strict=True)
    return Markup(pictures.curve("history", days, values, None))  # noqa: S704 - pygal escapes labels
