"""How the page of a programme is made: from its published figures to HTML."""

import asyncio
import time
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.chassis.running.database import Reader
from services.chassis.running.service import Service
from services.reporting import short
from services.reporting.page import pictures
from services.reporting.page.agreed import Agreed, agreed_for
from services.reporting.page.board import Both, Card, Doubt, NewestFigures, adoption_at, board_of
from services.reporting.page.live import Made, Stand, Which, digest_of, event_of, stand_of
from words.language import Language, Texts

_OF_CITY = "SELECT data FROM newest WHERE programme = $1 AND unit = 'city'"
_GROUPS = """
SELECT component, amount FROM sums
WHERE family = 'reach' AND (programme, unit, stratum, period) = ($1, 'city', 'all', $2)
"""
_OF_NEIGHBOURHOODS = """
SELECT data FROM newest WHERE programme = $1 AND period = $2 AND indicator = 'reach-school' AND stratum = 'all'
    AND unit LIKE 'neighbourhood:%'
"""


@cache
def _templates() -> Environment:
    loader = PackageLoader("services.reporting.page")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@cache
def texts_in(language: Language) -> Both:
    return Both(Texts("words", language), Texts("services.reporting.page", language))


def render(template: str, texts: Both, **parts: Any) -> str:  # noqa: ANN401 - for templates
    labels = {
        "choose": texts.page.say("choose"),
        "back": texts.page.say("back"),
        "numbers": texts.page.say("reach.numbers"),
        "legend": texts.page.say("reach.legend"),
        "foot": texts.page.say("foot"),
        "aside": texts.page.say("aside"),
        "what": texts.page.say("aside.what"),
        "since_when": texts.page.say("aside.since"),
        "nothing_aside": texts.page.say("aside.nothing"),
        "gone": texts.page.say("changed.gone"),
        "missing": texts.page.say("schools.missing"),
        "who": texts.page.say("schools.who"),
        "nobody": texts.page.say("schools.nobody"),
        "behind": texts.page.say("foot.behind"),
        "csv": texts.page.say("foot.csv"),
        "columns": texts.page.say("foot.columns"),
        "changed": texts.page.say("changed"),
        "since": texts.page.say("changed.since", moment="{moment}"),  # the script knows it
        "lost": texts.page.say("changed.lost"),
        "saved": texts.page.say("changed.saved"),
        "others": texts.page.say("changed.others", number="{number}"),
    }
    return _templates().get_template(template).render(language=texts.words.language, labels=labels, **parts)


async def make(service: Service, which: Which) -> Made | None:
    """The page as it is now; None where there are no figures of this programme, or of this year.

    What it says of the cut and of the figures is of one moment: another cut may be taken meanwhile.
    """
    pool = service.database.read_pool
    async with pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
        stand = await stand_of(db, service)
        if stand is None:
            return None
        found = await figures_of_city(db, which.programme)
        years = found.years()
        year = which.year or next(iter(years), "")
        if year not in years:
            return None
        near = [row["data"] for row in await db.fetch(_OF_NEIGHBOURHOODS, which.programme, year)]
        doubt = await _doubt(db, found, which.programme, year, stand)
    agreed = agreed_for(service.settings.programmes, which.programme, which.language)
    return await asyncio.to_thread(_made, found, near, years, which._replace(year=year), stand, agreed, doubt)


async def _doubt(db: Reader, found: NewestFigures, programme: str, year: str, stand: Stand) -> Doubt:
    groups = {row["component"]: row["amount"] for row in await db.fetch(_GROUPS, programme, year)}
    told = adoption_at(found, year, stand.day)
    unconfirmed = await short.unconfirmed(db, told[-1]) if told else None
    return Doubt(stand.uncounted, groups.get("school.groups", 0), groups.get("school.to_confirm", 0), unconfirmed)


async def figures_of_city(db: Reader, programme: str) -> NewestFigures:
    rows = await db.fetch(_OF_CITY, programme)
    return await asyncio.to_thread(_decoded, [row["data"] for row in rows])


def _decoded(rows: Sequence[str]) -> NewestFigures:
    return NewestFigures(map(msgspec.json.decode, rows))


def _made(
    found: NewestFigures,
    near: Sequence[str],
    years: Sequence[str],
    which: Which,
    stand: Stand,
    agreed: Agreed,
    doubt: Doubt,
) -> Made:
    began = time.thread_time()
    texts = texts_in(which.language)
    assert which.year is not None, "make chose one"
    figures = found.also(map(msgspec.json.decode, near))
    board = board_of(agreed.title, figures, which.year, stand.day, agreed.target("adoption-strict"), doubt, texts)
    here, query = f"/programmes/{quote(which.programme)}", urlencode({"year": which.year, "lang": which.language})
    schools = f"{here}/schools?{query}"
    pictured = {"curve": _curve, "bands": _bands}
    text = render("main.html", texts, board=board, link=link_in(texts), schools=schools, **pictured)
    main = Markup(text)  # noqa: S704 - a template made it
    known, digest = _known(stand, texts), digest_of(main)
    live, export = f"{here}/changes?{query}&seen={digest}", {"export": f"{here}/figures", "query": f"?{query}"}
    html = render("board.html", texts, board=board, years=years, known=known, main=main, live=live, **export)
    events = event_of(digest, known=known, main=main), event_of(digest, known=known)
    return Made(which, stand, html, digest, time.thread_time() - began, *events)


def _known(stand: Stand, texts: Both) -> str:
    """When the figures were known, and why they may be incomplete."""
    said = [texts.page.say("known", moment=texts.words.moment(stand.known_at.isoformat()), cut=stand.cut_id)]
    if stand.hours:
        said.append(texts.page.say("known.old", count=stand.hours))
    if stand.is_halted:
        said.append(texts.page.say("known.starting") if stand.is_starting else texts.page.say("known.halted"))
    if stand.behind:
        said.append(texts.page.say("known.behind", events=texts.words.number(stand.behind)))
    if stand.anew_since:
        said.append(texts.page.say("anew", moment=texts.words.moment(stand.anew_since.isoformat())))
    return " ".join(said)


def link_in(texts: Both) -> Any:  # noqa: ANN401 - a function for templates
    return lambda key: f"/figures/{quote(key)}?lang={texts.words.language}"


def _curve(card: Card) -> Markup:
    days, shares = zip(*card.curve, strict=True)
    return Markup(pictures.curve("adoption", days, shares, card.target))  # noqa: S704 - pygal escapes labels


def _bands(card: Card) -> Markup:
    labels = [bar.label for bar in card.bars]
    surely, possibly = [bar.surely for bar in card.bars], [bar.possibly for bar in card.bars]
    return Markup(pictures.bands("reach", labels, surely, possibly))  # noqa: S704 - as above
