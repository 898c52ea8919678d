"""The tables of all life cycles: sound, and in step with the reasons and with SQL."""

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from services.chassis.life_cycle import PREVIOUS, SAME, Step
from services.chassis.reasons import ReasonLists, usable_reasons
from services.documents import DUTCH
from services.referrals import reasons as reasons_of_referrals
from services.referrals.rules import activity, referral, referring
from services.requests import reasons as reasons_of_requests
from services.requests.rules import request
from tests.builders import TODAY

SERVICES = Path(__file__).parents[2] / "services"


class Machine(NamedTuple):
    """A life cycle, and what must agree with it."""

    service: str
    table: str
    steps: Sequence[Step[Any]]
    statuses: type[StrEnum]
    events: object


REQUEST = Machine("requests", "requests", request.LIFE_CYCLE, request.Status, request.RequestEvent)
REFERRAL = Machine("referrals", "referrals", referral.LIFE_CYCLE, referral.Status, referral.ReferralEvent)
ACTIVITY = Machine("referrals", "activities", activity.LIFE_CYCLE, activity.Status, activity.ActivityEvent)
MACHINES = [REQUEST, REFERRAL, ACTIVITY]
LISTS: dict[str, ReasonLists] = {"requests": reasons_of_requests.LISTS, "referrals": reasons_of_referrals.LISTS}

every_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.table)
every_service = pytest.mark.parametrize("service", LISTS)


def steps_of(service: str) -> list[Step[Any]]:
    return [step for machine in MACHINES if machine.service == service for step in machine.steps]


def statuses_in_sql(service: str, table: str) -> set[str]:
    """What the last CHECK of a table's status allows, in whichever migration it is."""
    migrations = sorted((SERVICES / service / "migrations").glob("*.sql"))
    statements = "\n".join(path.read_text(encoding="utf-8") for path in migrations).split(";\n")
    about = [each for each in statements if re.search(rf"\b(CREATE|ALTER) TABLE {table}\b", each)]
    checks = [check for each in about for check in re.findall(r"CHECK \(status IN \(([^)]*)\)\)", each)]
    return states_in(checks[-1])


def last_statement(service: str, pattern: str) -> str:
    """The last place in a service's migrations that looks like this."""
    migrations = sorted((SERVICES / service / "migrations").glob("*.sql"))
    texts = [path.read_text(encoding="utf-8") for path in migrations]
    found: list[str] = [each for text in texts for each in re.findall(pattern, text)]
    return found[-1]


def states_in(text: str) -> set[str]:
    return set(re.findall(r"'(\w+)'", text))


@every_machine
def test_an_action_has_one_row(machine: Machine) -> None:
    actions = [step.action for step in machine.steps]

    assert len(set(actions)) == len(actions)


@every_machine
def test_an_event_becomes_one_thing_whichever_action_makes_it(machine: Machine) -> None:
    becomes = {(step.event, step.becomes, step.keeps) for step in machine.steps}

    assert len(becomes) == len({step.event for step in machine.steps})


@every_machine
def test_a_state_that_is_kept_is_one_from_which_the_action_may_be_taken(machine: Machine) -> None:
    assert [step.action for step in machine.steps if not set(step.keeps) <= set(step.begins)] == []


@every_machine
def test_every_event_has_a_row_and_every_row_an_event(machine: Machine) -> None:
    assert {step.event for step in machine.steps} == set(get_args(machine.events))


@every_machine
def test_every_status_is_reached_and_one_action_brings_an_object_into_being(machine: Machine) -> None:
    assert {step.becomes for step in machine.steps} - {SAME, PREVIOUS} == set(machine.statuses)
    assert [step.becomes is not SAME for step in machine.steps if not step.begins] == [True]


@every_machine
def test_sql_allows_the_states_of_the_table_and_no_others(machine: Machine) -> None:
    assert statuses_in_sql(machine.service, machine.table) == set(machine.statuses)


def test_a_state_that_needs_a_reason_in_sql_is_one_that_a_row_with_reasons_makes() -> None:
    given = {step.becomes for step in referral.LIFE_CYCLE if step.reasons is not None} - {SAME, PREVIOUS}

    assert states_in(last_statement("referrals", r"\(status IN \(([^)]*)\)\) = \(reason IS NOT NULL\)")) == given


def test_the_index_of_open_requests_holds_the_states_from_which_a_request_is_routed() -> None:
    assert states_in(last_statement("requests", r"WHERE status IN \(([^)]*)\)")) == set(request.OPEN)


def test_the_replica_of_a_request_can_have_every_state_of_a_request() -> None:
    assert statuses_in_sql("referrals", "requests") == set(request.Status)
    assert set(get_args(referring.RequestStatus)) == set(request.Status)


@every_service
def test_a_reason_is_for_actions_that_take_its_list_and_for_roles_that_may_take_them(service: str) -> None:
    taken = {(step.action, step.reasons, role) for step in steps_of(service) for role in step.who}

    wrong = [
        f"{each.list}/{reason.code}: {action} by {role}"
        for each in LISTS[service].values()
        for reason in each.reasons
        for action in reason.transitions
        for role in reason.roles
        if (action, each.list, role) not in taken
    ]

    assert wrong == []


@every_service
def test_every_list_is_taken_by_an_action_and_every_role_finds_a_reason_in_it(service: str) -> None:
    taking = [step for step in steps_of(service) if step.reasons]

    without = [
        f"{step.action} by {role}"
        for step in taking
        for role in step.who
        if not usable_reasons(step, LISTS[service], role, TODAY)
    ]

    assert {step.reasons for step in taking} == LISTS[service].keys()
    assert without == []


@every_machine
def test_every_action_and_state_has_a_dutch_word(machine: Machine) -> None:
    words = {step.action for step in machine.steps} | {str(status) for status in machine.statuses}

    assert {word for word in words if word.replace("_", " ").replace("-", " ") not in DUTCH} == set()
