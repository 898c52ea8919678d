"""What looks like a person's contact or number is found however it is spelled, and what only looks like it is not."""

import time

import pytest

from contracts.personal_data import find_personal_data, personal_data_in

MOMENT = 5.0  # seconds; it takes a tenth of one


def full_width(text: str) -> str:
    """The text in the wide letters of East Asian typography: another spelling of the same."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


PERSONAL = [
    "juf.annie@school.example",
    "jan @ school.nl",
    "ja\u200bn@sch\u200bool.nl",
    "jan@school\u3002nl",
    "jan (at) school.nl",
    "jan[AT]school.nl",
    "jan%40school.nl",
    "jan&#64;school.nl",
    '"juf Annie"@school.nl',
    "own:jan@school.nl",
    "duo:jan@school.nl",
    "lrk:212423455 jan@school.nl",
    full_width("jan@school.nl"),
    "mail:j.de.vries+x@a-b.nl",
    "https://ketenid.nl/pilot/0a1b",
    "HTTPS://KETENID.NL/201703/0a",
    "De Dieze (073-6123456)",
    "(073) 612 34 56",
    "bel 06 12 34 56 78",
    "06.12.34.56.78",
    "06/12345678",
    "06:12345678",
    "06, 12345678",
    "06*12*34*56*78",
    "06 - 12 34 56 78",
    "06'12'34'56'78",
    "[06] [12345678]",
    "06\t12345678",
    "06\n12345678",
    "06\u00b712345678",
    "06\u28001234\u31645678",
    "0\u03006\u030012345678",
    "\u0660\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",  # Arabic digits
    "".join(f"{digit}\ufe0f\u20e3" for digit in "0612345678"),  # keycaps
    "+31*6*12345678",
    "duo: bel 06-12345678",
    "lrk:0612345678",
    "2026-02-20 0612345678",
    "2026-02-20T06:12345678",
    "0612345678.000000",
    "00 31 6 12345678",
    "0031(0)73-6123456",
    "+31 (0)6 12345678",
    "tel06 12345678",
    "tel:0612345678",
    "0612345678x",
    "06\u200b12345678",
    "06\u201312345678",
    full_width("0612345678"),
    "own:bel-0612345678",
    "groep-0612345678",
    "leerling 123456782",
    "BSN 123 456 782",
    "bsn:123456782",
    "123.456.782",
    "1-2-3-4-5-6-7-8-2",
    "123 - 456 - 782",
    "123,456,782",
    "123\u00b7456\u00b7782",
    "own:123456782",
]
ORDINARY = [
    "De Dieze",
    "'t Sparrenbos 2-8",
    "Kindcentrum 2000+",
    "OBS @ Work",
    "5211 AB 12-14",
    "LRK 212423455",
    "LRK 123456782",
    "RSIN 001234567",
    "RSIN 123456782",
    "KvK: 123456782",
    "lrk:123456782",
    "duo:16NV00",
    "own:99ZA00.2025.groep-5",
    "own:990000025.2025.bso-blauw",
    "zie 2025-2026 en 2026-2027",
    "10.30-11.30 uur op 12-01-2026",
    "07:30-08:15, groep 12",
    "08:50-09:45, 10 kinderen",
    "weken 01, 02, 03, 04, 05",
    "wo 07-01, 14-01, 21-01 en 28-01",
    "groepen 1, 2, 3, 4, 5, 6, 7 en 8",
    "100% kunst & cultuur",
    "2026-02-20T13:30:00+01:00",
    "duo:23RT",
    "duo:31076",
    "2026-02-20T12:30:00.000Z",
    "0199a957-af00-7d62-b914-5b24d108d7ac",
    "0.800000",
    "leerling 123456789",  # nine digits that are nobody's number
]


@pytest.mark.parametrize("text", PERSONAL)
def test_personal_data_is_found_in_every_spelling(text: str) -> None:
    assert personal_data_in(text) is not None


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_is_left_alone(text: str) -> None:
    assert personal_data_in(text) is None


def test_the_field_is_named_wherever_it_is() -> None:
    body = {"name": {"nl": "De Dieze"}, "links": [{"siteId": "own:a"}, {"siteId": "own:bel-0612345678"}]}

    assert find_personal_data(body) == ("links[1].siteId", "a telephone number")


def test_the_name_of_a_field_is_a_text_too_and_is_not_repeated() -> None:
    assert find_personal_data({"jan@school.nl": 1}) == ("body", "an e-mail address")
    assert find_personal_data({"a": [{"06-12345678": {"b": "c"}}]}) == ("a[0]", "a telephone number")


def test_what_is_no_text_holds_nothing() -> None:
    assert find_personal_data({"headcount": 612345678, "whole": True, "none": None}) is None


@pytest.mark.parametrize("text", ["@" + "a" * 200_000, "a" * 200_000 + " @", "a@" * 100_000, "-@" * 100_000])
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    began = time.perf_counter()

    assert personal_data_in(text) is None

    assert time.perf_counter() - began < MOMENT  # looked at from each of its characters, it takes an hour


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("juf.annie@school.example", "an e-mail address"),
        ("https://ketenid.nl/pilot/0a1b", "an ECK iD"),
        ("BSN 123 456 782", "a citizen service number"),
        ("BSN 123.456.782", "a citizen service number"),
        ("123*456*782", "a citizen service number"),
        ("123*456-782", None),  # the same stands between the groups of a number
        ("bel 06 12 34 56 78", "a telephone number"),
        ("06*12*34*56*78", "a telephone number"),
        ("06*12*34-56-78", None),  # as a list has them
        ("0612*345,678", None),
        ("09*99*99*99*99", None),  # nobody can have it
        ("+31*6*12345678", "a telephone number"),
        ("+297 582 3456", "a telephone number"),
        ("+247 62345", "a telephone number"),  # eight digits: the shortest that is looked for
        ("+247 62 34", None),  # seven digits: shorter than what is looked for
    ],
)
def test_what_was_found_is_named(text: str, what: str | None) -> None:
    assert personal_data_in(text) == what


def test_an_identifier_of_a_national_register_is_nobodys_number() -> None:
    assert personal_data_in("lrk:123456782") is None
    assert personal_data_in("own:123456782") == "a citizen service number"


def test_a_uuid_is_nobodys_number_whatever_its_digits() -> None:
    assert personal_data_in("12345678-2aaa-4aaa-8aaa-aaaaaaaaaaaa") is None
    assert personal_data_in("uuid 12345678-2aaa-4aaa-8aaa-aaaaaaaaaaaa") == "a citizen service number"
