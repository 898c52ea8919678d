"""Readers normalise: what a schema allows and a door refuses is understood in one way."""

import json
from typing import Any

import pytest

from contracts.activities import ACTIVITIES
from contracts.envelope import InvalidMessage
from contracts.events import Event
from contracts.referrals import ReferralMade
from contracts.requests import RequestAmended, RequestClosed, RequestRaised
from services.chassis.http.examples import first_example
from services.reporting.facts import events
from services.reporting.facts.events import (
    DeliveryDetails,
    GroupRecorded,
    TakingPart,
    Unreadable,
    body_of,
    read,
)
from tests.contract.story import Json, an_example
from tests.deliveries import as_sent

ART = {"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}


def read_delivery(**changed: Any) -> DeliveryDetails:
    body = body_of("ActivityDelivered", json.dumps(an_example("ActivityDelivered")["data"] | changed).encode())
    assert isinstance(body, DeliveryDetails)
    return body


def a_part(group_id: str, participants: int | None = None, *, whole: bool = False) -> Json:
    counted = {} if participants is None else {"participants": participants}
    return {"groupId": group_id, "headcount": 27, "wholeGroup": whole} | counted


def test_crossed_bounds_are_taken_as_minimum_and_maximum() -> None:
    group = {
        "groupId": "own:g",
        "siteId": "duo:99ZA00",
        "register": "school",
        "schoolYear": "2025-2026",
        "headcount": {"lower": 4, "upper": 1},
    }

    body = body_of("GroupRecorded", json.dumps(group).encode())

    assert isinstance(body, GroupRecorded)
    assert (body.headcount.lower, body.headcount.upper) == (1, 4)


@pytest.mark.parametrize(
    ("parts", "taken"),
    [
        ([a_part("own:g", 5), a_part("own:g", 9)], TakingPart("own:g", 9)),
        ([a_part("own:g", 9), a_part("own:g", 5)], TakingPart("own:g", 9)),
        ([a_part("own:g"), a_part("own:g", 5)], TakingPart("own:g", 5)),
        ([a_part("own:g"), a_part("own:g", whole=True)], TakingPart("own:g", None, whole_group=True)),
    ],
)
def test_a_group_that_is_named_twice_takes_part_once_with_the_larger_count(
    parts: list[Json], taken: TakingPart
) -> None:
    assert read_delivery(groups=parts).groups == (taken,)


def test_sites_and_areas_that_are_named_twice_are_named_once() -> None:
    body = read_delivery(siteIds=["duo:99ZA00", "own:a", "duo:99ZA00"], learningAreas=[ART, ART])

    assert body.site_ids == ("duo:99ZA00", "own:a")
    assert [area.stratum for area in body.learning_areas] == ["curriculum.nu:kunst-en-cultuur"]


def test_a_request_that_names_an_area_twice_asks_it_once() -> None:
    data = an_example("RequestRaised")["data"] | {"learningAreas": [ART, ART]}

    body = body_of("RequestRaised", json.dumps(data).encode())

    assert isinstance(body, events.RequestRaised)
    assert len(body.learning_areas) == 1


@pytest.mark.parametrize(
    ("event", "field", "taken"),
    [
        (RequestAmended, "learningAreas", "learning_areas"),
        (RequestClosed, "unmetAreas", "unmet_areas"),
        (ReferralMade, "learningAreas", "learning_areas"),
    ],
)
def test_every_event_names_an_area_once(event: type[Event], field: str, taken: str) -> None:
    data = first_example(event)["data"] | {field: [ART, ART]}

    body = body_of(event.__name__, json.dumps(data).encode())

    assert [area.stratum for area in getattr(body, taken)] == ["curriculum.nu:kunst-en-cultuur"]


@pytest.mark.parametrize("event", [RequestAmended, RequestRaised])
def test_every_event_names_a_site_that_asks_too_once(event: type[Event]) -> None:
    data = first_example(event)["data"] | {"coSiteIds": ["own:a", "own:a", "own:b"]}

    body: Any = body_of(event.__name__, json.dumps(data).encode())

    assert body.co_site_ids == ("own:a", "own:b")


def test_a_stored_fact_that_no_release_can_read_is_unreadable_and_no_error() -> None:
    stored = json.dumps(an_example("ActivityDelivered")["data"]).encode()

    assert isinstance(body_of("ActivityDelivered", stored), DeliveryDetails)
    assert isinstance(body_of("ActivityDelivered", b'{"activityId": 5}'), Unreadable)


def test_a_fact_belongs_to_the_incarnation_of_its_topic() -> None:
    record = as_sent(an_example("ActivityDelivered"))

    assert [read(record, ACTIVITIES).incarnation, read(record, ACTIVITIES, 3).incarnation] == [1, 3]


def test_what_only_the_contracts_understand_is_read_as_they_have_it() -> None:
    message = an_example("ActivityDelivered")
    message["data"] |= {"durationMinutes": 90.0, "registeredAt": "2025-11-18T16:22:47.065+01:00"}

    fact = read(as_sent(message), ACTIVITIES)

    assert isinstance(fact.body, DeliveryDetails)
    assert fact.body.duration_minutes == 90
    assert b'"durationMinutes":90,' in fact.data


@pytest.mark.parametrize("programme", ["Kansen Voor Kinderen", "a/b", ""])
def test_a_programme_that_is_no_slug_is_malformed(programme: str) -> None:
    message = an_example("ActivityDelivered")
    message["data"]["programme"] = programme

    with pytest.raises(InvalidMessage):
        read(as_sent(message), ACTIVITIES)


def test_a_fact_says_where_it_stands_and_what_it_belongs_to() -> None:
    message = an_example("ActivityDelivered") | {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    }
    record = as_sent(message)

    fact = read(record, ACTIVITIES)

    assert (fact.topic, fact.partition, fact.offset) == (ACTIVITIES, record.partition, record.offset)
    assert (fact.name, fact.entity) == ("ActivityDelivered", f"activity:{message['subject']}")
    assert (fact.epoch, fact.version) == (message["streamepoch"], message["aggregateversion"])
    assert (fact.event_id, fact.traceparent) == (message["id"], message["traceparent"])
    assert json.loads(fact.data) == message["data"]
