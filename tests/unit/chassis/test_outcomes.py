"""What clients hear: an acceptance with what is strange, and a rejection that can say whatever a problem says."""

import json
from typing import Any, cast
from uuid import uuid4

import pytest

from contracts.envelope import decode
from contracts.events import MAX_EVENT_BYTES
from contracts.outcomes import MAX_WARNINGS, MAX_WRONG, CommandAccepted, CommandRejected, Warned, outcome_topic
from services.chassis.clients import outcomes
from services.chassis.clients.outcomes import Outcome
from services.chassis.commands import Answer
from services.chassis.http.answers import MAX_ERRORS, problem_body
from services.chassis.problems import Malformed, WrongField
from services.chassis.running.database import Connection, Transaction
from services.requests import commands
from tests.builders import NOW

TX = Transaction(cast("Connection", None), NOW, "urn:nld:oin:00000099000000001000:systeem:requests", epoch=1)


def rejection(*wrong: WrongField, detail: str | None = None) -> CommandRejected:
    return outcomes.rejected(TX, uuid4(), "nl.samenspel.requests.RaiseRequest.v1", Malformed(detail, *wrong))


@pytest.mark.parametrize(
    ("value", "allowed", "said"),
    [
        ("closed", ["new", "open"], ("closed", ("new", "open"))),
        (None, None, (None, None)),
        (True, {"ge": "0", "le": "9"}, (True, {"ge": "0", "le": "9"})),
        (7, "at most 5", (7, "at most 5")),
        (1.5, "a whole number", ("1.5", "a whole number")),
        (10**30, "at most 5", ("a number beyond 2^53", "at most 5")),
        (float("nan"), "a number", ("not a finite number", "a number")),
        ([1, None, "own:a"], [None], ((1, "own:a"), ())),
        ("words about somebody", "a\x00b\ud800", (None, "a b?")),
    ],
)
def test_it_says_what_the_problem_says(value: object, allowed: object, said: object) -> None:
    (wrong,) = rejection(WrongField("field", value, allowed)).problem.errors

    assert (wrong.value, wrong.allowed) == said


def test_a_detail_has_no_control_characters() -> None:
    assert rejection(detail="a\x00b\nc").problem.detail == "a b c"


def test_an_acceptance_has_the_warnings_and_likely_doubles_of_the_answer_and_neither_where_there_is_none() -> None:
    double, warned = uuid4(), {"field": "groups[0].groupId", "value": "own:g", "detail": "a group of 2024-2025"}
    strange = {"warnings": [warned] * (MAX_WARNINGS + 1), "likelyDoubles": [str(double)]}

    told, nothing = [acceptance(view) for view in (strange, {})]

    assert (told.warnings, told.likely_doubles) == ((Warned(**warned),) * MAX_WARNINGS, (double,))
    assert (nothing.warnings, nothing.likely_doubles) == (None, None)


def acceptance(view: dict[str, Any]) -> CommandAccepted:
    answer = Answer(subject=str(uuid4()), version=1, view=json.dumps(view).encode())
    raise_request = commands.requests.by_name["raiseRequest"]
    return outcomes.accepted(TX, uuid4(), "nl.samenspel.requests.RaiseRequest.v1", raise_request, answer)


def test_it_fits_into_an_event_however_much_is_wrong() -> None:
    wrong = [WrongField(f"field{number}", None, ["x" * 200] * 100) for number in range(MAX_ERRORS)]

    (staged,) = outcomes.encoded(TX, [Outcome("planning", rejection(*wrong))])

    assert staged.value is not None
    assert len(staged.value) <= MAX_EVENT_BYTES
    said = decode(staged.value).event
    assert isinstance(said, CommandRejected)
    assert [each.field for each in said.problem.errors] == ["field0", "field1", "field2"]
    assert staged.topic == outcome_topic("planning")


def test_the_bounds_of_a_problem_are_those_of_the_contract() -> None:
    assert MAX_ERRORS == MAX_WRONG
    assert json.loads(json.dumps(problem_body(Malformed()))).keys() >= {"type", "title", "status", "detail", "traceId"}
