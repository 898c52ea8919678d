"""Whatever is sent to a service, it answers as documented: never with a 5xx but 503, and a problem has a trace id."""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from local import RealParts
from local.waiting import completed
from tests.faults.odd_requests import OddRequest, odd_request
from tests.service_process import ServiceProcess, started

SERVICES = ("requests", "referrals", "reporting")
CONNECTIONS = 8
A_CONNECTION = 20  # requests on one connection, unless the service closes it
ANSWER_SECONDS = 20.0
FEW, MANY = 300, 17_000  # of each of the three services: 50,000 in all
TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
PROMISED = ("api-version", "x-content-type-options", "x-frame-options", "cache-control")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def services(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServiceProcess]]:
    """The three services, each with its own topics."""
    with ExitStack() as running:
        yield {
            name: running.enter_context(
                started(stack, name, prefix=f"odd-{name}-", folder=tmp_path_factory.mktemp(f"odd-{name}"))
            )
            for name in SERVICES
        }


@pytest.mark.fault("T29")
@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_every_request_is_answered_as_documented(services: dict[str, ServiceProcess], name: str, count: int) -> None:
    seed = int(os.environ.get("SAMENSPEL_TEST_SEED", Random().randrange(10**6)))

    wrong = completed(_ask_all(services[name], count, seed))

    assert wrong == [], f"SAMENSPEL_TEST_SEED={seed} plays it again"


@pytest.mark.fault("T29")
@pytest.mark.parametrize("name", SERVICES)
def test_every_line_of_the_log_is_json_and_repeats_nothing_that_was_sent(
    services: dict[str, ServiceProcess], name: str
) -> None:
    secret = "jan.de.vries@school.example"
    service = services[name]
    for body in (f'{{"{secret}": "{secret}\\ud800"}}', f'{{"siteId": "{secret}"}}', secret):
        for path in ("/v1/requests", "/v1/referrals", "/v1/rebuilds", "/v1/redrives", f"/v1/{secret}"):
            service.client.post(path, content=body.encode(), headers={"Idempotency-Key": secret})

    lines = service.log.read_text().splitlines()

    assert [line for line in lines if not _is_json(line)] == []
    assert secret not in "\n".join(lines)


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


async def _ask_all(service: ServiceProcess, count: int, seed: int) -> list[str]:
    """The first answers that are wrong, with the request that they answer."""
    described = service.client.get("/v1/openapi.json").json()
    numbers = iter(range(count))
    wrong: list[str] = []

    async def ask() -> None:
        for number in numbers:
            random = Random(f"{seed}-{number}")  # so that one of them can be made again
            wrong.extend(await _converse(service.url, random, described, numbers))

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return wrong[:5]


async def _converse(url: str, random: Random, described: dict[str, Any], numbers: Iterator[int]) -> list[str]:
    """Some requests on one connection, until it is closed as an answer said."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    wrong: list[str] = []
    try:
        for _ in range(A_CONNECTION):
            request = odd_request(random, described)
            answer = await _ask(reader, writer, request)
            if why := _what_is_wrong(request, answer):
                wrong.append(f"{why}: {request.data[:1_500]!r} -> {answer}")
            if request.may_be_cut or answer is None or "close" in answer.headers.get("connection", ""):
                break
            if next(numbers, None) is None:
                break
    finally:
        writer.close()
    return wrong


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: OddRequest) -> Answer | None:
    """Its answer; None when the connection ended without one, or took too long."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(request.data)
            if request.may_be_cut:
                writer.write_eof()
            return await _read(reader, has_body=request.method != "HEAD")
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
        return None


async def _read(reader: asyncio.StreamReader, *, has_body: bool) -> Answer:
    status = 100
    while status < 200:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    if headers.get("content-type", "").startswith("text/event-stream"):  # never ends by itself
        return Answer(status, headers | {"connection": "close"}, b"")
    if has_body and headers.get("transfer-encoding") == "chunked":
        return Answer(status, headers, await _read_chunks(reader))
    length = int(headers.get("content-length", "0")) if has_body else 0
    return Answer(status, headers, await reader.readexactly(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while length := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(length)
        await reader.readexactly(len(b"\r\n"))
    await reader.readuntil(b"\r\n")
    return body


def _what_is_wrong(request: OddRequest, answer: Answer | None) -> str | None:
    if answer is None:
        return None if _says_nothing(request) else "no answer"
    if answer.status >= 500 and answer.status != 503:
        return "a server error"
    if lacking := [name for name in PROMISED if name not in answer.headers]:
        return f"without {lacking}"
    is_problem = answer.status >= 400 and request.method != "HEAD" and not _reports_health(request, answer)
    return _what_is_wrong_with_problem(answer) if is_problem else None


def _reports_health(request: OddRequest, answer: Answer) -> bool:
    """A service that is not ready says what is missing: the one 503 that is no problem, on a busy machine too."""
    return answer.status == 503 and request.data.startswith(b"GET /health/ready")


def _what_is_wrong_with_problem(answer: Answer) -> str | None:
    if answer.headers.get("content-type") != "application/problem+json":
        return "not a problem"
    if not TRACE_ID.fullmatch(json.loads(answer.body)["traceId"]):
        return "without a trace id"
    return "without Allow" if answer.status == 405 and "allow" not in answer.headers else None


def _says_nothing(request: OddRequest) -> bool:
    """Empty lines are no request: there is nothing to answer."""
    return not request.data.strip(b"\r\n")
