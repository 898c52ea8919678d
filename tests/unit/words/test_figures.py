"""Figures in words: what one is about."""

import json
from importlib.resources import files

import pytest

from words.figures import stratum_of
from words.language import Language, Texts

PUBLISHED = json.loads((files("services.requests") / "reasons.json").read_text(encoding="utf-8"))
NOT_FULFILLED = next(each["reasons"] for each in PUBLISHED if each["list"] == "not-fulfilled")


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("reason", NOT_FULFILLED, ids=lambda reason: str(reason["code"]))
def test_why_a_need_is_unmet_is_said_as_the_published_list_says_it(
    reason: dict[str, dict[str, str]], language: Language
) -> None:
    said = stratum_of(f"curriculum.nu:kunst-en-cultuur;{reason['code']}", Texts("words", language))

    assert said.lower() == f"kunst-en-cultuur, {reason['label'][language]}".lower()


@pytest.mark.parametrize(
    ("stratum", "said"),
    [
        ("all", ""),
        ("curriculum.nu:burgerschap", "burgerschap"),
        ("curriculum.nu:burgerschap;not-said", "burgerschap, reason not said"),
        ("curriculum.nu:burgerschap;of_a_newer_list", "burgerschap, of_a_newer_list"),
    ],
)
def test_a_stratum_is_said_by_its_codes_where_there_are_no_words(stratum: str, said: str) -> None:
    assert stratum_of(stratum, Texts("words", Language.EN)) == said
