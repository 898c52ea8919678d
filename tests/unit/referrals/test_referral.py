"""The life of a referral, cell by cell; how one is made; and what the rules refuse."""

from collections.abc import Callable
from datetime import date
from itertools import product
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from contracts.offers import PartnerDetails
from contracts.referrals import ReferralDeclined, ReferralMade
from contracts.values import Actor, LearningArea, Reason, Role
from services.chassis.life_cycle import IllegalTransition, available_actions
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, NotYetKnown
from services.referrals import reasons
from services.referrals.rules import referral as rules
from services.referrals.rules import referring
from services.referrals.rules.referral import Referral, ReferralEvent, Status
from services.referrals.rules.request import Request
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    BAZUIN,
    NOW,
    ROLES,
    S_PORT,
    SCHOOL,
    SPORT,
    TODAY,
    a_hand_over,
    a_partner,
    a_referral,
    an_actor,
)

NO_CAPACITY = Reason(list="decline", code="no_capacity")
BETTER = Reason(list="decline", code="better_partner_suggested")
NO_RESPONSE = Reason(list="withdraw-referral", code="no_response")


def accept(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.accept(referral, by=by, at=NOW)


def decline(referral: Referral, by: Actor, reason: Reason = NO_CAPACITY, **more: Any) -> ReferralDeclined:
    return rules.decline(referral, reason, reasons=reasons.DECLINE, by=by, at=NOW, **more)


def start(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.start(referral, by=by, at=NOW)


def withdraw(referral: Referral, by: Actor) -> ReferralEvent:
    if by.role == "service":
        return rules.withdraw_by_itself(referral, "request_closed", at=NOW)
    return rules.withdraw(referral, NO_RESPONSE, reasons=reasons.WITHDRAW, by=by, at=NOW)


def complete(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.complete(referral, "delivered", delivered=1, by=by, at=NOW)


ACTIONS: dict[str, Callable[[Referral, Actor], ReferralEvent]] = {
    "accept": accept,
    "decline": decline,
    "start": start,
    "withdraw": withdraw,
    "complete": complete,
}
ALLOWED = {
    (Status.REQUESTED, "accept", "partner"): Status.ACCEPTED,
    (Status.REQUESTED, "decline", "partner"): Status.DECLINED,
    (Status.ACCEPTED, "decline", "partner"): Status.DECLINED,
    (Status.ACCEPTED, "start", "partner"): Status.IN_PROGRESS,
    (Status.REQUESTED, "withdraw", "consultant"): Status.WITHDRAWN,
    (Status.REQUESTED, "withdraw", "broker_lead"): Status.WITHDRAWN,
    (Status.REQUESTED, "withdraw", "service"): Status.WITHDRAWN,
    (Status.ACCEPTED, "withdraw", "consultant"): Status.WITHDRAWN,
    (Status.ACCEPTED, "withdraw", "broker_lead"): Status.WITHDRAWN,
    (Status.ACCEPTED, "withdraw", "service"): Status.WITHDRAWN,
    (Status.ACCEPTED, "complete", "partner"): Status.COMPLETED,
    (Status.IN_PROGRESS, "complete", "partner"): Status.COMPLETED,
}
FORBIDDEN = None
LIFE_CYCLE = [(*cell, ALLOWED.get(cell, FORBIDDEN)) for cell in product(Status, ACTIONS, ROLES)]


@pytest.mark.parametrize(("status", "action", "role", "becomes"), LIFE_CYCLE)
def test_life_cycle_of_a_referral(status: Status, action: str, role: Role, becomes: Status | None) -> None:
    referral, by = a_referral(status), an_actor(role)

    if becomes is FORBIDDEN:
        with pytest.raises((NotAllowed, IllegalTransition)):
            ACTIONS[action](referral, by)
    else:
        after = rules.evolve(referral, ACTIONS[action](referral, by))
        assert (after.status, after.version) == (becomes, referral.version + 1)


@pytest.mark.parametrize(("status", "action", "role", "becomes"), LIFE_CYCLE)
def test_a_caller_is_offered_what_is_allowed_and_nothing_else(
    status: Status, action: str, role: Role, becomes: Status | None
) -> None:
    referral, by = a_referral(status), an_actor(role)

    offered = available_actions(rules.LIFE_CYCLE, referral.status, by, rules.parties(referral))

    assert (action in offered) is (becomes is not FORBIDDEN)


@pytest.mark.parametrize(
    ("action", "stranger"),
    [
        ("accept", an_actor("partner", BAZUIN)),
        ("decline", an_actor("partner", BAZUIN)),
        ("withdraw", an_actor("consultant", S_PORT)),
    ],
)
def test_nobody_acts_for_another_organisation(action: str, stranger: Actor) -> None:
    with pytest.raises(NotAllowed, match=stranger.organisation):
        ACTIONS[action](a_referral(), stranger)


def a_heard_request(**other: Any) -> Request:
    usual = {"status": "assigned", "site_id": SCHOOL, "broker_ids": (BABEL,), "covered_areas": (ART,)}
    return Request(id=new_id(), **{**usual, **other})


def refer(
    request: Request | None = None,
    *,
    partner: PartnerDetails | None = None,
    others: tuple[Referral, ...] = (),
    by: Actor | None = None,
    **hand_over: Any,
) -> ReferralMade:
    request = request or a_heard_request()
    return referring.refer(
        new_id(),
        a_hand_over(request.id, **hand_over),
        request=request,
        partner=partner or a_partner(),
        others=others,
        by=by or an_actor("consultant"),
        at=NOW,
    )


def test_the_first_referral_is_the_first_attempt_made_by_the_callers_broker_for_the_site_that_asks() -> None:
    made = refer()

    assert (made.attempt, made.broker_id, made.site_id, made.made_at) == (1, BABEL, SCHOOL, NOW)
    assert rules.evolve(None, made) == Referral(made, Status.REQUESTED, version=1)


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

    with pytest.raises(referring.ParallelSetDecided):
        refer(others=(a_referral(status, parallel_set=parallel),), parallel_set=parallel)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"consultant", "broker_lead"}])
def test_only_a_broker_refers(role: Role) -> None:
    with pytest.raises(NotAllowed):
        refer(by=an_actor(role))


def test_only_a_broker_to_which_it_is_assigned_refers() -> None:
    with pytest.raises(NotAllowed, match=S_PORT):
        refer(by=an_actor("consultant", S_PORT))


@pytest.mark.parametrize(
    "heard", [None, a_heard_request(status="raised", broker_ids=()), a_heard_request(site_id=None)]
)
def test_a_request_that_was_not_wholly_heard_of_is_asked_for_again_later(heard: Request | None) -> None:
    with pytest.raises(NotYetKnown) as refused:
        referring.refer(
            new_id(), a_hand_over(), request=heard, partner=a_partner(), others=(), by=an_actor("consultant"), at=NOW
        )

    assert refused.value.retry_after
    assert refused.value.errors[0].field == "requestId"


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
    request = a_heard_request(status=status, answer=answer)

    if is_open:
        assert refer(request).request_id == request.id
    else:
        with pytest.raises(IllegalTransition):
            refer(request)


@pytest.mark.parametrize("area", [SPORT, LearningArea(scheme="curriculum.nu", code="zwemmen")])
def test_a_referral_is_about_areas_that_were_asked_and_have_a_broker(area: LearningArea) -> None:
    with pytest.raises(referring.AreaNotCovered) as refused:
        refer(learning_areas=(ART, area))

    assert refused.value.errors[0].field == "learningAreas[1].code"
    assert refused.value.errors[0].allowed == [ART.code]


def test_a_referral_names_an_area_once() -> None:
    with pytest.raises(PydanticCustomError, match="twice"):
        refer(learning_areas=(ART, ART))


def test_a_referral_is_made_to_a_recorded_partner() -> None:
    with pytest.raises(rules.UnknownPartner) as refused:
        referring.refer(
            new_id(),
            a_hand_over(),
            request=a_heard_request(),
            partner=None,
            others=(),
            by=an_actor("consultant"),
            at=NOW,
        )

    assert (refused.value.status, refused.value.errors[0].field) == (400, "partnerId")


@pytest.mark.parametrize(
    "partner", [a_partner(valid_from=date(2025, 10, 4)), a_partner(valid_from=date(2020, 1, 1), valid_to=TODAY)]
)
def test_a_referral_is_made_to_a_partner_of_today(partner: PartnerDetails) -> None:
    with pytest.raises(referring.PartnerNotActive):
        refer(partner=partner)


def test_a_partner_delivers_in_one_of_the_areas_at_least() -> None:
    request = a_heard_request(covered_areas=(ART, SPORT))

    assert refer(request, partner=a_partner(SPORT), learning_areas=(ART, SPORT)).partner_id == ATELIER
    with pytest.raises(referring.NotInOffer):
        refer(request, partner=a_partner(SPORT), learning_areas=(ART,))


def test_a_partner_decides_today_or_later() -> None:
    assert refer(decide_by=TODAY).decide_by == TODAY
    with pytest.raises(PydanticCustomError, match="before today") as refused:
        refer(decide_by=date(2025, 10, 2))

    assert (refused.value.context or {})["field"] == "decideBy"


def test_a_referral_replaces_an_ended_one_of_its_request() -> None:
    ended, still_open = a_referral(Status.DECLINED), a_referral(Status.ACCEPTED)

    assert refer(others=(ended, still_open), replaces=ended.id).replaces == ended.id
    with pytest.raises(referring.ReferralStillOpen):
        refer(others=(ended, still_open), replaces=still_open.id)
    with pytest.raises(referring.UnknownReferral):
        refer(others=(ended, still_open), replaces=new_id())


def test_the_first_acceptance_withdraws_the_other_open_referrals_of_its_set() -> None:
    parallel = new_id()
    accepted = a_referral(Status.ACCEPTED, parallel_set=parallel)
    open_too = a_referral(parallel_set=parallel)
    declined = a_referral(Status.DECLINED, parallel_set=parallel)
    elsewhere = a_referral(parallel_set=new_id())

    withdrawn = rules.withdrawn_by_acceptance(accepted, [accepted, open_too, declined, elsewhere, a_referral()])

    assert withdrawn == [open_too]


def test_an_acceptance_outside_a_set_withdraws_nothing() -> None:
    accepted = a_referral(Status.ACCEPTED)

    assert rules.withdrawn_by_acceptance(accepted, [accepted, a_referral()]) == []


def test_the_end_of_a_request_withdraws_what_was_not_begun() -> None:
    referrals = [a_referral(status) for status in Status]

    withdrawn = rules.withdrawn_with_request(referrals)

    assert [each.status for each in withdrawn] == [Status.REQUESTED, Status.ACCEPTED]


@pytest.mark.parametrize("why", ["other_partner_accepted", "request_closed"])
def test_what_ends_by_itself_says_so_with_a_reason_of_the_list(why: Any) -> None:
    withdrawn = rules.withdraw_by_itself(a_referral(), why, at=NOW)

    listed = next(each for each in reasons.WITHDRAW.reasons if each.code == why)
    assert withdrawn.withdrawn_by == Actor(role="service", organisation="own:samenspel", actor="referrals")
    assert (withdrawn.reason.list, listed.roles) == ("withdraw-referral", ("service",))


@pytest.mark.parametrize(("status", "late"), [(Status.REQUESTED, False), (Status.ACCEPTED, True)])
def test_a_decline_after_the_acceptance_is_late(status: Status, late: bool) -> None:
    assert decline(a_referral(status), an_actor("partner")).late is late


def test_who_suggests_a_better_partner_names_another_recorded_one() -> None:
    referral, by = a_referral(), an_actor("partner")

    with pytest.raises(rules.BetterPartnerMissing):
        decline(referral, by, BETTER)
    with pytest.raises(rules.UnknownPartner):
        decline(referral, by, BETTER, better_partner_id=BAZUIN)
    with pytest.raises(rules.UnknownPartner):
        decline(referral, by, BETTER, better_partner_id=ATELIER, partners=[ATELIER])

    declined = rules.evolve(referral, decline(referral, by, BETTER, better_partner_id=BAZUIN, partners=[BAZUIN]))
    assert (declined.better_partner_id, declined.reason) == (BAZUIN, BETTER)


def test_the_reason_other_wants_a_comment() -> None:
    other = Reason(list="decline", code="other")

    with pytest.raises(PydanticCustomError, match="wants one"):
        decline(a_referral(), an_actor("partner"), other)

    assert decline(a_referral(), an_actor("partner"), other, comment="We verhuizen").reason == other


def test_a_person_cannot_give_a_reason_that_belongs_to_the_service() -> None:
    closed = Reason(list="withdraw-referral", code="request_closed")

    with pytest.raises(PydanticCustomError, match="no_response"):
        rules.withdraw(a_referral(), closed, reasons=reasons.WITHDRAW, by=an_actor("consultant"), at=NOW)


def test_what_is_completed_as_delivered_was_delivered() -> None:
    referral, by = a_referral(Status.IN_PROGRESS), an_actor("partner")

    with pytest.raises(rules.NothingDelivered):
        rules.complete(referral, "delivered", delivered=0, by=by, at=NOW)
    with pytest.raises(rules.CommentMissing):
        rules.complete(referral, "delivered_elsewhere", delivered=0, by=by, at=NOW)

    elsewhere = rules.complete(referral, "delivered_elsewhere", comment="In het park", delivered=0, by=by, at=NOW)
    assert rules.evolve(referral, elsewhere).outcome == "delivered_elsewhere"


def test_planning_starts_an_accepted_referral_and_changes_nothing_of_one_in_progress() -> None:
    by = an_actor("partner")

    assert rules.start_by_planning(a_referral(Status.ACCEPTED), by=by, at=NOW) is not None
    assert rules.start_by_planning(a_referral(Status.IN_PROGRESS), by=by, at=NOW) is None


@pytest.mark.parametrize("status", set(Status) - {Status.ACCEPTED, Status.IN_PROGRESS})
def test_nothing_is_planned_from_a_referral_that_was_not_accepted_or_has_ended(status: Status) -> None:
    with pytest.raises(IllegalTransition):
        rules.start_by_planning(a_referral(status), by=an_actor("partner"), at=NOW)


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.IN_PROGRESS])
def test_only_its_own_partner_plans_from_a_referral(status: Status) -> None:
    with pytest.raises(NotAllowed):
        rules.start_by_planning(a_referral(status), by=an_actor("partner", BAZUIN), at=NOW)
