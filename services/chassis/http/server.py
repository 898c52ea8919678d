"""The HTTP server: uvicorn, with bounds on what a connection may send and how long it may take (ADR 16).

Guarantee: what the server refuses by itself is a problem too, with the headers of the API. A connection on which the
client is late, or does not take its answer, is closed. Nothing that a client says about itself is believed: who calls
is told by the connection.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from math import inf
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.chassis.http.answers import HEADERS, PROBLEM_TYPE, write_problem
from services.chassis.problems import Malformed, Problem
from services.chassis.running import telemetry

DRAIN_SECONDS = 15  # as long as the longest statement may take (STATEMENT_TIMEOUT)
MAX_HEAD = 16 * 1024  # bytes of request line and headers: our longest calls have one
MAX_HEADERS = 64  # a browser behind two proxies sends thirty
HEAD_SECONDS = 10.0  # from the first byte; also for a connection on which nothing comes
BODY_SECONDS = 30.0  # 8 MiB at 280 KB/s
LEAVE_SECONDS = 5.0  # to take the last answer, while what still comes is thrown away
IDLE_SECONDS = (
    75  # longer than a proxy or client keeps it (60 s is usual): who uses it again must not find it being closed
)
WRITE_SECONDS = 30.0  # to take what does not fit into the socket's buffers
GOES_ON = "goes_on"  # of a request's state: whether its answer has no end, but goes on until its client leaves
TICKS = 10  # uvicorn looks up ten times a second; once is enough


class BadRequest(Malformed):
    """This is not HTTP/1.1 as the server reads it."""


class HeadersTooLarge(Malformed):
    """The address and the headers have together at most 16 KiB, and there are at most 64 headers."""

    status = 431


class TooSlow(Malformed):
    """The request did not arrive in time: 10 seconds for its headers, 30 for its body."""

    status = 408


class HttpConnection(HttpToolsProtocol):
    """One connection: uvicorn's, with an eye on size and time."""

    stage: Literal["idle", "head", "body", "answer", "leaving"] = "idle"
    due = inf
    """When what is awaited from the client must be there, in the loop's time."""
    write_due = inf
    """When the client must have taken what is ready for it."""
    has_ended = False
    """Whether the client has said that it sends no more."""
    head_size = 0
    """No fewer bytes than the head that is being read has so far."""
    problem: Problem | None = None
    running: Any = None
    """The request that is being answered: uvicorn's `cycle` is the newest one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.due = self.loop.time() + HEAD_SECONDS

    def data_received(self, data: bytes) -> None:
        if self.stage == "leaving":
            return
        if self.stage == "idle":
            self.stage, self.due = "head", self.loop.time() + HEAD_SECONDS
            self.head_size = 0
        self.head_size = len(data) + (self.head_size if self.stage == "head" else 0)
        super().data_received(data)
        if self.stage == "head" and self.head_size > MAX_HEAD:
            self.refuse(HeadersTooLarge())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.stage, self.due = "head", self.loop.time() + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS or (self.head_size > MAX_HEAD and self._exact_head_size() > MAX_HEAD):
            self.problem = HeadersTooLarge()
            raise ValueError  # the parser ends, and uvicorn asks for a 400
        super().on_headers_complete()
        self.stage, self.due = "body", self.loop.time() + BODY_SECONDS

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.stage, self.due = "answer", inf
        if self.running.response_complete:  # it was answered before its body was there
            self._rest()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401 - uvicorn's
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.running.response_complete:  # the next of a pipeline
            return
        if self.stage == "answer":
            self._rest()
        elif self.stage == "body":
            self.due = min(self.due, self.loop.time() + LEAVE_SECONDS)

    def _rest(self) -> None:
        self.stage, self.due = "idle", self.loop.time() + self.timeout_keep_alive

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if nothing was said of another protocol, and close: what follows may be in that one."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self.write_due = self.loop.time() + WRITE_SECONDS

    def resume_writing(self) -> None:
        super().resume_writing()
        self.write_due = inf

    def eof_received(self) -> bool:  # type: ignore[override]  # what asyncio allows
        """The client sends no more. True: what it asked for is still answered."""
        if self.stage == "head" or (self.stage == "body" and not self.running.response_complete):
            self.refuse(BadRequest())
        if self.running is None or self.running.response_complete or self.running.disconnected:
            return False
        self.running.keep_alive = False
        self.has_ended = True
        return True

    def shutdown(self) -> None:
        if self.stage == "leaving":
            self.transport.close()
        else:
            super().shutdown()

    def check_time(self, now: float) -> None:
        if now > self.write_due:
            self.transport.abort()
        elif self.transport.is_closing():  # nobody takes what is left to send
            self.write_due = min(self.write_due, now + LEAVE_SECONDS)
        elif self.has_ended and self.running.scope["state"].get(GOES_ON):
            self.transport.close()  # a browser that left says no more than this
        elif now > self.due:
            is_awaited = self.stage == "head" or (self.stage == "body" and not self.running.response_complete)
            if is_awaited and self.head_size:
                self.refuse(TooSlow())
            else:
                self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence
        self.refuse(self.problem or BadRequest())

    def refuse(self, problem: Problem) -> None:
        """Answer by ourselves, and take leave. A request before it that is being answered is the last one then."""
        is_before = self.stage != "body" or self.running is not self.cycle
        if self.running is not None and not self.running.response_complete and is_before:
            self.pipeline.clear()
            self.running.keep_alive = False
            self.stage, self.due = "leaving", inf
            return
        is_half_answered = self.running is not None and not is_before and self.running.response_started
        if self.running is not None:
            self.running.disconnected = True  # whoever waits for its body
            self.running.message_event.set()
        self._unset_keepalive_if_required()
        if is_half_answered:
            self.transport.close()
            return
        with telemetry.span("refused by the server"):
            self.transport.write(_response(problem))
        self.transport.write_eof()  # closing at once would reset the connection, and the answer with it
        self.stage, self.due = "leaving", self.loop.time() + LEAVE_SECONDS

    def _exact_head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)


def _response(problem: Problem) -> bytes:
    content = write_problem(problem)
    phrase = HTTPStatus(problem.status).phrase
    own = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    lines = [f"HTTP/1.1 {problem.status} {phrase}".encode(), *(b": ".join(each) for each in [*own, *HEADERS])]
    return b"\r\n".join([*lines, b"", content])


class Server(uvicorn.Server):
    """An HTTP server that leaves signals to us: uvicorn would raise them again before we have cleaned up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def leave(self) -> None:
        """Finish the requests in progress and accept no new ones."""
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                assert isinstance(connection, HttpConnection)
                connection.check_time(now)
        return await super().on_tick(counter)


def server(app: FastAPI, *, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=HttpConnection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who calls is told by the connection, never by X-Forwarded-For
            date_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            lifespan="off",
        )
    )
