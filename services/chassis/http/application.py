"""The HTTP application of a service.

Guarantee: every request belongs to a trace and has a limited body; every answer has the headers that the API promises,
and every error is a problem.
"""

from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic.alias_generators import to_camel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.http import problem_handlers
from services.chassis.http.problem_handlers import problem_response
from services.chassis.http.problem_schema import with_problems
from services.chassis.problems import Malformed, WrongField
from services.chassis.running import telemetry
from services.chassis.running.service import Service

API_VERSION = "1.0.0"
BODY_LIMIT = 128 * 1024  # bytes: a redrive carries an event of at most 64 KiB in Base64; others need less
LINES_LIMIT = 8 * 1024 * 1024  # bytes: the reference data of a whole city in one command
_HEADERS = [
    (b"api-version", API_VERSION.encode()),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]


class BodyTooLarge(Malformed):
    """The body is larger than 128 KiB."""


def application(service: Service, *, title: str, description: str) -> FastAPI:
    """An application with health checks and error handling; the service adds its routes."""
    app = FastAPI(
        title=title,
        description=description,
        version=API_VERSION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: to_camel(route.name),
        telemetry={"tracing": False, "metrics": False, "logs": False},
        license_info={"name": "EUPL-1.2"},
    )
    app.state.service = service
    problem_handlers.register(app)
    app.openapi = partial(openapi, app, service.settings.service)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    app.add_middleware(TraceAndLimit)

    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready", tags=["health"])
    async def ready() -> JSONResponse:
        """Whether to send requests here: that needs the database. `trouble` is for operators: Kafka away is one."""
        database = await service.database.answers()
        is_ready = database and service.health.can_answer
        body = {
            "status": "ready" if is_ready else "not ready",
            "trouble": not (is_ready and service.health.all_work),
            "parts": {"database": "answers" if database else "does not answer", **service.health.report()},
        }
        return JSONResponse(body, 200 if is_ready else 503)

    return app


def openapi(app: FastAPI, service: str) -> dict[str, Any]:
    """The description of the service's API, with the problems that it answers with."""
    if app.openapi_schema is None:
        app.openapi_schema = with_problems(FastAPI.openapi(app), service)
    return app.openapi_schema


class TraceAndLimit:
    """ASGI middleware: a trace for every request, a limit to its body, and headers for every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            if _declared_length(headers) > limit:
                await problem_response(_too_large(limit))(scope, receive, send_with_headers)
            else:
                await self.app(scope, _limited(receive, limit), send_with_headers)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit // 1024} KiB.", WrongField("body", None, f"at most {limit} bytes")
    )


def _declared_length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _limited(receive: Receive, limit: int) -> Receive:
    """Count the bytes while they arrive: a body need not declare its length."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted
