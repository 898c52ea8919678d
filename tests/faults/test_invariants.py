"""The invariants themselves: each is seen to speak when what it guards is broken (the negative controls)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.topics import INPUTS
from demo.recount import Record
from tests.faults.conftest import Town
from tests.faults.invariants import Picture, in_picture, picture_of
from tests.faults.load import Call


@pytest.fixture(scope="module")
def picture(town: Town) -> Picture:
    """What was written down after some quiet load."""
    with town.load(stories=10):
        pass
    return picture_of(town.stack)


def test_nothing_is_wrong_with_an_undisturbed_city(town: Town, picture: Picture) -> None:
    assert in_picture(picture, town.calls, foreign=town.foreign) == []


def test_an_acknowledged_command_without_an_event_is_seen(town: Town, picture: Picture) -> None:
    forgotten = Call("requests", "POST", "/v1/requests", "nobody", None, outcome="ok")

    assert spoken(in_picture(picture, [*town.calls, forgotten], foreign=town.foreign)) == {"I1"}


@pytest.mark.parametrize(
    ("disturbed", "spoken_by"),
    [
        ("a message is lost", {"I2", "I8", "I4"}),
        ("a message that nobody announced", {"I2"}),
        ("a message is doubled, with another id", {"I2"}),
        ("a figure was never published", {"I3"}),
        ("a command had its effect twice", {"I5"}),
        ("a reaction was lost", {"I8"}),
        ("a fact was appended twice", {"I8"}),
    ],
)
def test_what_is_lost_or_doubled_is_seen(town: Town, picture: Picture, disturbed: str, spoken_by: set[str]) -> None:
    said = spoken(in_picture(DISTURBED[disturbed](picture), town.calls, foreign=town.foreign))

    assert said >= spoken_by


def spoken(violations: list[str]) -> set[str]:
    """Which invariants speak."""
    return {each.partition(":")[0] for each in violations}


def without_a_first_version(picture: Picture) -> Picture:
    """Of an aggregate with two versions or more the first message is gone."""
    lost = next(
        event for event in picture.events() if event.type.startswith("nl.samenspel.RequestRaised")
    )  # its site's next message is its assignment
    return replace(picture, records=[record for record in picture.records if record[:3] != lost.place])


def with_a_ghost(picture: Picture) -> Picture:
    ghost = picture.records[0]._replace(offset=10**9, value=picture.records[0].value.replace(b'"id":"0', b'"id":"1'))
    return replace(picture, records=[*picture.records, ghost])


def with_a_reaction_lost(picture: Picture) -> Picture:
    return replace(picture, inboxes={name: rows[1:] for name, rows in picture.inboxes.items()})


def with_an_effect_doubled(picture: Picture) -> Picture:
    row = next(row for row in picture.journals["requests"] if b"RequestRaised" in row["value"])
    return replace(picture, journals={**picture.journals, "requests": [*picture.journals["requests"], row]})


NOBODYS: Record = Record(INPUTS[0], 0, 10**9, b"{}")
DISTURBED: dict[str, Callable[[Picture], Picture]] = {
    "a message is lost": without_a_first_version,
    "a message that nobody announced": lambda picture: replace(picture, records=[*picture.records, NOBODYS]),
    "a message is doubled, with another id": with_a_ghost,
    "a figure was never published": lambda picture: replace(picture, history=picture.history[:1]),
    "a command had its effect twice": with_an_effect_doubled,
    "a reaction was lost": with_a_reaction_lost,
    "a fact was appended twice": lambda picture: replace(picture, facts=picture.facts + 1),
}
