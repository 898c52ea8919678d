"""An event as people know it, in both languages."""

from typing import Any

import pytest

from contracts.events import catalogue
from words.events import event_of, name_of
from words.language import Language, Texts

EN, NL = Texts("words", Language.EN), Texts("words", Language.NL)
NAMES = {"own:vlinder": "De Vlinder", "own:bron": "De Bron"}
DELIVERED = {
    "type": "ActivityDelivered",
    "data": {
        "siteIds": ["own:vlinder", "own:new"],
        "partnerIds": ["own:babel"],
        "learningAreas": [{"scheme": "curriculum.nu", "code": "burgerschap"}],
        "occurredAt": "2025-11-12T23:30:00Z",
        "registeredAt": "2025-12-01T10:00:00Z",
    },
}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (EN, "13 Nov 2025 · Activity delivered · De Vlinder · own:new · citizenship · own:babel"),
        (NL, "13 nov 2025 · Activiteit uitgevoerd · De Vlinder · own:new · burgerschap · own:babel"),
    ],
)
def test_an_event_says_when_what_where_about_what_and_by_whom(texts: Texts, said: str) -> None:
    """The day is that in Amsterdam; a site without a known name is its id."""
    assert event_of(DELIVERED, NAMES, texts) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"siteId": "own:bron", "validFrom": "2020-08-01"}, "1 Aug 2020 · Site recorded · De Bron"),
        ({"siteId": "own:bron", "raisedAt": "2025-09-01T08:00:00.000Z"}, "1 Sept 2025 · Site recorded · De Bron"),
        ({}, "Site recorded"),
    ],
)
def test_what_an_event_does_not_say_is_left_out(data: dict[str, Any], said: str) -> None:
    assert event_of({"type": "SiteRecorded", "data": data}, NAMES, EN) == said


def test_every_event_has_a_name_in_both_languages() -> None:
    for type_ in catalogue:
        assert name_of(type_, EN)
        assert name_of(type_, NL) == catalogue[type_].dutch
    assert name_of("NotYetKnown", NL) == "Not yet known"


def test_a_partner_is_named_where_its_name_is_known() -> None:
    assert event_of(DELIVERED, {}, EN, {"own:babel": "Babel"}).endswith(" · citizenship · Babel")
