"""What `samenspel dead-letters redrive` asks of the service that owns the topic."""

import base64
from typing import Any

import pytest
from rich.console import Console

from contracts.requests import REQUESTS
from samenspel.commands.dead_letters import redrive_of, table_of
from samenspel.failure import CommandFailed
from samenspel.letters import Letter

BINARY = [("ce_type", b"nl.samenspel.RequestRaised.v1"), ("content-type", b"application/json")]


def a_letter(reason: str = "no-key", *, value: bytes | None = b"{}", topic: str = REQUESTS, **more: Any) -> Letter:
    why = {"reason": reason, "topic": topic, "partition": "3", "offset": "7"}
    headers = [*BINARY, *((f"samenspel-{name}", text.encode()) for name, text in why.items())]
    return Letter("reporting", 3, 0, None, value, headers, **more)


def test_a_message_is_sent_as_it_was_with_the_headers_that_it_came_with() -> None:
    asked = redrive_of(a_letter(), None)

    assert (asked["record"], base64.b64decode(asked["value"])) == (f"{REQUESTS}/3/7", b"{}")
    assert [(each["name"], base64.b64decode(each["value"])) for each in asked["headers"]] == BINARY


def test_a_mended_message_is_in_structured_mode_and_keeps_no_header_of_the_broken_one() -> None:
    asked = redrive_of(a_letter(), b'{"specversion": "1.0"}')

    assert base64.b64decode(asked["value"]) == b'{"specversion": "1.0"}'
    assert asked["headers"] == []


def test_a_message_whose_bytes_were_not_kept_needs_a_mended_one() -> None:
    with pytest.raises(CommandFailed, match="were not kept; give the corrected message with --value"):
        redrive_of(a_letter("personal_data"), None)

    assert redrive_of(a_letter("personal_data"), b"{}")["record"] == f"{REQUESTS}/3/7"


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (a_letter(value=None), "has no value"),
        (a_letter(topic="partnership.weather.v1"), "which no service reads"),
        (a_letter(topic=""), "an unknown topic"),
        (a_letter(redriven_as="e1"), "was redriven as event e1"),
    ],
)
def test_what_cannot_be_redriven_says_why(letter: Letter, why: str) -> None:
    with pytest.raises(CommandFailed, match=why):
        redrive_of(letter, None)


@pytest.mark.parametrize("with_redrives", [False, True])
@pytest.mark.parametrize("width", [80, 200])
def test_every_letter_of_a_list_is_named_whole_and_nothing_is_cut(width: int, with_redrives: bool) -> None:
    letter = a_letter("malformed-json", topic=REQUESTS)
    console = Console(width=width, force_terminal=False)
    with console.capture() as said:
        console.print(table_of([letter], with_redrives=with_redrives))

    assert "reporting/3/0 " in said.get()
    assert "…" not in said.get()
    assert max(map(len, said.get().splitlines())) <= width
