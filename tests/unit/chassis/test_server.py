"""The server bounds what a connection may send and how long it may take, and says so as the API does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.chassis.http import server
from services.chassis.http.answers import HEADERS
from services.chassis.http.middleware import ApiMiddleware
from tests.waiting import eventually

SOON = 10.0  # seconds; an answer takes milliseconds
SHORT = 0.2  # seconds that a client has in these tests
GET = b"GET /path HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /body HTTP/1.1\r\nHost: x\r\n"
USUAL_KEEP_ALIVE = 60  # seconds that nginx and cloud load balancers keep a connection for another call
MANY = 10_000_000  # bytes: more than the buffers of two sockets hold


@dataclass(slots=True)
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers and body."""
        async with asyncio.timeout(SOON):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split(" ")[1]), headers, body

    async def is_closed(self) -> bool:
        """Whether the server ends the connection, and says nothing before."""
        async with asyncio.timeout(SOON):
            return await self.reader.read() == b""


async def endless() -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.Event().wait()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body, the caller's address, very much, without an end, or else with its path."""
    request = Request(scope, receive)
    match scope["path"]:
        case "/body":
            text = str(len(await request.body()))
        case "/caller":
            text = str(scope["client"][0])
        case "/much":
            text = "x" * MANY
        case "/endless":
            request.state.goes_on = True
            await StreamingResponse(endless())(scope, receive, send)
            return
        case _:
            text = scope["path"]
    await PlainTextResponse(text)(scope, receive, send)


@asynccontextmanager
async def connections() -> AsyncIterator[Any]:
    """Opens connections to a running server."""
    running = server.server(cast("FastAPI", ApiMiddleware(app)), host="127.0.0.1", port=0)
    task = asyncio.create_task(running.serve())
    opened: list[Client] = []

    async def connect() -> Client:
        port = running.servers[0].sockets[0].getsockname()[1]
        opened.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
        return opened[-1]

    async def is_started() -> bool:
        return running.started

    await eventually(is_started)
    try:
        yield connect
    finally:
        for client in opened:
            client.writer.close()
        running.leave()
        async with asyncio.timeout(SOON):
            await task


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client has little time."""
    monkeypatch.setattr(server, "IDLE_SECONDS", 0)
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "LEAVE_SECONDS", "WRITE_SECONDS"):
        monkeypatch.setattr(server, name, SHORT)
    monkeypatch.setattr(server, "TICKS", 1)


def check_refused(answer: tuple[int, dict[str, str], bytes], status: int, slug: str) -> None:
    """A problem, with the headers of the API, and the last word on this connection."""
    said, headers, body = answer
    assert (said, headers["content-type"]) == (status, "application/problem+json")
    assert headers["connection"] == "close"
    assert headers.keys() >= {name.decode() for name, _ in HEADERS}
    problem = json.loads(body)
    assert (problem["type"].rpartition("/")[2], problem["status"]) == (slug, status)
    assert len(problem["traceId"]) == 32


async def test_requests_follow_each_other_on_one_connection() -> None:
    async with connections() as connect:
        client = await connect()
        for _ in range(3):
            client.send(GET + b"\r\n")
            status, headers, body = await client.answer()
            assert (status, body) == (200, b"/path")
            assert "connection" not in headers


def test_a_connection_rests_longer_than_proxies_keep_one() -> None:
    running = server.server(cast("FastAPI", app), host="127.0.0.1", port=0)

    assert running.config.timeout_keep_alive > USUAL_KEEP_ALIVE


@pytest.mark.usefixtures("hurry")
async def test_a_connection_does_not_rest_for_ever() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(GET + b"\r\n")
        await client.answer()
        assert await client.is_closed()


@pytest.mark.parametrize(
    "data",
    [
        b"no http\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        GET + b"no colon\r\n\r\n",
        GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem(data: bytes) -> None:
    async with connections() as connect:
        client = await connect()
        client.send(data)

        check_refused(await client.answer(), 400, "bad-request")


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 20_000,
        GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
        GET + b"X: " + b"x" * 20_000,
        GET + b"X: y\r\n" * 65 + b"\r\n",
    ],
)
async def test_headers_are_bounded_in_bytes_and_number(data: bytes) -> None:
    async with connections() as connect:
        client = await connect()
        client.send(data)

        check_refused(await client.answer(), 431, "headers-too-large")


async def test_headers_of_a_usual_size_are_read() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(
            POST + b"X: y\r\n" * 60 + b"X: " + b"x" * 10_000 + b"\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
        )

        assert (await client.answer())[2] == b"100000"


async def test_a_request_before_what_is_no_http_is_answered_and_is_the_last() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(GET + b"\r\nno http\r\n\r\n")

        status, headers, body = await client.answer()
        assert (status, body, headers["connection"]) == (200, b"/path", "close")
        assert await client.is_closed()


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("data", [b"G", GET, GET + b"X: ", POST + b"Content-Length: 3\r\n\r\n", b"\r\n"])
async def test_a_client_that_is_late_is_told_so(data: bytes) -> None:
    async with connections() as connect:
        client = await connect()
        client.send(data)

        check_refused(await client.answer(), 408, "too-slow")
        assert await client.is_closed()


@pytest.mark.usefixtures("hurry")
async def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    async with connections() as connect:
        assert await (await connect()).is_closed()


@pytest.mark.usefixtures("hurry")
async def test_a_client_that_does_not_take_its_answer_is_dropped() -> None:
    async with connections() as connect:
        client = await connect()
        client.writer.transport.pause_reading()
        client.send(b"GET /much HTTP/1.1\r\n\r\n")

        async def is_dropped() -> bool:
            client.send(b" ")
            return bool(client.writer.transport.is_closing())

        await eventually(is_dropped)


@pytest.mark.usefixtures("hurry")
async def test_an_answer_before_the_body_is_read_is_taken_while_the_body_still_comes() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(b"POST /path HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000)

        assert (await client.answer())[0] == 200
        assert await client.is_closed()  # the rest did not come in time


async def test_after_an_early_answer_and_the_rest_of_the_body_the_connection_goes_on() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(b"POST /path HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000)
        assert (await client.answer())[0] == 200
        client.send(b"x" * 500_000 + GET + b"\r\n")

        assert (await client.answer())[2] == b"/path"


async def test_a_client_that_says_that_it_is_done_is_answered() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(POST + b"Content-Length: 3\r\n\r\nabc")
        client.writer.write_eof()

        status, _, body = await client.answer()
        assert (status, body) == (200, b"3")
        assert await client.is_closed()


async def test_an_answer_without_an_end_ends_when_its_client_says_that_it_is_done() -> None:
    """A browser that leaves a page says no more than that."""
    async with connections() as connect:
        client = await connect()
        client.send(b"GET /endless HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(SOON):
            await client.reader.readuntil(b"first")
        client.writer.write_eof()

        async with asyncio.timeout(SOON):
            assert await client.reader.read() == b"\r\n"  # and no last chunk, as if that was all


@pytest.mark.parametrize("data", [GET, POST + b"Content-Length: 3\r\n\r\n"])
async def test_a_client_that_is_done_too_early_is_told_so(data: bytes) -> None:
    async with connections() as connect:
        client = await connect()
        client.send(data)
        client.writer.write_eof()

        check_refused(await client.answer(), 400, "bad-request")


@pytest.mark.parametrize("header", [b"X-Forwarded-For: 10.0.0.1", b"Forwarded: for=10.0.0.1", b"X-Real-IP: 10.0.0.1"])
async def test_who_calls_is_told_by_the_connection(header: bytes) -> None:
    async with connections() as connect:
        client = await connect()
        client.send(b"GET /caller HTTP/1.1\r\n" + header + b"\r\n\r\n")

        assert (await client.answer())[2] == b"127.0.0.1"


async def test_another_protocol_is_not_spoken_and_the_connection_closed() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")

        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (200, "close")


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with connections() as connect:
        client = await connect()
        client.send(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(20)))

        assert [(await client.answer())[2] for _ in range(20)] == [b"/%d" % number for number in range(20)]
