"""What cannot be computed now, in words: figures and things that are set aside while all others go on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.chassis.http.parameters import ReadPool
from services.reporting import fact_store
from services.reporting.page.answers import html, page_routes
from services.reporting.page.asking import Lang, language_of, own_of
from services.reporting.page.board import UNCOUNTED, Both
from services.reporting.page.making import render, texts_in
from words.figures import place_of, thing_of

uncounted = page_routes()
MAX_ROWS = 200  # as `samenspel figures stuck` shows


class Aside(NamedTuple):
    """What is set aside, why and since when."""

    what: str
    why: str
    since: str


@uncounted.get(UNCOUNTED)
async def show_uncounted(request: Request, db: ReadPool, lang: Lang = None) -> HTMLResponse:
    texts = texts_in(language_of(request, lang))
    own = await own_of(request, db)
    figures = [_aside(_figure(each, texts), each, texts) for each in await fact_store.stuck(db, own, MAX_ROWS)]
    things = await fact_store.stuck_things(db, own, MAX_ROWS)
    rows = [*figures, *(_aside(thing_of(each["entity"], {}, texts.words), each, texts) for each in things)]
    return html(render("uncounted.html", texts, title=texts.page.say("sure.uncounted").capitalize(), rows=rows))


def _aside(what: str, row: Mapping[str, Any], texts: Both) -> Aside:
    since: datetime = row["since"]
    return Aside(what, row["reason"], texts.words.moment(since.isoformat()))


def _figure(row: Mapping[str, Any], texts: Both) -> str:
    return f"{texts.page.word('family', row['family'])}, {row['programme']}, {place_of(row, {}, texts.words)}"
