"""The life of a request, cell by cell, and what the rules refuse."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from contracts.requests import AskedGroup, RequestAmended, RequestAnswered, RequestRaised, RequestReopened
from contracts.sites import SiteDetails
from contracts.values import Actor, Interval, LearningArea, Name, Reason
from services.chassis.checks import BoundsInWrongOrder, DatesInWrongOrder, NamedTwice, PersonalData
from services.chassis.life_cycle import allow, available_actions
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotAllowed, NotYetKnown, Problem, WrongField
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
NO_LONGER_NEEDED = Reason(list="withdraw-request", code="no_longer_needed")
NOT_SOLVED = Reason(list="reopen-request", code="not_solved")
DUPLICATE = Reason(list="void-request", code="duplicate")


def answer(request: Request, by: Actor, how: Any = "advise", reason: Reason | None = None, **more: Any) -> RequestEvent:
    return rules.answer(request, how, reason, reasons=reasons.LISTS, by=by, at=NOW, **more)


def close(request: Request, by: Actor, outcome: Any = "advice_only", reason: Reason | None = None, **more: Any) -> Any:
    if by.organisation == rules.ROUTER.organisation:
        allow(rules.LIFE_CYCLE, "close", request, by, rules.parties(request), TODAY)
        return rules.close_by_itself(request, {}, at=NOW)
    usual: dict[str, Any] = {"activity_ids": (), "unmet_areas": (), "delivered": {}, "uncovered": ()}
    return rules.close(request, outcome, reason, reasons=reasons.LISTS, by=by, at=NOW, **(usual | more))


def raise_request(site: SiteDetails | None = None, by: Actor | None = None, **asked: Any) -> RequestRaised:
    details = request_details(**asked)
    by = by or an_actor("coordinator", details.site_id)
    return rules.raise_request(new_id(), details, known=known(site), by=by, at=NOW)


def known(site: SiteDetails | None = None) -> rules.Known:
    """What is recorded: the school, and a group of it."""
    return rules.Known({SCHOOL: site or site_details()}, {GROUP: group_details()}, reasons.SCHEMES)


def amend(request: Request, by: Actor, **asked: Any) -> RequestEvent:
    return rules.amend(
        request, request_details(**(asked or {"learning_areas": (SPORT,)})), known=known(), by=by, at=NOW
    )


def withdraw(request: Request, by: Actor) -> RequestEvent:
    return rules.withdraw(request, NO_LONGER_NEEDED, reasons=reasons.LISTS, by=by, at=NOW)


def reopen(request: Request, by: Actor, at: datetime = NOW) -> RequestEvent:
    return rules.reopen(request, NOT_SOLVED, reasons=reasons.LISTS, by=by, at=at)


def void(request: Request, by: Actor) -> RequestEvent:
    return rules.void(request, DUPLICATE, reasons=reasons.LISTS, by=by, at=NOW)


def assign(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "assign", request, by, rules.parties(request), TODAY)
    return rules.route(request, {ART: [S_PORT]}, at=NOW)


def unbroker(request: Request, by: Actor) -> RequestEvent:
    allow(rules.LIFE_CYCLE, "unbroker", request, by, rules.parties(request), TODAY)
    return rules.route(request, {ART: []}, at=NOW)


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
    "close": close,
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


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"site_id": CHILDCARE}, WrongField("siteId", CHILDCARE, "a recorded site")),
        ({"co_site_ids": (CHILDCARE,)}, WrongField("coSiteIds[0]", CHILDCARE, "a recorded site")),
        (
            {"groups": (AskedGroup(group_id="own:nobody", headcount=1),)},
            WrongField("groups[0].groupId", "own:nobody", "a recorded group of these sites"),
        ),
    ],
)
def test_what_is_not_recorded_cannot_ask_or_be_asked_for(asked: dict[str, Any], wrong: WrongField) -> None:
    with pytest.raises(Problem, match=f"{re.escape(wrong.field)} is {wrong.value}: no such (site|group)") as refused:
        raise_request(**asked)

    assert (refused.value.status, refused.value.errors) == (400, (wrong,))


TWICE: list[tuple[dict[str, Any], str]] = [
    ({"groups": (AskedGroup(group_id=GROUP, headcount=24),) * 2}, "groups[1]"),
    ({"learning_areas": (ART, ART)}, "learningAreas[1]"),
    ({"co_site_ids": (CHILDCARE, CHILDCARE)}, "coSiteIds[1]"),
    ({"co_site_ids": (SCHOOL,)}, "coSiteIds[0]"),  # the site that asks is not asked again
]


@pytest.mark.parametrize(("asked", "field"), TWICE)
def test_a_request_names_each_thing_once(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(NamedTwice) as refused:
        raise_request(**asked)

    assert refused.value.errors[0].field == field


def test_what_is_wished_does_not_end_before_it_begins() -> None:
    day = date(2025, 11, 1)
    assert raise_request(wished_from=day, wished_to=day).wished_to == day

    with pytest.raises(DatesInWrongOrder) as refused:
        raise_request(wished_from=day, wished_to=date(2025, 10, 31))

    assert refused.value.errors == (WrongField("wishedTo", "2025-10-31", "wishedFrom or later"),)


@pytest.mark.parametrize(
    ("asked", "is_sound"),
    [
        ({"audience": "children", "headcount": None}, True),  # its groups
        ({"audience": "children", "groups": (), "headcount": 24}, True),
        ({"audience": "children", "headcount": 24}, False),
        ({"audience": "children", "groups": (), "headcount": None}, False),
        ({"audience": "parents", "groups": (), "headcount": None}, True),
        ({"audience": "parents", "headcount": 24}, True),
    ],
)
def test_children_are_counted_by_their_groups_or_by_a_headcount(asked: dict[str, Any], is_sound: bool) -> None:
    if is_sound:
        assert raise_request(**asked).audience == asked["audience"]
    else:
        with pytest.raises(rules.GroupsOrHeadcount) as refused:
            raise_request(**asked)
        assert refused.value.errors == (WrongField("groups", None, "groups or headcount"),)


def test_a_learning_area_that_its_list_does_not_have_is_refused() -> None:
    unknown = LearningArea(scheme="curriculum.nu", code="zwemmen")

    with pytest.raises(UnknownLearningArea, match="zwemmen") as refused:
        raise_request(learning_areas=(ART, unknown))

    assert refused.value.errors[0].field == "learningAreas[1].code"


def test_a_learning_area_of_a_scheme_that_is_not_known_is_refused() -> None:
    """Red: it was not checked, and a typing error in the scheme let any code pass."""
    with pytest.raises(UnknownLearningArea, match=r"known are: curriculum\.nu") as refused:
        raise_request(learning_areas=(ART, LearningArea(scheme="curriculum-nu", code="kunst-en-cultuur")))

    assert refused.value.errors[0] == WrongField("learningAreas[1].scheme", "curriculum-nu", ("curriculum.nu",))


@pytest.mark.parametrize("closed_on", [date(2025, 10, 1), TODAY])
def test_a_site_that_has_closed_cannot_ask(closed_on: date) -> None:
    with pytest.raises(rules.SiteClosed, match=f"siteId is {SCHOOL}, which is not open on 2025-10-03") as refused:
        raise_request(site_details(closed_on=closed_on))

    assert refused.value.errors == (WrongField("siteId", SCHOOL, "a site that is open"),)


def test_a_site_can_ask_up_to_the_day_before_it_closes() -> None:
    raised = raise_request(site_details(closed_on=date(2025, 10, 4)))

    assert raised.site_id == SCHOOL


def test_a_site_can_ask_from_the_day_on_which_it_opens() -> None:
    assert raise_request(site_details(opened_on=TODAY)).site_id == SCHOOL

    with pytest.raises(rules.SiteClosed):
        raise_request(site_details(opened_on=date(2025, 10, 4)))


def test_a_group_stays_at_its_site() -> None:
    rules.check_group(group_details(SCHOOL), group_details(SCHOOL, headcount=25), {SCHOOL: site_details()})

    with pytest.raises(rules.GroupMoved) as refused:
        rules.check_group(group_details(SCHOOL), group_details(CHILDCARE), {CHILDCARE: site_details()})

    assert refused.value.errors == (WrongField("siteId", CHILDCARE, SCHOOL),)


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
    with pytest.raises(rules.UnknownSite, match=f"siteId is {SCHOOL}: no such site") as refused:
        rules.check_group(None, group_details(SCHOOL), {})

    assert refused.value.errors == (WrongField("siteId", SCHOOL, "a recorded site"),)


def test_the_bounds_of_a_group_are_not_crossed() -> None:
    crossed = group_details().model_copy(update={"headcount": Interval(lower=2, upper=1)})

    with pytest.raises(BoundsInWrongOrder) as refused:
        rules.check_group(None, crossed, {SCHOOL: site_details()})

    assert refused.value.errors[0].field == "headcount.upper"


AUGUST, JULY = date(2025, 8, 1), date(2025, 7, 31)
LINK = {"site_id": CHILDCARE, "kind": "child_centre", "starts_on": AUGUST}
ADOPTION = {"programme": "kansen", "starts_on": AUGUST}
UNSOUND_SITES: list[tuple[dict[str, Any], WrongField]] = [
    ({"name": Name(nl="\u200b")}, WrongField("name.nl", None, "at least one visible character")),
    ({"opened_on": AUGUST, "closed_on": JULY}, WrongField("closedOn", "2025-07-31", "openedOn or later")),
    ({"kinds": ("primary", "primary")}, WrongField("kinds[1]", "primary", "each thing once")),
    ({"links": (LINK, {**LINK, "ends_on": JULY})}, WrongField("links[1].to", "2025-07-31", "links[1].from or later")),
    (
        {"declared_adoption": ({**ADOPTION, "ends_on": JULY},)},
        WrongField("declaredAdoption[0].to", "2025-07-31", "declaredAdoption[0].from or later"),
    ),
]


@pytest.mark.parametrize(("recorded", "wrong"), UNSOUND_SITES)
def test_an_unsound_site_is_not_recorded(recorded: dict[str, Any], wrong: WrongField) -> None:
    rules.check_site(site_details(links=(LINK,), declared_adoption=(ADOPTION,)))

    with pytest.raises(Problem) as refused:
        rules.check_site(site_details(**recorded))

    assert refused.value.errors == (wrong,)


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


@pytest.mark.parametrize("act", [answer, close])
def test_the_reason_other_wants_a_comment(act: Callable[..., RequestEvent]) -> None:
    request, by = a_request(Status.ASSIGNED if act is answer else Status.ANSWERED), an_actor("consultant")

    for nothing in (None, "", "\u200b\u3164"):
        with pytest.raises(CommentMissing):
            act(request, by, reason=OTHER, comment=nothing)

    assert act(request, by, reason=OTHER, comment="De directeur belt terug").subject == str(request.id)


def test_a_fulfilled_request_cites_a_delivered_activity_of_its_own() -> None:
    request, by, activity = a_request(Status.ANSWERED), an_actor("consultant"), new_id()

    of_another = [activity, new_id()]
    theirs = {activity: request.id, of_another[1]: new_id()}
    with pytest.raises(rules.DeliveryMissing, match=r"activityIds\[1\] is .*, which is not a delivered") as refused:
        close(request, by, "fulfilled", activity_ids=of_another, delivered=theirs)

    expected = "a delivered activity of this request"
    assert refused.value.errors == (WrongField("activityIds[1]", str(of_another[1]), expected),)
    closed = close(request, by, "fulfilled", activity_ids=[activity], delivered={activity: request.id})
    assert closed.activity_ids == (activity,)


@pytest.mark.parametrize("outcome", ["fulfilled", "partly_fulfilled"])
def test_what_was_fulfilled_even_in_part_was_delivered(outcome: str) -> None:
    with pytest.raises(rules.DeliveryMissing) as refused:
        close(a_request(Status.ANSWERED), an_actor("consultant"), outcome)

    expected = "at least one delivered activity of this request"
    assert refused.value.errors == (WrongField("activityIds", [], expected),)


def test_a_retracted_activity_fulfils_nothing() -> None:
    request, activity = a_request(Status.ANSWERED), new_id()

    with pytest.raises(rules.DeliveryMissing):
        close(request, an_actor("consultant"), "fulfilled", activity_ids=[activity], delivered={activity: None})


def test_an_activity_that_was_not_heard_of_is_asked_for_again_later() -> None:
    activity = new_id()

    with pytest.raises(NotYetKnown, match=f"is {activity}: its delivery is not known here yet") as refused:
        close(a_request(Status.ANSWERED), an_actor("consultant"), "fulfilled", activity_ids=[activity])

    assert refused.value.errors == (WrongField("activityIds[0]", str(activity), "a delivered activity"),)


def test_an_unmet_area_is_one_that_was_asked() -> None:
    request = a_request(Status.ANSWERED, learning_areas=(ART, NATURE))

    with pytest.raises(rules.AreaNotAsked) as refused:
        close(request, an_actor("consultant"), "not_fulfilled", NO_FUNDING, unmet_areas=[ART, SPORT])

    assert refused.value.errors == (WrongField("unmetAreas[1]", SPORT.code, [ART.code, NATURE.code]),)


@pytest.mark.parametrize(("outcome", "unmet"), [("not_fulfilled", ()), ("advice_only", (ART,))])
def test_what_was_not_fulfilled_needs_a_reason(outcome: str, unmet: tuple[LearningArea, ...]) -> None:
    request, by = a_request(Status.ANSWERED), an_actor("consultant")

    with pytest.raises(ReasonMissing, match=r"^What was not fulfilled needs a reason\.$") as refused:
        close(request, by, outcome, unmet_areas=unmet)

    assert (refused.value.errors[0].field, refused.value.errors[0].value) == ("reason", None)
    assert "no_funding" in str(refused.value.errors[0].allowed)
    assert close(request, by, outcome, NO_FUNDING, unmet_areas=unmet).reason == NO_FUNDING


def test_an_area_without_a_broker_is_unmet_whoever_forgets_to_say_so() -> None:
    request = a_request(Status.ANSWERED, learning_areas=(ART, NATURE))

    closed = close(request, an_actor("consultant"), uncovered=[NATURE])

    assert closed.unmet_areas == (NATURE,)
    assert closed.reason == Reason(list="not-fulfilled", code="no_offer_in_area")


def test_who_names_the_unmet_areas_gives_the_reason_too() -> None:
    request, by = a_request(Status.ANSWERED, learning_areas=(ART, NATURE)), an_actor("consultant")

    with pytest.raises(ReasonMissing):
        close(request, by, unmet_areas=[ART], uncovered=[NATURE])

    closed = close(request, by, "advice_only", NO_FUNDING, unmet_areas=[ART], uncovered=[NATURE])
    assert (closed.unmet_areas, closed.reason) == ((ART, NATURE), NO_FUNDING)


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


def test_a_request_without_a_broker_may_be_closed_by_any_broker() -> None:
    request = a_request(Status.NO_BROKER)

    closed = close(request, an_actor("consultant", S_PORT), "not_fulfilled", uncovered=[ART])

    assert rules.evolve(request, closed) == replace(
        request,
        status=Status.CLOSED,
        outcome="not_fulfilled",
        closed_from=Status.NO_BROKER,
        closed_on=TODAY,
        version=request.version + 1,
    )


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
    with pytest.raises(rules.ClosedTooLongAgo):
        reopen(request, by, too_late)

    parties = rules.parties(request)
    assert "reopen" in available_actions(rules.LIFE_CYCLE, request, by, parties, last.date())
    assert "reopen" not in available_actions(rules.LIFE_CYCLE, request, by, parties, too_late.date())


def test_an_amendment_says_the_whole_of_what_is_asked_and_what_changed() -> None:
    request = a_request(Status.ANSWERED)

    amended = amend(request, an_actor("coordinator"), learning_areas=(ART, SPORT), wished_to=date(2026, 1, 1))

    assert isinstance(amended, RequestAmended)
    assert amended.changed == ("learningAreas", "wishedTo")
    assert rules.evolve(request, amended).details == request_details(
        learning_areas=(ART, SPORT), wished_to=date(2026, 1, 1)
    )


def test_an_amendment_changes_something_but_not_the_site() -> None:
    request, by = a_request(Status.ASSIGNED), an_actor("coordinator")

    with pytest.raises(rules.NothingAmended):
        amend(request, by, learning_areas=request.details.learning_areas)
    with pytest.raises(rules.SiteStays) as refused:
        amend(request, by, site_id=CHILDCARE)

    assert refused.value.errors == (WrongField("siteId", CHILDCARE, SCHOOL),)


@pytest.mark.parametrize(("asked", "field"), TWICE)
def test_what_an_amendment_asks_is_checked_as_what_is_raised(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(NamedTwice) as refused:
        amend(a_request(Status.ASSIGNED), an_actor("coordinator"), **asked)

    assert refused.value.errors[0].field == field
