"""The life of a request, cell by cell, and what the rules refuse."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contracts.requests import AskedGroup, RequestAssigned, RequestRaised, RequestUnbrokered
from contracts.sites import SiteDetails
from contracts.values import Actor, LearningArea, Reason
from services.chassis.checks import BoundsInWrongOrder, NamedTwice, PersonalData
from services.chassis.life_cycle import IllegalTransition, allow, available_actions
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, NotYetKnown, Problem
from services.chassis.reasons import CommentMissing, ReasonMissing, UnknownReason
from services.chassis.schemes import UnknownLearningArea
from services.requests import commands, reasons, rules
from services.requests.rules import Request, RequestEvent, Status
from tests.builders import (
    ART,
    BABEL,
    CHILDCARE,
    GROUP,
    NATURE,
    NOW,
    S_PORT,
    SCHOOL,
    SPORT,
    TODAY,
    a_referral_made,
    a_request,
    an_actor,
    group_details,
    referral_details,
    request_details,
    site_details,
)
from tests.life_cycles import Cell, OpenToAll, cells, cells_of_change, cells_of_creation, check_change, check_creation

NO_FUNDING = Reason(list="not-fulfilled", code="no_funding")
OTHER = Reason(list="not-fulfilled", code="other")


def answer(request: Request, by: Actor, how: Any = "advise", reason: Reason | None = None, **more: Any) -> RequestEvent:
    return rules.answer(request, how, reason, reasons=reasons.LISTS, by=by, at=NOW, **more)


def close(request: Request, by: Actor, outcome: Any = "advice_only", reason: Reason | None = None, **more: Any) -> Any:
    usual: dict[str, Any] = {"activity_ids": (), "unmet_areas": (), "delivered": {}, "uncovered": ()}
    return rules.close(request, outcome, reason, reasons=reasons.LISTS, by=by, at=NOW, **(usual | more))


def raise_request(site: SiteDetails | None = None, by: Actor | None = None, **asked: Any) -> RequestRaised:
    details = request_details(**asked)
    by = by or an_actor("coordinator", details.site_id)
    sites, groups = {SCHOOL: site or site_details()}, {GROUP: group_details()}
    return rules.raise_request(new_id(), details, sites=sites, groups=groups, schemes=reasons.SCHEMES, by=by, at=NOW)


def assign(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "assign", request.status, by, rules.parties(request))
    return rules.route(request, {ART: [BABEL]}, at=NOW)


def unbroker(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "unbroker", request.status, by, rules.parties(request))
    return rules.route(request, {ART: []}, at=NOW)


def refer(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "refer", request.status, by, rules.parties(request))
    answered = rules.answer_by_referring(request, a_referral_made(referral_details(request.id)))
    assert answered is not None
    return answered


ACTIONS: dict[str, Callable[[Request, Actor], RequestEvent]] = {
    "assign": assign,
    "unbroker": unbroker,
    "answer": answer,
    "refer": refer,
    "close": close,
}
OPEN_TO_ALL: OpenToAll = {("raise", None): {"operator"}, ("close", Status.NO_BROKER): {"consultant", "broker_lead"}}
CELLS = cells(rules.LIFE_CYCLE, Status, open_to_all=OPEN_TO_ALL)


@pytest.mark.parametrize("cell", cells_of_creation(CELLS), ids=str)
def test_who_may_raise_a_request(cell: Cell[Status]) -> None:
    check_creation(cell, create=lambda: raise_request(by=cell.by), evolve=rules.evolve)


@pytest.mark.parametrize("cell", cells_of_change(CELLS), ids=str)
def test_life_cycle_of_a_request(cell: Cell[Status]) -> None:
    request = a_request(cell.status)

    offered = available_actions(rules.LIFE_CYCLE, request.status, cell.by, rules.parties(request))

    check_change(cell, request, offered=offered, act=ACTIONS[cell.action], evolve=rules.evolve)


@pytest.mark.parametrize("act", [answer, close])
def test_the_consultant_of_another_broker_may_not_touch_it(act: Callable[[Request, Actor], RequestEvent]) -> None:
    request = a_request(Status.ASSIGNED)

    with pytest.raises(NotAllowed) as refused:
        act(request, an_actor("consultant", S_PORT))

    assert refused.value.errors[0].allowed == (BABEL,)


@pytest.mark.parametrize("status", Status)
def test_only_a_request_that_waits_for_it_is_routed(status: Status) -> None:
    request = a_request(status)

    if status in {Status.RAISED, Status.NO_BROKER}:
        assert isinstance(rules.route(request, {ART: [BABEL]}, at=NOW), RequestAssigned)
    else:
        with pytest.raises(IllegalTransition):
            rules.route(request, {ART: [BABEL]}, at=NOW)


@pytest.mark.parametrize("status", Status)
def test_only_a_new_request_is_found_to_be_without_a_broker(status: Status) -> None:
    request = a_request(status)

    if status is Status.RAISED:
        assert isinstance(rules.route(request, {ART: []}, at=NOW), RequestUnbrokered)
    else:
        with pytest.raises(IllegalTransition):
            rules.route(request, {ART: []}, at=NOW)


def test_a_request_for_several_areas_goes_to_every_broker_of_one_and_names_the_areas_without() -> None:
    request = a_request(Status.RAISED, learning_areas=(ART, SPORT, NATURE))

    routed = rules.route(request, {ART: [BABEL], SPORT: [S_PORT, BABEL], NATURE: []}, at=NOW)

    assert isinstance(routed, RequestAssigned)
    assert routed.broker_ids == (BABEL, S_PORT)
    assert routed.learning_areas == (ART, SPORT)
    assert routed.uncovered_areas == (NATURE,)


@pytest.mark.parametrize("status", Status)
def test_the_first_referral_is_the_answer_and_later_ones_change_nothing(status: Status) -> None:
    request = a_request(status)
    made = a_referral_made(referral_details(request.id))

    answered = rules.answer_by_referring(request, made)

    if status is Status.ASSIGNED:
        assert answered is not None
        assert (answered.answer, answered.answered_at) == ("refer", made.made_at)
        assert rules.evolve(request, answered).status is Status.ANSWERED
    else:
        assert answered is None


def test_a_raised_request_is_in_its_first_version() -> None:
    raised = raise_request()

    request = rules.evolve(None, raised)

    assert (request.status, request.version) == (Status.RAISED, 1)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"site_id": CHILDCARE}, "siteId"),
        ({"co_site_ids": (CHILDCARE,)}, "coSiteIds[0]"),
        ({"groups": (AskedGroup(group_id="own:nobody", headcount=1),)}, "groups[0].groupId"),
    ],
)
def test_what_is_not_recorded_cannot_ask_or_be_asked_for(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as refused:
        raise_request(**asked)

    assert (refused.value.status, refused.value.errors[0].field) == (400, field)


def test_a_learning_area_that_its_list_does_not_have_is_refused() -> None:
    unknown = LearningArea(scheme="curriculum.nu", code="zwemmen")

    with pytest.raises(UnknownLearningArea, match="zwemmen") as refused:
        raise_request(learning_areas=(ART, unknown))

    assert refused.value.errors[0].field == "learningAreas[1].code"


@pytest.mark.parametrize("closed_on", [date(2025, 10, 1), TODAY])
def test_a_site_that_has_closed_cannot_ask(closed_on: date) -> None:
    with pytest.raises(rules.SiteClosed):
        raise_request(site_details(closed_on=closed_on))


def test_a_site_can_ask_up_to_the_day_before_it_closes() -> None:
    raised = raise_request(site_details(closed_on=date(2025, 10, 4)))

    assert raised.site_id == SCHOOL


def test_a_group_stays_at_its_site() -> None:
    with pytest.raises(rules.GroupMoved):
        rules.check_group(group_details(SCHOOL), group_details(CHILDCARE), {CHILDCARE: site_details()})


def test_a_group_of_children_of_one_age_is_possible_and_none_whose_ages_are_crossed() -> None:
    sites = {SCHOOL: site_details()}
    rules.check_group(None, group_details().model_copy(update={"age_from": 8, "age_to": 8}), sites)

    with pytest.raises(BoundsInWrongOrder) as refused:
        rules.check_group(None, group_details().model_copy(update={"age_from": 9, "age_to": 8}), sites)

    assert (refused.value.errors[0].field, refused.value.errors[0].value) == ("ageTo", 8)


def test_a_closure_names_an_activity_once() -> None:
    request, activity = a_request(Status.ANSWERED), new_id()

    with pytest.raises(NamedTwice) as refused:
        close(
            request,
            an_actor("consultant"),
            "fulfilled",
            activity_ids=(activity, activity),
            delivered={activity: request.id},
        )

    assert refused.value.errors[0].field == "activityIds[1]"


def test_a_group_belongs_to_one_school_year() -> None:
    of_next_year = group_details().model_copy(update={"school_year": "2026-2027"})

    with pytest.raises(rules.GroupOfAnotherYear) as refused:
        rules.check_group(group_details(), of_next_year, {SCHOOL: site_details()})

    (wrong,) = refused.value.errors
    assert (refused.value.slug, wrong.field) == ("group-of-another-year", "schoolYear")
    assert (wrong.value, wrong.allowed) == ("2026-2027", "2025-2026")


def test_an_identifier_in_an_address_holds_no_personal_data_either() -> None:
    record_site = commands.reference_data.by_name["recordSite"]

    with pytest.raises(PersonalData) as refused:
        record_site.read_subject("own:bel-0612345678")

    assert refused.value.errors[0].field == "siteId"
    assert "12345678" not in f"{refused.value.detail} {refused.value.errors}"


def test_a_group_belongs_to_a_recorded_site() -> None:
    with pytest.raises(rules.UnknownSite):
        rules.check_group(None, group_details(SCHOOL), {})


def test_who_cannot_help_says_why() -> None:
    request, by = a_request(Status.ASSIGNED), an_actor("consultant")

    with pytest.raises(ReasonMissing):
        answer(request, by, "cannot_help")

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


@pytest.mark.parametrize("act", [answer, close])
def test_the_reason_other_wants_a_comment(act: Callable[..., RequestEvent]) -> None:
    request, by = a_request(Status.ASSIGNED if act is answer else Status.ANSWERED), an_actor("consultant")

    for nothing in (None, "", "\u200b\u3164"):
        with pytest.raises(CommentMissing):
            act(request, by, reason=OTHER, comment=nothing)

    assert act(request, by, reason=OTHER, comment="De directeur belt terug").subject == str(request.id)


def test_a_fulfilled_request_cites_a_delivered_activity_of_its_own() -> None:
    request, by, activity = a_request(Status.ANSWERED), an_actor("consultant"), new_id()

    with pytest.raises(rules.DeliveryMissing):
        close(request, by, "fulfilled")
    with pytest.raises(rules.DeliveryMissing):
        close(request, by, "fulfilled", activity_ids=[activity], delivered={activity: new_id()})

    closed = close(request, by, "fulfilled", activity_ids=[activity], delivered={activity: request.id})
    assert closed.activity_ids == (activity,)


def test_a_retracted_activity_fulfils_nothing() -> None:
    request, activity = a_request(Status.ANSWERED), new_id()

    with pytest.raises(rules.DeliveryMissing):
        close(request, an_actor("consultant"), "fulfilled", activity_ids=[activity], delivered={activity: None})


def test_an_activity_that_was_not_heard_of_is_asked_for_again_later() -> None:
    with pytest.raises(NotYetKnown) as refused:
        close(a_request(Status.ANSWERED), an_actor("consultant"), "fulfilled", activity_ids=[new_id()])

    assert refused.value.errors[0].field == "activityIds[0]"


def test_an_unmet_area_is_one_that_was_asked() -> None:
    with pytest.raises(rules.AreaNotAsked):
        close(a_request(Status.ANSWERED), an_actor("consultant"), "not_fulfilled", NO_FUNDING, unmet_areas=[SPORT])


@pytest.mark.parametrize(("outcome", "unmet"), [("not_fulfilled", ()), ("advice_only", (ART,))])
def test_what_was_not_fulfilled_needs_a_reason(outcome: str, unmet: tuple[LearningArea, ...]) -> None:
    request, by = a_request(Status.ANSWERED), an_actor("consultant")

    with pytest.raises(ReasonMissing):
        close(request, by, outcome, unmet_areas=unmet)

    assert close(request, by, outcome, NO_FUNDING, unmet_areas=unmet).reason == NO_FUNDING


def test_an_area_without_a_broker_is_unmet_whoever_forgets_to_say_so() -> None:
    request = a_request(Status.ANSWERED, learning_areas=(ART, NATURE))

    closed = close(request, an_actor("consultant"), uncovered=[NATURE])

    assert closed.unmet_areas == (NATURE,)
    assert closed.reason == Reason(list="not-fulfilled", code="no_offer_in_area")


def test_a_request_without_a_broker_may_be_closed_by_any_broker() -> None:
    request = a_request(Status.NO_BROKER)

    closed = close(request, an_actor("consultant", S_PORT), "not_fulfilled", uncovered=[ART])

    assert rules.evolve(request, closed) == replace(
        request, status=Status.CLOSED, outcome="not_fulfilled", version=request.version + 1
    )
