"""HTTP in: problem+json, idempotency keys, the body's limit, and one transaction around every command.

Guarantee: a command answered with 2xx is committed, with its events in the journal; the same key and body
again gives the same answer and no second effect. A refused command leaves nothing behind.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import asyncpg
import msgspec
import structlog
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis import telemetry
from services.chassis.database import AWAY, PASSING, Transaction
from services.chassis.identity import Caller, identify
from services.chassis.problems import Malformed, NotFound, Problem, RuleSaysNo, Unavailable, WrongField
from services.chassis.service import Service

log = structlog.get_logger()

API_VERSION = "1.0.0"
PROBLEMS = "https://samenspel.nl/problems"
BODY_LIMIT = 64 * 1024  # an event is at most 64 KB, and so is what leads to it
LINES_LIMIT = 8 * 1024 * 1024  # reference data in bulk: a city in one go
KEY = re.compile(r"^[!-~]{1,128}$")
_HEADERS = [
    (b"api-version", API_VERSION.encode()),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
CLAIM = (
    "INSERT INTO idempotency (organisation, key, fingerprint) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true"
)
REMEMBER = "UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE organisation = $1 AND key = $2"
_RECALL = "SELECT fingerprint, status, headers, body FROM idempotency WHERE organisation = $1 AND key = $2"


class IdempotencyKeyMissing(Malformed):
    """A POST needs the header Idempotency-Key: any text of 1 to 128 visible characters, new for each command."""


class IdempotencyKeyReused(RuleSaysNo):
    """This Idempotency-Key was used for another command; take a new one."""


class BodyTooLarge(Malformed):
    """The body is larger than 64 KiB."""


class NoSuchPage(NotFound):
    """There is nothing at this address."""


class Unexpected(Problem):
    """Something went wrong here that should not; nothing was changed. Tell us the traceId."""


class MethodNotAllowed(Problem):
    """This address does not take that method; /v1/openapi.json lists what it takes."""

    status = 405


class CommandRoute(APIRoute):
    """A route that changes something: identified caller, idempotency, one transaction, its answer kept."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Wrap the endpoint."""
        endpoint = super().get_route_handler()

        async def command(request: Request) -> Response:
            service: Service = request.app.state.service
            caller = identify(request, service.settings)
            key = _idempotency_key(request)
            body = await request.body()
            async with service.database.transaction(
                now=caller.now,
                causation=key,
                traceparent=telemetry.traceparent(),
                expected_version=_if_match(request),
            ) as tx:
                request.state.tx, request.state.caller = tx, caller
                if key is None:
                    return await endpoint(request)
                fingerprint = hashlib.sha256(
                    b"\0".join((request.method.encode(), request.url.path.encode(), body))
                ).digest()
                organisation = caller.actor.organisation
                if not await tx.db.fetchval(CLAIM, organisation, key, fingerprint):
                    return _recalled(await tx.db.fetchrow(_RECALL, organisation, key), key, fingerprint)
                response = await endpoint(request)
                headers = msgspec.msgpack.encode(list(response.raw_headers))
                await tx.db.execute(REMEMBER, organisation, key, response.status_code, headers, bytes(response.body))
            return response

        return command


def _recalled(stored: asyncpg.Record | None, key: str, fingerprint: bytes) -> Response:
    assert stored is not None, "the key was there a moment ago, and keys are not deleted within a transaction"
    if stored["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused(None, WrongField("Idempotency-Key", key, "a key that was not used before"))
    response = Response(stored["body"], stored["status"])
    response.raw_headers = msgspec.msgpack.decode(stored["headers"], type=list[tuple[bytes, bytes]])
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None and request.method == "POST":
        raise IdempotencyKeyMissing(None, WrongField("Idempotency-Key", None, KEY.pattern))
    if key is not None and not KEY.match(key):
        raise IdempotencyKeyMissing(None, WrongField("Idempotency-Key", key, KEY.pattern))
    return key


def _if_match(request: Request) -> int | None:
    tag = request.headers.get("If-Match")
    if tag is None:
        return None
    if not re.fullmatch(r'"\d{1,9}"', tag):
        raise Malformed(
            f"If-Match is {tag}; a version in quotes is expected", WrongField("If-Match", tag, '"<version>"')
        )
    return int(tag.strip('"'))


def _transaction(request: Request) -> Transaction:
    tx: Transaction = request.state.tx
    return tx


def _caller(request: Request) -> Caller:
    if not hasattr(request.state, "caller"):
        request.state.caller = identify(request, request.app.state.service.settings)
    caller: Caller = request.state.caller
    return caller


async def _async_transaction(request: Request) -> Transaction:
    return _transaction(request)


async def _async_caller(request: Request) -> Caller:
    return _caller(request)


async def _async_pool(request: Request) -> asyncpg.Pool:
    service: Service = request.app.state.service
    return service.database.pool


Command = Annotated[Transaction, Depends(_async_transaction)]
"""The transaction of this command."""
Asking = Annotated[Caller, Depends(_async_caller)]
"""Who is asking."""
Reading = Annotated[asyncpg.Pool, Depends(_async_pool)]
"""The database, to read from."""
Limit = Annotated[int, Query(ge=1, le=200)]
"""How many things one page shows."""


def etag(response: Response, version: int) -> None:
    """Say which version the answer shows."""
    response.headers["ETag"] = f'"{version}"'


Line = TypeVar("Line", bound=BaseModel)


class Lines:
    """Bodies of lines: many things of reference data in one command."""

    @staticmethod
    async def of(request: Request, model: type[Line]) -> list[Line]:
        """Every line as a model; raises `Malformed` with all wrong fields, each with its line number."""
        found: list[Line] = []
        wrong: list[WrongField] = []
        for number, line in enumerate((await request.body()).splitlines(), 1):
            try:
                if line.strip():
                    found.append(model.model_validate_json(line))
            except ValidationError as error:
                fields = wrong_fields(list(error.errors()))
                wrong += [WrongField(f"line {number}: {each.field}", each.value, each.allowed) for each in fields]
        if wrong:
            raise Malformed(f"{len(wrong)} wrong fields, the first in {wrong[0].field}", *wrong[:50])
        return found


def _path(location: tuple[int | str, ...]) -> str:
    """`("body", "groups", 0, "groupId")` as `groups[0].groupId`."""
    text = ""
    for part in location[1:] if location and location[0] in {"body", "query", "path", "header"} else location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


_ALLOWED = ("expected", "pattern", "ge", "le", "gt", "lt", "min_length", "max_length")


def wrong_fields(errors: list[Any]) -> list[WrongField]:
    """What pydantic found wrong, in the caller's words."""
    found: list[WrongField] = []
    for error in errors:
        context = error.get("ctx", {})
        field = ".".join(part for part in (_path(error["loc"]), str(context.get("field", ""))) if part)
        allowed = {name: _listed(context[name]) for name in _ALLOWED if name in context} or error["msg"]
        value = context.get("value", error.get("input"))
        found.append(WrongField(field, None if error["type"] in {"missing", "personal_data"} else value, allowed))
    return found


def _listed(allowed: object) -> object:
    """What is allowed: every one of a list, or a description."""
    return allowed if isinstance(allowed, list | tuple) else str(allowed)


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
    """RFC 9457."""
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
    fields = wrong_fields(list(error.errors()))
    first = fields[0]
    return problem_response(Malformed(f"{first.field or 'the body'}: {error.errors()[0]['msg']}", *fields))


async def _on_refused(_: Request, error: Exception) -> Response:
    """What a contract refuses outside of its model is refused in the same words."""
    assert isinstance(error, PydanticCustomError)
    (field,) = wrong_fields([{"loc": (), "type": error.type, "ctx": error.context or {}, "msg": error.message()}])
    return problem_response(Malformed(f"{field.field} {error.message()}", field))


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == NoSuchPage.status:
        return problem_response(NoSuchPage())
    if error.status_code == MethodNotAllowed.status:
        return problem_response(MethodNotAllowed())
    return problem_response(Malformed(str(error.detail)))


async def _on_bug(_: Request, error: Exception) -> Response:
    log.error("unexpected", error=repr(error))
    return problem_response(Unexpected())


async def _on_world(_: Request, error: Exception) -> Response:
    log.warning("unavailable", error=repr(error))
    return problem_response(Unavailable())


def application(service: Service, *, title: str, description: str) -> FastAPI:
    """The HTTP side of a service, with health and the rules for errors; add routes to it."""
    app = FastAPI(
        title=title, description=description, version=API_VERSION, openapi_url="/v1/openapi.json", docs_url=None,
        redoc_url=None, redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False}, license_info={"name": "EUPL-1.2"},
    )  # fmt: skip
    app.state.service = service
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(PydanticCustomError, _on_refused)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)
    for away in (*AWAY, *PASSING):
        app.add_exception_handler(away, _on_world)
    app.add_middleware(Border)

    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready", tags=["health"])
    async def ready() -> JSONResponse:
        is_ready, parts = service.health.report()
        return JSONResponse({"status": "ready" if is_ready else "not ready", "parts": parts}, 200 if is_ready else 503)

    return app


class Border:
    """What happens to every request: its trace, the body's limit, and the headers of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        limit = LINES_LIMIT if headers.get("content-type") == "application/x-ndjson" else BODY_LIMIT

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        with telemetry.span(f"{scope['method']} {scope['path']}", headers):
            if int(headers.get("content-length", 0) if headers.get("content-length", "0").isdigit() else 0) > limit:
                await problem_response(_too_large(limit))(scope, receive, send_with_headers)
            else:
                await self.app(scope, _limited(receive, limit), send_with_headers)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit // 1024} KiB.", WrongField("body", None, f"at most {limit} bytes")
    )


def _limited(receive: Receive, limit: int) -> Receive:
    """Count the bytes of a body that did not say its length."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted
