"""The life of a request, cell by cell, and what the rules refuse."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contracts.requests import RequestAnswered, RequestReopened
from contracts.values import Actor, Reason, Role
from services.chassis.life_cycle import allow, available_actions
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed
from services.chassis.reasons import CommentMissing, ReasonMissing, UnknownReason, Why
from services.requests.rules import closing, routing
from services.requests.rules import request as rules
from services.requests.rules.request import ReopenedTooLate, Request, RequestEvent, Status
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    CHILDCARE,
    NOW,
    S_PORT,
    SCHOOL,
    TODAY,
    a_referral_made,
    a_request,
    an_actor,
    referral_details,
)
from tests.life_cycles import Cell, OpenToAll, cells, cells_of_change, cells_of_creation, check_change, check_creation
from tests.unit.requests.acts import amend, answer, close, raise_request

NO_FUNDING = Reason(list="not-fulfilled", code="no_funding")


OTHER = Reason(list="not-fulfilled", code="other")


NO_LONGER_NEEDED = Why(reason=Reason(list="withdraw-request", code="no_longer_needed"))


NOT_SOLVED = Why(reason=Reason(list="reopen-request", code="not_solved"))


DUPLICATE = Why(reason=Reason(list="void-request", code="duplicate"))


def withdraw(request: Request, by: Actor) -> RequestEvent:
    return rules.withdraw(request, NO_LONGER_NEEDED, by=by, at=NOW)


def reopen(request: Request, by: Actor, at: datetime = NOW) -> RequestEvent:
    return rules.reopen(request, NOT_SOLVED, by=by, at=at)


def void(request: Request, by: Actor) -> RequestEvent:
    return rules.void(request, DUPLICATE, by=by, at=NOW)


def end(request: Request, by: Actor) -> RequestEvent:
    if by.organisation != rules.ROUTER.organisation:
        return close(request, by)
    allow(rules.LIFE_CYCLE, "close", request, by, rules.parties(request), TODAY)
    return closing.close_by_itself(request, {}, at=NOW)


def assign(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "assign", request, by, rules.parties(request), TODAY)
    return routing.route(request, {ART: [S_PORT]}, at=NOW)


def unbroker(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "unbroker", request, by, rules.parties(request), TODAY)
    return routing.route(request, {ART: []}, at=NOW)


def check_in(request: Request, by: Actor) -> RequestEvent:
    return rules.check_in(request, by=by, at=NOW)


def refer(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "refer", request, by, rules.parties(request), TODAY)
    answered = rules.answer_by_referring(request, a_referral_made(referral_details(request.id)))
    assert answered is not None
    return answered


ACTIONS: dict[str, Callable[[Request, Actor], RequestEvent]] = {
    "assign": assign,
    "unbroker": unbroker,
    "check-in": check_in,
    "answer": answer,
    "refer": refer,
    "close": end,
    "amend": amend,
    "withdraw": withdraw,
    "reopen": reopen,
    "void": void,
}


OPEN_TO_ALL: OpenToAll = {
    ("raise", None): {"operator"},
    ("close", Status.NO_BROKER): {"consultant", "broker_lead"},
    ("void", Status.RAISED): {"broker_lead"},
    ("void", Status.NO_BROKER): {"broker_lead"},
}


CELLS = cells(rules.LIFE_CYCLE, Status, open_to_all=OPEN_TO_ALL, previous=Status.ANSWERED)


@pytest.mark.parametrize("cell", cells_of_creation(CELLS), ids=str)
def test_who_may_raise_a_request(cell: Cell[Status]) -> None:
    check_creation(cell, create=lambda: raise_request(by=cell.by), evolve=rules.evolve)


@pytest.mark.parametrize("cell", cells_of_change(CELLS), ids=str)
def test_life_cycle_of_a_request(cell: Cell[Status]) -> None:
    request = a_request(cell.status)

    offered = available_actions(rules.LIFE_CYCLE, request, cell.by, rules.parties(request), TODAY)

    check_change(cell, request, offered=offered, act=ACTIONS[cell.action], evolve=rules.evolve)


@pytest.mark.parametrize("act", [answer, close])
def test_the_consultant_of_another_broker_may_not_touch_it(act: Callable[[Request, Actor], RequestEvent]) -> None:
    request = a_request(Status.ASSIGNED)

    with pytest.raises(NotAllowed) as refused:
        act(request, an_actor("consultant", S_PORT))

    assert refused.value.errors[0].allowed == (BABEL,)


@pytest.mark.parametrize("status", Status)
def test_the_first_referral_is_the_answer_and_later_ones_change_nothing(status: Status) -> None:
    request = a_request(status)
    made = a_referral_made(referral_details(request.id))

    answered = rules.answer_by_referring(request, made)

    if status in {Status.ASSIGNED, Status.NO_BROKER}:
        assert answered is not None
        assert (answered.answer, answered.answered_at) == ("refer", made.made_at)
        assert rules.evolve(request, answered).status is Status.ANSWERED
    else:
        assert answered is None


def test_a_raised_request_is_in_its_first_version() -> None:
    raised = raise_request()

    request = rules.evolve(None, raised)

    assert (request.status, request.version) == (Status.RAISED, 1)


def test_who_cannot_help_says_why() -> None:
    request, by = a_request(Status.ASSIGNED), an_actor("consultant")

    with pytest.raises(ReasonMissing) as refused:
        answer(request, by, "cannot_help")

    assert (refused.value.errors[0].field, refused.value.errors[0].value) == ("reason", None)
    assert "no_funding" in str(refused.value.errors[0].allowed)
    assert answer(request, by, "cannot_help", NO_FUNDING).subject == str(request.id)


@pytest.mark.parametrize(
    "reason",
    [
        Reason(list="not-fulfilled", code="no_such_reason"),
        Reason(list="decline", code="no_capacity"),
        Reason(list="not-fulfilled", code="all_declined"),  # for closing only
    ],
)
def test_a_reason_is_one_of_the_list_for_this_action(reason: Reason) -> None:
    with pytest.raises(UnknownReason, match="no_funding"):
        answer(a_request(Status.ASSIGNED), an_actor("consultant"), "cannot_help", reason)


@pytest.mark.parametrize(
    ("status", "role", "act"),
    [
        (Status.ASSIGNED, "coordinator", rules.withdraw),
        (Status.CLOSED, "coordinator", rules.reopen),
        (Status.ASSIGNED, "coordinator", rules.void),
    ],
)
def test_taking_back_has_reasons_of_its_own(status: Status, role: Role, act: Callable[..., RequestEvent]) -> None:
    request, by, name = a_request(status), an_actor(role), f"{act.__name__}-request"

    for reason in (NO_FUNDING, Reason(list=name, code="no_such_reason")):
        with pytest.raises(UnknownReason):
            act(request, Why(reason=reason), by=by, at=NOW)


@pytest.mark.parametrize(("status", "act"), [(Status.ASSIGNED, rules.withdraw), (Status.CLOSED, rules.reopen)])
def test_taking_back_for_another_reason_wants_a_comment(status: Status, act: Callable[..., RequestEvent]) -> None:
    request, by, name = a_request(status), an_actor("coordinator"), f"{act.__name__}-request"

    with pytest.raises(CommentMissing):
        act(request, Why(reason=Reason(list=name, code="other")), by=by, at=NOW)
    assert act(request, Why(reason=Reason(list=name, code="other"), comment="Dubbel"), by=by, at=NOW) is not None


def test_its_sites_brokers_and_partners_are_parties_to_a_request() -> None:
    request = replace(a_request(Status.ASSIGNED, co_site_ids=(CHILDCARE,)), partner_ids=(ATELIER,))

    assert rules.parties(request) == {
        "site": (SCHOOL, CHILDCARE),
        "broker": (BABEL,),
        "partner": (ATELIER,),
        "samenspel": (rules.ROUTER.organisation,),
    }


def test_that_a_consultant_is_working_on_it_is_remembered() -> None:
    request = a_request(Status.ASSIGNED)

    checked_in = rules.evolve(request, rules.check_in(request, by=an_actor("consultant"), at=NOW))

    assert (checked_in.status, checked_in.checked_in_on) == (Status.ASSIGNED, TODAY)


@pytest.mark.parametrize("act", [answer, close])
def test_the_reason_other_wants_a_comment(act: Callable[..., RequestEvent]) -> None:
    request, by = a_request(Status.ASSIGNED if act is answer else Status.ANSWERED), an_actor("consultant")

    for nothing in (None, "\u200b\u3164"):
        with pytest.raises(CommentMissing):
            act(request, by, reason=OTHER, comment=nothing)

    assert act(request, by, reason=OTHER, comment="De directeur belt terug").subject == str(request.id)


def test_what_is_announced_says_who_did_it_and_when() -> None:
    by, referral = an_actor("consultant"), a_referral_made(referral_details(new_id()))
    raised, answered = raise_request(), answer(a_request(Status.ASSIGNED), by, "advise", NO_FUNDING)
    referred = rules.answer_by_referring(a_request(Status.ASSIGNED), referral)
    closed = close(a_request(Status.ANSWERED), by, "not_fulfilled", NO_FUNDING)

    assert isinstance(answered, RequestAnswered)
    assert (answered.answer, answered.reason) == ("advise", NO_FUNDING)
    assert (answered.answered_by, answered.answered_at) == (by, NOW)
    assert (raised.raised_by, raised.raised_at) == (an_actor("coordinator", SCHOOL), NOW)
    assert referred is not None
    assert (referred.answered_by, referred.answered_at) == (referral.made_by, referral.made_at)
    assert (closed.outcome, closed.closed_by, closed.closed_at) == ("not_fulfilled", by, NOW)


def test_an_answered_request_keeps_its_answer() -> None:
    request = a_request(Status.ASSIGNED)

    answered = rules.evolve(request, answer(request, an_actor("consultant")))

    assert answered == replace(request, status=Status.ANSWERED, answer="advise", version=request.version + 1)


@pytest.mark.parametrize("status", [Status.ANSWERED, Status.NO_BROKER])
def test_a_reopened_request_stands_where_it_was_closed(status: Status) -> None:
    request = a_request(status)
    closed = rules.evolve(request, close(request, an_actor("consultant"), "not_fulfilled", NO_FUNDING))

    reopened = reopen(closed, an_actor("coordinator"))

    assert isinstance(reopened, RequestReopened)
    assert (reopened.returns_to, reopened.reopened_at) == (status, NOW)
    assert rules.evolve(closed, reopened) == replace(request, version=request.version + 2)


def test_a_request_is_reopened_within_thirty_days() -> None:
    request, by = a_request(Status.CLOSED), an_actor("coordinator")
    last, too_late = NOW + timedelta(days=30), NOW + timedelta(days=31)

    assert reopen(request, by, last).subject == str(request.id)
    with pytest.raises(ReopenedTooLate):
        reopen(request, by, too_late)

    parties = rules.parties(request)
    assert "reopen" in available_actions(rules.LIFE_CYCLE, request, by, parties, last.date())
    assert "reopen" not in available_actions(rules.LIFE_CYCLE, request, by, parties, too_late.date())
