"""What the demo prints at its end: 80 columns, both languages, and doubt as a band."""

import pytest

from demo.rebuild import Rebuilt
from demo.result import Checked, DemoResult
from demo.summary import summary
from tests.unit.demo.builders import an_outcome, of, of_the_city
from words.language import Language, Texts

TARGET = 0.8


def printed(outcome: DemoResult, language: Language = Language.EN) -> str:
    return "\n".join(summary(outcome, TARGET, Texts("demo", language))).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("language", list(Language))
def test_the_summary_fits_in_eighty_columns(language: Language) -> None:
    outcome = an_outcome(
        recount_differences=("a/1/b: " + "very-long-words " * 20,) * 20,
        checked=Checked(0, not_done="Node is missing: " + "install it " * 20),
        lost=1_000,
    )

    lines = printed(outcome, language).splitlines()

    assert max(len(line) for line in lines) <= 80


def test_the_summary_says_what_is_real_and_how_many_schools_the_covenant_still_needs() -> None:
    text = printed(an_outcome())

    assert "Known at 22 Nov 2026, 14:03:07 (cut 1184)." in text
    assert "REAL: schools and pupil numbers" in text
    assert "SIMULATED (seed 7)" in text
    assert "68%  28 / 41" in text
    assert "5 more of the 41 schools would make the covenant's 80%" in text
    assert "Replaced 61% · stacked 39% · unknown 8% of all" in text
    assert "answered (3.5)" in text


def test_the_summary_says_which_endings_occurred_how_often() -> None:
    counts = {"RequestClosed": 1_204, "ReferralDeclined": 15, "ReferralExpired": 3, "ActivityNotHeld": 1}

    text, dutch = (printed(an_outcome(counts=counts), language) for language in (Language.EN, Language.NL))

    assert "requests: 1,204 closed\n" in text
    assert "referrals: 15 declined · 3 expired\n" in text
    assert "activiteiten: 1 niet gehouden\n" in dutch
    assert "withdrawn" not in text


def test_the_page_is_named_with_its_address_where_services_keep_running() -> None:
    outcome = an_outcome()

    text = "\n".join(summary(outcome, TARGET, Texts("demo", Language.EN), page_at="http://127.0.0.1:8003"))

    assert "    page.html\n    No PDF: there is no Chromium here.\n  It is live at http://127.0.0.1:8003/" in text
    assert "It is live" not in printed(outcome)


def test_doubt_is_a_band_and_certainty_one_number() -> None:
    text = printed(an_outcome())

    assert "47\N{EN DASH}71%" in text
    assert "612\N{EN DASH}926 of 1,304 " in text
    assert "11,960\N{EN DASH}11,968" in text


def test_the_summary_in_dutch_has_dutch_numbers_and_dates() -> None:
    text = printed(an_outcome(), Language.NL)

    assert "Adoptie op 31 jul 2026" in text
    assert "612\N{EN DASH}926 van 1.304" in text
    assert "beantwoord (3,5)" in text
    assert "14.931 berichten · 0 onbestelbaar · 0 verloren · 0 dubbel" in text
    assert "herbouwd in 1,9 s" in text


def test_a_met_target_is_said() -> None:
    met = of_the_city("adoption-strict", "2026-07-31", value="0.804878", numerator=33, denominator=of(41))

    text = printed(an_outcome(figures={met["key"]: met}))

    assert "The covenant's 80% of 41 open primary schools is met" in text


def test_tables_that_were_kept_are_not_called_dropped() -> None:
    text = printed(an_outcome(rebuilt=Rebuilt(12, 0.1, (), cause="asked")))

    assert "Rebuilt beside the tables in 0.1 s: byte-equal (12 figures)" in text
    assert "dropped" not in text


def test_one_is_singular() -> None:
    text = printed(an_outcome(events=1, dead_letters=1, recounted=1, rebuilt=Rebuilt(1, 0.1, ()), checked=Checked(1)))

    assert "1 event · 1 dead letter · 0 lost" in text
    assert "Recount from the topics: equal (1 figure)" in text
    assert "rebuilt in 0.1 s: byte-equal (1 figure)" in text
    assert "all kept (1 message)" in text


def test_differences_are_shown_up_to_ten() -> None:
    differences = tuple(f"a/{number}: value was published as 1, counted as 2" for number in range(12))

    text = printed(an_outcome(recount_differences=differences))

    assert "DIFFERENT, 12\N{MULTIPLICATION SIGN} (412 figures)" in text
    assert "! recount: a/9: value was published as 1" in text
    assert "a/10:" not in text
    assert "and 2 more" in text
