"""From when on a journal is published again, as an operator may write it."""

import pytest

from samenspel.commands.republishing import instant_of
from samenspel.failure import CommandFailed


@pytest.mark.parametrize("text", ["2025-10-03T09:00:00+02:00", "2025-10-03T07:00:00+00:00"])
def test_an_instant_with_its_offset_is_taken_as_it_is(text: str) -> None:
    assert instant_of(text) == text


@pytest.mark.parametrize(
    ("text", "why"), [("yesterday", "must be an instant"), ("2025-10-03T09:00", "without an offset")]
)
def test_what_leaves_the_moment_open_is_refused(text: str, why: str) -> None:
    with pytest.raises(CommandFailed, match=why):
        instant_of(text)


def test_without_an_instant_it_is_the_whole_journal() -> None:
    assert instant_of(None) is None
