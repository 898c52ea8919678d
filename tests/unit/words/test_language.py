"""Numbers, dates and texts in the form of each language."""

import subprocess
import sys
from datetime import date

import pytest

from words.language import Language, Texts, in_line, usual_language

EN, NL = (Texts("words", language) for language in (Language.EN, Language.NL))


def test_numbers_have_the_separators_of_the_language() -> None:
    assert [texts.number(1304) for texts in (EN, NL)] == ["1,304", "1.304"]
    assert [texts.number(1304.26, "#,##0.#") for texts in (EN, NL)] == ["1,304.3", "1.304,3"]
    assert [texts.percent(0.6829, "#,##0.#%") for texts in (EN, NL)] == ["68.3%", "68,3%"]


def test_doubt_is_from_and_to_and_certainty_one_number() -> None:
    assert EN.numbers(612, 1304) == "612\N{EN DASH}1,304"
    assert EN.numbers(612, 612) == "612"
    assert EN.percents(0.47, 0.71) == "47\N{EN DASH}71%"
    assert EN.percents(0.68, 0.6801) == "68%"


def test_days_and_moments_are_those_of_amsterdam() -> None:
    assert [texts.day(date(2026, 3, 1)) for texts in (EN, NL)] == ["1 Mar 2026", "1 mrt 2026"]
    assert EN.moment("2026-11-22T23:03:07.000Z") == "23 Nov 2026, 00:03:07"
    assert NL.moment("2026-05-01T12:00:00.000Z") == "1 mei 2026, 14:00:00"


def test_one_is_singular() -> None:
    assert [texts.days(1) for texts in (EN, NL)] == ["1 day", "1 dag"]
    assert [texts.days(3.5) for texts in (EN, NL)] == ["3.5 days", "3,5 dagen"]
    assert EN.say("history.restated", count=1) == "restated, 1 cause"
    assert NL.say("history.restated", count=1204) == "herzien, 1.204 oorzaken"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.EN),
        ({"LANG": "nl_NL.UTF-8"}, Language.NL),
        ({"LANG": "nl_NL.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, Language.EN),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "nl_BE.UTF-8"}, Language.NL),
        ({"LANG": "fr_FR.UTF-8"}, Language.EN),
    ],
)
def test_the_language_is_that_of_the_terminal(
    environment: dict[str, str], language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert usual_language() is language


def test_a_command_that_prints_no_text_does_not_load_babel() -> None:
    code = "import sys, samenspel.command; sys.exit('babel' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "is_isolated"), [("De Bron", False), ("Ärzte & Söhne 3", False), ("בית הספר", True), ("De مدرسة", True)]
)
def test_a_name_that_is_written_from_right_to_left_leaves_the_rest_of_the_line_in_its_order(
    name: str, is_isolated: bool
) -> None:
    assert in_line(name) == (f"\u2068{name}\u2069" if is_isolated else name)
