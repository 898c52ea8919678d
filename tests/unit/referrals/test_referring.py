"""How a referral is made: for which requests, to which partners, as which attempt."""

from datetime import date
from typing import Any

import pytest

from contracts.offers import PartnerDetails
from contracts.referrals import ReferralMade
from contracts.values import Actor, LearningArea, Role
from services.chassis.checks import DatesInWrongOrder, DuplicateItem
from services.chassis.life_cycle import IllegalTransition
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, NotYetKnown, WrongField
from services.referrals.rules import referring as rules
from services.referrals.rules.referral import LIFE_CYCLE, Referral, Status, UnknownPartner, evolve
from services.referrals.rules.referring import AskedRequest
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    CHILDCARE,
    NOW,
    ROLES,
    S_PORT,
    SCHOOL,
    SPORT,
    TODAY,
    a_referral,
    an_actor,
    partner_details,
    referral_details,
    request_details,
)
from tests.life_cycles import Cell, cells, cells_of_creation, check_creation


def a_known_request(**other: Any) -> AskedRequest:
    """A request as this service knows it from the events of `requests`."""
    usual = {"status": "assigned", "site_id": SCHOOL, "broker_ids": (BABEL,), "covered_areas": (ART,)}
    return AskedRequest(id=new_id(), **(usual | other))


def refer(request: AskedRequest | None = None, *, partner: PartnerDetails | None = None, **given: Any) -> ReferralMade:
    return refer_if_known(request or a_known_request(), partner or partner_details(), **given)


def refer_if_known(
    request: AskedRequest | None,
    partner: PartnerDetails | None,
    *,
    others: tuple[Referral, ...] = (),
    by: Actor | None = None,
    **details: Any,
) -> ReferralMade:
    body, by = referral_details(request.id if request else None, **details), by or an_actor("consultant")
    return rules.refer(new_id(), body, request=request, partner=partner, others=others, by=by, at=NOW)


def test_the_first_referral_is_the_first_attempt_made_by_the_callers_broker_for_the_site_that_asks() -> None:
    made = refer()

    assert made.made_by == an_actor("consultant")
    assert (made.attempt, made.broker_id, made.site_id, made.made_at) == (1, BABEL, SCHOOL, NOW)
    assert evolve(None, made) == Referral(made, Status.REQUESTED, version=1)


def test_a_next_referral_is_the_next_attempt() -> None:
    others = [a_referral(Status.DECLINED, attempt=attempt) for attempt in (1, 2, 2)]  # the last two were parallel

    assert refer(others=tuple(others)).attempt == 3


def test_parallel_referrals_share_their_attempt() -> None:
    parallel = new_id()
    others = (a_referral(Status.DECLINED, attempt=1), a_referral(attempt=2, parallel_set=parallel))

    assert refer(others=others, parallel_set=parallel).attempt == 2


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.IN_PROGRESS, Status.COMPLETED])
def test_a_parallel_set_that_was_decided_takes_no_more(status: Status) -> None:
    parallel = new_id()

    with pytest.raises(rules.ParallelSetDecided) as refused:
        refer(others=(a_referral(status, parallel_set=parallel),), parallel_set=parallel)

    assert refused.value.errors == (WrongField("parallelSet", str(parallel), "a new set"),)


@pytest.mark.parametrize("status", Status)
def test_referrals_outside_the_set_decide_nothing(status: Status) -> None:
    others = (a_referral(status, parallel_set=new_id()), a_referral(status))

    assert refer(others=others, parallel_set=new_id()).attempt == 2
    assert refer(others=others).attempt == 2


@pytest.mark.parametrize("cell", cells_of_creation(cells(LIFE_CYCLE, Status)), ids=str)
def test_who_may_refer_a_request(cell: Cell[Status]) -> None:
    check_creation(cell, create=lambda: refer(by=cell.by), evolve=evolve, to_a_stranger=NotYetKnown)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"consultant", "broker_lead"}])
@pytest.mark.parametrize("known", [None, a_known_request(status="raised", broker_ids=())])
def test_only_a_broker_is_told_what_is_not_yet_known(role: Role, known: AskedRequest | None) -> None:
    with pytest.raises(NotAllowed):
        refer_if_known(known, partner_details(), by=an_actor(role))


def test_a_broker_to_which_it_is_not_assigned_is_told_what_it_would_be_told_of_nothing() -> None:
    with pytest.raises(NotYetKnown, match=S_PORT):
        refer(by=an_actor("consultant", S_PORT))


UNASSIGNED = a_known_request(status="raised", broker_ids=())
WITHOUT_ITS_SITE = a_known_request(site_id=None)


@pytest.mark.parametrize("known", [None, UNASSIGNED, WITHOUT_ITS_SITE])
def test_a_request_that_is_not_yet_known_in_full_is_to_be_tried_again_later(known: AskedRequest | None) -> None:
    with pytest.raises(NotYetKnown, match="has not heard of its assignment to own:babel yet") as refused:
        refer_if_known(known, partner_details())

    assert refused.value.retry_after
    wrong = refused.value.errors[0]
    assert (wrong.field, wrong.allowed) == ("requestId", "a request that was raised and assigned to your broker")
    assert known is None or wrong.value == str(known.id)


@pytest.mark.parametrize(
    ("status", "answer", "is_open"),
    [
        ("assigned", None, True),
        ("answered", "refer", True),
        ("answered", "advise", False),
        ("answered", "cannot_help", False),
        ("no_broker", None, False),
        ("closed", None, False),
    ],
)
def test_a_request_is_referred_while_it_is_open(status: str, answer: str | None, is_open: bool) -> None:
    request = a_known_request(status=status, answer=answer)

    if is_open:
        assert refer(request).request_id == request.id
    else:
        with pytest.raises(IllegalTransition, match=rf"{status} \({answer or 'without an answer'}\)") as refused:
            refer(request)
        allowed = "a request that is assigned, or answered with refer"
        assert refused.value.errors == (WrongField("requestId", str(request.id), allowed),)


@pytest.mark.parametrize("area", [SPORT, LearningArea(scheme="curriculum.nu", code="zwemmen")])
def test_a_referral_is_about_areas_that_were_asked_and_have_a_broker(area: LearningArea) -> None:
    with pytest.raises(rules.AreaNotCovered) as refused:
        refer(learning_areas=(ART, area))

    assert refused.value.errors == (WrongField("learningAreas[1].code", area.code, [ART.code]),)


def test_a_referral_names_an_area_once() -> None:
    with pytest.raises(DuplicateItem):
        refer(learning_areas=(ART, ART))


def test_a_referral_is_made_to_a_recorded_partner() -> None:
    with pytest.raises(UnknownPartner, match=f"partnerId is {ATELIER}: no such partner") as refused:
        refer_if_known(a_known_request(), None)

    assert refused.value.status == 400
    assert refused.value.errors == (WrongField("partnerId", ATELIER, "a recorded partner"),)


FROM_TOMORROW = partner_details(valid_from=date(2025, 10, 4))
UNTIL_TODAY = partner_details(valid_from=date(2020, 1, 1), valid_to=TODAY)


@pytest.mark.parametrize("partner", [FROM_TOMORROW, UNTIL_TODAY])
def test_a_referral_is_made_to_a_partner_of_today(partner: PartnerDetails) -> None:
    with pytest.raises(rules.PartnerNotActive, match=f"{ATELIER} is a partner from .* today is 2025-10-03") as refused:
        refer(partner=partner)

    assert refused.value.errors == (WrongField("partnerId", ATELIER, "a partner of today"),)


def test_a_partner_is_one_from_its_first_day_to_the_day_before_its_last() -> None:
    assert refer(partner=partner_details(valid_from=TODAY, valid_to=date(2025, 10, 4))).partner_id == ATELIER


def test_a_partner_delivers_in_one_of_the_areas_at_least() -> None:
    request = a_known_request(covered_areas=(ART, SPORT))

    assert refer(request, partner=partner_details(SPORT), learning_areas=(ART, SPORT)).partner_id == ATELIER
    with pytest.raises(rules.AreaNotOffered) as refused:
        refer(request, partner=partner_details(SPORT), learning_areas=(ART,))

    assert refused.value.errors == (WrongField("learningAreas", [ART.code], [SPORT.code]),)


def test_a_referral_carries_what_a_partner_needs_to_know_of_the_request() -> None:
    asked = request_details(co_site_ids=(CHILDCARE,))

    made = refer(a_known_request(asked=asked))

    assert (made.programme, made.co_site_ids, made.groups) == (asked.programme, (CHILDCARE,), asked.groups)
    assert (made.wished_from, made.wished_to, made.intention) == (asked.wished_from, asked.wished_to, asked.intention)
    assert refer(a_known_request(asked=request_details(self_referral=True))).self_referral is True


def test_a_partner_decides_today_or_later() -> None:
    assert refer(decide_by=TODAY).decide_by == TODAY
    with pytest.raises(DatesInWrongOrder, match="before today") as refused:
        refer(decide_by=date(2025, 10, 2))

    assert refused.value.errors == (WrongField("decideBy", "2025-10-02", "today or later"),)


def test_a_referral_replaces_an_ended_one_of_its_request() -> None:
    ended, still_open = a_referral(Status.DECLINED), a_referral(Status.ACCEPTED)

    assert refer(others=(ended, still_open), replaces=ended.id).replaces == ended.id
    with pytest.raises(rules.ReferralStillOpen, match="that it replaces is accepted") as refused:
        refer(others=(ended, still_open), replaces=still_open.id)
    allowed = "a referral that is completed or declined or withdrawn or expired or failed or voided"
    assert refused.value.errors == (WrongField("replaces", str(still_open.id), allowed),)
    nobody = new_id()
    with pytest.raises(rules.UnknownReferral) as unknown:
        refer(others=(ended, still_open), replaces=nobody)
    assert unknown.value.errors == (WrongField("replaces", str(nobody), [str(ended.id), str(still_open.id)]),)
