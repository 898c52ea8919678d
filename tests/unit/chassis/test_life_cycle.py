"""What a life cycle's table refuses, and what follows from its rows."""

from dataclasses import dataclass
from enum import StrEnum

import pytest

from contracts.requests import RequestAssigned, RequestClosed, RequestRaised
from services.chassis.life_cycle import (
    EVERYONE,
    PREVIOUS,
    SAME,
    Condition,
    IllegalTransition,
    Parties,
    Step,
    allow,
    available_actions,
    check_operator,
    status_after,
)
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, RuleSaysNo, WrongField
from tests.builders import ART, ATELIER, BABEL, BAZUIN, NOW, TODAY, an_actor


class Light(StrEnum):
    GREEN = "green"
    RED = "red"


@dataclass(frozen=True)
class Lamp:
    status: Light
    is_warm: bool = False


class TooWarm(RuleSaysNo):
    """It is too warm."""


TABLE = (
    Step("hang", (), RequestRaised, Light.GREEN, {"partner": "owner"}),
    Step("stop", (Light.GREEN,), RequestClosed, Light.RED, {"partner": "owner", "operator": "anyone"}),
    Step("clean", (Light.GREEN, Light.RED), RequestAssigned, SAME, {"partner": "owner"}),
)
PARTIES: Parties = {"owner": (ATELIER,), "anyone": EVERYONE}
CLEANED = RequestAssigned(request_id=new_id(), broker_ids=(BABEL,), learning_areas=(ART,), assigned_at=NOW)


def test_the_row_of_an_allowed_action_is_given() -> None:
    assert allow(TABLE, "stop", Lamp(Light.GREEN), an_actor("partner"), PARTIES, TODAY) is TABLE[1]


def test_a_role_that_the_row_does_not_name_is_refused() -> None:
    with pytest.raises(NotAllowed, match="Role consultant may not stop; partner, operator may") as refused:
        allow(TABLE, "stop", Lamp(Light.GREEN), an_actor("consultant", ATELIER), PARTIES, TODAY)

    assert refused.value.errors == (WrongField("role", "consultant", ("partner", "operator")),)


def test_an_organisation_that_is_no_party_is_refused() -> None:
    parties = {"owner": (ATELIER, BABEL)}

    with pytest.raises(NotAllowed, match=f"You act for {BAZUIN}; to stop is up to {ATELIER}, {BABEL}") as refused:
        allow(TABLE, "stop", Lamp(Light.GREEN), an_actor("partner", BAZUIN), parties, TODAY)

    assert refused.value.errors == (WrongField("organisation", BAZUIN, (ATELIER, BABEL)),)


def test_a_party_without_members_refuses_every_organisation() -> None:
    with pytest.raises(NotAllowed, match="is up to nobody"):
        allow(TABLE, "stop", Lamp(Light.GREEN), an_actor("partner"), {}, TODAY)


def test_every_organisation_belongs_to_a_party_of_everyone() -> None:
    assert allow(TABLE, "stop", Lamp(Light.GREEN), an_actor("operator", BAZUIN), PARTIES, TODAY) is TABLE[1]


def test_another_state_is_an_illegal_transition() -> None:
    with pytest.raises(IllegalTransition, match="It is red; to stop, it must be green") as refused:
        allow(TABLE, "stop", Lamp(Light.RED), an_actor("partner"), PARTIES, TODAY)

    assert refused.value.errors == (WrongField("status", Light.RED, (Light.GREEN,)),)


def test_every_state_from_which_it_could_be_done_is_named() -> None:
    with pytest.raises(IllegalTransition, match="to clean, it must be green or red"):
        allow(TABLE, "clean", None, an_actor("partner"), PARTIES, TODAY)


def test_what_exists_is_not_brought_into_being_again() -> None:
    assert allow(TABLE, "hang", None, an_actor("partner"), PARTIES, TODAY) is TABLE[0]
    with pytest.raises(IllegalTransition, match="it must be new"):
        allow(TABLE, "hang", Lamp(Light.GREEN), an_actor("partner"), PARTIES, TODAY)


def test_the_actions_that_are_offered_are_those_of_state_role_and_organisation() -> None:
    assert available_actions(TABLE, Lamp(Light.GREEN), an_actor("partner"), PARTIES, TODAY) == ("stop", "clean")
    assert available_actions(TABLE, Lamp(Light.RED), an_actor("partner"), PARTIES, TODAY) == ("clean",)
    assert available_actions(TABLE, Lamp(Light.GREEN), an_actor("partner", BAZUIN), PARTIES, TODAY) == ()
    assert available_actions(TABLE, Lamp(Light.GREEN), an_actor("operator"), PARTIES, TODAY) == ("stop",)


def test_an_event_leads_to_the_state_that_its_row_names_and_same_keeps_it() -> None:
    closed = RequestClosed(request_id=new_id(), outcome="advice_only", closed_by=an_actor("consultant"), closed_at=NOW)

    assert status_after(TABLE, Light.GREEN, closed) is Light.RED
    assert status_after(TABLE, Light.GREEN, CLEANED) is Light.GREEN
    assert status_after(TABLE, Light.RED, CLEANED) is Light.RED


def test_an_event_keeps_the_states_that_its_row_says_it_keeps() -> None:
    table = (Step("stop", tuple(Light), RequestAssigned, Light.RED, {"partner": "owner"}, keeps=(Light.GREEN,)),)

    assert status_after(table, Light.GREEN, CLEANED) is Light.GREEN
    assert status_after(table, Light.RED, CLEANED) is Light.RED


def test_an_operator_of_any_organisation_asks_and_no_other_role_does() -> None:
    check_operator("adopt", an_actor("operator", BAZUIN))

    with pytest.raises(NotAllowed, match="Role partner may not adopt; operator may"):
        check_operator("adopt", an_actor("partner", BAZUIN))


def test_what_takes_something_back_returns_to_the_state_before() -> None:
    table = (Step("undo", (Light.RED,), RequestAssigned, PREVIOUS, {"partner": "owner"}),)

    assert status_after(table, Light.RED, CLEANED, previous=Light.GREEN) is Light.GREEN


def test_a_row_may_ask_more_of_an_object_than_its_state() -> None:
    cool = Condition(lambda lamp, _: not lamp.is_warm, TooWarm)
    table = (Step("clean", tuple(Light), RequestAssigned, SAME, {"partner": "owner"}, when=cool),)
    by, warm = an_actor("partner"), Lamp(Light.RED, is_warm=True)

    assert available_actions(table, Lamp(Light.RED), by, PARTIES, TODAY) == ("clean",)
    assert available_actions(table, warm, by, PARTIES, TODAY) == ()
    assert allow(table, "clean", Lamp(Light.RED), by, PARTIES, TODAY) is table[0]
    with pytest.raises(TooWarm, match="It is too warm"):
        allow(table, "clean", warm, by, PARTIES, TODAY)
