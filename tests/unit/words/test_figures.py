"""Figures in words: what one is about."""

import json
from importlib.resources import files

import pytest

from services.reporting.definitions import shipped
from words.figures import formula_of, source_of, stratum_of, unit_of
from words.language import Language, Texts

PUBLISHED = json.loads((files("services.requests") / "reasons.json").read_text(encoding="utf-8"))
SCHEMES = json.loads((files("services.requests") / "schemes.json").read_text(encoding="utf-8"))
NOT_FULFILLED = next(each["reasons"] for each in PUBLISHED if each["list"] == "not-fulfilled")


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("reason", NOT_FULFILLED, ids=lambda reason: str(reason["code"]))
def test_why_a_need_is_unmet_is_said_as_the_published_list_says_it(
    reason: dict[str, dict[str, str]], language: Language
) -> None:
    said = stratum_of(f"own:another-area;{reason['code']}", Texts("words", language))

    assert said.lower() == f"another-area, {reason['label'][language]}".lower()


@pytest.mark.parametrize(
    ("stratum", "said"),
    [
        ("all", ""),
        ("curriculum.nu:burgerschap", "citizenship"),
        ("curriculum.nu:burgerschap;not-said", "citizenship, reason not said"),
        ("curriculum.nu:burgerschap;of_a_newer_list", "citizenship, of_a_newer_list"),
        ("curriculum.nu:of-a-newer-list", "of-a-newer-list"),
        ("own:burgerschap", "burgerschap"),
    ],
)
def test_a_stratum_is_said_in_words_and_by_its_codes_where_there_are_none(stratum: str, said: str) -> None:
    assert stratum_of(stratum, Texts("words", Language.EN)) == said


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("city", "City"),
        ("site:duo:16NV00", "De Springplank"),
        ("site:duo:00XX00", "duo:00XX00"),
        ("neighbourhood:5211", "neighbourhood 5211"),
        ("institution:duo:16NV", "school duo:16NV"),
        ("board:duo:30650", "school board duo:30650"),
        ("cohort:own:pilot", "cohort own:pilot"),
        ("hub:own:north", "hub own:north"),
        ("municipality:GM0796", "municipality GM0796"),
        ("region:own:north", "region own:north"),
        ("network:own:four", "network own:four"),
        ("galaxy:1", "galaxy:1"),  # of a newer release
    ],
)
def test_a_unit_is_said_in_words_and_as_it_is_where_there_are_none(unit: str, said: str) -> None:
    assert unit_of(unit, {"duo:16NV00": "De Springplank"}, Texts("words", Language.EN)) == said


@pytest.mark.parametrize("area", SCHEMES["curriculum.nu"])
@pytest.mark.parametrize("language", list(Language))
def test_every_learning_area_has_a_name(area: str, language: Language) -> None:
    assert Texts("words", language).word("area", f"curriculum.nu:{area}") != f"curriculum.nu:{area}"


@pytest.mark.parametrize("formula", sorted({each.formula for each in shipped()}))
def test_every_formula_that_ships_is_there_in_dutch_and_as_it_is_in_english(formula: str) -> None:
    """Red: the Dutch page had them in English."""
    assert formula_of(formula, Texts("words", Language.EN)) == formula
    assert formula_of(formula, Texts("words", Language.NL)) != formula


def test_a_formula_names_its_step_in_the_language_of_the_page() -> None:
    said = formula_of("requests that reached 'referred' / requests raised", Texts("words", Language.NL))

    assert said == "vragen die 'doorverwezen' bereikten / gestelde vragen"


def test_a_formula_of_somebody_else_stays_as_it_is() -> None:
    for formula in ("x / {y}", "what is 'new' / all"):
        assert formula_of(formula, Texts("words", Language.NL)) == formula


def test_where_a_denominator_is_from_is_said_in_dutch() -> None:
    assert source_of("requests raised", Texts("words", Language.NL)) == "gestelde vragen"
    assert source_of("{another}", Texts("words", Language.NL)) == "{another}"
