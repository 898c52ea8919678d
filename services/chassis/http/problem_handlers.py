"""How a service says no: every refusal as an RFC 9457 problem that names field, value and what is allowed."""

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.chassis.checks import malformed
from services.chassis.problems import PROBLEMS, Malformed, NotFound, Problem, Unavailable
from services.chassis.running import telemetry
from services.chassis.running.database import TRANSIENT, UNAVAILABLE

log = structlog.get_logger()


class NoSuchAddress(NotFound):
    """There is nothing at this address."""


class InternalError(Problem):
    """Something went wrong here that should not; nothing was changed. Tell us the traceId."""


class MethodNotAllowed(Problem):
    """This address does not take that method; /v1/openapi.json lists what it takes."""

    status = 405


def _plain(value: object) -> object:
    """A value as it may stand in a problem: short and JSON."""
    if isinstance(value, str | int | float | bool) or value is None:
        return value if not isinstance(value, str) else value[:200]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in list(value.items())[:20]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in list(value)[:50]]
    return str(value)[:200]


def problem_response(problem: Problem) -> JSONResponse:
    body = {
        "type": f"{PROBLEMS}/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "errors": [
            {"field": wrong.field, "value": _plain(wrong.value), "allowed": _plain(wrong.allowed)}
            for wrong in problem.errors
        ],
        "traceId": telemetry.trace_id(),
    }
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else None
    return JSONResponse(body, problem.status, headers, media_type="application/problem+json")


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(malformed(error.errors()))


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == NoSuchAddress.status:
        return problem_response(NoSuchAddress())
    if error.status_code == MethodNotAllowed.status:
        return problem_response(MethodNotAllowed())
    return problem_response(Malformed(str(error.detail)))


async def _on_bug(_: Request, error: Exception) -> Response:
    log.error("unexpected", error=repr(error))
    return problem_response(InternalError())


async def _on_world(_: Request, error: Exception) -> Response:
    log.warning("unavailable", error=repr(error))
    return problem_response(Unavailable())


def register(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)
    for away in (*UNAVAILABLE, *TRANSIENT):
        app.add_exception_handler(away, _on_world)
