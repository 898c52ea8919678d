"""The pages: of a programme at `/`, and of each figure, in Dutch and in English; a script only tells what is new.

Guarantee: who is not identified sees nothing of one site, and only where development identities are accepted; what a
page shows is what was published, and it says when that was known.
"""

from functools import cache
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from contracts.values import Slug
from services.chassis.http.parameters import ReadPool
from services.chassis.problems import NotFound
from services.chassis.running.database import Reader
from services.chassis.running.service import Service
from services.reporting.page.agreed import Agreed, agreed_for, on_file
from services.reporting.page.answers import html, nothing, page_routes, said
from services.reporting.page.asking import FOR_READERS, Lang, Year, language_of
from services.reporting.page.board import Both
from services.reporting.page.downloads import downloads
from services.reporting.page.figure import figures
from services.reporting.page.live import MAX_OPEN, Live, TooManyReaders, Which
from services.reporting.page.making import texts_in
from services.reporting.page.schools import schools
from services.reporting.page.uncounted import uncounted

pages = page_routes()
listening = APIRouter(include_in_schema=False)
Digest = Annotated[str | None, Query(pattern="^[0-9a-f]{16}$")]
_PROGRAMMES = "SELECT programme, count(*) FROM newest WHERE unit = 'city' GROUP BY programme ORDER BY count(*) DESC, 1"


class NoSuchPage(NotFound):
    """There is no page of this programme, or of this year."""


@pages.get("/", dependencies=FOR_READERS)
async def show_front(request: Request, db: ReadPool, lang: Lang = None, year: Year = None) -> HTMLResponse:
    """The programme with the most figures."""
    language, found = language_of(request, lang), await _programmes(db)
    if found:
        return await _board(request, db, Which(found[0], year, language))
    return nothing(request, texts_in(language), on_file(_folder(request)))


@pages.get("/programmes/{programme}", dependencies=FOR_READERS)
async def show_programme(
    request: Request, db: ReadPool, programme: Annotated[Slug, Path()], lang: Lang = None, year: Year = None
) -> HTMLResponse:
    return await _board(request, db, Which(programme, year, language_of(request, lang)))


@listening.get("/programmes/{programme}/changes", dependencies=FOR_READERS)
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
    request.state.goes_on = True
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
    texts = texts_in(which.language)
    if made := await live.page(which):
        return html(made.html)
    known = await _programmes(db)
    agreed = agreed_for(_folder(request), which.programme, which.language)
    if which.programme not in known and agreed.is_on_file and _service(request).health.can_answer:
        return said(
            texts, agreed.title, " ".join((texts.page.say("none.of-programme"), *_agreed_in_words(agreed, texts)))
        )
    return nothing(request, texts, known)


def _agreed_in_words(agreed: Agreed, texts: Both) -> list[str]:
    words, targets = texts.words, [each for each in agreed.targets if each.indicator == "adoption-strict"]
    return [
        texts.page.say("target.agreed", share=words.percent(each.value), day=words.day(each.due_on)) for each in targets
    ]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _folder(request: Request) -> File | None:
    return _service(request).settings.programmes


for each in (listening, downloads, figures, schools, uncounted):
    pages.include_router(each)
