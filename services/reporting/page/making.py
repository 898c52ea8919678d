"""How the page of a programme is made: from its published figures to HTML."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.chassis.running.service import Service
from services.reporting.page import pictures
from services.reporting.page.board import Both, Card, Figures, Target, board_of
from services.reporting.page.live import Made, Stand, Which, digest_of, event_of, stand_of
from words.language import Language, Texts

_OF_CITY = "SELECT data FROM newest WHERE programme = $1 AND unit = 'city'"
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
        "behind": texts.page.say("foot.behind"),
        "changed": texts.page.say("changed"),
        "since": texts.page.say("changed.since", moment="{moment}"),  # the script knows it
        "lost": texts.page.say("changed.lost"),
        "others": texts.page.say("changed.others", number="{number}"),
    }
    return _templates().get_template(template).render(language=texts.words.language, labels=labels, **parts)


async def make(service: Service, which: Which) -> Made | None:
    """The page as it is now; None where there are no figures of this programme, or of this year.

    What it says of the cut and of the figures is of one moment: another cut may be taken meanwhile.
    """
    pool = service.database.reading
    async with pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
        stand = await stand_of(db, service)
        of_city = [row["data"] for row in await db.fetch(_OF_CITY, which.programme)]
        if not of_city or stand is None:
            return None
        found = await asyncio.to_thread(_decoded, of_city)
        years = found.years()
        year = which.year or next(iter(years), "")
        if year not in years:
            return None
        near = [row["data"] for row in await db.fetch(_OF_NEIGHBOURHOODS, which.programme, year)]
    agreed = service.settings.programmes
    return await asyncio.to_thread(_made, found, near, years, which._replace(year=year), stand, agreed)


def _decoded(rows: Sequence[str]) -> Figures:
    return Figures(map(msgspec.json.decode, rows))


def _made(
    found: Figures, near: Sequence[str], years: Sequence[str], which: Which, stand: Stand, agreed: Path | None
) -> Made:
    began = time.thread_time()
    texts = texts_in(which.language)
    title, target = _agreed(agreed, which.programme, texts)
    assert which.year is not None, "make chose one"
    figures = found.also(map(msgspec.json.decode, near))
    board = board_of(title, figures, which.year, stand.day, target, stand.uncounted, texts)
    main = Markup(render("main.html", texts, board=board, link=_link(texts), curve=_curve, bands=_bands))  # noqa: S704 - a template made it
    known, digest = _known(stand, texts), digest_of(main)
    here, query = f"/programmes/{quote(which.programme)}", urlencode({"year": which.year, "lang": which.language})
    live, export = f"{here}/changes?{query}&seen={digest}", {"export": f"{here}/figures", "query": f"?{query}"}
    html = render("board.html", texts, board=board, years=years, known=known, main=main, live=live, **export)
    events = event_of(digest, known=known, main=main), event_of(digest, known=known)
    return Made(which, stand, html, digest, time.thread_time() - began, *events)


def _known(stand: Stand, texts: Both) -> str:
    """When that was known; and what a reader must know who trusts it."""
    said = [texts.page.say("known", moment=texts.words.moment(stand.known_at.isoformat()), cut=stand.cut_id)]
    if stand.hours:
        said.append(texts.page.say("known.old", count=stand.hours))
    if stand.is_halted:
        said.append(texts.page.say("known.halted"))
    if stand.behind:
        said.append(texts.page.say("known.behind", events=texts.words.number(stand.behind)))
    if stand.anew_since:
        said.append(texts.page.say("anew", moment=texts.words.moment(stand.anew_since.isoformat())))
    return " ".join(said)


def _link(texts: Both) -> Any:  # noqa: ANN401 - a function for templates
    return lambda key: f"/figures/{quote(key)}?lang={texts.words.language}"


def _curve(card: Card) -> Markup:
    days, shares = zip(*card.curve, strict=True)
    return Markup(pictures.curve("adoption", days, shares, card.target))  # noqa: S704 - pygal escapes labels


def _bands(card: Card) -> Markup:
    labels = [bar.label for bar in card.bars]
    surely, possibly = [bar.surely for bar in card.bars], [bar.possibly for bar in card.bars]
    return Markup(pictures.bands("reach", labels, surely, possibly))  # noqa: S704 - as above


def _agreed(folder: Path | None, programme: str, texts: Both) -> tuple[str, Target | None]:
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
