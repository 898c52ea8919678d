"""The description in AsyncAPI: valid, complete, and true to the schemas that it names."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry, Resource

from contracts.commands import CommandEnvelope
from contracts.documents.asyncapi import asyncapi
from contracts.events import catalogue
from contracts.outcomes import COMMANDS, OUTCOMES
from contracts.topics import CLIENT_TOPICS, PARTITIONS, TOPICS
from demo.external_check import SCRIPT, install
from tests.contract.story import CONTRACTS, EXAMPLES, Json, contents

DESCRIPTION = asyncapi()
MESSAGES = DESCRIPTION["components"]["messages"]
EVENTS = {name: message for name, message in MESSAGES.items() if name not in {"DeadLetter", "Command"}}
EVERY_TOPIC = (*TOPICS, *CLIENT_TOPICS)


def _beside(uri: str) -> Resource[Any]:
    """The file that a reference names, as it lies beside the description."""
    return Resource.from_contents(contents(CONTRACTS / uri))


def is_accepted(message: Json, payload: Json) -> bool:
    registry: Registry[Any] = Registry(retrieve=_beside)  # type: ignore[call-arg]  # attrs' init, which mypy does not see
    return Draft202012Validator(message["payload"]["schema"], registry=registry).is_valid(payload)


def test_the_description_is_valid_asyncapi() -> None:
    asyncio.run(install())
    specification = SCRIPT / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"

    wrong = Draft7Validator(json.loads(specification.read_bytes())).iter_errors(DESCRIPTION)

    assert [f"{error.json_path}: {error.message}" for error in wrong] == []


def test_every_topic_is_a_channel_with_its_partitions_and_how_long_it_keeps_what() -> None:
    channels = {channel["address"]: channel for channel in DESCRIPTION["channels"].values()}

    assert list(channels) == [topic.name for topic in EVERY_TOPIC]
    for topic in EVERY_TOPIC:
        kafka = channels[topic.name]["bindings"]["kafka"]
        assert kafka["partitions"] == PARTITIONS
        assert kafka["topicConfiguration"]["cleanup.policy"] == [topic.cleanup]
        assert kafka["topicConfiguration"]["retention.ms"] == topic.retention_ms


def test_every_service_sends_what_it_writes_and_receives_what_it_reads() -> None:
    said = {
        (DESCRIPTION["channels"][operation["channel"]["$ref"].rpartition("/")[2]]["address"], operation["action"])
        for operation in DESCRIPTION["operations"].values()
    }

    written = {(topic.name, "send") for topic in EVERY_TOPIC if topic.name != COMMANDS}
    assert said == written | {(topic.name, "receive") for topic in EVERY_TOPIC if topic.consumers}
    by_services = [OUTCOMES, *(topic.name for topic in EVERY_TOPIC if topic.name != COMMANDS)]  # outcomes by two
    read = sum(len(topic.consumers) for topic in EVERY_TOPIC)
    assert len(DESCRIPTION["operations"]) == len(by_services) + read


def test_the_topics_of_a_client_are_described_by_its_name() -> None:
    named = {channel["address"]: channel.get("parameters", {}) for channel in DESCRIPTION["channels"].values()}

    assert {address: list(parameters) for address, parameters in named.items() if parameters} == {
        COMMANDS: ["client"],
        OUTCOMES: ["client"],
    }


def test_the_example_of_a_command_is_one() -> None:
    (example,) = MESSAGES["Command"]["examples"]

    assert is_accepted(MESSAGES["Command"], example["payload"])
    CommandEnvelope.model_validate(example["payload"])


def test_every_event_is_a_message_on_its_topics() -> None:
    on_topics = {
        (channel["address"], MESSAGES[name]["name"])
        for channel in DESCRIPTION["channels"].values()
        for name in channel["messages"]
        if name in EVENTS
    }

    assert on_topics == {(topic, event.type) for event in catalogue.values() for topic in event.topics}


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_message_shows_every_example_of_its_event_and_accepts_it(name: str) -> None:
    message = EVENTS[name]

    shown = [example["payload"] for example in message["examples"]]

    assert shown == [contents(path) for path in EXAMPLES if path.parent.name == name]
    assert all(is_accepted(message, payload) for payload in shown)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda payload: payload.pop("aggregateversion"), id="without an attribute of the envelope"),
        pytest.param(lambda payload: payload["data"].pop("attempt"), id="without a field of its data"),
        pytest.param(lambda payload: payload.update(type="nl.samenspel.ReferralStarted.v1"), id="of another type"),
    ],
)
def test_a_message_refuses_what_is_not_its_event(spoil: Callable[[Json], object]) -> None:
    message = EVENTS["ReferralMade.v1"]
    payload = json.loads(json.dumps(message["examples"][0]["payload"]))

    spoil(payload)

    assert not is_accepted(message, payload)
