"""A text that was read can be written and read again, and is the same then."""

import pytest
from pydantic import TypeAdapter

from contracts.values import Text

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
