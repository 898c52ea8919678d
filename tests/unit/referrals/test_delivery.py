"""What the plan and the body of an activity may contain, whichever action brings them."""

from datetime import datetime
from typing import Any

import pytest

from contracts.activities import ActivityCorrected, ActivityDelivered, ActivityPlanned, DeliveryDetails, TakingPart
from contracts.values import LearningArea, Reason
from services.chassis.checks import DuplicateItem, HeadcountOfZero
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotYetKnown, Problem, WrongField
from services.chassis.schemes import UnknownLearningArea
from services.referrals.rules import activity as rules
from services.referrals.rules.activity import Status
from services.referrals.rules.delivery import (
    OccurrenceInFuture,
    ParticipantsExceedHeadcount,
    warnings,
)
from services.referrals.rules.referral import UnknownPartner
from tests.builders import (
    ATELIER,
    CHILDCARE_GROUP,
    GROUP,
    KNOWN,
    NOW,
    SCHOOL,
    activity_plan,
    an_activity,
    an_actor,
    delivery_details,
)

WRONG_COUNT = Reason(list="activity-correction", code="wrong_count")
UNKNOWN_AREA = LearningArea(scheme="curriculum.nu", code="zwemmen")


def plan(**other: Any) -> ActivityPlanned:
    return rules.plan(new_id(), activity_plan(**other), referral=None, known=KNOWN, by=an_actor("partner"), at=NOW)


def deliver(body: DeliveryDetails) -> ActivityDelivered:
    planned = an_activity(Status.PLANNED)
    return rules.deliver(planned, body, made=None, known=KNOWN, by=an_actor("partner"), at=NOW)


def correct(body: DeliveryDetails) -> ActivityCorrected:
    said = rules.CorrectionBody(**dict(body), reason=WRONG_COUNT)
    return rules.correct(an_activity(), said, made=None, known=KNOWN, by=an_actor("partner"), at=NOW)


UNSOUND_PLANS: list[tuple[dict[str, Any], str, type[Problem]]] = [
    ({"site_ids": (SCHOOL, SCHOOL)}, "siteIds[1]", DuplicateItem),
    ({"partner_ids": (ATELIER, ATELIER)}, "partnerIds[1]", DuplicateItem),
    (
        {"learning_areas": (LearningArea(scheme="curriculum.nu", code="kunst-en-cultuur"),) * 2},
        "learningAreas[1]",
        DuplicateItem,
    ),
    ({"learning_areas": (UNKNOWN_AREA,)}, "learningAreas[0].code", UnknownLearningArea),
]


@pytest.mark.parametrize(("planned", "field", "problem"), UNSOUND_PLANS)
def test_a_plan_names_known_things_once(planned: dict[str, Any], field: str, problem: type[Problem]) -> None:
    with pytest.raises(problem) as refused:
        plan(**planned)

    assert refused.value.errors[0].field == field


UNKNOWN_GROUP = TakingPart(group_id="own:nobody", headcount=1)
TOO_MANY = TakingPart(group_id=GROUP, headcount=24, participants=25)
TWENTY = TakingPart(group_id=GROUP, headcount=24, participants=20)
OF_THE_CHILDCARE = TakingPart(group_id=CHILDCARE_GROUP, headcount=1)
TOMORROW = datetime.fromisoformat("2025-10-04T00:30:00+02:00")  # 3 October in UTC
AT_THE_SCHOOL = {"groups": (TWENTY, OF_THE_CHILDCARE), "site_ids": (SCHOOL,)}
NO_SITE = WrongField("siteIds[1]", "duo:00XX00", "a recorded site")
NO_GROUP = WrongField("groups[0].groupId", "own:nobody", "a recorded group of these sites")
NO_PARTNER = WrongField("partnerIds[1]", "own:nobody", "a recorded partner")
ELSEWHERE = WrongField("groups[1].groupId", CHILDCARE_GROUP, "a recorded group of these sites")
NOBODY = TakingPart(group_id=GROUP, headcount=0)
NO_CHILD = WrongField("groups[0].headcount", 0, "at least 1")
CROWD = WrongField("groups[0].participants", 25, "at most 24")
NOT_YET = WrongField("occurredAt", "2025-10-04T00:30:00+02:00", "at most 2025-10-03")
UNSOUND_BODIES: list[tuple[dict[str, Any], WrongField, str, type[Problem]]] = [
    ({"site_ids": (SCHOOL, "duo:00XX00")}, NO_SITE, "has not heard of that site yet", NotYetKnown),
    ({"groups": (UNKNOWN_GROUP,)}, NO_GROUP, "has not heard of that group of these sites yet", NotYetKnown),
    ({"partner_ids": (ATELIER, "own:nobody")}, NO_PARTNER, "no such partner is recorded", UnknownPartner),
    (AT_THE_SCHOOL, ELSEWHERE, "has not heard of that group of these sites yet", NotYetKnown),
    ({"groups": (TWENTY, TWENTY)}, WrongField("groups[1]", GROUP, "each thing once"), "named before", DuplicateItem),
    ({"groups": (NOBODY,)}, NO_CHILD, "A headcount is at least 1", HeadcountOfZero),
    ({"groups": (TOO_MANY,)}, CROWD, "is 25; the group's headcount is 24", ParticipantsExceedHeadcount),
    ({"occurred_at": TOMORROW}, NOT_YET, "today is 2025-10-03", OccurrenceInFuture),
]


@pytest.mark.parametrize("act", [deliver, correct])
@pytest.mark.parametrize(("body", "wrong", "said", "problem"), UNSOUND_BODIES)
def test_an_unsound_body_is_neither_delivered_nor_a_correction(
    act: Any, body: dict[str, Any], wrong: WrongField, said: str, problem: type[Problem]
) -> None:
    with pytest.raises(problem, match=said) as refused:
        act(delivery_details(**body))

    assert refused.value.status == (409 if problem in {NotYetKnown, HeadcountOfZero} else 400)
    assert refused.value.errors == (wrong,)


def test_a_learning_area_that_its_list_does_not_have_is_not_delivered() -> None:
    with pytest.raises(UnknownLearningArea, match="zwemmen"):
        deliver(delivery_details(learning_areas=(UNKNOWN_AREA,)))


def test_an_activity_of_this_evening_is_registered_in_the_afternoon() -> None:
    body = delivery_details(occurred_at=datetime.fromisoformat("2025-10-03T23:59:00+02:00"))

    assert deliver(body).occurred_at == body.occurred_at


def test_as_many_take_part_as_there_are_and_not_counted_is_not_zero() -> None:
    all_of_them = TakingPart(group_id=GROUP, headcount=24, participants=24)
    not_counted = TakingPart(group_id=CHILDCARE_GROUP, headcount=8)

    delivered = deliver(delivery_details(groups=(all_of_them, not_counted)))

    assert [group.participants for group in delivered.groups] == [24, None]


def test_a_group_of_another_school_year_is_told_and_not_refused() -> None:
    both = delivery_details(groups=(TWENTY, OF_THE_CHILDCARE))

    told = warnings(both, {GROUP: "2024-2025", CHILDCARE_GROUP: "2025-2026"})

    assert [(each.field, each.value) for each in told] == [("groups[0].groupId", GROUP)]
    assert "a group of 2024-2025; what was delivered in 2025-2026" in told[0].detail


def test_a_group_of_which_no_year_is_known_here_is_no_reason_to_warn() -> None:
    assert warnings(an_activity().body, {}) == ()
