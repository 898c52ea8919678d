"""What fails inside is answered by the middleware, and told without what was sent."""

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from services.chassis.http.middleware import ApiMiddleware
from tests.unit.chassis.asgi import Answered, ask

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = "traceparent", f"00-{TRACE}-b7ad6b7169203331-01"
SECRET = "jan@school.example"


async def failing(_: Scope, __: Receive, ___: Send) -> None:
    raise ValueError(SECRET)


async def half_answering(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError(SECRET)


async def answering(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_a_failure_inside_is_a_problem_with_the_headers_of_the_api_and_a_trace() -> None:
    answer = await ask(ApiMiddleware(failing), TRACEPARENT)

    assert (answer.status, answer.problem_type) == (500, "internal-error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.keys() >= {"api-version", "x-content-type-options", "x-frame-options"}
    assert answer.problem["traceId"] == TRACE


async def test_a_failure_inside_is_logged_with_class_and_place_and_without_its_message() -> None:
    with capture_logs() as lines:
        answer = await ask(ApiMiddleware(failing))

    (line,) = lines
    assert (line["event"], line["error"]) == ("unexpected", "ValueError")
    assert line["at"].startswith("services/chassis/http/middleware.py:")
    assert SECRET not in f"{line} {answer}"


async def test_an_answer_that_was_begun_is_not_answered_again() -> None:
    answer = await ask(ApiMiddleware(half_answering))

    assert answer == Answered(200, answer.headers, b"")


@pytest.mark.parametrize("header", ["Samenspel-Actor", "Content-Type", "Idempotency-Key", "If-Match"])
async def test_a_header_that_we_read_comes_once(header: str) -> None:
    once, twice = [(header, "a")], [(header, "a"), (header.lower(), "a")]

    assert (await ask(ApiMiddleware(answering), *once)).status == 200
    refused = await ask(ApiMiddleware(answering), *twice)
    assert (refused.status, refused.problem_type) == (400, "duplicate-header")
    assert refused.problem["errors"][0]["field"] == header


async def test_of_two_traces_none_is_followed() -> None:
    assert (await ask(ApiMiddleware(failing), TRACEPARENT)).problem["traceId"] == TRACE
    assert (await ask(ApiMiddleware(failing), TRACEPARENT, TRACEPARENT)).problem["traceId"] != TRACE
