"""How the recount treats messages that come twice, late, broken, or from a database that was restored; and how it
reports differences."""

import json
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from contracts.metrics import HISTORY
from demo.recount import Counted, Record, compare, newest_figures, recount
from demo.recount.figures import decimal
from demo.recount.tests.scenario import Scenario, a_scenario, part


def a_full_scenario() -> Scenario:
    scenario = a_scenario()
    scenario.group("g", "school", (1, 4))
    scenario.raised("r", "2025-09-01T10:00:00.000Z")
    scenario.step("r", "Assigned", "2025-09-02T10:00:00.000Z")
    scenario.referred("f", "r", "2025-09-03T10:00:00.000Z", "2025-09-05T10:00:00.000Z")
    scenario.delivered("a", groups=[part("g", 3)], requestId="r")
    scenario.confirmed("a")
    scenario.corrected("a", groups=[part("g", 2)], requestId="r")
    scenario.disputed("a")
    scenario.delivered("b", groups=[part("g")])
    scenario.retracted("b")
    return scenario


@pytest.mark.parametrize("seed", range(50))
def test_any_order_and_any_duplicates_give_the_same_figures(seed: int) -> None:
    scenario, random = a_full_scenario(), Random(seed)
    once = scenario.figures()

    again = [record._replace(offset=record.offset + 1000 * random.randint(1, 4)) for record in scenario.records]
    shuffled = random.sample([*scenario.records, *again, *scenario.records], k=3 * len(scenario.records))

    assert recount(shuffled) == once
    assert len(once) > 30


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"null",
        b"[]",
        b"{not json",
        b'{"type": "\xff"}',
        b'{"x":' * 5000 + b"1" + b"}" * 5000,
        b'{"type": "nl.samenspel.RequestRaised.v1", "subject": "r", "aggregateversion": 1, "streamepoch": 1}',
        b'{"type": "nl.samenspel.Nothing.v1", "subject": "r", "data": {}}',
        b'{"type": "org.example.RequestRaised.v1", "subject": "r", "data": {}}',
        b'{"type": 7, "subject": null}',
    ],
)
def test_what_cannot_be_read_is_left_out(poison: bytes) -> None:
    scenario = a_full_scenario()
    without = scenario.figures()

    scenario.send(poison)

    assert scenario.figures() == without


@pytest.mark.parametrize(
    "broken",
    [
        {"siteIds": "school"},
        {"occurredAt": "2025-11-10T13:30:00"},  # in no zone
        {"occurredAt": "tomorrow"},
        {"durationMinutes": "60"},
        {"durationMinutes": -60},
        {"substitution": "perhaps"},
        {"audience": None},
        {"learningAreas": ["kunst-en-cultuur"]},
        {"activityId": "another"},
    ],
)
def test_data_that_misses_what_a_figure_needs_is_left_out(broken: dict[str, Any]) -> None:
    scenario = a_full_scenario()
    without = scenario.figures()

    scenario.delivered("broken", **broken)

    assert scenario.figures() == without


def test_a_corrected_message_takes_the_place_of_the_broken_one() -> None:
    scenario = a_scenario()
    scenario.delivered("a", substitution="perhaps")
    scenario.event("ActivityConfirmed", "a", activityId="a", siteId="school", confirmedAt="2025-12-02T12:00:00.000Z")

    scenario.versions["Activ", "a"] = 0  # the redrive has the same version again
    scenario.delivered("a", substitution="replaces")

    assert scenario.value("adoption-loose", period="2026-07-31") == "1.000000"


def test_the_first_offset_of_a_version_wins() -> None:
    scenario = a_scenario()
    scenario.delivered("a", substitution="replaces")
    scenario.versions["Activ", "a"] = 0
    scenario.delivered("a", substitution="stacks")
    scenario.records.reverse()

    assert scenario.value("replaced-share") == "1.000000"


def test_what_a_restore_undid_does_not_count() -> None:
    scenario = a_scenario()
    scenario.delivered("a", substitution="replaces")  # version 1
    scenario.corrected("a", substitution="stacks")  # version 2, lost with the database
    scenario.retracted("a")  # version 3, lost with the database

    confirmed: dict[str, Any] = {"activityId": "a", "siteId": "school", "confirmedAt": "2025-12-02T12:00:00Z"}
    scenario.event("ActivityConfirmed", "a", epoch=2, version=2, **confirmed)

    assert scenario.value("replaced-share") == "1.000000"
    assert scenario.value("adoption-loose", period="2026-07-31") == "1.000000"


def test_an_event_without_effect_can_begin_an_epoch() -> None:
    scenario = a_scenario()
    scenario.raised("r", "2025-09-01T10:00:00.000Z")
    scenario.referred("f", "r", "2025-09-03T10:00:00.000Z", "2025-09-05T10:00:00.000Z")

    scenario.event("ReferralDeclined", "f", epoch=2, version=2, referralId="f")

    assert scenario.value("requests-referred") == "1.000000"
    assert scenario.value("requests-accepted") == "0.000000"


def test_an_aggregate_that_a_higher_epoch_does_not_mention_keeps_its_events() -> None:
    scenario = a_scenario()
    scenario.delivered("a", substitution="replaces")
    where: dict[str, Any] = {"siteId": "other", "validFrom": "2020-01-01", "neighbourhood": "5211"}
    scenario.event("SiteRecorded", "other", epoch=2, kinds=["primary"], **where)

    assert scenario.value("replaced-share") == "1.000000"


def test_a_site_on_a_day_is_its_record_with_the_greatest_valid_from_in_its_newest_version() -> None:
    scenario = Scenario()
    scenario.site("school", neighbourhood="second", since="2025-09-01")
    scenario.site("school", neighbourhood="first", since="2020-08-01")
    scenario.site("school", neighbourhood="newest", since="2025-09-01")
    scenario.delivered("early", on="2025-08-31")
    scenario.delivered("late", on="2025-09-01")

    there = {key.split("/")[3] for key in scenario.figures() if key.startswith("unknown-share/")}
    assert there == {"city", "site:school", "neighbourhood:first", "neighbourhood:newest"}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(2, 3), "0.666667"),
        (Fraction(1, 2_000_000), "0.000000"),  # half way: to the even one
        (Fraction(3, 2_000_000), "0.000002"),
        (45, "45.000000"),
        (Fraction(11, 2), "5.500000"),
    ],
)
def test_decimals_have_six_places_half_to_even(number: Fraction | int, text: str) -> None:
    assert decimal(number) == text


def test_an_equal_publication_has_no_differences() -> None:
    counted = {
        "k": Counted(measure="children", lower="8.000000", upper="13.000000", denominator=(20, 24), to_confirm=1)
    }
    published: dict[str, dict[str, Any]] = {
        "k": {
            "measure": "children",
            "lower": "8.000000",
            "upper": "13.000000",
            "toConfirm": 1,
            "cutId": 7,
            "denominator": {"lower": 20, "upper": 24, "source": "GroupRecorded", "referenceDate": "2025-08-01"},
        }
    }

    assert compare(published, counted) == []


def test_every_difference_is_a_sentence_missing_and_superfluous_keys_too() -> None:
    counted = {
        "a": Counted(measure="share", value="0.500000", numerator=1, denominator=(2, 2)),
        "b": Counted(measure="share", value="1.000000", numerator=1, denominator=(1, 1)),
    }
    published: dict[str, dict[str, Any]] = {
        "a": {"measure": "share", "value": "0.333333", "numerator": 1, "denominator": {"lower": 3, "upper": 4}},
        "c": {"measure": "days", "value": "2.000000"},
    }

    assert compare(published, counted) == [
        "a: value was published as 0.333333, counted as 0.500000",
        "a: denominator was published as [3, 4], counted as 2",
        "b: counted (measure share, value 1.000000, numerator 1, denominator 1) but not published",
        "c: published (measure days, value 2.000000) but not counted",
    ]


def test_the_newest_figure_of_a_key_is_the_one_with_the_greatest_offset() -> None:
    def figure(offset: int, name: str, value: str) -> Record:
        data = {"key": "k", "value": value} if name != "CutTaken" else {"cutId": 2}
        return Record(HISTORY, 3, offset, json.dumps({"type": f"nl.samenspel.{name}.v1", "data": data}).encode())

    history = [
        figure(9, "MetricRestated", "2.000000"),
        figure(8, "CutTaken", ""),
        figure(4, "MetricPublished", "1.000000"),
    ]

    assert newest_figures(history) == {"k": {"key": "k", "value": "2.000000"}}
