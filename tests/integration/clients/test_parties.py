"""A client hears what happens to the objects of those for whom it acts, and of no others."""

from uuid import UUID

import pytest

from contracts.topics import TOPICS
from contracts.values import Actor
from local.waiting import completed
from samenspel.topic_records import TopicRecord, read_topics
from tests.builders import BAZUIN, CHILDCARE, an_actor, referral_details, request_details
from tests.integration.clients.outside import CONSULTANT, COORDINATOR, City, Outside
from tests.service_process import as_json
from tests.waiting import wait_until

DETAILS = as_json(request_details())


def kinds_about(client: Outside, request_id: str) -> list[str]:
    """The events about a request or what follows from it, as this client hears them."""
    about = [each for each in client.told() if each.subject == request_id]
    return sorted(each.kind.__name__ for each in about)


@pytest.fixture(scope="module")
def others(city: City) -> dict[str, Outside]:
    """Clients that act for others in the city."""
    actors: dict[str, Actor] = {
        "childcare": an_actor("coordinator", CHILDCARE),
        "bazuin": an_actor("partner", BAZUIN),
        "board": an_actor("board"),
        "city": an_actor("operator"),
    }
    return {name: Outside.registered(city, name, by) for name, by in actors.items()}


def test_a_party_hears_the_same_bytes_as_everybody_and_a_stranger_nothing(
    city: City, client: Outside, others: dict[str, Outside]
) -> None:
    request_id = client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR).aggregate_id

    heard = wait_until(lambda: found if len(found := kinds_about(client, request_id)) == 2 else None)
    by_the_board = wait_until(lambda: found if len(found := kinds_about(others["board"], request_id)) == 2 else None)

    assert heard == by_the_board == ["RequestAssigned", "RequestRaised"]
    strangers = [kinds_about(others[name], request_id) for name in ("childcare", "bazuin", "city")]
    assert strangers == [[], [], []]
    expected = ["RequestRaised", "RequestAssigned", "ClockStarted"]
    assert wait_until(lambda: len(the_same_bytes_about(city, client, request_id)) == len(expected))


def the_same_bytes_about(city: City, client: Outside, request_id: str) -> list[bytes]:
    """What everybody hears of a request, and the client too."""
    told = {record.value for record in client.records()} & {record.value for record in on_every_topic(city)}
    return [value for value in told if value and request_id.encode() in value]


def on_every_topic(city: City) -> list[TopicRecord]:
    topics = [city.prefix + topic.name for topic in TOPICS if topic.carries == "events"]
    return completed(read_topics(city.kafka, topics))


def test_who_becomes_a_party_hears_from_then_on(client: Outside, others: dict[str, Outside]) -> None:
    request_id = client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR).aggregate_id
    referral = as_json(referral_details(UUID(request_id)), partnerId=BAZUIN)

    made = client.gave("referrals.Refer", referral, by=CONSULTANT)

    heard = wait_until(lambda: kinds_about(others["bazuin"], made.aggregate_id))
    assert heard == ["ReferralMade"]


def test_order_of_an_object_is_kept(client: Outside) -> None:
    request_id = client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR).aggregate_id
    client.gave("requests.AnswerRequest", {"answer": "advise"}, by=CONSULTANT, subject=request_id)
    client.gave("requests.CloseRequest", {"outcome": "advice_only"}, by=CONSULTANT, subject=request_id)

    told = wait_until(lambda: found if len(found := versions_of(client, request_id)) == 4 else None)

    assert told == [1, 2, 3, 4]


def versions_of(client: Outside, subject: str) -> list[int]:
    return [each.version for each in client.told() if each.subject == subject and each.kind.aggregate == "request"]
