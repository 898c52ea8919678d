"""What the recount makes of messages that come twice, late, broken, or from a database that was restored; and
how it says that a publication differs."""

import json
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from contracts.metrics import HISTORY
from demo.recount import Counted, Record, compare, newest_figures, recount
from demo.recount.figures import decimal
from demo.recount.tests.story import Story, a_story, part


def a_full_story() -> Story:
    story = a_story()
    story.group("g", "school", (1, 4))
    story.raised("r", "2025-09-01T10:00:00.000Z")
    story.moved("r", "Assigned", "2025-09-02T10:00:00.000Z")
    story.referred("f", "r", "2025-09-03T10:00:00.000Z", "2025-09-05T10:00:00.000Z")
    story.delivered("a", groups=[part("g", 3)], requestId="r")
    story.confirmed("a")
    story.corrected("a", groups=[part("g", 2)], requestId="r")
    story.disputed("a")
    story.delivered("b", groups=[part("g")])
    story.retracted("b")
    return story


@pytest.mark.parametrize("seed", range(50))
def test_any_order_and_any_duplicates_give_the_same_figures(seed: int) -> None:
    story, random = a_full_story(), Random(seed)
    once = story.figures()

    again = [record._replace(offset=record.offset + 1000 * random.randint(1, 4)) for record in story.records]
    shuffled = random.sample([*story.records, *again, *story.records], k=3 * len(story.records))

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
    story = a_full_story()
    without = story.figures()

    story.send(poison)

    assert story.figures() == without


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
        {"groups": [part("g", 2), part("g", 3)]},
        {"learningAreas": ["kunst-en-cultuur"]},
        {"activityId": "another"},
    ],
)
def test_data_that_misses_what_a_figure_needs_is_left_out(broken: dict[str, Any]) -> None:
    story = a_full_story()
    without = story.figures()

    story.delivered("broken", **broken)

    assert story.figures() == without


def test_a_mended_message_takes_the_place_of_the_broken_one() -> None:
    story = a_story()
    story.delivered("a", substitution="perhaps")
    story.tell("ActivityConfirmed", "a", activityId="a", siteId="school", confirmedAt="2025-12-02T12:00:00.000Z")

    story.versions["Activ", "a"] = 0  # the redrive says the same version again
    story.delivered("a", substitution="replaces")

    assert story.value("adoption-loose", period="2026-07-31") == "1.000000"


def test_the_first_offset_of_a_version_wins() -> None:
    story = a_story()
    story.delivered("a", substitution="replaces")
    story.versions["Activ", "a"] = 0
    story.delivered("a", substitution="stacks")
    story.records.reverse()

    assert story.value("replaced-share") == "1.000000"


def test_what_a_restored_database_took_back_never_happened() -> None:
    story = a_story()
    story.delivered("a", substitution="replaces")  # version 1
    story.corrected("a", substitution="stacks")  # version 2, lost with the database
    story.retracted("a")  # version 3, lost with the database

    story.tell(
        "ActivityConfirmed",
        "a",
        epoch=2,
        version=2,
        activityId="a",
        siteId="school",
        confirmedAt="2025-12-02T12:00:00Z",
    )

    assert story.value("replaced-share") == "1.000000"
    assert story.value("adoption-loose", period="2026-07-31") == "1.000000"


def test_an_event_that_moves_no_figure_can_begin_an_epoch() -> None:
    story = a_story()
    story.raised("r", "2025-09-01T10:00:00.000Z")
    story.referred("f", "r", "2025-09-03T10:00:00.000Z", "2025-09-05T10:00:00.000Z")

    story.tell("ReferralDeclined", "f", epoch=2, version=2, referralId="f")

    assert story.value("requests-referred") == "1.000000"
    assert story.value("requests-accepted") == "0.000000"


def test_an_aggregate_that_a_higher_epoch_does_not_mention_keeps_what_it_said() -> None:
    story = a_story()
    story.delivered("a", substitution="replaces")
    story.tell(
        "SiteRecorded",
        "other",
        epoch=2,
        siteId="other",
        validFrom="2020-01-01",
        kinds=["primary"],
        neighbourhood="5211",
    )

    assert story.value("replaced-share") == "1.000000"


def test_a_site_on_a_day_is_its_record_with_the_greatest_valid_from_in_its_newest_version() -> None:
    story = Story()
    story.site("school", neighbourhood="second", since="2025-09-01")
    story.site("school", neighbourhood="first", since="2020-08-01")
    story.site("school", neighbourhood="mended", since="2025-09-01")
    story.delivered("early", on="2025-08-31")
    story.delivered("late", on="2025-09-01")

    there = {key.split("/")[3] for key in story.figures() if key.startswith("unknown-share/")}
    assert there == {"city", "site:school", "neighbourhood:first", "neighbourhood:mended"}


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
    def said(offset: int, name: str, value: str) -> Record:
        data = {"key": "k", "value": value} if name != "CutTaken" else {"cutId": 2}
        return Record(HISTORY, 3, offset, json.dumps({"type": f"nl.samenspel.{name}.v1", "data": data}).encode())

    history = [said(9, "MetricRestated", "2.000000"), said(8, "CutTaken", ""), said(4, "MetricPublished", "1.000000")]

    assert newest_figures(history) == {"k": {"key": "k", "value": "2.000000"}}
