"""The life of a referral, cell by cell, and what the rules refuse."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contracts.referrals import ReferralDeclined, ReferralWaitlisted, ReferralWithdrawn, WithdrawalRequested
from contracts.values import Actor, Reason, Role
from services.chassis.checks import DatesInWrongOrder
from services.chassis.life_cycle import IllegalTransition, allow, available_actions
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, WrongField
from services.chassis.reasons import CommentMissing, UnknownReason, Why
from services.referrals import reasons
from services.referrals.rules import referral as rules
from services.referrals.rules.referral import (
    OURSELVES,
    CompletionBody,
    DeclineBody,
    Referral,
    ReferralEvent,
    Status,
    WaitlistBody,
)
from tests.builders import (
    ATELIER,
    BABEL,
    BAZUIN,
    NOW,
    S_PORT,
    SCHOOL,
    TODAY,
    a_referral,
    an_actor,
)
from tests.life_cycles import Cell, cells, cells_of_change, check_change

NO_CAPACITY = Reason(list="decline", code="no_capacity")
BETTER = Reason(list="decline", code="better_partner_suggested")
NO_RESPONSE = Reason(list="withdraw-referral", code="no_response")
AWAITING_STAFF = Reason(list="waitlist", code="awaiting_staff")
STAFF_ILL = Reason(list="fail", code="staff_ill")
DUPLICATE = Reason(list="void-referral", code="duplicate")
TOMORROW = date(2025, 10, 4)
NOT_DELIVERED = Reason(list="outcome-dispute", code="not_delivered")


def accept(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.accept(referral, by=by, at=NOW)


def decline(
    referral: Referral, by: Actor, reason: Reason = NO_CAPACITY, *, partners: Collection[str] = (), **said: Any
) -> ReferralDeclined:
    return rules.decline(referral, DeclineBody(reason=reason, **said), partners=partners, by=by, at=NOW)


def start(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.start(referral, by=by, at=NOW)


def withdraw(referral: Referral, by: Actor) -> ReferralEvent:
    if by.organisation == OURSELVES.organisation:
        return rules.withdraw_by_itself(referral, "request_closed", at=NOW)
    return rules.withdraw(referral, Why(reason=NO_RESPONSE), by=by, at=NOW)


def complete(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.complete(referral, CompletionBody(outcome="delivered"), delivered=1, by=by, at=NOW)


def check_in(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.check_in(referral, by=by, at=NOW)


def acknowledge(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.acknowledge(referral, by=by, at=NOW)


def waitlist(referral: Referral, by: Actor, review_on: date = date(2025, 11, 1)) -> ReferralWaitlisted:
    return rules.waitlist(referral, WaitlistBody(reason=AWAITING_STAFF, review_on=review_on), by=by, at=NOW)


def request_withdrawal(referral: Referral, by: Actor) -> ReferralEvent:
    if by.organisation == OURSELVES.organisation:
        allow(rules.LIFE_CYCLE, "request-withdrawal", referral, by, rules.parties(referral), TODAY)
        asked_back = rules.end_with_request(referral, "withdrawn", at=NOW)
        assert asked_back is not None
        return asked_back
    return rules.request_withdrawal(referral, Why(reason=NO_RESPONSE), by=by, at=NOW)


def confirm_withdrawal(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.confirm_withdrawal(referral, by=by, at=NOW)


def expire(referral: Referral, by: Actor) -> ReferralEvent:
    allow(rules.LIFE_CYCLE, "expire", referral, by, rules.parties(referral), TODAY)
    return rules.expire(referral, at=NOW)


def fail(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.fail(referral, Why(reason=STAFF_ILL), by=by, at=NOW)


def void(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.void(referral, Why(reason=DUPLICATE), by=by, at=NOW)


def confirm_outcome(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.confirm_outcome(referral, by=by, at=NOW)


def dispute_outcome(referral: Referral, by: Actor) -> ReferralEvent:
    return rules.dispute_outcome(referral, Why(reason=NOT_DELIVERED), by=by, at=NOW)


ACTIONS: dict[str, Callable[[Referral, Actor], ReferralEvent]] = {
    "acknowledge": acknowledge,
    "check-in": check_in,
    "accept": accept,
    "waitlist": waitlist,
    "decline": decline,
    "start": start,
    "withdraw": withdraw,
    "expire": expire,
    "request-withdrawal": request_withdrawal,
    "confirm-withdrawal": confirm_withdrawal,
    "complete": complete,
    "fail": fail,
    "void": void,
    "confirm-outcome": confirm_outcome,
    "dispute-outcome": dispute_outcome,
}
CELLS = cells(rules.LIFE_CYCLE, Status)


@pytest.mark.parametrize("cell", cells_of_change(CELLS), ids=str)
def test_life_cycle_of_a_referral(cell: Cell[Status]) -> None:
    referral = a_referral(cell.status)
    if cell.action == "confirm-withdrawal" and cell.status is Status.IN_PROGRESS:
        referral = replace(referral, withdrawal=NO_RESPONSE)

    offered = available_actions(rules.LIFE_CYCLE, referral, cell.by, rules.parties(referral), TODAY)

    check_change(cell, referral, offered=offered, act=ACTIONS[cell.action], evolve=rules.evolve)


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


def test_the_brokers_named_last_for_the_request_act_in_the_place_of_the_one_that_made_it() -> None:
    referral = replace(a_referral(), broker_ids=(S_PORT,))

    assert withdraw(referral, an_actor("consultant", S_PORT)).subject == str(referral.id)
    with pytest.raises(NotAllowed, match=f"is up to {S_PORT}"):
        withdraw(referral, an_actor("consultant", BABEL))


def test_the_first_acceptance_withdraws_the_other_open_referrals_of_its_set() -> None:
    parallel = new_id()
    accepted = a_referral(Status.ACCEPTED, parallel_set=parallel)
    open_too = a_referral(parallel_set=parallel)
    declined = a_referral(Status.DECLINED, parallel_set=parallel)
    elsewhere = a_referral(parallel_set=new_id())

    withdrawn = rules.withdrawn_by_acceptance(
        accepted, [accepted, open_too, declined, elsewhere, a_referral()], day=TODAY
    )

    assert withdrawn == [open_too]


def test_an_acceptance_outside_a_set_withdraws_nothing() -> None:
    accepted = a_referral(Status.ACCEPTED)

    assert rules.withdrawn_by_acceptance(accepted, [accepted, a_referral()], day=TODAY) == []


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("request_is", ["closed", "withdrawn", "voided"])
def test_the_end_of_a_request_ends_what_was_not_begun_and_asks_back_what_was(status: Status, request_is: Any) -> None:
    ended = rules.end_with_request(a_referral(status), request_is, at=NOW)

    if status in {Status.REQUESTED, Status.ACCEPTED, Status.WAITLISTED}:
        assert isinstance(ended, ReferralWithdrawn)
        assert ended.reason.code == f"request_{request_is}"
    elif status is Status.IN_PROGRESS and request_is != "closed":
        assert isinstance(ended, WithdrawalRequested)
        assert ended.reason.code == f"request_{request_is}"
    else:
        assert ended is None


def test_what_has_begun_is_asked_back_once() -> None:
    referral, by = a_referral(Status.IN_PROGRESS), an_actor("consultant")

    asked_back = rules.evolve(referral, request_withdrawal(referral, by))

    assert (asked_back.status, asked_back.withdrawal) == (Status.IN_PROGRESS, NO_RESPONSE)
    assert rules.end_with_request(asked_back, "voided", at=NOW) is None
    with pytest.raises(rules.WithdrawalAlreadyRequested):
        request_withdrawal(asked_back, by)


def test_a_partner_confirms_only_a_withdrawal_that_was_asked_for() -> None:
    referral, by = a_referral(Status.IN_PROGRESS), an_actor("partner")

    with pytest.raises(rules.WithdrawalNotRequested):
        confirm_withdrawal(referral, by)

    withdrawn = confirm_withdrawal(replace(referral, withdrawal=NO_RESPONSE), by)
    assert isinstance(withdrawn, ReferralWithdrawn)
    assert (withdrawn.reason, withdrawn.withdrawn_by) == (NO_RESPONSE, by)


def test_what_was_asked_back_may_still_be_completed() -> None:
    asked_back = replace(a_referral(Status.IN_PROGRESS), withdrawal=NO_RESPONSE)

    completed = rules.evolve(asked_back, complete(asked_back, an_actor("partner")))

    assert (completed.status, completed.withdrawal) == (Status.COMPLETED, None)


def test_what_waits_is_looked_at_again_on_a_later_day() -> None:
    referral, by = a_referral(), an_actor("partner")

    waiting = rules.evolve(referral, waitlist(referral, by, TOMORROW))

    assert (waiting.reason, waiting.review_on) == (AWAITING_STAFF, TOMORROW)
    with pytest.raises(DatesInWrongOrder) as refused:
        waitlist(referral, by, TODAY)
    assert refused.value.errors == (WrongField("reviewOn", str(TODAY), "tomorrow or later"),)
    accepted = rules.evolve(waiting, accept(waiting, by))
    assert (accepted.reason, accepted.review_on) == (None, None)


def test_the_last_word_of_a_site_on_the_outcome_holds() -> None:
    completed, by = a_referral(Status.COMPLETED), an_actor("coordinator")

    confirmed = rules.evolve(completed, confirm_outcome(completed, by))
    disputed = rules.evolve(confirmed, dispute_outcome(confirmed, by))

    assert (sorted(confirmed.confirmed_by), sorted(confirmed.disputed_by)) == ([SCHOOL], [])
    assert (sorted(disputed.confirmed_by), sorted(disputed.disputed_by)) == ([], [SCHOOL])


@pytest.mark.parametrize("why", ["other_partner_accepted", "request_closed", "request_withdrawn", "request_voided"])
def test_what_ends_by_itself_says_so_with_a_reason_of_the_list(why: Any) -> None:
    withdrawn = rules.withdraw_by_itself(a_referral(), why, at=NOW)

    listed = next(each for each in reasons.LISTS["withdraw-referral"].reasons if each.code == why)
    assert withdrawn.withdrawn_by == Actor(role="service", organisation="own:samenspel", actor="referrals")
    assert (withdrawn.reason.list, listed.roles) == ("withdraw-referral", ("service",))


@pytest.mark.parametrize(
    ("status", "late"), [(Status.REQUESTED, False), (Status.WAITLISTED, False), (Status.ACCEPTED, True)]
)
def test_a_decline_after_the_acceptance_is_late(status: Status, late: bool) -> None:
    assert decline(a_referral(status), an_actor("partner")).late is late


def test_a_decline_is_late_also_when_the_partner_made_it_wait_after_accepting() -> None:
    accepted, by = a_referral(Status.ACCEPTED), an_actor("partner")

    assert decline(rules.evolve(accepted, waitlist(accepted, by)), by).late


def test_who_suggests_a_better_partner_names_another_recorded_one() -> None:
    referral, by = a_referral(), an_actor("partner")

    with pytest.raises(rules.BetterPartnerMissing) as refused:
        decline(referral, by, BETTER)
    assert refused.value.errors == (WrongField("betterPartnerId", None, "a recorded partner"),)
    with pytest.raises(rules.UnknownPartner, match=f"betterPartnerId is {BAZUIN}: no such other partner") as unknown:
        decline(referral, by, BETTER, better_partner_id=BAZUIN)
    assert unknown.value.errors == (WrongField("betterPartnerId", BAZUIN, "another recorded partner"),)
    with pytest.raises(rules.UnknownPartner):
        decline(referral, by, BETTER, better_partner_id=ATELIER, partners=[ATELIER])

    declined = rules.evolve(referral, decline(referral, by, BETTER, better_partner_id=BAZUIN, partners=[BAZUIN]))
    assert (declined.better_partner_id, declined.reason) == (BAZUIN, BETTER)


def test_the_reason_other_wants_a_comment() -> None:
    other = Reason(list="decline", code="other")

    with pytest.raises(CommentMissing):
        decline(a_referral(), an_actor("partner"), other)

    assert decline(a_referral(), an_actor("partner"), other, comment="We verhuizen").reason == other


@pytest.mark.parametrize(
    ("status", "role", "act"),
    [
        (
            Status.REQUESTED,
            "partner",
            lambda referral, by: rules.waitlist(
                referral, WaitlistBody(reason=STAFF_ILL, review_on=date(2025, 11, 1)), by=by, at=NOW
            ),
        ),
        (Status.REQUESTED, "partner", lambda referral, by: decline(referral, by, STAFF_ILL)),
        (Status.REQUESTED, "consultant", lambda r, by: rules.withdraw(r, Why(reason=STAFF_ILL), by=by, at=NOW)),
        (
            Status.IN_PROGRESS,
            "consultant",
            lambda referral, by: rules.request_withdrawal(referral, Why(reason=STAFF_ILL), by=by, at=NOW),
        ),
        (Status.ACCEPTED, "partner", lambda referral, by: rules.fail(referral, Why(reason=DUPLICATE), by=by, at=NOW)),
        (
            Status.ACCEPTED,
            "consultant",
            lambda referral, by: rules.void(referral, Why(reason=STAFF_ILL), by=by, at=NOW),
        ),
        (
            Status.COMPLETED,
            "coordinator",
            lambda referral, by: rules.dispute_outcome(referral, Why(reason=STAFF_ILL), by=by, at=NOW),
        ),
    ],
)
def test_a_reason_is_one_of_the_list_of_its_action(
    status: Status, role: Role, act: Callable[[Referral, Actor], ReferralEvent]
) -> None:
    with pytest.raises(UnknownReason):
        act(a_referral(status), an_actor(role))


def test_what_a_partner_says_of_its_work_is_remembered() -> None:
    referral, by = a_referral(), an_actor("partner")
    accepted, waiting = a_referral(Status.ACCEPTED), a_referral(Status.WAITLISTED)

    assert rules.evolve(referral, acknowledge(referral, by)).acknowledged
    assert rules.evolve(accepted, check_in(accepted, by)).checked_in_on == TODAY
    waited = rules.evolve(waiting, rules.expire(waiting, at=NOW))
    assert (waited.status, waited.reason, waited.review_on) == (Status.EXPIRED, None, None)


def test_a_person_cannot_give_a_reason_that_belongs_to_the_service() -> None:
    closed = Reason(list="withdraw-referral", code="request_closed")

    with pytest.raises(UnknownReason, match="no_response"):
        rules.withdraw(a_referral(), Why(reason=closed), by=an_actor("consultant"), at=NOW)


def test_what_is_completed_as_delivered_was_delivered() -> None:
    referral, by = a_referral(Status.IN_PROGRESS), an_actor("partner")

    with pytest.raises(rules.NothingDelivered) as refused:
        rules.complete(referral, CompletionBody(outcome="delivered"), delivered=0, by=by, at=NOW)
    expected = "delivered_elsewhere, or deliver an activity first"
    assert refused.value.errors == (WrongField("outcome", "delivered", expected),)
    with pytest.raises(
        CommentMissing, match=r"^What was delivered elsewhere needs a comment that says where\.$"
    ) as silent:
        rules.complete(referral, CompletionBody(outcome="delivered_elsewhere"), delivered=0, by=by, at=NOW)
    assert silent.value.errors == (WrongField("comment", None, "a sentence without personal data"),)

    elsewhere = rules.complete(
        referral, CompletionBody(outcome="delivered_elsewhere", comment="In het park"), delivered=0, by=by, at=NOW
    )
    assert rules.evolve(referral, elsewhere).outcome == "delivered_elsewhere"


def test_what_is_announced_says_who_did_it_and_when() -> None:
    referral, by, sender = a_referral(Status.ACCEPTED), an_actor("partner"), an_actor("consultant")

    accepted = rules.accept(a_referral(), by=by, at=NOW)
    declined = decline(referral, by)
    started = rules.start_by_planning(referral, by=by, at=NOW)
    withdrawn = rules.withdraw(referral, Why(reason=NO_RESPONSE), by=sender, at=NOW)
    by_itself = rules.withdraw_by_itself(referral, "request_closed", at=NOW)
    completed = rules.complete(referral, CompletionBody(outcome="delivered"), delivered=1, by=by, at=NOW)

    assert (accepted.partner_id, accepted.accepted_by, accepted.accepted_at) == (ATELIER, by, NOW)
    assert (declined.referral_id, declined.declined_by, declined.declined_at) == (referral.id, by, NOW)
    assert declined.better_partner_id is None
    assert started is not None
    assert (started.referral_id, started.started_at) == (referral.id, NOW)
    assert (withdrawn.reason, withdrawn.withdrawn_by, withdrawn.withdrawn_at) == (NO_RESPONSE, sender, NOW)
    assert (by_itself.referral_id, by_itself.reason.code, by_itself.withdrawn_at) == (
        referral.id,
        "request_closed",
        NOW,
    )
    assert (completed.outcome, completed.completed_by, completed.completed_at) == ("delivered", by, NOW)


def test_a_withdrawn_referral_keeps_why() -> None:
    referral = a_referral()

    withdrawn = rules.evolve(referral, withdraw(referral, an_actor("consultant")))

    assert (withdrawn.reason, withdrawn.outcome) == (NO_RESPONSE, None)


def test_the_reason_other_of_a_withdrawal_wants_a_comment() -> None:
    other, by = Reason(list="withdraw-referral", code="other"), an_actor("consultant")

    with pytest.raises(CommentMissing):
        rules.withdraw(a_referral(), Why(reason=other), by=by, at=NOW)

    said = rules.withdraw(a_referral(), Why(reason=other, comment="Te laat"), by=by, at=NOW)
    assert said.reason == other


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
