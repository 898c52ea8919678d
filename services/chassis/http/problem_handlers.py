"""How a service says no: each time as an RFC 9457 problem that names field, value and what is allowed."""

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from services.chassis.checks import malformed
from services.chassis.http.answers import problem_response
from services.chassis.problems import Malformed, NotFound, Problem, Unavailable
from services.chassis.running import telemetry
from services.chassis.running.database import TRANSIENT, UNAVAILABLE

log = structlog.get_logger()

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class NoSuchAddress(NotFound):
    """There is nothing at this address."""


class MethodNotAllowed(Problem):
    """This address does not take that method; the header Allow lists what it takes."""

    status = 405


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(malformed(error.errors()))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == NoSuchAddress.status:
        return problem_response(NoSuchAddress())
    if error.status_code == MethodNotAllowed.status:
        return problem_response(MethodNotAllowed(), Allow=", ".join(_allowed(request)))
    return problem_response(Malformed(str(error.detail)))


def _allowed(request: Request) -> list[str]:
    """All methods of this address: each of them is a route of its own."""
    routes = request.app.router.routes
    scopes = ((method, {**request.scope, "method": method}) for method in METHODS)
    return [method for method, scope in scopes if any(each.matches(scope)[0] is Match.FULL for each in routes)]


def unavailable(error: Exception) -> Unavailable:
    """What is told of it; where it came from is logged."""
    log.warning("unavailable", **telemetry.origin(error))
    return Unavailable()


async def _on_unavailable(_: Request, error: Exception) -> Response:
    return problem_response(unavailable(error))


def register(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    for error in (*UNAVAILABLE, *TRANSIENT):
        app.add_exception_handler(error, _on_unavailable)
