"""The fast form of a schema has the schema's bounds: it takes what is just inside, and leaves the rest to the model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.events import catalogue
from contracts.outcomes import CommandRejected
from contracts.targets import IndicatorDefined
from contracts.written import Form, data_form, envelope_form
from tests.contract.story import CONTRACTS, EXAMPLES, Json, an_example, contents, written

EVENTS = sorted(type_ for type_, event in catalogue.items() if event not in {IndicatorDefined, CommandRejected})


@pytest.fixture(autouse=True)
def made_anew() -> Iterator[None]:
    """Forms are kept: make those of each test anew, so that the test sees how they are made."""
    data_form.cache_clear()
    envelope_form.cache_clear()
    yield
    data_form.cache_clear()
    envelope_form.cache_clear()


def takes(form: Form, value: Any) -> bool:
    return form.read(written(value)) is not None


def raised(**changed: Any) -> bool:
    data = {**an_example("RequestRaised")["data"], **changed}
    return takes(data_form("nl.samenspel.RequestRaised.v1"), {name: it for name, it in data.items() if it is not None})


def delivered(**changed: Any) -> bool:
    data = {**an_example("ActivityDelivered")["data"], **changed}
    return takes(data_form("nl.samenspel.ActivityDelivered.v1"), data)


def recorded(**changed: Any) -> bool:
    return takes(data_form("nl.samenspel.SiteRecorded.v1"), {**an_example("SiteRecorded")["data"], **changed})


def enveloped(**changed: Any) -> bool:
    return takes(envelope_form(), {**an_example("RequestRaised"), **changed})


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_is_taken_as_it_is_written(path: Path) -> None:
    message = contents(path)

    envelope = envelope_form().read(path.read_bytes())

    assert envelope is not None
    assert json.loads(bytes(envelope.data)) == message["data"]
    assert (envelope.type, envelope.subject) == (message["type"], message["subject"])
    is_taken = takes(data_form(message["type"]), message["data"])
    assert is_taken == (message["type"] in EVENTS)  # with names or values of many forms: the model decides


@pytest.mark.parametrize("type_", EVENTS)
def test_what_every_message_must_say_is_not_missing(type_: str) -> None:
    form = data_form(type_)

    assert form.read(b"{}") is None
    assert form.read(b"[]") is None
    assert form.read(b"{") is None


def test_a_reader_takes_fields_that_it_does_not_know_and_leaves_absent_what_may_be() -> None:
    assert raised(phase="pilot")
    assert raised(coSiteIds=[])
    assert recorded(closedOn="2026-08-01")


@pytest.mark.parametrize("absent", ["requestId", "siteId", "learningAreas", "raisedAt", "raisedBy", "audience"])
def test_a_required_field_is_there(absent: str) -> None:
    assert not raised(**{absent: None})


@pytest.mark.parametrize("year", ["2000", "2100", "1999", "2101"])
def test_the_first_and_the_last_year_are_left_to_the_model(year: str) -> None:
    assert raised(raisedAt="2001-01-01T00:00:00.000Z")
    assert raised(raisedAt="2099-12-31T23:59:59.999Z")
    assert not raised(raisedAt=f"{year}-06-15T12:00:00.000Z")


@pytest.mark.parametrize("moment", ["2025-10-03T09:12:00", "2025-10-03", "now", 1_700_000_000])
def test_a_moment_has_a_time_zone(moment: object) -> None:
    assert not raised(raisedAt=moment)


@pytest.mark.parametrize("day", ["2028-02-29", "2025-02-30", "2025-04-31", "2025-13-01", "2025-10-3", "2025-10-03\n"])
def test_a_day_that_not_every_year_has_is_left_to_the_model(day: str) -> None:
    assert raised(wishedTo="2025-12-31")
    assert not raised(wishedTo=day)


@pytest.mark.parametrize(
    "id_", ["request-1", "0199A957-AF00-7D62-B914-5B24D108D7AC", "", "0199a957af007d62b9145b24d108d7ac"]
)
def test_an_id_is_a_uuid_in_lower_case(id_: str) -> None:
    assert not raised(requestId=id_)
    assert not enveloped(id=id_)


@pytest.mark.parametrize("site_id", ["duo:99ZA00\n", "\nduo:99ZA00", "DUO:99ZA00", "", "duo", "own:" + "x" * 200])
def test_an_identifier_is_as_its_pattern_says_from_end_to_end(site_id: str) -> None:
    assert raised(siteId="lrk:990000017")
    assert not raised(siteId=site_id)
    assert not raised(coSiteIds=["lrk:990000017", site_id])


@pytest.mark.parametrize("intention", ["perhaps", "Replaces", "", None, True, 1])
def test_a_word_is_one_of_its_list(intention: object) -> None:
    data = {**an_example("RequestRaised")["data"], "intention": intention}

    assert not takes(data_form("nl.samenspel.RequestRaised.v1"), data)


@pytest.mark.parametrize(
    ("minutes", "is_taken"), [(1, True), (1_440, True), (0, False), (1_441, False), ("90", False), (True, False)]
)
def test_a_number_is_within_its_bounds(minutes: object, is_taken: bool) -> None:
    assert delivered(durationMinutes=minutes) is is_taken


@pytest.mark.parametrize(("groups", "is_taken"), [(0, True), (50, True), (10_000, False)])
def test_a_list_is_no_longer_than_it_may_be(groups: int, is_taken: bool) -> None:
    part = {"groupId": "own:g", "headcount": 27, "wholeGroup": True}

    assert delivered(groups=[part] * groups) is is_taken


def test_a_list_is_no_shorter_than_it_may_be() -> None:
    assert not delivered(siteIds=[])
    assert not recorded(kinds=[])
    assert recorded(kinds=["primary"])


def test_each_part_of_a_list_is_checked() -> None:
    part = {"groupId": "own:g", "headcount": 27, "wholeGroup": True}

    assert delivered(groups=[part, part])
    assert not delivered(groups=[part, {**part, "groupId": "g"}])
    assert not delivered(groups=[part, {**part, "wholeGroup": "yes"}])
    assert not delivered(groups=[part, {**part, "headcount": -1}])


def test_a_text_has_its_length_and_no_control_characters() -> None:
    name = an_example("SiteRecorded")["data"]["name"]

    assert recorded(name={**name, "nl": "x" * 200})
    for text in ("", "x" * 201, "De\0Dieze", "De\nDieze"):
        assert not recorded(name={**name, "nl": text})


def test_a_sentence_has_its_length_too() -> None:
    data = contents(CONTRACTS / "examples" / "CommandAccepted.v1" / "a-delivery-with-a-group-of-another-year.json")[
        "data"
    ]
    warned = {"field": "groups[0].groupId", "value": "own:g", "detail": "x" * 2_000}

    for detail, is_taken in (("x" * 2_000, True), ("x" * 2_001, False)):
        said = {**data, "warnings": [{**warned, "detail": detail}]}
        assert takes(data_form("nl.samenspel.CommandAccepted.v1"), said) is is_taken


def test_what_can_only_be_true_is_true() -> None:
    assert raised(selfReferral=True)
    for said in (1, False, "true"):
        assert not raised(selfReferral=said)


def test_an_optional_part_is_checked_when_it_is_there() -> None:
    link = {"siteId": "lrk:990000017", "kind": "child_centre", "from": "2025-08-01"}

    assert recorded(links=[link])
    assert recorded(links=[{**link, "to": "2026-08-01"}])
    assert not recorded(links=[{**link, "to": "tomorrow"}])
    assert not recorded(links=[{**link, "kind": "friends"}])


@pytest.mark.parametrize(
    "changed",
    [
        {"specversion": "0.3"},
        {"source": "requests"},
        {"type": "nl.samenspel.RequestRaised.v0"},
        {"time": "2025-10-03T09:12:00"},
        {"datacontenttype": "text/plain"},
        {"partitionkey": ""},
        {"correlationid": "a\0"},
        {"aggregateversion": 0},
        {"aggregateversion": 2**31 - 1},
        {"streamepoch": 10_000},
        {"data_base64": "e30="},
    ],
    ids="-".join,
)
def test_an_envelope_in_another_form_is_left_to_the_model(changed: Json) -> None:
    assert enveloped(phase="pilot", aggregateversion=2**31 - 2, streamepoch=9_999)
    assert not enveloped(**changed)


def test_what_is_nested_too_deep_is_left_to_the_model() -> None:
    deep = b'{"data":' * 100_000 + b"{}" + b"}" * 100_000

    assert envelope_form().read(deep) is None
