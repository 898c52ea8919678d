"""A command says who answers it, and is addressed by its id alone."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from contracts.admission import admit
from contracts.commands import CommandEnvelope, command_type, read_command
from contracts.envelope import CONTENT_TYPE, InvalidMessage
from contracts.outcomes import address_of, client_of, command_topic, outcome_topic
from contracts.partitioner import partition_of
from contracts.topics import topics_for
from samenspel.topic_records import TopicRecord
from tests.contract.story import CONTRACTS, contents, written
from tests.deliveries import a_record

STRUCTURED = {"content-type": CONTENT_TYPE}
CLIENT = "atelier-planning"


def a_command(**other: Any) -> dict[str, Any]:
    usual = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:nld:oin:00000099000000001000:systeem:{CLIENT}",
        "type": "nl.samenspel.referrals.AcceptReferral.v1",
        "actingrole": "partner",
        "actingorganisation": "own:atelier",
    }
    return {**usual, **other}


@pytest.mark.parametrize(
    ("type_", "answerer"),
    [
        ("nl.samenspel.requests.RaiseRequest.v1", "requests"),
        ("nl.samenspel.referrals.AcceptReferral.v1", "referrals"),
        ("nl.samenspel.referrals.NotYetInvented.v7", "referrals"),
        ("nl.samenspel.reporting.SetTarget.v1", "requests"),
        ("org.example.Hello", "requests"),
        ("nl.samenspel.referrals.AcceptReferral", "requests"),
        (7, "requests"),
        (None, "requests"),
    ],
)
def test_exactly_one_service_answers(type_: object, answerer: str) -> None:
    asked = read_command(json.dumps(a_command(type=type_)).encode(), STRUCTURED)

    assert asked.answerer == answerer


def test_the_type_of_a_command_follows_from_the_operation() -> None:
    assert command_type("referrals", "acceptReferral") == "nl.samenspel.referrals.AcceptReferral.v1"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no-data"),
        (b"", "no-data"),
        (b"{", "malformed-json"),
        (b"[]", "malformed-json"),
        (b"\xff", "malformed-json"),
        (json.dumps(a_command(id="0612345678")).encode(), "no-command-id"),
        (json.dumps(a_command(id=None)).encode(), "no-command-id"),
    ],
)
def test_what_has_no_id_has_no_outcome(value: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        read_command(value, STRUCTURED)

    assert refused.value.reason == reason


def test_whatever_else_is_wrong_the_outcome_can_be_addressed() -> None:
    command_id = str(uuid4())

    asked = read_command(json.dumps({"id": command_id, "type": ["x"], "specversion": 3}).encode(), STRUCTURED)

    assert (asked.command_id, asked.type) == (UUID(command_id), None)
    with pytest.raises(ValidationError):
        CommandEnvelope.model_validate(asked.attributes)


def test_a_command_in_binary_mode_is_the_same_command() -> None:
    said = a_command(expectedversion=3, subject="0199c86c-3f14-71c3-8550-e81029294fc1")
    headers = {f"ce_{name}": str(value).encode() for name, value in said.items()}

    binary = read_command(b'{"a":1}', {**headers, "content-type": b"application/json"})
    structured = read_command(json.dumps({**said, "data": {"a": 1}}).encode(), STRUCTURED)

    assert CommandEnvelope.model_validate(binary.attributes) == CommandEnvelope.model_validate(structured.attributes)
    assert binary.attributes["data"] == structured.attributes["data"]


def test_a_topic_of_a_client_says_whose_it_is() -> None:
    assert client_of(command_topic(CLIENT)) == client_of(outcome_topic(CLIENT)) == CLIENT
    assert address_of(outcome_topic(CLIENT)) == "partnership.outcomes.{client}.v1"
    assert address_of("partnership.sites.v1") == "partnership.sites.v1"
    with pytest.raises(ValueError, match="no client's topic"):
        client_of("partnership.sites.v1")


def record_of(message: dict[str, Any]) -> TopicRecord:
    key = message["partitionkey"].encode()
    return a_record(outcome_topic(CLIENT), partition_of(key), 0, key=key, value=written(message))


def test_outcomes_and_events_are_admitted_on_the_topic_of_outcomes_and_figures_are_not() -> None:
    folder = CONTRACTS / "examples"
    outcome = contents(folder / "CommandAccepted.v1" / "a-partner-accepted-a-referral.json")
    event = contents(next((folder / "ReferralAccepted.v1").glob("*.json")))
    figure = contents(next((folder / "MetricPublished.v1").glob("*.json")))

    admitted = [admit(record_of(message), outcome_topic(CLIENT)).kind.__name__ for message in (outcome, event)]

    assert admitted == ["CommandAccepted", "ReferralAccepted"]
    with pytest.raises(InvalidMessage, match="wrong-topic"):
        admit(record_of(figure), outcome_topic(CLIENT))
    with pytest.raises(InvalidMessage, match="wrong-source"):
        admit(record_of({**outcome, "source": figure["source"]}), outcome_topic(CLIENT))


def test_commands_are_kept_a_week_and_outcomes_for_ever() -> None:
    kept = {topic.name: int(topic.settings["retention.ms"]) for topic in topics_for(CLIENT)}

    assert kept == {command_topic(CLIENT): 7 * 24 * 3_600_000, outcome_topic(CLIENT): -1}
