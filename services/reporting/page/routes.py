"""The pages: of a programme at `/`, and of each figure, in Dutch and in English, without scripts.

Guarantee: who is not identified sees nothing of one site, and only where development identities are accepted; what a
page shows is what was published, and it says when that was known.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path as File
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from contracts.values import Slug, calendar_day
from services.chassis.http.identity import HEADER, UnknownCaller, identify
from services.chassis.http.parameters import ReadPool, Text
from services.chassis.now import now
from services.chassis.running.database import Reader
from services.chassis.running.service import Service
from services.reporting import store
from services.reporting.page import pictures
from services.reporting.page.board import Both, Card, Figures, Target, board_of, title_of
from services.reporting.rebuild import newest_vector
from services.reporting.sources import Source, first_sources, site_names
from services.reporting.who_sees import Own, own_units, sees
from words.explanation import explanation
from words.language import Language, Texts

pages = APIRouter(include_in_schema=False)
EVENTS = 50  # behind a figure, on its page; the terminal has all
Lang = Annotated[Language | None, Query()]
_OF_CITY = "SELECT data FROM newest WHERE programme = $1 AND unit = 'city'"
_OF_NEIGHBOURHOODS = """
SELECT data FROM newest WHERE programme = $1 AND period = $2 AND indicator = 'reach-school' AND stratum = 'all'
    AND unit LIKE 'neighbourhood:%'
"""
_PROGRAMMES = "SELECT programme, count(*) FROM newest WHERE unit = 'city' GROUP BY programme ORDER BY count(*) DESC, 1"


@cache
def _templates() -> Environment:
    loader = PackageLoader("services.reporting.page")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _language(request: Request, asked: Language | None) -> Language:
    """As asked; else as the browser prefers, Dutch where it says neither."""
    accepted = request.headers.get("Accept-Language", "")
    places = {each: accepted.find(each) for each in Language if each in accepted}
    return asked or (min(places, key=lambda each: places[each]) if places else Language.NL)


def _texts(request: Request, asked: Language | None) -> Both:
    language = _language(request, asked)
    return Both(Texts("words", language), Texts("services.reporting.page", language))


async def _own(request: Request, db: Reader) -> Own:
    """The units of one organisation that this reader may see. Raises `UnknownCaller` where nobody can be known."""
    service: Service = request.app.state.service
    if HEADER in request.headers:
        return await own_units(db, identify(request, service.settings).actor, calendar_day(now()))
    if not service.settings.development_identity:
        raise UnknownCaller
    return []


def _html(template: str, texts: Both, status: int = 200, **parts: Any) -> HTMLResponse:  # noqa: ANN401 - for templates
    shown = _templates().get_template(template)
    labels = {
        "choose": texts.page.say("choose"),
        "back": texts.page.say("back"),
        "numbers": texts.page.say("reach.numbers"),
        "legend": texts.page.say("reach.legend"),
        "foot": texts.page.say("foot"),
    }
    return HTMLResponse(shown.render(language=texts.words.language, labels=labels, **parts), status)


@pages.get("/")
async def show_front(request: Request, db: ReadPool, lang: Lang = None, year: Text | None = None) -> HTMLResponse:
    """The programme with the most figures."""
    await _own(request, db)
    texts = _texts(request, lang)
    found = [row["programme"] for row in await db.fetch(_PROGRAMMES)]
    return await _board(db, request, found[0], year, texts) if found else _nothing(texts, [])


@pages.get("/programmes/{programme}")
async def show_programme(
    request: Request, db: ReadPool, programme: Annotated[Slug, Path()], lang: Lang = None, year: Text | None = None
) -> HTMLResponse:
    await _own(request, db)
    return await _board(db, request, programme, year, _texts(request, lang))


def _nothing(texts: Both, programmes: list[str]) -> HTMLResponse:
    title, text = texts.page.say("none.title"), texts.page.say("none")
    return _html("none.html", texts, 404, title=title, text=text, programmes=programmes)


async def _board(db: Reader, request: Request, programme: str, year: str | None, texts: Both) -> HTMLResponse:
    of_city = [msgspec.json.decode(row["data"]) for row in await db.fetch(_OF_CITY, programme)]
    years = Figures(of_city).years()
    taken = await store.newest_cut_event(db)
    if not years or taken is None or (year is not None and year not in years):
        return _nothing(texts, [row["programme"] for row in await db.fetch(_PROGRAMMES)])
    service: Service = request.app.state.service
    title, target = _agreed(service.settings.programmes, programme, texts)
    year = year or years[0]
    near = [msgspec.json.decode(row["data"]) for row in await db.fetch(_OF_NEIGHBOURHOODS, programme, year)]
    uncounted = await store.count_stuck(db) + await store.count_stuck_things(db)
    shown = board_of(title, Figures(of_city + near), year, calendar_day(now()), target, uncounted, texts)
    known = texts.page.say("known", moment=texts.words.moment(taken["knownAt"]), cut=taken["cutId"])
    anew = await _anew(db, texts)
    return _html(
        "board.html",
        texts,
        title=title,
        board=shown,
        years=years,
        known=known,
        anew=anew,
        link=_link(texts),
        curve=_curve,
        bands=_bands,
    )


async def _anew(db: Reader, texts: Both) -> str:
    """That a rebuild runs, of which nothing is shown before it has ended; else nothing."""
    running = [each for each in await store.rebuilds(db) if each["finishedAt"] is None]
    return texts.page.say("anew", moment=texts.words.moment(running[-1]["requestedAt"])) if running else ""


def _link(texts: Both) -> Any:  # noqa: ANN401 - a function for templates
    return lambda key: f"/figures/{quote(key)}?lang={texts.words.language}"


def _curve(card: Card) -> Markup:
    days, shares = zip(*card.curve, strict=True)
    return Markup(pictures.curve(days, shares, card.target))  # noqa: S704 - pygal escapes labels


def _bands(card: Card) -> Markup:
    parts = [(bar.label, bar.surely, bar.possibly) for bar in card.bars]
    return Markup(pictures.bands(*map(list, zip(*parts, strict=True))))  # noqa: S704 - as above


def _agreed(folder: File | None, programme: str, texts: Both) -> tuple[str, Target | None]:
    """What people call the programme, and what was agreed for it, where its file is known."""
    file = folder / programme / "programme.json" if folder else None
    if file is None or not file.is_file():
        return programme, None
    said: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    targets = (each for each in said.get("targets", ()) if each["indicator"] == "adoption-strict")
    target = next(
        (Target(Decimal(each["value"]), date.fromisoformat(each["dueOn"]), each["source"]) for each in targets), None
    )
    return str(said["label"][texts.words.language]), target


@pages.get("/figures/{key:path}")
async def show_figure(request: Request, key: Annotated[Text, Path()], db: ReadPool, lang: Lang = None) -> HTMLResponse:
    """A figure explained, in the words of `samenspel figures explain`."""
    texts = _texts(request, lang)
    async with db.acquire() as reading, reading.transaction(isolation="repeatable_read", readonly=True):
        own = await _own(request, reading)
        figure = await store.last_published(reading, key)
        if figure is None or not sees(own, figure["unit"]):
            return _nothing(texts, [])
        below = await newest_vector(reading)
        found = await first_sources(reading, key, own=own, below=below, after=None, most=EVENTS)
        names = await site_names(reading, found)
        history = await store.history(reading, key, after=0, limit=EVENTS)
        definition = await store.definition_of(reading, figure["indicator"], figure["definitionVersion"])
    page = {"figure": figure, "siteNames": names, "items": [_event(source) for source in found]}
    lines = explanation(page, definition, history, texts.words)
    return _html(
        "figure.html",
        texts,
        title=title_of(figure, definition, texts),
        programme=figure["programme"],
        history=history,
        picture=_history(history, texts),
        text="\n".join(lines),
    )


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
    return Markup(pictures.curve(days, values, None))  # noqa: S704 - pygal escapes labels
