"""What never enters an event: a person's e-mail address, telephone number, citizen number or ECK iD.

A guess from the text alone, made at the doors and before a dead letter keeps its bytes. Register identifiers
are not looked at: one nine-digit childcare number in eleven passes the test of the citizen number.
"""

import re
import unicodedata
from collections.abc import Iterator

from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum.nl import bsn

_SHORTEST = 8
"""Digits: nothing that is looked for has fewer, and most texts of an event have none."""
_REGISTERED = re.compile(r"^(duo|lrk):")
_HARMLESS = re.compile(
    r"^(\d{4}-\d{2}-\d{2}([T ][\d:.,Z+-]*)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|-?\d+\.\d{6})$"
)
"""A date, an instant, a UUID or a decimal number: made of digits, and nobody's."""
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++ ?@ ?[\w-]++\.\w")  # in time that grows with the text, not with its square
_ECK_ID = re.compile(r"ketenid\.nl/")
_INVISIBLE = re.compile(r"[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_SEPARATORS = re.compile(r"[\u2010-\u2015\u2212_/\\|]|(?<=[^\W\d_])(?=[\d+(])|(?<=\d)(?=[^\W\d_])")
"""Dashes and slashes of all kinds, and the seams between letters and digits (`tel06…`)."""
_NINE_DIGITS = re.compile(r"(?<![\d.])\d(?:[ .-]?\d){8}(?![.-]?\d)")
_OF_AN_ORGANISATION = re.compile(r"\b(RSIN|KvK|LRK)\b\W*$", re.IGNORECASE)


def personal_data_in(text: str) -> str | None:
    """What a text seems to hold, as in "an e-mail address"; None when it holds nothing of the kind."""
    if _REGISTERED.match(text) or _HARMLESS.match(text):
        return None
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return _address_in(plain) or _number_in(plain)


def find_personal_data(body: object) -> tuple[str, str] | None:
    """The first text in parsed JSON that seems to hold personal data: (its field, what it seems to hold)."""
    for field, text in _texts(body, ""):
        if what := personal_data_in(text):
            return field, what
    return None


def _texts(node: object, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield field, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, f"{field}.{name}" if field else str(name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, f"{field}[{index}]")


def _address_in(text: str) -> str | None:
    if "@" in text and _EMAIL.search(text):
        return "an e-mail address"
    return "an ECK iD" if _ECK_ID.search(text) else None


def _number_in(text: str) -> str | None:
    if sum(character.isdigit() for character in text) < _SHORTEST:
        return None
    spaced = _SEPARATORS.sub(" ", text)
    if any(_is_citizen_number(found, spaced) for found in _NINE_DIGITS.finditer(spaced)):
        return "a citizen service number"
    return "a telephone number" if _has_telephone_number(text) or _has_telephone_number(spaced) else None


def _is_citizen_number(found: re.Match[str], text: str) -> bool:
    return not _OF_AN_ORGANISATION.search(text[: found.start()]) and bsn.is_valid(found.group())


def _has_telephone_number(text: str) -> bool:
    return any(True for _ in PhoneNumberMatcher(text, "NL", leniency=Leniency.VALID))
