"""Every example of the contracts and of the API is accepted by a fresh stack, in an order that plays."""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from contracts.envelope import Message
from contracts.topics import INPUTS, SERVICES, TOPICS, dead_letter_topic
from local import RealParts
from tests.contract.story import EXAMPLES, Json, all_examples_on_their_topics, contents
from tests.integration.contracts.conftest import KINDS
from tests.integration.contracts.played import OPERATOR, Play, Route, data_of
from tests.integration.publishing import publish
from tests.service_process import problem_type, started
from tests.waiting import wait_until
from tests.who_sees_what import SINGULAR


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
    shown = [each for each in examples_of(played, service, "application/json") if each[0] in played.sent]

    assert {route for route, _ in shown} == {route for route in played.sent if route.service == service}
    assert [(route, body) for route, body in shown if body not in played.sent[route]] == []


def is_of_a_life_cycle(route: Route) -> bool:
    return route.path.split("/")[1] in SINGULAR


@pytest.mark.parametrize("service", SERVICES)
def test_the_body_that_the_api_shows_to_operators_is_understood(played: Play, service: str) -> None:
    """There is no dead letter, and one service writes the topic to which the message of the example belongs."""
    every = examples_of(played, service, "application/json")
    shown = [each for each in every if each[0] not in played.sent and not is_of_a_life_cycle(each[0])]
    wait_until(lambda: is_not_rebuilt(played))  # another test of this folder may have asked for it

    answers = {
        route.path: played.services[service].ask(route.method, f"/v1{real(route.path)}", body, by=OPERATOR)
        for route, body in shown
    }

    writes_it = service == "referrals"
    refused = {path: problem_type(answer) for path, answer in answers.items() if not answer.is_success}
    assert {"/redrives", "/letter-markers", "/republications", "/adoptions"} < set(answers)
    assert refused == {"/letter-markers": "no-such-letter", **({} if writes_it else {"/redrives": "topic-not-written"})}


def is_not_rebuilt(play: Play) -> bool:
    return not play.services["reporting"].rows("SELECT FROM rebuilds WHERE finished_at IS NULL")


def real(path: str) -> str:
    """With the name of a client, who is registered and removed again."""
    return path.replace("{clientId}", "atelier-planning")


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
    story = [contents(path) for path in EXAMPLES if not path.parent.name.startswith(("ReasonList", "Command", "Clock"))]

    published = [message for topic in by_callers for message in played.published[topic]]

    of_commands = [each for each in published if each.event.aggregate not in {"reason-list", "clock"}]
    expected = [(each["type"], told(each["data"])) for each in story if "reporting" not in each["source"]]
    assert sorted_as_text((each.event.type, played.as_told(told(each))) for each in of_commands) == sorted_as_text(
        expected
    )


def sorted_as_text(events: Iterable[tuple[str, Json]]) -> list[str]:
    return sorted(json.dumps(event, sort_keys=True) for event in events)


def test_every_kind_of_event_was_published_and_every_reader_understood_it(played: Play) -> None:
    kinds = {message.event.type for messages in played.published.values() for message in messages}

    assert kinds == KINDS
    assert [played.published[dead_letter_topic(service)] for service in SERVICES] == [[], [], []]


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
