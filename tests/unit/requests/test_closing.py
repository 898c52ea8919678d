"""How a request ends, and what stays unmet."""

from dataclasses import replace

import pytest

from contracts.values import LearningArea, Reason
from services.chassis.checks import DuplicateItem
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import NotYetKnown, WrongField
from services.chassis.reasons import ReasonMissing
from services.requests.rules import request as rules
from services.requests.rules.closing import AreaNotAsked, DeliveryMissing, close_by_itself
from services.requests.rules.request import Status
from tests.builders import (
    ART,
    NATURE,
    NOW,
    S_PORT,
    SPORT,
    TODAY,
    a_request,
    an_actor,
)
from tests.unit.requests.acts import close

NO_FUNDING = Reason(list="not-fulfilled", code="no_funding")


def test_a_closure_names_an_activity_once() -> None:
    request, activity = a_request(Status.ANSWERED), new_id()

    with pytest.raises(DuplicateItem) as refused:
        close(
            request,
            an_actor("consultant"),
            "fulfilled",
            activity_ids=(activity, activity),
            delivered={activity: request.id},
        )

    assert refused.value.errors[0].field == "activityIds[1]"


def test_a_closure_names_an_unmet_area_once() -> None:
    with pytest.raises(DuplicateItem) as refused:
        close(
            a_request(Status.ANSWERED),
            an_actor("consultant"),
            "not_fulfilled",
            reason=NO_FUNDING,
            unmet_areas=(ART, ART),
        )

    assert refused.value.errors[0].field == "unmetAreas[1]"


def test_a_fulfilled_request_cites_a_delivered_activity_of_its_own() -> None:
    request, by, activity = a_request(Status.ANSWERED), an_actor("consultant"), new_id()

    of_another = [activity, new_id()]
    theirs = {activity: request.id, of_another[1]: new_id()}
    with pytest.raises(NotYetKnown, match=r"activityIds\[1\] is .*: no such delivery for this request") as refused:
        close(request, by, "fulfilled", activity_ids=of_another, delivered=theirs)

    expected = "a delivered activity of this request"
    assert refused.value.errors == (WrongField("activityIds[1]", str(of_another[1]), expected),)
    closed = close(request, by, "fulfilled", activity_ids=[activity], delivered={activity: request.id})
    assert closed.activity_ids == (activity,)


@pytest.mark.parametrize("outcome", ["fulfilled", "partly_fulfilled"])
def test_what_was_fulfilled_even_in_part_was_delivered(outcome: str) -> None:
    with pytest.raises(DeliveryMissing) as refused:
        close(a_request(Status.ANSWERED), an_actor("consultant"), outcome)

    expected = "at least one delivered activity of this request"
    assert refused.value.errors == (WrongField("activityIds", [], expected),)


def test_a_retracted_activity_fulfils_nothing() -> None:
    request, activity = a_request(Status.ANSWERED), new_id()

    with pytest.raises(NotYetKnown):
        close(request, an_actor("consultant"), "fulfilled", activity_ids=[activity], delivered={activity: None})


def test_an_activity_that_was_not_heard_of_is_asked_for_again_later() -> None:
    activity = new_id()

    with pytest.raises(NotYetKnown, match=f"is {activity}: no such delivery for this request is known here") as refused:
        close(a_request(Status.ANSWERED), an_actor("consultant"), "fulfilled", activity_ids=[activity])

    assert refused.value.errors == (
        WrongField("activityIds[0]", str(activity), "a delivered activity of this request"),
    )


def test_an_unmet_area_is_one_that_was_asked() -> None:
    request = a_request(Status.ANSWERED, learning_areas=(ART, NATURE))

    with pytest.raises(AreaNotAsked) as refused:
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


def not_fulfilled(code: str) -> Reason:
    return Reason(list="not-fulfilled", code=code)


@pytest.mark.parametrize(
    ("met", "outcome", "unmet"),
    [
        ((ART, NATURE), "fulfilled", ()),
        ((NATURE,), "partly_fulfilled", (ART,)),
        ((SPORT,), "not_fulfilled", (ART, NATURE)),
    ],
)
def test_what_was_delivered_says_how_a_request_closes_by_itself(
    met: tuple[LearningArea, ...], outcome: str, unmet: tuple[LearningArea, ...]
) -> None:
    request = replace(a_request(Status.ANSWERED, learning_areas=(ART, NATURE)), last_end="declined")
    one, other = sorted([new_id(), new_id()])

    closed = close_by_itself(request, {other: met, one: ()}, at=NOW)

    assert (closed.request_id, closed.outcome, closed.unmet_areas) == (request.id, outcome, unmet)
    assert closed.activity_ids == (() if outcome == "not_fulfilled" else (one, other))
    assert closed.reason == (not_fulfilled("all_declined") if unmet else None)
    assert (closed.closed_by, closed.closed_at) == (rules.ROUTER, NOW)


@pytest.mark.parametrize(
    ("last_end", "code"), [("declined", "all_declined"), ("expired", "expired"), ("failed", "other"), (None, "other")]
)
def test_why_nothing_came_of_it_is_how_its_last_referral_ended(last_end: str | None, code: str) -> None:
    request = replace(a_request(Status.ANSWERED), answer="refer", last_end=last_end)

    assert close_by_itself(request, {}, at=NOW).reason == not_fulfilled(code)


def test_why_nobody_could_help_is_why_it_closes_unfulfilled() -> None:
    request = replace(a_request(Status.ANSWERED), answer="cannot_help", answer_reason=NO_FUNDING, last_end="declined")

    closed = close_by_itself(request, {}, at=NOW)

    assert (closed.outcome, closed.reason) == ("not_fulfilled", NO_FUNDING)


def test_what_found_no_broker_closes_for_want_of_an_offer() -> None:
    request = a_request(Status.NO_BROKER, learning_areas=(ART, NATURE))

    closed = close_by_itself(request, {}, at=NOW)

    assert (closed.outcome, closed.unmet_areas) == ("not_fulfilled", (ART, NATURE))
    assert closed.reason == not_fulfilled("no_offer_in_area")


@pytest.mark.parametrize(
    ("covered", "unmet", "reason"),
    [((ART, NATURE), (), None), ((ART,), (NATURE,), not_fulfilled("no_offer_in_area"))],
)
def test_advice_is_all_that_was_asked_but_for_areas_without_a_broker(
    covered: tuple[LearningArea, ...], unmet: tuple[LearningArea, ...], reason: Reason | None
) -> None:
    request = replace(a_request(Status.ANSWERED, learning_areas=(ART, NATURE)), covered_areas=covered)

    closed = close_by_itself(request, {}, at=NOW)

    assert (closed.outcome, closed.unmet_areas, closed.reason) == ("advice_only", unmet, reason)
    assert (closed.request_id, closed.closed_by, closed.closed_at) == (request.id, rules.ROUTER, NOW)


def test_what_was_delivered_after_advice_counts() -> None:
    request, activity = a_request(Status.ANSWERED, learning_areas=(ART,)), new_id()

    closed = close_by_itself(request, {activity: (ART,)}, at=NOW)

    assert (closed.outcome, closed.activity_ids) == ("fulfilled", (activity,))
