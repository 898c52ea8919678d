"""The form and the size of a body are those of its route, whatever a header says."""

import json
from collections.abc import Sequence
from threading import get_ident
from typing import Any, cast

import pytest
from starlette.requests import Request

from contracts.values import Value
from services.chassis.checks import PersonalData
from services.chassis.commands import READ_AT_ONCE, Command, read_aside
from services.chassis.http.body import (
    BODY_LIMIT,
    LINES_LIMIT,
    MAX_LINES,
    BodyTooLarge,
    UnsupportedMediaType,
    read_body,
)
from services.chassis.problems import Malformed
from services.referrals.commands import referrals
from services.requests.commands import reference_data, requests
from tests.builders import request_details, site_details

RAISE = requests.by_name["raiseRequest"]
SITES = reference_data.by_name["recordSites"]
ACCEPT = referrals.commands.by_name["acceptReferral"]
BODY = request_details().model_dump_json(by_alias=True, exclude_none=True).encode()
LINE = json.dumps({**json.loads(site_details().model_dump_json(by_alias=True, exclude_none=True)), "siteId": "own:a"})
TWO_LINES = f"{LINE}\n{LINE}".encode()
BOM = b"\xef\xbb\xbf"
PART = 64 * 1024


async def read(command: Command, body: bytes, *, declared: bool = False, **headers: Any) -> Any:
    """What the door reads in a body that comes in parts."""
    parts = [body[start : start + PART] for start in range(0, len(body), PART)] or [b""]
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    if declared:
        headers["content_length"] = str(len(body))
    said = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return await read_body(Request({"type": "http", "method": "POST", "headers": said}, receive), command)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", 'application/json; charset="UTF-8"', "application/json;charset=utf-8 "],
)
async def test_media_types_are_compared_as_media_types(content_type: str) -> None:
    assert await read(RAISE, BODY, content_type=content_type) == request_details()


async def test_lines_may_say_their_charset() -> None:
    assert len(await read(SITES, TWO_LINES, content_type="application/x-ndjson; charset=utf-8")) == 2


async def test_a_body_need_not_say_its_type() -> None:
    assert await read(RAISE, BODY) == request_details()


@pytest.mark.parametrize(
    ("command", "headers", "field"),
    [
        (RAISE, {"content_type": "application/x-ndjson"}, "Content-Type"),
        (SITES, {"content_type": "application/json"}, "Content-Type"),
        (RAISE, {"content_type": "application/json; charset=utf-16"}, "Content-Type"),
        (RAISE, {"content_type": ""}, "Content-Type"),
        (RAISE, {"content_encoding": "gzip"}, "Content-Encoding"),
    ],
)
async def test_a_body_of_another_form_is_refused(command: Command, headers: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        await read(command, BODY, **headers)

    assert (refused.value.status, refused.value.errors[0].field) == (415, field)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(("command", "limit"), [(RAISE, BODY_LIMIT), (SITES, LINES_LIMIT)])
async def test_the_limit_of_a_body_is_that_of_its_route(command: Command, limit: int, declared: bool) -> None:
    with pytest.raises(BodyTooLarge) as refused:
        await read(command, b" " * (limit + 1), declared=declared)

    assert (refused.value.status, refused.value.errors[0].field) == (413, "body")


async def test_a_body_within_its_limit_is_read_whole() -> None:
    spaces = b" " * (BODY_LIMIT - len(BODY))

    assert await read(RAISE, BODY + spaces) == request_details()


async def test_no_body_at_all_is_a_command_that_says_it_all_by_its_address() -> None:
    assert await read(ACCEPT, b"") == ACCEPT.body()


@pytest.mark.parametrize("command", [RAISE, SITES])
async def test_a_byte_order_mark_before_the_body_is_no_part_of_it(command: Command) -> None:
    body = BODY if command is RAISE else TWO_LINES

    assert await read(command, BOM + body) == await read(command, body)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ("NaN", "headcount"),
        ("-Infinity", "headcount"),
        ("1e999", "headcount"),
        ('"\\ud800"', "headcount"),
        ('["a", {"b": "\\ud800"}]', "headcount[1].b"),
        ("9" * 5_000, "body"),
        ("[" * 900 + "]" * 900, "body"),
    ],
)
async def test_what_python_reads_and_cannot_write_is_refused_by_its_field(wrong: str, field: str) -> None:
    body = json.dumps({**json.loads(BODY), "headcount": "here"}).replace('"here"', wrong).encode()

    with pytest.raises(Malformed) as refused:
        await read(RAISE, body)

    assert field in {each.field for each in refused.value.errors}


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\n", BOM])
async def test_a_body_of_lines_has_one(body: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        await read(SITES, body)

    assert refused.value.errors[0].field == "body"


async def test_a_wrong_line_is_named() -> None:
    with pytest.raises(Malformed) as refused:
        await read(SITES, f"{LINE}\n\n{LINE[:-1]}\n".encode())

    assert refused.value.errors[0].field == "line 3: body"


async def test_a_byte_order_mark_elsewhere_is_no_json() -> None:
    with pytest.raises(Malformed) as refused:
        await read(SITES, TWO_LINES.replace(b"\n", b"\n" + BOM))

    assert (refused.value.errors[0].field, refused.value.errors[0].value) == ("line 2: body", None)


async def test_of_many_wrong_lines_the_first_are_named_and_all_are_counted() -> None:
    with pytest.raises(Malformed, match="1000 wrong fields") as refused:
        await read(SITES, b"[]\n" * 1_000)

    assert len(refused.value.errors) == 50


async def test_there_are_not_more_lines_than_are_read_in_time() -> None:
    with pytest.raises(Malformed, match="more than 25000 lines"):
        await read(SITES, b"\n" * (MAX_LINES + 1))


async def test_a_line_is_no_longer_than_another_body() -> None:
    with pytest.raises(Malformed) as refused:
        await read(SITES, b'"' + b"a" * BODY_LIMIT + b'"')

    assert refused.value.errors[0].field == "line 1: body"


@pytest.mark.parametrize("size", [0, READ_AT_ONCE])
async def test_personal_data_is_found_in_short_and_in_long_bodies(size: int) -> None:
    lines = [LINE, LINE.replace('"nl": "', '"nl": "bel 073-6123456 ')]

    with pytest.raises(PersonalData) as refused:
        await read(SITES, "\n".join([*lines, " " * size]).encode())

    assert refused.value.errors[0].field == "line 2: name.nl"


async def test_what_is_long_is_read_beside_the_event_loop_and_what_is_short_at_once() -> None:
    here = get_ident()

    short, long = await read_aside(READ_AT_ONCE, get_ident), await read_aside(READ_AT_ONCE + 1, get_ident)

    assert short == here != long


async def test_the_lines_are_what_a_command_of_lines_is_given() -> None:
    found = cast("Sequence[Value]", await read(SITES, TWO_LINES))

    assert [type(each) for each in found] == [SITES.body, SITES.body]
