"""The middleware around an application: what every request meets first, and every answer last.

Guarantee: a request belongs to a trace, and an answer has the headers of the API, also when something fails inside:
that is told as a problem, and logged with its class and place, never with what was sent.
"""

from collections.abc import Iterable

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis.http.answers import HEADERS, problem_response
from services.chassis.problems import Malformed, Problem, WrongField
from services.chassis.running import telemetry

log = structlog.get_logger()

ONCE = frozenset({b"samenspel-actor", b"content-type", b"content-encoding", b"idempotency-key", b"if-match"})
"""The headers that we read: of two, another server on the way may have read the other one."""


class DuplicateHeader(Malformed):
    """A header that may come once came twice."""


class InternalError(Problem):
    """Something went wrong here that should not; nothing was changed. Tell us the traceId."""


class ApiMiddleware:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_answered = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        with telemetry.span(f"{scope['method']} {scope['path']}", _trace_of(scope["headers"])):
            try:
                _check_once(scope["headers"])
                await self.app(scope, receive, send_with_headers)
            except ClientDisconnect:
                pass  # nobody is there to be answered
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller is answered
                problem = error if isinstance(error, Problem) else _internal(error)
                if not is_answered:
                    await problem_response(problem)(scope, receive, send_with_headers)


def _internal(error: Exception) -> InternalError:
    log.error("unexpected", **telemetry.origin(error))
    return InternalError()


def _check_once(headers: Iterable[tuple[bytes, bytes]]) -> None:
    seen = set()
    for name, _ in headers:
        if name in ONCE:
            if name in seen:
                field = name.decode().title()
                raise DuplicateHeader(f"The header {field} came twice.", WrongField(field, None, "once"))
            seen.add(name)


def _trace_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str] | None:
    """The trace that the caller names, if it names one (RFC: of two, none counts)."""
    named = [value for name, value in headers if name == b"traceparent"]
    return {"traceparent": named[0].decode("latin-1")} if len(named) == 1 else None
