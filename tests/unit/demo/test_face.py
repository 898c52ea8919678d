"""What the demo prints: bars that hold what they say, 80 columns, both languages, and doubt as a band."""

from typing import Any

import pytest

from demo.bars import band, bar, scale
from demo.face import face
from demo.outcome import Checked, Outcome
from demo.proof import Rebuilt
from samenspel.commands.explanation import explanation, sentence
from samenspel.language import Language

PROGRAMME = "kansen-voor-kinderen"
DEFINITION = {
    "indicator": "adoption-strict",
    "definitionVersion": 1,
    "function": "adoption@1",
    "source": "t/0/0",
    "label": {"nl": "Adoptie (streng)", "en": "Adoption (strict)"},
    "formula": "schools / schools",
    "explanation": {"nl": "Aandeel van de scholen.", "en": "Share of the schools."},
    "definedAt": "2025-07-01",
}


def a_figure(indicator: str, unit: str, period: str, **fields: Any) -> dict[str, Any]:
    return {
        "key": f"{indicator}/1/{PROGRAMME}/{unit}/all/{period}",
        "indicator": indicator,
        "unit": unit,
        "stratum": "all",
        "period": period,
        "measure": "share",
        "knownAt": "2026-11-22T13:03:07.000Z",
        "cutId": 7,
        "status": "provisional",
        "definitionVersion": 1,
    } | fields


def of(lower: int, upper: int | None = None) -> dict[str, Any]:
    return {
        "lower": lower,
        "upper": lower if upper is None else upper,
        "source": "sites",
        "referenceDate": "2026-07-31",
    }


def an_outcome(*, differences: tuple[str, ...] = ()) -> Outcome:
    figures = [
        a_figure("adoption-strict", "city", "2026-07-31", value="0.682927", numerator=28, denominator=of(41)),
        a_figure("adoption-loose", "city", "2026-07-31", value="0.804878", numerator=33, denominator=of(41)),
        a_figure(
            "reach-school",
            "neighbourhood:5211",
            "2025-2026",
            measure="children",
            lower="612.000000",
            upper="926.000000",
            denominator=of(1304),
            toConfirm=19,
        ),
        a_figure(
            "reach-school",
            "city",
            "2025-2026",
            measure="children",
            lower="4950.000000",
            upper="6312.000000",
            denominator=of(11_960, 11_968),
            toConfirm=140,
        ),
        a_figure("replaced-share", "city", "2025-2026", value="0.610000", numerator=61, denominator=of(100)),
        a_figure("unknown-share", "city", "2025-2026", value="0.080000", numerator=8, denominator=of(108)),
        *(
            a_figure(f"requests-{step}", "city", "2025-2026", value="0.900000", numerator=1482, denominator=of(1482))
            for step in ("raised", "assigned", "answered", "referred", "accepted", "delivered", "confirmed")
        ),
        a_figure("lead-time-answered-median", "city", "2025-2026", measure="days", value="3.500000", denominator=of(9)),
    ]
    return Outcome(
        city="'s-Hertogenbosch",
        schools=41,
        seed=7,
        known_at="2026-11-22T13:03:07.000Z",
        cut_id=1184,
        figures={figure["key"]: figure for figure in figures},
        counts={},
        events=14_931,
        dead_letters=0,
        health={"requests": "ready", "referrals": "ready", "reporting": "ready"},
        lost=0,
        doubled=0,
        recounted=412,
        recount_differences=differences,
        rebuilt=Rebuilt(412, 1.94, ()),
        checked=Checked(59_196),
        seconds={},
    )


@pytest.mark.parametrize(
    ("lower", "upper", "drawn"),
    [(0, 0, "░░░░░░░░░░"), (0.5, 0.5, "█████░░░░░"), (0.47, 0.71, "█████▓▓░░░"), (1, 1, "██████████")],
)
def test_a_bar_shows_what_is_certain_and_what_is_possible(lower: float, upper: float, drawn: str) -> None:
    assert bar(lower, upper, 10) == drawn


def test_the_target_is_a_line_on_the_bar_and_above_it() -> None:
    assert bar(0.5, 0.5, 10, target=0.8) == "█████░░▕░░"
    assert scale(30, 0.8).index("▕") == bar(0, 0, 30, target=0.8).index("▕")


def test_doubt_is_a_band_and_certainty_one_number() -> None:
    assert band(0.47, 0.71) == "47\N{EN DASH}71 %"
    assert band(0.68, 0.68) == "68 %"


@pytest.mark.parametrize("language", list(Language))
def test_the_face_fits_in_eighty_columns(language: Language) -> None:
    lines = face(an_outcome(differences=("a/1/b: " + "very-long-words " * 20,)), 0.8, language)

    assert max(len(line) for line in lines) <= 80


def test_the_face_says_what_is_real_and_how_many_schools_the_covenant_still_needs() -> None:
    text = "\n".join(face(an_outcome(), 0.8, Language.EN))

    assert "REAL: schools and pupil numbers" in text
    assert "SIMULATED (seed 7)" in text
    assert "68 %  28 / 41" in text
    assert "5 more of the 41 schools" in text
    assert "612\N{EN DASH}926 of 1,304" in text
    assert "answered (3.5)" in text.replace("\u00a0", " ")


def test_a_difference_is_told_and_fails_the_demo() -> None:
    outcome = an_outcome(differences=("a/1: value was published as 1, counted as 2",))

    assert not outcome.is_proven
    assert "value was published as 1" in "\n".join(face(outcome, 0.8, Language.EN))


def test_machines_get_figures_without_the_moment_at_which_they_were_known() -> None:
    figures = an_outcome().as_json()["figures"]

    assert figures["adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31"]["numerator"] == 28
    assert not any("knownAt" in figure or "cutId" in figure for figure in figures.values())


def test_an_explanation_begins_with_a_sentence() -> None:
    figure = an_outcome().figure("adoption-strict", "city", "2026-07-31")
    assert figure is not None

    assert sentence(figure, DEFINITION, Language.EN) == "Adoption (strict), city, 2026-07-31: 68.3 % (28 of 41)."
    assert sentence(figure, DEFINITION, Language.NL) == "Adoptie (streng), city, 2026-07-31: 68.3 % (28 van 41)."


def test_an_explanation_names_every_event_with_its_place() -> None:
    figure = an_outcome().figure("reach-school", "neighbourhood:5211", "2025-2026")
    assert figure is not None
    event = {
        "eventId": "e1",
        "type": "nl.samenspel.ActivityDelivered.v1",
        "subject": "a1",
        "topic": "t",
        "partition": 3,
        "offset": 14,
        "data": {},
    }

    lines = explanation(
        {"figure": figure, "total": 2, "items": [event], "nextCursor": "1"}, DEFINITION, [figure], 0, Language.EN
    )

    text = "\n".join(lines)
    assert "612\N{EN DASH}926 of 1304 children" in text
    assert "19 groups are not counted exactly" in text
    assert "t/3/14" in text
    assert "more: --cursor 1" in text
