"""The page of one figure: its explanation, as `samenspel figures explain` says it, and what is behind it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Path, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from pydantic import Field

from contracts.values import calendar_day
from services.chassis.http.parameters import ReadPool, Text
from services.reporting import fact_store, figure_store, short
from services.reporting.page import pictures
from services.reporting.page.answers import html, nothing, page_routes
from services.reporting.page.asking import Lang, language_of, own_of
from services.reporting.page.board import Both, title_of
from services.reporting.page.making import render, texts_in
from services.reporting.rebuild import newest_vector
from services.reporting.sources import CURSOR, Source, first_sources, key_in, partner_names, site_names
from services.reporting.who_sees import sees
from words.explanation import parts_of
from words.language import Language

figures = page_routes()
EVENTS, VALUES = 50, 200  # behind a figure and of its history, on a page; the terminal has all
MAX_BACK = 20  # pages of events that one can go back; before those it is the first
Cursor = Annotated[str, Field(max_length=500, pattern=f"^{CURSOR.pattern}$")]
Cursors = Annotated[tuple[Cursor, ...], Query(max_length=MAX_BACK)]
"""The last event of each page before, the first page first."""


@figures.get("/figures/{key:path}")
async def show_figure(
    request: Request, key: Annotated[Text, Path()], db: ReadPool, cursor: Cursors = (), lang: Lang = None
) -> HTMLResponse:
    """A figure explained, in the words of `samenspel figures explain`."""
    texts = texts_in(language_of(request, lang))
    async with db.acquire() as reading, reading.transaction(isolation="repeatable_read", readonly=True):
        own = await own_of(request, reading)
        figure = await figure_store.last_published(reading, key)
        if figure is None or not sees(own, figure["unit"]):
            return nothing(request, texts)
        below, after = await newest_vector(reading), key_in(cursor[-1] if cursor else None)
        found = await first_sources(reading, key, own=own, below=below, after=after, most=EVENTS + 1)
        names = await site_names(reading, figure["unit"], found)
        partners = await partner_names(reading, found)
        missing = await short.unconfirmed(reading, figure)
        history, count = await figure_store.newest_history(reading, key, VALUES)
        definition = await fact_store.definition_of(reading, figure["indicator"], figure["definitionVersion"])
    page = {
        "figure": figure,
        "siteNames": names,
        "partnerNames": partners,
        "items": [_event(source) for source in found[:EVENTS]],
        "unconfirmed": missing and missing._asdict(),
        "areHidden": own is not None,
    }
    shown = {
        "title": title_of(figure, definition, names, texts),
        "programme": figure["programme"],
        "history": history,
        "picture": _history(history, texts),
        "parts": parts_of(page, definition, history, texts.words, count),
        "languages": {each.value: _here(cursor, each) for each in Language},
        "turns": _turns(cursor, found, texts),
    }
    return html(render("figure.html", texts, **shown))


def _turns(cursors: Sequence[str], found: Sequence[Source], texts: Both) -> list[tuple[str, str]]:
    """Addresses and names of the pages of events before and after this one."""
    back = [(_here(cursors[:-1], texts.words.language), texts.page.say("events.before"))] if cursors else []
    if len(found) <= EVENTS:
        return back
    seen = [*cursors, found[EVENTS - 1].key.cursor][-MAX_BACK:]
    return [*back, (_here(seen, texts.words.language), texts.page.say("events.after"))]


def _here(cursors: Sequence[str], language: Language) -> str:
    return f"?{urlencode([('lang', language.value), *(('cursor', each) for each in cursors)])}"


def _event(source: Source) -> dict[str, Any]:
    place, fact = source.key, source.fact
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
