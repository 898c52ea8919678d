"""What never enters an event: a person's e-mail address, telephone number, citizen number or ECK iD.

A guess from the text alone, made at the doors and before a dead letter keeps its bytes. A register's identifiers
are not looked at: one nine-digit childcare number in eleven passes the test of the citizen number.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum.nl import bsn

_SHORTEST = 8
"""Digits: nothing that is looked for has fewer, and most texts of an event have none."""
_REGISTERED = re.compile(r"duo:[0-9A-Z]{4,6}|lrk:[1-9][0-9]{0,11}")
_HARMLESS = re.compile(
    r"[A-Za-z:-]*"
    r"|\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?)?"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|-?(0|[1-9]\d{0,6})\.\d{6}"
)
"""A word or a code of letters; a date, an instant, a UUID or a decimal number below ten million: made of digits, and
nobody's."""
_AT = re.compile(r"[(\[{<] ?at ?[)\]}>]", re.IGNORECASE)
_EMAIL = re.compile(r"[\w\"'.+-] ?@ ?[\w-]++\.\w")  # in time that grows with the text, not with its square
_ECK_ID = re.compile(r"ketenid\.nl/", re.IGNORECASE)
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols of Unicode that show nothing: fillers of Korean, and the empty cell of Braille."""
_SEPARATORS = re.compile(r"[\u2010-\u2015\u2212_/\\|]|(?<=[^\W\d_])(?=[\d+(])|(?<=\d)(?=[^\W\d_])")
"""Dashes and slashes of all kinds, and the seams between letters and digits (`tel06…`)."""
_NINE_DIGITS = re.compile(r"(?<![\d.])\d(?:[ .-]?\d){8}(?![.-]?\d)")
_GROUPS = re.compile(r"\+?\d+(?:[\W_]{1,3}\d+)*")
"""Digits in groups, whatever stands between them."""
_OF_AN_ORGANISATION = re.compile(r"\b(RSIN|KvK|LRK)\b\W*$", re.IGNORECASE)
_LONGEST_NAME = 12
"""Characters before a number that may say whose it is: `KvK: `, `RSIN `. Bounded, as is the time to look."""
_MAY_BE_A_TELEPHONE_NUMBER = re.compile(r"(?:\+|(?<!\d)(?:0|31))(?:\D{0,4}\d){6}")
"""What `phonenumbers` finds begins so: it lets at most four signs stand between digits."""
_CITIZEN_NUMBER = 9
_TELEPHONE_NUMBER = 10
"""Digits of a Dutch number with its first 0; from abroad it has more."""


def personal_data_in(text: str) -> str | None:
    """What a text seems to hold, as in "an e-mail address"; None when it holds nothing of the kind."""
    if _HARMLESS.fullmatch(text) or _REGISTERED.fullmatch(text):
        return None
    plain = _plain(text)
    return _address_in(plain) or _number_in(plain)


def find_personal_data(body: object) -> tuple[str, str] | None:
    """The first text in parsed JSON that seems to hold personal data: (its field, what it seems to hold).

    The names of fields are texts too; the field of such a name is the object that has it.
    """
    for field, text in texts_in(body):
        if what := personal_data_in(text):
            return field, what
    return None


def texts_in(node: object, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text in parsed JSON, the names of fields too, each with its field."""
    if isinstance(node, str):
        yield field, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield field or "body", str(name)
            yield from texts_in(value, f"{field}.{name}" if field else str(name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from texts_in(value, f"{field}[{index}]")


def _plain(text: str) -> str:
    """The text as a reader sees it: without what is invisible, and in one spelling of letters, digits and spaces."""
    decoded = html.unescape(unquote(text)) if "%" in text or "&" in text else text
    if not decoded.isascii():
        decoded = "".join(_as_seen(character) for character in unicodedata.normalize("NFKC", decoded))
    return _AT.sub("@", re.sub(r"\s", " ", decoded))


def _as_seen(character: str) -> str:
    if unicodedata.category(character) in {"Cf", "Mn", "Me"} or character in BLANK_LETTERS:
        return ""
    if character == "\u3002":  # a full stop of East Asian typography, which the domain name system reads as one
        return "."
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


def _address_in(text: str) -> str | None:
    if "@" in text and _EMAIL.search(text):
        return "an e-mail address"
    return "an ECK iD" if _ECK_ID.search(text) else None


def _number_in(text: str) -> str | None:
    if len(text) < _SHORTEST or sum(map(str.isdigit, text)) < _SHORTEST:
        return None
    spaced = _SEPARATORS.sub(" ", text)
    if any(_is_citizen_number(found, spaced) for found in _NINE_DIGITS.finditer(spaced)):
        return "a citizen service number"
    if _has_telephone_number(spaced):
        return "a telephone number"
    return next((what for found in _GROUPS.finditer(text) if (what := _in_groups(found, text))), None)


def _is_citizen_number(found: re.Match[str], text: str) -> bool:
    before = text[max(0, found.start() - _LONGEST_NAME) : found.start()]
    return not _OF_AN_ORGANISATION.search(before) and bsn.is_valid(re.sub(r"\D", "", found.group()))


def _has_telephone_number(text: str) -> bool:
    if not _MAY_BE_A_TELEPHONE_NUMBER.search(text):  # the library's search is dear
        return False
    return any(True for _ in PhoneNumberMatcher(text, "NL", leniency=Leniency.VALID))


def _in_groups(found: re.Match[str], text: str) -> str | None:
    """What digits in groups are. Between the groups stands one and the same thing, of whatever kind; behind the first
    group of a telephone number it may be another. Lists, times and dates differ: `07:30-08:15, groep 12`, or have
    commas: `weken 01, 02, 03, 04, 05`."""
    digits, between = re.sub(r"\D", "", found.group()), re.findall(r"[\W_]+(?=\d)", found.group().lstrip("+"))
    if len(digits) == _CITIZEN_NUMBER and len(set(between)) <= 1 and _is_citizen_number(found, text):
        return "a citizen service number"
    is_whole = found.group().startswith("+") or digits.startswith("0")
    is_list = len(set(between[1:])) > 1 or "," in "".join(between[1:])
    if len(digits) < _TELEPHONE_NUMBER or is_list or not is_whole:
        return None
    try:
        number = phonenumbers.parse(("+" if found.group().startswith("+") else "") + digits, "NL")
    except phonenumbers.NumberParseException:
        return None
    return "a telephone number" if phonenumbers.is_valid_number(number) else None
