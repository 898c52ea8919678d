"""The life of an activity, cell by cell, and what the rules refuse."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from contracts.activities import ActivityCorrected, ActivityDelivered, DeliveryDetails, TakingPart
from contracts.values import Actor, LearningArea, Reason, Role
from services.chassis.life_cycle import IllegalTransition, available_actions
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, NotYetKnown, Problem
from services.referrals import reasons
from services.referrals.rules import activity as rules
from services.referrals.rules.activity import Activity, ActivityEvent, Status
from services.referrals.rules.body import (
    GroupOfAnotherSite,
    OccurrenceInFuture,
    ParticipantsExceedHeadcount,
    SiteNotInvolved,
)
from tests.builders import (
    ATELIER,
    BAZUIN,
    CHILDCARE,
    CHILDCARE_GROUP,
    GROUP,
    KNOWN,
    NOW,
    ROLES,
    SCHOOL,
    SECONDARY,
    a_body,
    a_plan,
    a_referral,
    an_activity,
    an_actor,
)

WRONG_COUNT = Reason(list="activity-correction", code="wrong_count")
DUPLICATE = Reason(list="activity-retraction", code="duplicate")
NOT_HELD = Reason(list="activity-dispute", code="not_held")
TWENTY = (TakingPart(group_id=GROUP, headcount=24, participants=20),)


def deliver(activity: Activity, by: Actor, body: DeliveryDetails | None = None, **more: Any) -> ActivityDelivered:
    return rules.deliver(activity, body or a_body(), by=by, at=NOW, **{"known": KNOWN, **more})


def correct(activity: Activity, by: Actor, body: DeliveryDetails | None = None, **more: Any) -> ActivityCorrected:
    return rules.correct(
        activity,
        body or a_body(groups=TWENTY),
        WRONG_COUNT,
        known=KNOWN,
        reasons=reasons.CORRECT,
        by=by,
        at=NOW,
        **more,
    )


def retract(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.retract(activity, DUPLICATE, reasons=reasons.RETRACT, by=by, at=NOW)


def confirm(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.confirm(activity, SCHOOL, by=by, at=NOW)


def dispute(activity: Activity, by: Actor) -> ActivityEvent:
    return rules.dispute(activity, SCHOOL, NOT_HELD, reasons=reasons.DISPUTE, by=by, at=NOW)


def words(activity: Activity) -> tuple[list[str], list[str]]:
    """Which sites confirm it, and which dispute it."""
    return sorted(activity.confirmed_by), sorted(activity.disputed_by)


ACTIONS: dict[str, Callable[[Activity, Actor], ActivityEvent]] = {
    "deliver": deliver,
    "correct": correct,
    "retract": retract,
    "confirm": confirm,
    "dispute": dispute,
}
ALLOWED = {
    (Status.PLANNED, "deliver", "partner"): Status.DELIVERED,
    (Status.DELIVERED, "correct", "partner"): Status.DELIVERED,
    (Status.PLANNED, "retract", "partner"): Status.RETRACTED,
    (Status.DELIVERED, "retract", "partner"): Status.RETRACTED,
    (Status.DELIVERED, "confirm", "coordinator"): Status.DELIVERED,
    (Status.DELIVERED, "dispute", "coordinator"): Status.DELIVERED,
}
FORBIDDEN = None
LIFE_CYCLE = [(*cell, ALLOWED.get(cell, FORBIDDEN)) for cell in product(Status, ACTIONS, ROLES)]


@pytest.mark.parametrize(("status", "action", "role", "becomes"), LIFE_CYCLE)
def test_life_cycle_of_an_activity(status: Status, action: str, role: Role, becomes: Status | None) -> None:
    activity, by = an_activity(status), an_actor(role)

    if becomes is FORBIDDEN:
        with pytest.raises((NotAllowed, IllegalTransition)):
            ACTIONS[action](activity, by)
    else:
        after = rules.evolve(activity, ACTIONS[action](activity, by))
        assert (after.status, after.version) == (becomes, activity.version + 1)


@pytest.mark.parametrize(("status", "action", "role", "becomes"), LIFE_CYCLE)
def test_a_caller_is_offered_what_is_allowed_and_nothing_else(
    status: Status, action: str, role: Role, becomes: Status | None
) -> None:
    activity, by = an_activity(status), an_actor(role)

    offered = available_actions(rules.LIFE_CYCLE, activity.status, by, rules.parties(activity))

    assert (action in offered) is (becomes is not FORBIDDEN)


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
    referral = a_referral()

    planned = rules.plan(
        new_id(), a_plan(referral_id=referral.id), referral=referral, known=KNOWN, by=an_actor("partner"), at=NOW
    )

    assert (planned.origin, planned.referral_id, planned.request_id) == (
        "referral",
        referral.id,
        referral.made.request_id,
    )


def test_an_activity_without_a_referral_is_direct() -> None:
    planned = rules.plan(new_id(), a_plan(), referral=None, known=KNOWN, by=an_actor("partner"), at=NOW)

    assert (planned.origin, planned.referral_id, planned.request_id) == ("direct", None, None)
    assert rules.evolve(None, planned) == Activity(planned, Status.PLANNED, version=1)


def test_a_partner_plans_and_registers_its_own_activities_only() -> None:
    by = an_actor("partner", BAZUIN)

    with pytest.raises(NotAllowed):
        rules.plan(new_id(), a_plan(), referral=None, known=KNOWN, by=by, at=NOW)
    with pytest.raises(NotAllowed):
        deliver(an_activity(Status.PLANNED), an_actor("partner"), a_body(partner_ids=(BAZUIN,)))


UNSOUND_PLANS: list[tuple[dict[str, Any], str]] = [
    ({"site_ids": (SCHOOL, SCHOOL)}, "siteIds"),
    ({"partner_ids": (ATELIER, ATELIER)}, "partnerIds"),
    ({"learning_areas": (LearningArea(scheme="lea", code="kunst"),) * 2}, "learningAreas"),
    ({"learning_areas": (LearningArea(scheme="curriculum.nu", code="zwemmen"),)}, "learningAreas[0].code"),
]


@pytest.mark.parametrize(("planned", "field"), UNSOUND_PLANS)
def test_a_plan_names_known_things_once(planned: dict[str, Any], field: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        rules.plan(new_id(), a_plan(**planned), referral=None, known=KNOWN, by=an_actor("partner"), at=NOW)

    assert (refused.value.context or {})["field"] == field


@pytest.mark.parametrize(
    ("body", "field", "status", "problem"),
    [
        ({"site_ids": (SCHOOL, "duo:00XX00")}, "siteIds[1]", 409, NotYetKnown),
        ({"groups": (TakingPart(group_id="own:nobody", headcount=1),)}, "groups[0].groupId", 409, NotYetKnown),
        ({"partner_ids": (ATELIER, "own:nobody")}, "partnerIds[1]", 400, Problem),
        (
            {"groups": (*TWENTY, TakingPart(group_id=CHILDCARE_GROUP, headcount=1)), "site_ids": (SCHOOL,)},
            "groups[1].groupId",
            400,
            GroupOfAnotherSite,
        ),
        (
            {"groups": (TakingPart(group_id=GROUP, headcount=24, participants=25),)},
            "groups[0].participants",
            400,
            ParticipantsExceedHeadcount,
        ),
        (
            {"occurred_at": datetime.fromisoformat("2025-10-04T00:30:00+02:00")},  # 3 October in UTC
            "occurredAt",
            400,
            OccurrenceInFuture,
        ),
    ],
)
def test_an_unsound_body_is_neither_delivered_nor_a_correction(
    body: dict[str, Any], field: str, status: int, problem: type[Problem]
) -> None:
    for state, act in ((Status.PLANNED, deliver), (Status.DELIVERED, correct)):
        with pytest.raises(problem) as refused:
            act(an_activity(state), an_actor("partner"), a_body(**body))

        assert (refused.value.status, refused.value.errors[0].field) == (status, field)


def test_a_learning_area_that_its_list_does_not_have_is_not_delivered() -> None:
    body = a_body(learning_areas=(LearningArea(scheme="curriculum.nu", code="zwemmen"),))

    with pytest.raises(PydanticCustomError, match="zwemmen"):
        deliver(an_activity(Status.PLANNED), an_actor("partner"), body)


def test_an_activity_of_this_evening_is_registered_in_the_afternoon() -> None:
    body = a_body(occurred_at=datetime.fromisoformat("2025-10-03T23:59:00+02:00"))

    delivered = deliver(an_activity(Status.PLANNED), an_actor("partner"), body)

    assert delivered.occurred_at == body.occurred_at


def test_as_many_take_part_as_there_are_and_not_counted_is_not_zero() -> None:
    body = a_body(
        groups=(
            TakingPart(group_id=GROUP, headcount=24, participants=24),
            TakingPart(group_id=CHILDCARE_GROUP, headcount=8),
        )
    )

    delivered = deliver(an_activity(Status.PLANNED), an_actor("partner"), body)

    assert [group.participants for group in delivered.groups] == [24, None]


def test_a_site_that_is_involved_may_confirm_on_the_spot() -> None:
    activity, by = an_activity(Status.PLANNED), an_actor("partner")

    with pytest.raises(SiteNotInvolved) as refused:
        deliver(activity, by, confirmed_by_sites=(SCHOOL, SECONDARY))

    assert refused.value.errors[0].field == "confirmedBySites[1]"
    delivered = deliver(activity, by, confirmed_by_sites=(SCHOOL,))
    assert rules.evolve(activity, delivered).confirmed_by == {SCHOOL}


def test_a_delivery_may_be_led_by_another_site_than_was_planned() -> None:
    activity = an_activity(Status.PLANNED)

    delivered = deliver(activity, an_actor("partner"), a_body(site_ids=(CHILDCARE, SCHOOL)))

    assert rules.evolve(activity, delivered).site_ids == (CHILDCARE, SCHOOL)


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

    corrected = correct(activity, an_actor("partner"), a_body(**body))

    assert corrected.changed == changed
    assert rules.evolve(activity, corrected).body == a_body(**body)


def test_a_correction_that_changes_nothing_is_refused() -> None:
    with pytest.raises(rules.NothingChanged):
        correct(an_activity(), an_actor("partner"), a_body())


def test_the_same_moment_in_another_offset_is_no_change() -> None:
    same = a_body(occurred_at=datetime.fromisoformat("2025-10-02T11:00:00+00:00"))

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
def test_what_sites_said_holds_until_it_was_about_something_else(body: dict[str, Any], holds: bool) -> None:
    activity = replace(an_activity(), confirmed_by=frozenset({SCHOOL}), disputed_by=frozenset({CHILDCARE}))

    after = rules.evolve(activity, correct(activity, an_actor("partner"), a_body(**body)))

    assert words(after) == (([SCHOOL], [CHILDCARE]) if holds else ([], []))


def test_the_last_word_of_a_site_holds() -> None:
    activity, by = an_activity(), an_actor("coordinator")

    disputed = rules.evolve(activity, dispute(activity, by))
    confirmed = rules.evolve(disputed, confirm(disputed, by))

    assert words(disputed) == ([], [SCHOOL])
    assert words(confirmed) == ([SCHOOL], [])


@pytest.mark.parametrize("name", [each for each in reasons.LISTS if each.startswith("activity-")])
def test_every_list_of_an_activity_ends_with_other_which_wants_a_comment(name: str) -> None:
    last = reasons.LISTS[name].reasons[-1]

    assert (last.code, last.comment_required) == ("other", True)


def test_the_reason_other_wants_a_comment() -> None:
    other = Reason(list="activity-retraction", code="other")

    with pytest.raises(PydanticCustomError, match="wants one"):
        rules.retract(an_activity(), other, reasons=reasons.RETRACT, by=an_actor("partner"), at=NOW)
