"""A figure explained: a sentence first, then its parts, its events and its history, in both languages."""

from typing import Any

import pytest

from words.explanation import MAX_VALUES, explanation, parts_of, sentence
from words.language import Language, Texts

DEFINITION = {
    "indicator": "adoption-strict",
    "definitionVersion": 1,
    "function": "adoption@1",
    "source": "t/0/0",
    "label": {"nl": "Adoptie (streng)", "en": "Adoption (strict)"},
    "formula": "schools / schools",
    "explanation": {"nl": "Aandeel van de scholen.", "en": "Share of the schools."},
    "definedAt": "2025-07-01T06:00:00.000Z",
}
EVENT = {
    "countsFor": "group:own:g",
    "eventId": "e1",
    "type": "nl.samenspel.ActivityDelivered.v1",
    "subject": "a1",
    "topic": "t",
    "partition": 3,
    "offset": 14,
    "data": {},
}


def of(lower: int, upper: int | None = None) -> dict[str, Any]:
    """A denominator."""
    bounds = {"lower": lower, "upper": lower if upper is None else upper}
    return {"denominator": bounds | {"source": "sites", "referenceDate": "2026-07-31"}}


def a_share(value: str | None = "0.682927", numerator: int = 28, denominator: int = 41) -> dict[str, Any]:
    figure = {
        "indicator": "adoption-strict",
        "unit": "city",
        "stratum": "all",
        "period": "2026-07-31",
        "measure": "share",
        "numerator": numerator,
        "knownAt": "2026-11-22T13:03:07.000Z",
        "cutId": 7,
        "status": "provisional",
        "definitionVersion": 1,
    } | of(denominator)
    return figure | ({"value": value} if value else {"verdict": "no_denominator"})


def children(**fields: Any) -> dict[str, Any]:
    figure = a_share() | {"unit": "neighbourhood:5211", "period": "2025-2026", "measure": "children", "numerator": None}
    return {name: value for name, value in (figure | fields).items() if name != "value" or "value" in fields}


BOUNDED = children(lower="612.000000", upper="926.000000", toConfirm=19, **of(1304))


def explained(
    figure: dict[str, Any],
    *,
    events: tuple[dict[str, Any], ...] = (),
    history: tuple[dict[str, Any], ...] = (),
    language: Language = Language.EN,
) -> str:
    page = {"figure": figure, "items": events, "nextCursor": "site:own:s@t/3/1/14"}
    return "\n".join(explanation(page, DEFINITION, history or (figure,), Texts("words", language)))


@pytest.mark.parametrize(
    ("figure", "english", "dutch"),
    [
        (
            a_share(),
            "Adoption (strict), city, 31 Jul 2026: 68.3% (28 of 41).",
            "Adoptie (streng), stad, 31 jul 2026: 68,3% (28 van 41).",
        ),
        (
            a_share(value=None, numerator=0, denominator=0),
            "Adoption (strict), city, 31 Jul 2026: there is nothing to divide by.",
            "Adoptie (streng), stad, 31 jul 2026: er is niets om door te delen.",
        ),
        (
            BOUNDED,
            "Adoption (strict), neighbourhood 5211, 2025-2026: 612\N{EN DASH}926 of 1,304 children.",
            "Adoptie (streng), wijk 5211, 2025-2026: 612\N{EN DASH}926 van 1.304 kinderen.",
        ),
        (
            a_share(value="3.500000") | {"measure": "days"} | of(9),
            "Adoption (strict), city, 31 Jul 2026: 3.5 days, over 9 requests.",
            "Adoptie (streng), stad, 31 jul 2026: 3,5 dagen, over 9 vragen.",
        ),
        (
            a_share(value="1.000000") | {"measure": "days"} | of(1),
            "Adoption (strict), city, 31 Jul 2026: 1 day, over 1 request.",
            "Adoptie (streng), stad, 31 jul 2026: 1 dag, over 1 vraag.",
        ),
        (
            a_share(value="2.000000") | {"measure": "days", "indicator": "wait-decide-median"} | of(9),
            "Adoption (strict), city, 31 Jul 2026: 2 days, over 9 waits.",
            "Adoptie (streng), stad, 31 jul 2026: 2 dagen, over 9 keer wachten.",
        ),
        (
            a_share(value="1.116279", numerator=48, denominator=43) | {"measure": "referrals"},
            "Adoption (strict), city, 31 Jul 2026: 1.12.",
            "Adoptie (streng), stad, 31 jul 2026: 1,12.",
        ),
        (
            a_share(value="1204.000000") | {"measure": "requests", "stratum": "curriculum.nu:burgerschap"},
            "Adoption (strict), city, citizenship, 31 Jul 2026: 1,204.",
            "Adoptie (streng), stad, burgerschap, 31 jul 2026: 1.204.",
        ),
    ],
)
def test_an_explanation_begins_with_a_sentence(figure: dict[str, Any], english: str, dutch: str) -> None:
    assert sentence(figure, DEFINITION, Texts("words", Language.EN)) == english
    assert sentence(figure, DEFINITION, Texts("words", Language.NL)) == dutch


def test_an_explanation_has_the_definition_and_the_parts() -> None:
    text = explained(a_share())

    assert "Definition\n  Share of the schools.\n  formula: schools / schools\n" in text
    assert "  function adoption@1, version 1, defined at 1 Jul 2025, 08:00:00 (t/0/0)\n" in text
    assert "  numerator    28: counted from the events below, known at 22 Nov 2026, 14:03:07\n" in text
    assert "  denominator  41: sites, on 31 Jul 2026\n" in text
    assert "  known at     22 Nov 2026, 14:03:07, cut 7, provisional\n" in text
    assert "Nothing: every part of it is known." in text


def test_an_explanation_without_its_definition_names_the_indicator() -> None:
    page = {"figure": a_share(), "items": ()}

    lines = explanation(page, {}, [a_share()], Texts("words", Language.EN))

    assert lines[0] == "adoption-strict, city, 31 Jul 2026: 68.3% (28 of 41)."
    assert "Definition" not in lines


def test_an_explanation_names_every_event_with_its_place() -> None:
    text = explained(BOUNDED, events=(EVENT, EVENT | {"eventId": "e2"}, EVENT | {"countsFor": "group:own:h"}))

    assert "by what they count for\n  group own:g\n    Activity delivered\n      e1  t/3/14" in text
    assert text.count("group own:g\n") == text.count("group own:h\n") == 1
    assert "more: --cursor site:own:s@t/3/1/14" in text


@pytest.mark.parametrize(
    ("groups", "said"), [(1, "1 group is not counted exactly"), (19, "19 groups are not counted exactly")]
)
def test_what_is_missing_is_said(groups: int, said: str) -> None:
    assert said in explained(BOUNDED | {"toConfirm": groups})


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (a_share(value=None, numerator=0, denominator=0), "There is nothing to divide by"),
        (a_share(numerator=3) | {"indicator": "unknown-share"}, "Of 3 activities it is not known whether they replace"),
        (
            a_share(value="0.000000", numerator=0) | {"indicator": "unknown-share"},
            "Nothing: every part of it is known.",
        ),
    ],
)
def test_who_can_supply_what_is_missing_is_said(figure: dict[str, Any], said: str) -> None:
    assert said in explained(figure).replace("\n  ", " ")


def test_a_school_is_called_by_its_name() -> None:
    page = {"figure": a_share() | {"unit": "site:own:bron"}, "items": (), "siteNames": {"own:bron": "De Bron"}}

    lines = explanation(page, DEFINITION, [a_share()], Texts("words", Language.EN))

    assert lines[0] == "Adoption (strict), De Bron, 31 Jul 2026: 68.3% (28 of 41)."


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.EN, "restated by: Activity corrected (2), Site recorded (1)"),
        (Language.NL, "herzien door: Activiteit gecorrigeerd (2), Vestiging vastgelegd (1)"),
    ],
)
def test_the_history_says_what_restated_a_value(language: Language, said: str) -> None:
    restated = a_share() | {"causeCount": 7, "causeTypes": {"SiteRecorded": 1, "ActivityCorrected": 2}}

    assert said in explained(restated, language=language)


def test_the_history_has_the_newest_value_first_and_says_what_was_restated() -> None:
    first, second = a_share("0.658537", 27), a_share() | {"causeCount": 1}

    _, history = explained(second, history=(first, second)).split("History, newest first (2 values)\n")

    assert [line.strip() for line in history.strip().splitlines()] == [
        "22 Nov 2026, 14:03:07  68.3% (28 of 41)",
        "restated, 1 cause",
        "2026-11-22T13:03:07.000Z",
        "22 Nov 2026, 14:03:07  65.9% (27 of 41)",
        "the first value",
        "2026-11-22T13:03:07.000Z",
    ]


@pytest.mark.parametrize(
    ("language", "grew", "settled"),
    [
        (Language.EN, "new events were counted", "the same value, now final"),
        (Language.NL, "er zijn nieuwe gebeurtenissen meegeteld", "dezelfde waarde, nu definitief"),
    ],
)
def test_the_history_says_why_each_value_was_published(language: Language, grew: str, settled: str) -> None:
    first, second, final = a_share("0.658537", 27), a_share(), a_share() | {"status": "final"}
    page, texts = {"figure": final, "items": []}, Texts("words", language)

    *_, history = parts_of(page, {}, [first, second, final], texts)

    assert [entry[1].text for entry in history.entries][:2] == [settled, grew]


def test_a_terminal_lists_the_newest_values_and_says_how_many_more_there_are_and_a_page_lists_all() -> None:
    history, page, texts = (
        [a_share()] * (MAX_VALUES + 2),
        {"figure": a_share(), "items": []},
        Texts("words", Language.EN),
    )

    *_, on_a_terminal = parts_of(page, {}, history, texts)
    *_, on_a_page = parts_of(page, {}, history, texts, count=MAX_VALUES + 2)

    assert len(on_a_terminal.entries) == MAX_VALUES + 1
    assert on_a_terminal.entries[-1][0].text == "and 2 older values: `samenspel figures history` has them"
    assert len(on_a_page.entries) == MAX_VALUES + 2


def test_what_belongs_to_a_value_stands_with_it_in_one_entry() -> None:
    restated = a_share() | {"causeCount": 1}
    *_, history = parts_of({"figure": restated, "items": []}, {}, [a_share(), restated], Texts("words", Language.EN))

    assert history.is_list
    assert [len(entry) for entry in history.entries] == [3, 3]  # its value, why it was published, and when
    assert [entry[0].depth for entry in history.entries] == [1, 1]


def test_the_history_of_a_plain_number_divides_it_by_nothing() -> None:
    figure = {name: each for name, each in a_share(value="12.000000").items() if name != "denominator"}

    assert "14:03:07  12\n" in explained(figure | {"measure": "requests"})


@pytest.mark.parametrize("language", list(Language))
def test_an_explanation_fits_in_eighty_columns(language: Language) -> None:
    text = explained(BOUNDED, events=(EVENT,), language=language)

    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(
    ("unconfirmed", "said"),
    [
        ({"activities": 3, "schools": 2}, "3 activities that replace are not confirmed by their school, and so do not"),
        ({"activities": 0, "schools": 0}, "Nothing: every part of it is known."),
        ({}, "Schools that are not counted can still confirm delivered activities;"),
    ],
)
def test_what_a_confirmation_could_still_decide_is_said(unconfirmed: dict[str, int], said: str) -> None:
    page = {"figure": a_share(), "items": (), "unconfirmed": unconfirmed}

    assert said in "\n".join(explanation(page, DEFINITION, (a_share(),), Texts("words", Language.EN)))
