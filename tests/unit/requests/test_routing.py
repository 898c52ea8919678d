"""Routing is a function of the day: whom a request goes to, and when that is news."""

import pytest

from contracts.requests import RequestAssigned, RequestUnbrokered
from contracts.values import LearningArea
from services.chassis.life_cycle import EVERYONE, IllegalTransition
from services.requests.rules.request import OPEN, Request, Status, evolve, parties
from services.requests.rules.routing import Routing, route, route_anew, routing_of
from tests.builders import ART, BABEL, NATURE, NOW, S_PORT, SPORT, a_request

UNANSWERED = [Status.RAISED, Status.ASSIGNED, Status.NO_BROKER]
THREE_AREAS = (ART, SPORT, NATURE)


def routed(request: Request, covering: dict[LearningArea, list[str]]) -> Request:
    """The request after it was routed anew."""
    event = route_anew(request, covering, at=NOW)
    return evolve(request, event) if event else request


def test_a_request_for_several_areas_goes_to_every_broker_of_one_and_names_the_areas_without() -> None:
    request = a_request(Status.RAISED, learning_areas=THREE_AREAS)

    event = route(request, {ART: [BABEL], SPORT: [S_PORT, BABEL], NATURE: []}, at=NOW)

    assert event == RequestAssigned(
        request_id=request.id,
        broker_ids=(BABEL, S_PORT),
        learning_areas=(ART, SPORT),
        uncovered_areas=(NATURE,),
        assigned_at=NOW,
    )


def test_a_request_that_nobody_covers_is_announced_as_such() -> None:
    request = a_request(Status.RAISED, learning_areas=(ART, NATURE))

    event = route(request, {ART: [], NATURE: []}, at=NOW)

    assert event == RequestUnbrokered(request_id=request.id, learning_areas=(ART, NATURE), unbrokered_at=NOW)


@pytest.mark.parametrize("status", UNANSWERED)
def test_an_unanswered_request_is_assigned_to_the_broker_that_covers_it_today(status: Status) -> None:
    request = routed(a_request(status), {ART: [S_PORT]})

    assert (request.status, request.broker_ids, request.covered_areas) == (Status.ASSIGNED, (S_PORT,), (ART,))


@pytest.mark.parametrize("status", [Status.RAISED, Status.ASSIGNED])
def test_an_unanswered_request_that_nobody_covers_any_more_waits_for_a_broker(status: Status) -> None:
    request = routed(a_request(status), {ART: []})

    assert (request.status, request.broker_ids, request.covered_areas) == (Status.NO_BROKER, (), ())


def test_an_answered_request_goes_to_the_successor_and_keeps_its_state() -> None:
    before = a_request(Status.ANSWERED)

    request = routed(before, {ART: [S_PORT]})

    assert (request.status, request.answer, request.broker_ids) == (Status.ANSWERED, before.answer, (S_PORT,))


def test_an_answered_request_that_nobody_covers_any_more_keeps_its_state_and_has_no_broker() -> None:
    before = a_request(Status.ANSWERED)

    request = routed(before, {ART: []})

    assert (request.status, request.answer, request.broker_ids) == (Status.ANSWERED, before.answer, ())
    assert parties(request)["broker"] is EVERYONE


def test_an_answered_request_without_a_broker_finds_one_again_and_stays_answered() -> None:
    request = routed(routed(a_request(Status.ANSWERED), {ART: []}), {ART: [S_PORT]})

    assert (request.status, request.broker_ids) == (Status.ANSWERED, (S_PORT,))


@pytest.mark.parametrize("status", [Status.ASSIGNED, Status.ANSWERED])
def test_a_second_area_gets_its_broker_when_that_one_is_appointed(status: Status) -> None:
    half = routed(a_request(status, learning_areas=(ART, SPORT)), {ART: [BABEL], SPORT: []})

    whole = routed(half, {ART: [BABEL], SPORT: [S_PORT]})

    assert (half.covered_areas, half.uncovered_areas) == ((ART,), (SPORT,))
    assert (whole.status, whole.broker_ids) == (status, (BABEL, S_PORT))
    assert (whole.covered_areas, whole.uncovered_areas) == ((ART, SPORT), ())


def test_a_broker_that_takes_over_another_area_is_news() -> None:
    """The brokers stay the same, the areas do not."""
    request = routed(a_request(learning_areas=(ART, SPORT)), {ART: [BABEL], SPORT: []})

    event = route_anew(request, {ART: [], SPORT: [BABEL]}, at=NOW)

    assert isinstance(event, RequestAssigned)
    assert (event.learning_areas, event.uncovered_areas) == ((SPORT,), (ART,))


@pytest.mark.parametrize("covering", [{ART: [BABEL]}, {ART: [S_PORT, BABEL]}, {ART: []}], ids=["one", "two", "nobody"])
@pytest.mark.parametrize("status", OPEN)
def test_the_same_routing_again_is_no_news(status: Status, covering: dict[LearningArea, list[str]]) -> None:
    request = routed(a_request(status), covering)

    assert route_anew(request, covering, at=NOW) is None


def test_a_new_request_is_always_told_where_it_goes() -> None:
    assert isinstance(route_anew(a_request(Status.RAISED), {ART: []}, at=NOW), RequestUnbrokered)


def test_a_closed_request_is_not_routed() -> None:
    with pytest.raises(IllegalTransition):
        route(a_request(Status.CLOSED), {ART: [S_PORT]}, at=NOW)


@pytest.mark.parametrize(
    ("covering", "routing"),
    [
        ({ART: [S_PORT, BABEL], SPORT: [BABEL]}, Routing((BABEL, S_PORT), (ART, SPORT), ())),
        ({ART: [], SPORT: [S_PORT]}, Routing((S_PORT,), (SPORT,), (ART,))),
        ({ART: [], SPORT: []}, Routing((), (), (ART, SPORT))),
    ],
)
def test_one_function_says_who_covers_which_area_and_which_nobody_does(
    covering: dict[LearningArea, list[str]], routing: Routing
) -> None:
    assert routing_of((ART, SPORT), covering) == routing
