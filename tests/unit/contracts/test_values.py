"""What a text is after it was read, and when what begins and ends on days holds."""

from datetime import date

import pytest
from pydantic import TypeAdapter

from contracts.values import Text, holds_on

TEXT: TypeAdapter[str] = TypeAdapter(Text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" De Regenboog ", "De Regenboog"),
        ("cafe\u0301", "café"),  # in Unicode NFC
        (" ", " "),  # a schema allows it, a door does not
        ("\u0344" * 200, "\u0344" * 200),  # has no composed form that is short enough
    ],
)
def test_a_text_is_read_as_it_is_written_again(written: str, read: str) -> None:
    assert TEXT.validate_python(written) == read
    assert TEXT.validate_python(read) == read


FIRST, LAST, AFTER = date(2025, 8, 1), date(2026, 7, 31), date(2026, 8, 1)


def test_what_begins_and_ends_holds_from_its_first_day_to_the_day_before_it_ends() -> None:
    days = (date(2025, 7, 31), FIRST, LAST, AFTER)

    assert [holds_on(day, FIRST, AFTER) for day in days] == [False, True, True, False]
    assert [holds_on(day, FIRST, None) for day in days] == [False, True, True, True]
    assert [holds_on(day, None, AFTER) for day in days] == [True, True, True, False]
