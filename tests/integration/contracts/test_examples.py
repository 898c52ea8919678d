"""Every example of the contracts and of the API is accepted by a fresh stack, in an order that plays."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from contracts.envelope import Message
from contracts.events import catalogue
from contracts.topics import INPUTS, TOPICS, dead_letter_topic
from local import RealParts
from tests.contract.story import EXAMPLES, Json, all_examples_on_their_topics, contents
from tests.integration.contracts.played import OPERATOR, Play, Route, commanded, data_of
from tests.integration.publishing import publish
from tests.service_process import ServiceProcess, started
from tests.waiting import SOON, wait_until

SERVICES = ("requests", "referrals", "reporting")
BY_REPORTING = 2 * SOON  # it counts a year of cuts


@pytest.fixture(scope="module")
def played(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """The three services with topics and a time of their own, after the whole story."""
    folder, prefix = tmp_path_factory.mktemp("played"), "played-"
    with ExitStack() as running:
        services = {
            name: running.enter_context(started(stack, name, prefix=prefix, folder=folder)) for name in SERVICES
        }
        play = Play(services)
        for message in commanded():
            match type(message.event).__name__:
                case "RequestRaised":  # else it waits for a broker, which is another story
                    wait_until(lambda: knows_a_broker(services["requests"]))
                case "ActivityRetracted":  # else nothing is to be restated
                    wait_until(lambda: has_counted_the_activity(services["reporting"]))
            play.carry_out(message)
        yield play


def knows_a_broker(requests: ServiceProcess) -> bool:
    return bool(requests.rows("SELECT FROM records WHERE kind = 'broker'"))


def has_counted_the_activity(reporting: ServiceProcess) -> bool:
    query = "/v1/figures?indicator=replaced-share&unit=site:duo:99ZA00"
    return any(figure["denominator"]["upper"] == 2 for figure in reporting.ask_ok("GET", query, by=OPERATOR)["items"])


def examples_of(play: Play, service: str, media_type: str) -> Iterator[tuple[Route, Any]]:
    """The example of each operation that has one, in the description that the service serves."""
    for path, methods in play.described(service)["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get(media_type, {})
            examples = [content["example"]] if "example" in content else content.get("schema", {}).get("examples", ())
            for example in examples:
                yield Route(service, method.upper(), path), example


@pytest.mark.parametrize("service", ["requests", "referrals"])
def test_the_body_that_the_api_shows_for_a_command_was_accepted(played: Play, service: str) -> None:
    shown = list(examples_of(played, service, "application/json"))

    assert shown
    assert [(route, body) for route, body in shown if body not in played.sent.get(route, ())] == []


def test_the_lines_that_the_api_shows_are_accepted(played: Play) -> None:
    shown = list(examples_of(played, "requests", "application/x-ndjson"))

    answers = [
        played.services["requests"].ask(route.method, f"/v1{route.path}", lines.encode(), by=OPERATOR)
        for route, lines in shown
    ]

    assert [answer.json() for answer in answers] == [{"recorded": 0, "unchanged": 1}] * 2


def told(message: Message | Json) -> Json:
    """What an event says, without the moment at which it was registered."""
    data = message if isinstance(message, dict) else data_of(message)
    return {name: value for name, value in data.items() if not name.endswith("At") or name == "occurredAt"}


def test_the_commands_of_the_story_make_the_events_of_the_story(played: Play) -> None:
    by_callers = [topic.name for topic in TOPICS if topic.name in INPUTS and topic.producer != "reporting"]
    story = [contents(path) for path in EXAMPLES if not path.parent.name.startswith("ReasonList")]
    expected = [(each["type"], told(each["data"])) for each in story if "reporting" not in each["source"]]

    def published() -> list[tuple[str, Json]] | None:
        messages = [each for topic in by_callers for each in played.services["requests"].published(topic)]
        events = [each for each in messages if type(each.event).__name__ != "ReasonListPublished"]
        found = [(each.event.type, played.as_told(told(each))) for each in events]
        return found if len(found) >= len(expected) else None

    assert sorted_as_text(wait_until(published)) == sorted_as_text(expected)


def sorted_as_text(events: list[tuple[str, Json]]) -> list[str]:
    return sorted(json.dumps(event, sort_keys=True) for event in events)


def test_every_kind_of_event_is_published(played: Play) -> None:
    events = [topic.name for topic in TOPICS if topic.carries == "events"]

    def missing() -> set[str]:
        messages = [each for topic in events for each in played.services["reporting"].published(topic)]
        return set(catalogue) - {each.event.type for each in messages}

    wait_until(lambda: not missing(), BY_REPORTING)
    letters = [played.services["reporting"].published(dead_letter_topic(name)) for name in SERVICES]
    assert letters == [[], [], []]


async def test_the_examples_alone_are_understood_by_reporting(
    stack: RealParts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As another system publishes them that has nothing but `contracts/`."""
    prefix, folder = "examples-", tmp_path_factory.mktemp("examples")
    lines = [line for line in all_examples_on_their_topics() if line["topic"] in INPUTS]
    ids = {json.loads(b64decode(line["valueBase64"]))["id"] for line in lines}

    with started(stack, "reporting", prefix=prefix, folder=folder) as reporting:
        await publish(stack.kafka, prefix, lines)
        facts = wait_until(lambda: ids <= {row["event_id"] for row in reporting.rows("SELECT event_id FROM facts")})
        skipped, letters = reporting.rows("SELECT * FROM skipped"), reporting.published(dead_letter_topic("reporting"))

    assert facts
    assert (skipped, letters) == ([], [])
