"""What the page shows: numbers with their bands, words where there is no number, and at most what fits."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.reporting.page import pictures
from services.reporting.page.agreed import Target
from services.reporting.page.board import Both, Card, Doubt, NewestFigures, board_of
from services.reporting.short import Unconfirmed
from words.language import Language, Texts

YEAR, TODAY = "2025-2026", date(2026, 8, 20)
TARGET = Target(Decimal("0.8"), date(2022, 12, 31))


def a_figure(
    indicator: str, *, unit: str = "city", stratum: str = "all", period: str = YEAR, **said: Any
) -> dict[str, Any]:
    key = f"{indicator}/1/p/{unit}/{stratum}/{period}"
    about = {"key": key, "indicator": indicator, "unit": unit, "stratum": stratum, "period": period}
    return about | {"measure": "share"} | said


def a_share(indicator: str, part: int, whole: int, **about: Any) -> dict[str, Any]:
    of = {"lower": whole, "upper": whole}
    return a_figure(indicator, value=f"{part / whole:.6f}", numerator=part, denominator=of, **about)


def reach(unit: str, lower: int, upper: int, whole: int, to_confirm: int = 0) -> dict[str, Any]:
    bounds: dict[str, Any] = {
        "lower": f"{lower}.000000",
        "upper": f"{upper}.000000",
        "denominator": {"lower": whole, "upper": whole},
    }
    return a_figure("reach-school", unit=unit, measure="children", toConfirm=to_confirm, **bounds)


def cards(
    *figures: dict[str, Any],
    target: Target | None = TARGET,
    language: Language = Language.EN,
    doubt: Doubt = Doubt(),  # noqa: B008 - it does not change
) -> list[Card]:
    texts = Both(Texts("words", language), Texts("services.reporting.page", language))
    return list(board_of("P", NewestFigures(figures), YEAR, TODAY, target, doubt, texts).cards)


def test_adoption_is_that_of_the_last_day_that_has_come_beside_what_was_agreed() -> None:
    counted = (13, "2025-12-31"), (28, "2026-07-31"), (15, "2026-12-31")
    days = [a_share("adoption-strict", part, 41, period=day) for part, day in counted]

    adoption = cards(*days)[0]

    assert adoption.headline is not None
    assert (adoption.headline.value, adoption.headline.part) == ("68.3%", "28 of 41")
    assert adoption.verdict == "Agreed was 80% by 31 Dec 2022: not there yet."
    assert adoption.short == "5 schools short: which, and what is missing"
    assert [round(share) for _, share in adoption.curve] == [32, 68]
    assert adoption.target == 80


def test_a_day_that_has_not_come_is_no_fact_yet() -> None:
    adoption = cards(a_share("adoption-strict", 15, 41, period="2026-12-31"))[0]

    assert adoption.headline is not None
    assert adoption.headline.label == "of the schools so far, counted for 31 Dec 2026"
    assert adoption.curve == []


@pytest.mark.parametrize(("part", "said"), [(33, "That meets"), (32, "Agreed was")])
def test_a_target_is_met_from_its_value_on(part: int, said: str) -> None:
    assert cards(a_share("adoption-strict", part, 41, period="2026-07-31"))[0].verdict.startswith(said)


def test_doubt_is_a_band_and_never_a_point() -> None:
    city, place = reach("city", 612, 926, 1304, to_confirm=19), reach("neighbourhood:5211", 0, 50, 100)

    card = cards(city, place)[3]

    assert card.headline is not None
    assert card.headline.value == "47\N{EN DASH}71%"
    assert card.verdict == "19 groups are still to be confirmed."
    assert [(bar.label, bar.surely, bar.possibly, bar.said) for bar in card.bars] == [
        ("neighbourhood 5211", 0.0, 50.0, "0\N{EN DASH}50%")
    ]


def test_where_it_is_not_sure_how_many_children_there_are_the_share_is_a_band_too() -> None:
    of_80_to_100 = {"denominator": {"lower": 80, "upper": 100}}
    surely_sixty = reach("city", 60, 60, 100) | of_80_to_100
    perhaps_all = reach("city", 60, 90, 100) | of_80_to_100

    shown = [cards(city)[3].headline for city in (surely_sixty, perhaps_all)]

    assert [row and row.value for row in shown] == ["60\N{EN DASH}75%", "60\N{EN DASH}100%"]


def test_a_wait_says_since_when_and_leads_to_its_own_explanation() -> None:
    reached = a_figure("requests-answered", measure="requests", numerator=7, value="7.000000")
    wait = a_figure("lead-time-answered-median", measure="days", value="3.000000")

    flow = next(card for card in cards(reached, wait) if card.title == "From question to delivery")

    (row,) = flow.rows
    assert (row.key, row.part_key) == (reached["key"], wait["key"])
    assert flow.verdict == "The days are medians since the step before."


def test_what_comes_on_top_and_what_is_not_known_are_numbers_of_their_own() -> None:
    replaced, unknown = a_share("replaced-share", 515, 784), a_share("unknown-share", 53, 837)

    card = cards(replaced, unknown)[1]

    assert card.headline is not None
    assert (card.headline.value, card.headline.part) == ("65.7%", "515 of 784")
    assert [(row.label, row.value, row.part, row.key) for row in card.rows] == [
        ("on top of the lessons", "34.3%", "269 of 784", replaced["key"]),
        ("unknown", "6.3%", "53 of 837", unknown["key"]),
    ]


def test_every_sentence_with_a_number_leads_to_its_explanation() -> None:
    city = reach("city", 612, 926, 1304, to_confirm=19)

    card = cards(city)[3]

    assert (card.verdict, card.verdict_key) == ("19 groups are still to be confirmed.", city["key"])


def test_of_many_neighbourhoods_those_with_the_least_reach_are_shown() -> None:
    many = [reach(f"neighbourhood:{number}", number, number, 1000) for number in range(5400, 5000, -1)]

    card = cards(reach("city", 1, 2, 3), *many)[3]

    assert [bar.label for bar in card.bars] == [f"neighbourhood {number}" for number in range(5001, 5041)]
    assert card.note == "These are the 40 with the least reach, of 400."


def test_what_is_not_known_is_a_word() -> None:
    assert {card.verdict for card in cards()} == {"Nothing is known of this yet."}
    nothing = a_figure("replaced-share", numerator=0, verdict="no_denominator")
    all_unknown = a_share("unknown-share", 5, 5)
    assert cards(nothing, all_unknown)[1].verdict == "Undecided: of all activities it is unknown."
    assert cards(language=Language.NL)[0].verdict == "Hierover is nog niets bekend."


def test_unmet_needs_come_with_the_most_frequent_first_and_not_all_of_them() -> None:
    found = [
        a_figure("unmet-requests", stratum=f"curriculum.nu:area-{number};other", measure="requests", numerator=number)
        for number in range(20)
    ]

    card = cards(a_share("unmet-share", 3, 50), *found)[5]

    assert [row.value for row in card.rows] == [str(number) for number in range(19, 11, -1)]
    assert card.rows[0].label == "area-19, other"


@pytest.mark.parametrize("number", [1, 400])
def test_a_picture_has_a_bar_for_each_and_no_script(number: int) -> None:
    labels = [f"<b>{each}</b>" for each in range(number)]

    drawn = pictures.bands("reach", labels, [10.0] * number, [20.0] * number)

    assert drawn.count("&lt;b&gt;") >= number
    assert "<script" not in drawn
    assert "<b>" not in drawn


def test_a_curve_of_one_day_says_that_day_once() -> None:
    drawn = pictures.curve(
        "history", ["27 Nov 2026"] * 15 + ["28 Nov 2026"], [float(share) for share in range(16)], None
    )

    assert [drawn.count(f"{day} Nov 2026</text>") for day in (27, 28)] == [1, 1]


def test_how_sure_it_is_is_said_by_groups_activities_and_what_cannot_be_computed() -> None:
    adopted, reached = (
        a_share("adoption-strict", 28, 41, period="2026-07-31"),
        reach("city", 612, 926, 1304, to_confirm=8),
    )

    sure = cards(adopted, reached, doubt=Doubt(3, 40, 8, Unconfirmed(33, 11)))[2]

    assert [(row.label, row.value, row.part) for row in sure.rows] == [
        ("groups counted exactly", "80%", "32 of 40"),
        ("groups to confirm", "8", ""),
        ("activities that their school can still confirm", "33", ""),
        ("what cannot be computed now, in all programmes", "3", ""),
    ]


def test_of_schools_too_many_to_look_at_each_nothing_is_said_of_what_they_can_confirm() -> None:
    sure = cards(a_share("adoption-strict", 28, 410, period="2026-07-31"), doubt=Doubt(1, unconfirmed=Unconfirmed()))[2]

    assert [row.label for row in sure.rows] == ["what cannot be computed now, in all programmes"]


def test_a_year_that_is_over_shows_adoption_at_its_own_end() -> None:
    """Red: the page of each year showed that of today."""
    days = [a_share("adoption-strict", part, 41, period=day) for part, day in ((20, "2026-07-31"), (30, "2027-07-31"))]
    later = a_share("requests-raised", 1, 1, period="2026-2027")

    texts = Both(Texts("words", Language.EN), Texts("services.reporting.page", Language.EN))
    board = board_of("P", NewestFigures([*days, later]), YEAR, date(2027, 9, 1), TARGET, Doubt(), texts)

    assert board.cards[0].headline is not None
    assert board.cards[0].headline.part == "20 of 41"
