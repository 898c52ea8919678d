"""Commands over Kafka, as an external system gives them: each has one outcome, and nothing holds up what is behind."""

import json
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.outcomes import CommandAccepted, CommandRejected
from contracts.values import Actor
from tests.builders import ATELIER, CHILDCARE, SCHOOL, an_actor, referral_details, request_details, site_details
from tests.integration.clients.outside import CONSULTANT, COORDINATOR, OPERATOR, PARTNER, City, Outcome, Outside, slug
from tests.service_process import as_json
from tests.waiting import wait_until

DETAILS = as_json(request_details())
A_NUMBER = {**DETAILS, "programme": "bel-0736123456"}


def raised(client: Outside) -> str:
    return client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR).aggregate_id


def test_a_command_is_carried_out_and_its_outcome_names_what_it_made(city: City, client: Outside) -> None:
    outcome = client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR)

    shown = city.requests.ask("GET", f"/v1/requests/{outcome.aggregate_id}", by=COORDINATOR)
    assert outcome.aggregate_kind == "request"
    assert shown.headers["ETag"] == f'"{outcome.aggregate_version}"'
    assert shown.json()["status"] == "assigned"


def test_a_journey_goes_through_both_services(city: City, client: Outside) -> None:
    request_id = raised(client)
    made = client.gave("referrals.Refer", as_json(referral_details(UUID(request_id))), by=CONSULTANT)

    accepted = client.gave("referrals.AcceptReferral", by=PARTNER, subject=made.aggregate_id, expectedversion=1)

    shown = city.referrals.ask_ok("GET", f"/v1/referrals/{made.aggregate_id}", by=PARTNER)
    assert (accepted.aggregate_version, shown["status"]) == (2, "accepted")


def test_a_record_is_given_by_its_id(city: City, client: Outside) -> None:
    details = as_json(site_details(), name={"nl": "Nieuwe naam"})

    outcome = client.gave("requests.RecordSite", details, by=COORDINATOR, subject=SCHOOL)

    assert (outcome.aggregate_kind, outcome.aggregate_id) == ("site", SCHOOL)
    shown = city.requests.ask_ok("GET", f"/v1/sites/{SCHOOL}", by=COORDINATOR)
    assert shown["details"]["name"] == {"nl": "Nieuwe naam"}


REFUSED: dict[str, tuple[str, dict[str, Any] | None, Actor, dict[str, Any], str]] = {
    "a rule": ("requests.RaiseRequest", {**DETAILS, "wishedTo": "2025-10-01"}, COORDINATOR, {}, "dates-in-wrong-order"),
    "a wrong field": ("requests.RaiseRequest", {**DETAILS, "siteId": "99ZA00"}, COORDINATOR, {}, "malformed"),
    "no data": ("requests.RaiseRequest", None, COORDINATOR, {}, "malformed"),
    "personal data": (
        "requests.RaiseRequest",
        {**DETAILS, "programme": "bel-0736123456"},
        COORDINATOR,
        {},
        "personal-data",
    ),
    "a wrong role": ("requests.RaiseRequest", DETAILS, PARTNER, {}, "not-allowed"),
    "another's site": ("requests.RaiseRequest", {**DETAILS, "siteId": CHILDCARE}, COORDINATOR, {}, "not-allowed"),
    "an unknown object": ("referrals.AcceptReferral", {}, PARTNER, {"subject": str(uuid4())}, "no-such-referral"),
    "no subject": ("referrals.AcceptReferral", {}, PARTNER, {}, "malformed"),
    "a subject that is none": ("referrals.AcceptReferral", {}, PARTNER, {"subject": "7"}, "malformed"),
    "a subject too many": ("requests.RaiseRequest", DETAILS, COORDINATOR, {"subject": str(uuid4())}, "malformed"),
    "somebody it is not registered for": ("requests.RaiseRequest", DETAILS, OPERATOR, {}, "not-registered"),
    "a pair of two others": ("requests.RaiseRequest", DETAILS, an_actor("coordinator", ATELIER), {}, "not-registered"),
    "an unknown command of requests": ("requests.Frobnicate", {}, COORDINATOR, {}, "unknown-command"),
    "an unknown command of referrals": ("referrals.Frobnicate", {}, COORDINATOR, {}, "unknown-command"),
    "a command of operators": ("requests.Republish", {}, COORDINATOR, {}, "unknown-command"),
    "a command of nobody": ("Frobnicate", {}, COORDINATOR, {}, "unknown-command"),
    "a type that is none": ("requests.RaiseRequest", DETAILS, COORDINATOR, {"type": 7}, "unknown-command"),
    "a source that is none": ("requests.RaiseRequest", DETAILS, COORDINATOR, {"source": "me"}, "malformed"),
    "another client": (
        "requests.RaiseRequest",
        DETAILS,
        COORDINATOR,
        {"source": "urn:nld:oin:00000099000000001000:systeem:another"},
        "wrong-command-source",
    ),
    "too large": ("requests.RaiseRequest", {**DETAILS, "more": "x" * 70_000}, COORDINATOR, {}, "command-too-large"),
}


@pytest.fixture(scope="module")
def refused(city: City, client: Outside) -> dict[str, Outcome]:
    """The outcome of each, of which nothing changed a thing; they come in one batch."""
    commands = {what: client.command(said[0], said[1], by=said[2], **said[3]) for what, said in REFUSED.items()}
    before = len(city.requests.rows("SELECT FROM requests"))
    client.send(*commands.values())
    outcomes = {what: client.outcome(command) for what, command in commands.items()}
    assert len(city.requests.rows("SELECT FROM requests")) == before
    return outcomes


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_has_one_outcome_with_the_problem(refused: dict[str, Outcome], what: str) -> None:
    assert slug(refused[what]) == REFUSED[what][-1]


def test_the_version_that_was_read_can_be_expected(client: Outside) -> None:
    request_id = raised(client)
    closing = {"answer": "advise"}

    refused = client.give("requests.AnswerRequest", closing, by=CONSULTANT, subject=request_id, expectedversion=1)
    accepted = client.give("requests.AnswerRequest", closing, by=CONSULTANT, subject=request_id, expectedversion=2)

    assert (slug(refused), slug(accepted)) == ("version-conflict", "")
    assert isinstance(refused, CommandRejected)
    assert refused.problem.status == 412


def test_the_same_command_again_has_no_second_effect_and_the_same_outcome(city: City, client: Outside) -> None:
    command = client.command("requests.RaiseRequest", DETAILS, by=COORDINATOR)
    client.send(command)
    first = client.outcome(command)
    before = len(city.requests.rows("SELECT FROM requests"))

    client.send(command)

    said = wait_until(lambda: found if len(found := values_about(client, command["id"])) == 2 else None)
    assert len(set(said)) == 1
    assert isinstance(first, CommandAccepted)
    assert len(city.requests.rows("SELECT FROM requests")) == before


def values_about(client: Outside, command_id: str) -> list[bytes]:
    """The bytes of every outcome with this id."""
    key = command_id.encode()
    return [record.value or b"" for record in client.records() if record.key == key]


def test_a_refused_command_again_is_refused_again_in_the_same_words(client: Outside) -> None:
    command = client.command("requests.RaiseRequest", DETAILS, by=PARTNER)
    client.send(command)
    client.outcome(command)

    client.send(command)

    said = wait_until(lambda: found if len(found := values_about(client, command["id"])) == 2 else None)
    assert len(set(said)) == 1


def test_another_command_with_the_same_id_is_refused(city: City, client: Outside) -> None:
    command = client.command("requests.RaiseRequest", DETAILS, by=COORDINATOR)
    before = len(city.requests.rows("SELECT FROM requests"))

    client.send(command, {**command, "data": {**DETAILS, "wishedTo": "2025-12-02"}})

    said = wait_until(lambda: found if len(found := client.outcomes(command)) == 2 else None)
    assert [slug(each) for each in said] == ["", "idempotency-key-reused"]
    assert len(city.requests.rows("SELECT FROM requests")) == before + 1


def test_both_doors_take_one_key(city: City, client: Outside) -> None:
    outcome = client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR, id=(key := str(uuid4())))
    by = COORDINATOR.model_copy(update={"actor": client.name})

    over_http = city.requests.ask("POST", "/v1/requests", DETAILS, by=by, Idempotency_Key=key)
    another = city.requests.ask("POST", "/v1/requests", DETAILS, by=by, Idempotency_Key=(other := str(uuid4())))
    from_topic = client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR, id=other)

    assert over_http.headers["Idempotency-Replayed"] == "true"
    assert over_http.json()["requestId"] == outcome.aggregate_id
    assert from_topic.aggregate_id == another.json()["requestId"]


POISON = [b"{half a message", b"", b"[]", b"\xff\xfe", json.dumps({"id": "no uuid"}).encode()]


def test_poison_is_dead_lettered_once_and_blocks_nobody(city: City, client: Outside) -> None:
    before = len(letters(city))
    command = client.command("requests.RaiseRequest", DETAILS, by=COORDINATOR)

    client.send(*POISON, command)

    assert isinstance(client.outcome(command), CommandAccepted)
    reasons = wait_until(lambda: found if len(found := letters(city)[before:]) == len(POISON) else None)
    assert sorted(set(reasons)) == ["malformed-json", "no-command-id", "no-data"]


UNREADABLE = [b"NaN", b'"\\ud800"', b"[" * 900 + b"]" * 900]


def test_odd_numbers_and_texts_are_refused_by_field_or_dead_lettered_and_block_nobody(
    city: City, client: Outside
) -> None:
    odd = [client.command("requests.RaiseRequest", {**DETAILS, "headcount": "?"}, by=COORDINATOR) for _ in range(4)]
    endless, *unreadable = [
        json.dumps(command).encode().replace(b'"?"', value)
        for command, value in zip(odd, (b"1e999", *UNREADABLE), strict=True)
    ]
    with_nul = client.command("requests.RaiseRequest", {**DETAILS, "programme": "a\0b"}, by=COORDINATOR)
    last = client.command("requests.RaiseRequest", DETAILS, by=COORDINATOR)

    client.send(endless, with_nul, *unreadable, last)

    assert isinstance(client.outcome(last), CommandAccepted)
    refused = [client.outcome(command) for command in (odd[0], with_nul)]
    assert [(slug(each), field_of(each)) for each in refused] == [
        ("malformed", "headcount"),
        ("malformed", "programme"),
    ]
    for command in odd[1:]:
        assert set(wait_until(partial(letters, city, about=command["id"]))) == {"malformed-json"}


def field_of(outcome: Outcome) -> str:
    assert isinstance(outcome, CommandRejected)
    return outcome.problem.errors[0].field


def letters(city: City, about: str = "") -> list[str]:
    """The reasons of the dead letters about commands, of both services; of those that hold this text."""
    listed = json.loads(city.samenspel("dead-letters", "list", "--json"))
    commands = [each for each in listed if each["origin"].startswith("partnership.commands.")]
    return [each["reason"] for each in commands if about in (each["value"] or "")]


def test_a_message_in_binary_mode_is_a_command_too(client: Outside) -> None:
    command = client.command("requests.RaiseRequest", by=COORDINATOR)
    attributes = [(f"ce_{name}", value.encode()) for name, value in command.items()]

    client.send(json.dumps(DETAILS).encode(), headers=[*attributes, ("content-type", b"application/json")])

    assert isinstance(client.outcome(command), CommandAccepted)


def test_a_client_that_is_removed_is_read_no_more_and_one_that_is_added_is(city: City) -> None:
    name = "voorbijganger"
    first = Outside.registered(city, name, COORDINATOR)
    done = first.give("requests.RaiseRequest", DETAILS, by=COORDINATOR)
    city.samenspel("clients", "remove", name)
    listed = json.loads(city.samenspel("clients", "list", "--json"))

    again = Outside.registered(city, name, PARTNER)
    refused = again.give("requests.RaiseRequest", DETAILS, by=COORDINATOR)

    assert name not in [each["clientId"] for each in listed]
    assert (slug(done), slug(refused)) == ("", "not-registered")
    city.samenspel("clients", "remove", name)
