"""The life of an activity, cell by cell, and what the rules refuse."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from contracts.activities import (
    ActivityConfirmed,
    ActivityCorrected,
    ActivityDelivered,
    ActivityDisputed,
    ActivityPlanned,
    ActivityRetracted,
    DeliveryDetails,
    TakingPart,
)
from contracts.referrals import OutcomeConfirmed, ReferralMade
from contracts.values import Actor, Reason
from services.chassis.life_cycle import available_actions
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, NotYetKnown, WrongField
from services.chassis.reasons import CommentMissing, UnknownReason, Why
from services.referrals import reasons
from services.referrals.rules import activity as rules
from services.referrals.rules.activity import (
    Activity,
    ActivityEvent,
    ConfirmationBody,
    CorrectionBody,
    DisputeBody,
    NotAsReferred,
    ReschedulingBody,
    Status,
)
from tests.builders import (
    ATELIER,
    BABEL,
    BAZUIN,
    CHILDCARE,
    GROUP,
    KNOWN,
    NOW,
    PROGRAMME,
    SCHOOL,
    SECONDARY,
    TODAY,
    YESTERDAY_AT_ONE,
    a_referral,
    activity_plan,
    an_activity,
    an_actor,
    delivery_details,
)
from tests.life_cycles import Cell, cells, cells_of_change, cells_of_creation, check_change, check_creation

WRONG_COUNT = Reason(list="activity-correction", code="wrong_count")
DUPLICATE = Reason(list="activity-retraction", code="duplicate")
NOT_HELD = Reason(list="activity-dispute", code="not_held")
SNOW = Reason(list="activity-cancellation", code="snow")
WEATHER = Reason(list="activity-cancellation", code="weather")
NOBODY_CAME = Reason(list="activity-not-held", code="nobody_came")
TOMORROW_AT_ONE = datetime.fromisoformat("2025-10-04T13:00:00+02:00")
TWENTY = (TakingPart(group_id=GROUP, headcount=24, participants=20),)


def plan(by: Actor) -> ActivityPlanned:
    return rules.plan(new_id(), activity_plan(), referral=None, known=KNOWN, by=by, at=NOW)


def deliver(activity: Activity, by: Actor, body: DeliveryDetails | None = None, **more: Any) -> ActivityDelivered:
    return rules.deliver(activity, body or delivery_details(), known=KNOWN, by=by, at=NOW, **{"made": None, **more})


def correct(
    activity: Activity, by: Actor, body: DeliveryDetails | None = None, made: ReferralMade | None = None
) -> ActivityCorrected:
    said = CorrectionBody(**dict(body or delivery_details(groups=TWENTY)), reason=WRONG_COUNT)
    return rules.correct(activity, said, made=made, known=KNOWN, by=by, at=NOW)


def retract(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.retract(activity, Why(reason=DUPLICATE), by=by, at=NOW)


def confirm(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.confirm(activity, ConfirmationBody(site_id=SCHOOL), by=by, at=NOW)


def dispute(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.dispute(activity, DisputeBody(site_id=SCHOOL, reason=NOT_HELD), by=by, at=NOW)


def confirmed_and_disputed_by(activity: Activity) -> tuple[list[str], list[str]]:
    return sorted(activity.confirmed_by), sorted(activity.disputed_by)


def reschedule(activity: Activity, by: Actor, planned_for: datetime = TOMORROW_AT_ONE) -> ActivityEvent:
    return rules.reschedule(activity, ReschedulingBody(planned_for=planned_for), by=by, at=NOW)


def cancel(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.cancel(activity, Why(reason=WEATHER), by=by, at=NOW)


def report_not_held(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.report_not_held(activity, Why(reason=NOBODY_CAME), by=by, at=NOW)


ACTIONS: dict[str, Callable[[Activity, Actor], ActivityEvent]] = {
    "reschedule": reschedule,
    "cancel": cancel,
    "report-not-held": report_not_held,
    "deliver": deliver,
    "correct": correct,
    "retract": retract,
    "confirm": confirm,
    "dispute": dispute,
}
CELLS = cells(rules.LIFE_CYCLE, Status)


@pytest.mark.parametrize("cell", cells_of_creation(CELLS), ids=str)
def test_who_may_plan_an_activity(cell: Cell[Status]) -> None:
    check_creation(cell, create=lambda: plan(cell.by), evolve=rules.evolve)


@pytest.mark.parametrize("cell", cells_of_change(CELLS), ids=str)
def test_life_cycle_of_an_activity(cell: Cell[Status]) -> None:
    activity = an_activity(cell.status)

    offered = available_actions(rules.LIFE_CYCLE, activity, cell.by, rules.parties(activity), TODAY)

    check_change(cell, activity, offered=offered, act=ACTIONS[cell.action], evolve=rules.evolve)


@pytest.mark.parametrize(
    ("status", "action", "stranger"),
    [
        (Status.PLANNED, "deliver", an_actor("partner", BAZUIN)),
        (Status.DELIVERED, "correct", an_actor("partner", BAZUIN)),
        (Status.DELIVERED, "retract", an_actor("partner", BAZUIN)),
        (Status.DELIVERED, "confirm", an_actor("coordinator", SECONDARY)),
        (Status.DELIVERED, "dispute", an_actor("coordinator", SECONDARY)),
        (Status.DELIVERED, "confirm", an_actor("coordinator", CHILDCARE)),  # involved, but not the site that it names
        (Status.DELIVERED, "dispute", an_actor("coordinator", CHILDCARE)),
    ],
)
def test_nobody_acts_for_another_organisation(status: Status, action: str, stranger: Actor) -> None:
    with pytest.raises(NotAllowed, match=stranger.organisation):
        ACTIONS[action](an_activity(status), stranger)


def test_an_activity_from_a_referral_names_it_and_its_request() -> None:
    referral, by = a_referral(), an_actor("partner")

    details = activity_plan(referral_id=referral.id)
    planned = rules.plan(new_id(), details, referral=referral, known=KNOWN, by=by, at=NOW)

    assert (planned.origin, planned.referral_id) == ("referral", referral.id)
    assert planned.request_id == referral.made.request_id
    assert (planned.planned_by, planned.planned_at) == (by, NOW)


def test_what_follows_names_the_referral_and_the_request_too() -> None:
    referral, by = a_referral(), an_actor("partner")
    details = activity_plan(referral_id=referral.id, site_ids=(SCHOOL, CHILDCARE))
    planned = rules.evolve(None, rules.plan(new_id(), details, referral=referral, known=KNOWN, by=by, at=NOW))

    delivered = deliver(planned, by)
    corrected = correct(rules.evolve(planned, delivered), by)

    for event in (delivered, corrected):
        assert (event.activity_id, event.origin, event.referral_id) == (planned.id, "referral", referral.id)
        assert event.request_id == referral.made.request_id
    assert (delivered.registered_at, corrected.corrected_at) == (NOW, NOW)


def test_what_is_announced_says_why_and_when() -> None:
    activity, by, site = an_activity(), an_actor("partner"), an_actor("coordinator")

    retracted, disputed, confirmed = retract(activity, by), dispute(activity, site), confirm(activity, site)

    assert isinstance(retracted, ActivityRetracted)
    assert (retracted.activity_id, retracted.reason, retracted.retracted_at) == (activity.id, DUPLICATE, NOW)
    assert isinstance(disputed, ActivityDisputed)
    assert (disputed.site_id, disputed.reason, disputed.disputed_at) == (SCHOOL, NOT_HELD, NOW)
    assert isinstance(confirmed, ActivityConfirmed)
    assert (confirmed.activity_id, confirmed.site_id, confirmed.confirmed_at) == (activity.id, SCHOOL, NOW)


def test_an_activity_without_a_referral_is_direct() -> None:
    planned = plan(an_actor("partner"))

    assert (planned.origin, planned.referral_id, planned.request_id) == ("direct", None, None)
    assert rules.evolve(None, planned) == Activity(planned, Status.PLANNED, version=1)


def test_a_partner_plans_and_registers_its_own_activities_only() -> None:
    by = an_actor("partner", BAZUIN)

    with pytest.raises(NotAllowed):
        plan(by)
    with pytest.raises(NotAllowed):
        deliver(an_activity(Status.PLANNED), an_actor("partner"), delivery_details(partner_ids=(BAZUIN,)))


def test_a_delivery_may_be_led_by_another_site_than_was_planned() -> None:
    activity = an_activity(Status.PLANNED)

    delivered = deliver(activity, an_actor("partner"), delivery_details(site_ids=(CHILDCARE, SCHOOL)))

    assert rules.evolve(activity, delivered).site_ids == (CHILDCARE, SCHOOL)


@pytest.mark.parametrize(
    ("other", "wrong"),
    [
        (
            {"site_ids": (CHILDCARE,), "groups": ()},
            WrongField("siteIds", [CHILDCARE], f"{SCHOOL} among them"),
        ),
        ({"programme": "sport"}, WrongField("programme", "sport", PROGRAMME)),
    ],
)
def test_what_comes_of_a_referral_is_delivered_and_stays_as_it_was_referred(
    other: dict[str, Any], wrong: WrongField
) -> None:
    made = a_referral().made.model_copy(update={"programme": PROGRAMME})
    body, partner = delivery_details(**other), an_actor("partner")

    for register in (
        lambda: deliver(an_activity(Status.PLANNED), partner, body, made=made),
        lambda: correct(an_activity(), partner, body, made=made),
    ):
        with pytest.raises(NotAsReferred) as refused:
            register()
        assert refused.value.errors == (wrong,)


def test_what_comes_of_a_referral_is_by_its_partner() -> None:
    made, by = a_referral().made.model_copy(update={"partner_id": BAZUIN}), an_actor("partner")

    with pytest.raises(NotAsReferred, match=f"partnerIds does not name {BAZUIN}, of the referral") as refused:
        deliver(an_activity(Status.PLANNED), by, delivery_details(), made=made)

    assert refused.value.errors == (WrongField("partnerIds", [ATELIER], f"{BAZUIN} among them"),)


def test_who_plans_from_a_referral_names_one_that_was_made_to_it() -> None:
    unknown = new_id()

    with pytest.raises(NotYetKnown, match=f"{unknown}: this service knows of no such referral to {ATELIER}") as refused:
        rules.plan(
            new_id(), activity_plan(referral_id=unknown), referral=None, known=KNOWN, by=an_actor("partner"), at=NOW
        )

    assert refused.value.errors == (WrongField("referralId", str(unknown), "a referral to your organisation"),)


def test_the_brokers_of_its_request_are_parties_to_an_activity() -> None:
    activity = replace(an_activity(), broker_ids=(BABEL,))

    assert rules.parties(activity) == {
        "partner": (ATELIER,),
        "site": (SCHOOL, CHILDCARE),
        "broker": (BABEL,),
    }


def test_what_comes_of_a_referral_may_be_at_other_sites_too() -> None:
    body = delivery_details(site_ids=(CHILDCARE, SCHOOL))

    delivered = deliver(an_activity(Status.PLANNED), an_actor("partner"), body, made=a_referral().made)

    assert delivered.site_ids == (CHILDCARE, SCHOOL)


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ({"groups": TWENTY}, ("groups",)),
        ({"duration_minutes": 60, "substitution": "stacks"}, ("durationMinutes", "substitution")),
        ({"site_ids": (SCHOOL,), "assignment": "cultuur-2025"}, ("siteIds", "assignment")),
        ({"occurred_at": datetime.fromisoformat("2025-10-01T13:00:00+02:00")}, ("occurredAt",)),
    ],
)
def test_a_correction_names_what_changed_and_carries_the_whole_body(
    body: dict[str, Any], changed: tuple[str, ...]
) -> None:
    activity = an_activity()

    corrected = correct(activity, an_actor("partner"), delivery_details(**body))

    assert corrected.changed == changed
    assert rules.evolve(activity, corrected).body == delivery_details(**body)


def test_a_correction_that_changes_nothing_is_refused() -> None:
    with pytest.raises(rules.NothingChanged) as refused:
        correct(an_activity(), an_actor("partner"), delivery_details())

    allowed = "a body that differs from what was registered"
    assert refused.value.errors == (WrongField("body", None, allowed),)


def test_the_same_moment_in_another_offset_is_no_change() -> None:
    same = delivery_details(occurred_at=datetime.fromisoformat("2025-10-02T11:00:00+00:00"))

    with pytest.raises(rules.NothingChanged):
        correct(an_activity(), an_actor("partner"), same)


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        ({"groups": TWENTY}, True),
        ({"site_ids": (CHILDCARE, SCHOOL)}, True),  # the same sites, another leads
        ({"occurred_at": datetime.fromisoformat("2025-10-02T09:00:00+02:00")}, True),  # the same day
        ({"substitution": "stacks"}, False),
        ({"site_ids": (SCHOOL,)}, False),
        ({"occurred_at": datetime.fromisoformat("2025-10-01T13:00:00+02:00")}, False),
    ],
)
def test_confirmations_and_disputes_hold_until_their_content_changes(body: dict[str, Any], holds: bool) -> None:
    activity = replace(an_activity(), confirmed_by=frozenset({SCHOOL}), disputed_by=frozenset({CHILDCARE}))

    after = rules.evolve(activity, correct(activity, an_actor("partner"), delivery_details(**body)))

    assert confirmed_and_disputed_by(after) == (([SCHOOL], [CHILDCARE]) if holds else ([], []))


def test_the_last_statement_of_a_site_holds() -> None:
    activity, by = an_activity(), an_actor("coordinator")

    disputed = rules.evolve(activity, dispute(activity, by))
    confirmed = rules.evolve(disputed, confirm(disputed, by))

    assert confirmed_and_disputed_by(disputed) == ([], [SCHOOL])
    assert confirmed_and_disputed_by(confirmed) == ([SCHOOL], [])


@pytest.mark.parametrize("name", [each for each in reasons.LISTS if each.startswith("activity-")])
def test_every_list_of_an_activity_ends_with_other_which_wants_a_comment(name: str) -> None:
    last = reasons.LISTS[name].reasons[-1]

    assert (last.code, last.comment_required) == ("other", True)


OTHER: dict[str, Callable[[str | None], ActivityEvent]] = {
    "retract": lambda comment: rules.retract(
        an_activity(),
        Why(reason=Reason(list="activity-retraction", code="other"), comment=comment),
        by=an_actor("partner"),
        at=NOW,
    ),
    "dispute": lambda comment: rules.dispute(
        an_activity(),
        DisputeBody(site_id=SCHOOL, reason=Reason(list="activity-dispute", code="other"), comment=comment),
        by=an_actor("coordinator"),
        at=NOW,
    ),
    "correct": lambda comment: rules.correct(
        an_activity(),
        CorrectionBody(
            **dict(delivery_details(groups=TWENTY)),
            reason=Reason(list="activity-correction", code="other"),
            comment=comment,
        ),
        made=None,
        known=KNOWN,
        by=an_actor("partner"),
        at=NOW,
    ),
}


@pytest.mark.parametrize("action", OTHER)
def test_the_reason_other_wants_a_comment(action: str) -> None:
    with pytest.raises(CommentMissing):
        OTHER[action](None)

    assert OTHER[action]("De school was dicht") is not None


def test_a_rescheduled_activity_is_planned_for_the_new_moment() -> None:
    planned, by = an_activity(Status.PLANNED), an_actor("partner")

    rescheduled = rules.evolve(planned, reschedule(planned, by))

    assert rescheduled.planned.planned_for == TOMORROW_AT_ONE
    with pytest.raises(rules.OccurrenceInPast) as refused:
        reschedule(planned, by, YESTERDAY_AT_ONE)
    said = YESTERDAY_AT_ONE.isoformat()
    assert refused.value.errors == (WrongField("plannedFor", said, f"at least {TODAY}"),)
    assert refused.value.detail == f"plannedFor is {said}; today is {TODAY}."


def test_an_activity_is_rescheduled_to_later_the_same_day() -> None:
    planned, by = an_activity(Status.PLANNED), an_actor("partner")

    this_evening = NOW.replace(hour=20)

    assert rules.evolve(planned, reschedule(planned, by, this_evening)).planned.planned_for == this_evening


@pytest.mark.parametrize(
    "act",
    [
        lambda activity, by: rules.cancel(activity, Why(reason=NOBODY_CAME), by=by, at=NOW),
        lambda activity, by: rules.report_not_held(activity, Why(reason=WEATHER), by=by, at=NOW),
        lambda activity, by: rules.cancel(activity, Why(reason=SNOW), by=by, at=NOW),
    ],
)
def test_a_planned_activity_ends_with_a_reason_of_its_own_list(act: Callable[[Activity, Actor], ActivityEvent]) -> None:
    with pytest.raises(UnknownReason):
        act(an_activity(Status.PLANNED), an_actor("partner"))


def test_whether_it_was_held_shows_on_its_day() -> None:
    planned, by = an_activity(Status.PLANNED), an_actor("partner")
    tomorrow = rules.evolve(planned, reschedule(planned, by))

    with pytest.raises(rules.BeforeActivityDay):
        report_not_held(tomorrow, by)

    assert "report-not-held" not in available_actions(rules.LIFE_CYCLE, tomorrow, by, rules.parties(tomorrow), TODAY)


def test_a_site_confirms_with_the_outcome_what_was_delivered_at_it_and_it_has_not_confirmed() -> None:
    referral = a_referral()
    here = an_activity()
    confirmed = rules.evolve(an_activity(), confirm(an_activity(), an_actor("coordinator")))
    elsewhere = an_activity(site_ids=(CHILDCARE,), groups=())
    outcome = OutcomeConfirmed(
        referral_id=referral.id, site_id=SCHOOL, confirmed_by=an_actor("coordinator"), confirmed_at=NOW
    )

    found = rules.confirmed_with_outcome([here, confirmed, elsewhere, an_activity(Status.PLANNED)], outcome)

    assert found == [ActivityConfirmed(activity_id=here.id, site_id=SCHOOL, confirmed_at=NOW)]
