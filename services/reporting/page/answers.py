"""How a page is answered: as HTML with a policy, and in people's words also where there is nothing, or where the
address is none."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute

from services.chassis.http.identity import UnknownCaller
from services.chassis.http.problem_handlers import unavailable
from services.chassis.problems import Problem
from services.chassis.running.database import TRANSIENT, UNAVAILABLE
from services.chassis.running.service import Service
from services.reporting.page.agreed import agreed_for
from services.reporting.page.asking import language_of
from services.reporting.page.board import Both
from services.reporting.page.making import render, texts_in
from words.language import Language

# The script is our own; styles stand in the page and in its pictures.
_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; base-uri 'none'"


class PageLink(NamedTuple):
    address: str
    name: str
    lang: str = ""
    """Of the name, where it is not that of the page."""


def html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, {"Content-Security-Policy": _POLICY})


def nothing(request: Request, texts: Both, programmes: Iterable[str] = ()) -> HTMLResponse:
    """That there is nothing, and what there is; while a loss is made good, that it comes back."""
    service: Service = request.app.state.service
    is_there = service.health.can_answer
    text, status = (texts.page.say("none"), 404) if is_there else (texts.page.say("none.restoring"), 503)
    folder, language = service.settings.programmes, texts.words.language
    titles = {each: agreed_for(folder, each, language).title for each in programmes}
    links = [PageLink(f"/programmes/{each}?lang={language}", title) for each, title in titles.items()]
    return said(texts, texts.page.say("none.title"), text, links, status)


def said(texts: Both, title: str, text: str, links: Iterable[PageLink] = (), status: int = 200) -> HTMLResponse:
    return html(render("none.html", texts, title=title, text=text, links=list(links)), status)


class _Page(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as error:
                return _refused(request, error)
            except UnknownCaller as problem:
                return _not_shown(request, "unknown", problem)
            except (*UNAVAILABLE, *TRANSIENT) as error:
                return _not_shown(request, "away", unavailable(error))

        return page


def page_routes() -> APIRouter:
    """Routes of pages: a wrong address is a page, too, which says what is wrong with it."""
    return APIRouter(include_in_schema=False, route_class=_Page)


def _refused(request: Request, error: RequestValidationError) -> HTMLResponse:
    texts = texts_in(language_of(request, None))
    if {each["loc"] for each in error.errors()} != {("query", "lang")}:
        return said(texts, texts.page.say("wrong.title"), texts.page.say("wrong"), _home(texts), 400)
    others = [each for each in request.query_params.multi_items() if each[0] != "lang"]
    names = (("nl", "Nederlands"), ("en", "English"))
    links = [PageLink(f"?{urlencode([*others, ('lang', code)])}", name, code) for code, name in names]
    return said(texts, texts.page.say("wrong.language.title"), texts.page.say("wrong.language"), links, 400)


def _not_shown(request: Request, why: str, problem: Problem) -> HTMLResponse:
    asked = request.query_params.get("lang")
    texts = texts_in(language_of(request, Language(asked) if asked and asked in {*Language} else None))
    answer = said(
        texts, texts.page.say(f"not-shown-title.{why}"), texts.page.say(f"not-shown.{why}"), (), problem.status
    )
    if problem.retry_after:
        answer.headers["Retry-After"] = str(problem.retry_after)
    return answer


def _home(texts: Both) -> list[PageLink]:
    return [PageLink(f"/?lang={texts.words.language}", texts.page.say("back"))]
