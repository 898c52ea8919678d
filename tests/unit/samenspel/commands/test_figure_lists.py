"""Figures in lists: in words, in 80 columns, and with keys that can be pasted."""

from typing import Any

import pytest

from samenspel.commands.figure_lists import in_words
from tests.unit.words.test_explanation import BOUNDED, a_share, of
from words.figures import value_or_why_not
from words.language import Language, Texts

KEY = "unmet-requests/1/kansen-voor-kinderen/neighbourhood:5211/curriculum.nu:mens-en-natuur;no_offer_in_area/2025-2026"


def lines(figure: dict[str, Any], language: Language = Language.EN, **names: str) -> list[str]:
    return in_words({"key": KEY} | figure, names, Texts("words", language))


def test_a_figure_stands_on_one_line_and_its_whole_key_below() -> None:
    value, key = lines(a_share())

    assert value.split() == ["City,", "31", "Jul", "2026", "68.3%", "28", "of", "41"]
    assert len(value) <= 80
    assert key.strip() == KEY


def test_in_dutch_with_the_name_of_a_site_that_is_too_long_for_one_line() -> None:
    *about, value, key = lines(a_share() | {"unit": "site:x"}, Language.NL, x="Basisschool " + "Zeer Lange Naam " * 8)

    assert [len(line) <= 80 for line in (*about, value)] == [True] * (len(about) + 1)
    assert value.split() == ["68,3%", "28", "van", "41"]
    assert key.strip() == KEY


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (BOUNDED, "612\N{EN DASH}926"),
        (a_share(value=None, numerator=0, denominator=0), "nothing to divide by"),
        (a_share(value=None) | {"emptied": True}, "nothing is left of it"),
        (a_share(value="3.500000") | {"measure": "days"} | of(9), "3.5 days"),
    ],
)
def test_what_has_no_value_says_why(figure: dict[str, Any], said: str) -> None:
    assert value_or_why_not(figure, Texts("words", Language.EN)) == said
