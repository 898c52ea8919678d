"""Random lives of a request and its referrals, in both services at once, with messages that come late and in any order.

The tables are the model: what they allow is done and announced, what they do not allow is refused and changes nothing.
"""

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.envelope import decode
from contracts.values import Actor
from local import RealParts
from services.chassis.life_cycle import IllegalTransition, available_actions, step_of
from services.chassis.problems import NotYetKnown, Problem
from services.referrals import store as referrals_store
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.referring import AreaNotCovered
from services.requests import store as requests_store
from services.requests.rules import request as request_rules
from tests.builders import TODAY, an_actor, referral_details, request_details
from tests.partnership import CONSULTANT, Partnership, Side, a_partnership, because, check_is_sound

FEW, MANY = 100, 10_000
ROLES = [an_actor("coordinator"), an_actor("consultant"), an_actor("broker_lead"), an_actor("partner")]
ELSEWHERE = {"outcome": "delivered_elsewhere", "comment": "In het park"}
OF_A_REQUEST: dict[str, dict[str, Any]] = {
    "check-in": {},
    "answer": {"answer": "advise"},
    "close": {"outcome": "not_fulfilled", **because("not-fulfilled", "no_funding")},
    "withdraw": because("withdraw-request", "no_longer_needed"),
    "reopen": because("reopen-request", "not_solved"),
    "void": because("void-request", "duplicate"),
}
OF_A_REFERRAL: dict[str, dict[str, Any]] = {
    "acknowledge": {},
    "check-in": {},
    "accept": {},
    "waitlist": {**because("waitlist", "awaiting_staff"), "reviewOn": "2025-11-03"},
    "decline": because("decline", "no_capacity"),
    "start": {},
    "withdraw": because("withdraw-referral", "need_changed"),
    "request-withdrawal": because("withdraw-referral", "need_changed"),
    "confirm-withdrawal": {},
    "complete": ELSEWHERE,
    "fail": because("fail", "staff_ill"),
    "void": because("void-referral", "duplicate"),
    "confirm-outcome": {},
    "dispute-outcome": because("outcome-dispute", "not_complete"),
}


class Move(NamedTuple):
    """What happens next: somebody does something, or one side hears some of what the other said."""

    what: str
    action: str = ""
    by: Actor = CONSULTANT
    chance: int = 0
    """Decides which referral, or which messages in which order."""


chances = st.integers(0, 2**16)
moves = st.one_of(
    st.builds(Move, st.just("request"), st.sampled_from(sorted(OF_A_REQUEST)), st.sampled_from(ROLES), chances),
    st.builds(Move, st.just("referral"), st.sampled_from(sorted(OF_A_REFERRAL)), st.sampled_from(ROLES), chances),
    st.builds(Move, st.just("referral"), st.sampled_from(sorted(OF_A_REFERRAL)), st.sampled_from(ROLES), chances),
    st.builds(
        Move, st.sampled_from(["refer", "to_referrals", "to_requests"]), st.just(""), st.just(CONSULTANT), chances
    ),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def partnership(stack: RealParts, runner: asyncio.Runner) -> Iterator[Partnership]:
    """Used from a loop of their own: Hypothesis calls tests without one."""
    around = a_partnership(stack)
    yield runner.run(around.__aenter__())
    runner.run(around.__aexit__(None, None, None))


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_what_the_tables_allow_is_done_and_announced_and_nothing_else(
    partnership: Partnership, runner: asyncio.Runner, examples: int
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(moves, min_size=3, max_size=25))
    def lives(life: list[Move]) -> None:
        runner.run(live(partnership, life))

    lives()


async def live(partnership: Partnership, life: Sequence[Move]) -> None:
    asked = request_details(groups=(), headcount=20)
    coordinator = an_actor("coordinator")
    partnership.request_id = UUID(await partnership.requests.give("raiseRequest", asked, by=coordinator))
    referrals: list[UUID] = []
    for move in life:
        await happens(partnership, referrals, move)
    await partnership.check_work_lists()
    await partnership.settle()
    await partnership.check_work_lists()
    check_is_sound(await partnership.state())


async def happens(partnership: Partnership, referrals: list[UUID], move: Move) -> None:
    match move.what:
        case "to_referrals":
            await partnership.referrals.hears_of(partnership.requests, some_of(move.chance))
        case "to_requests":
            await partnership.requests.hears_of(partnership.referrals, some_of(move.chance))
        case "refer":
            referrals += await refers(partnership)
        case "request":
            request = await requests_store.find(partnership.requests.sandbox.database.pool, partnership.request_id)
            assert request is not None
            parties = request_rules.parties(request)
            allowed = available_actions(request_rules.LIFE_CYCLE, request, move.by, parties, TODAY)
            event = step_of(request_rules.LIFE_CYCLE, move.action).event
            name, body = _name(move.action, "Request"), OF_A_REQUEST[move.action]
            await does(partnership.requests, name, body, move, request, event, is_allowed=move.action in allowed)
        case _:
            if not referrals:
                return
            pool = partnership.referrals.sandbox.database.pool
            referral = await referrals_store.find_referral(pool, referrals[move.chance % len(referrals)])
            assert referral is not None
            parties = referral_rules.parties(referral)
            allowed = available_actions(referral_rules.LIFE_CYCLE, referral, move.by, parties, TODAY)
            event = step_of(referral_rules.LIFE_CYCLE, move.action).event
            name, body = _name(move.action, "Referral"), OF_A_REFERRAL[move.action]
            await does(partnership.referrals, name, body, move, referral, event, is_allowed=move.action in allowed)


def _name(action: str, what: str) -> str:
    """Of the command, such as `requestWithdrawalReferral`."""
    first, *others = action.split("-")
    return "".join([first, *(each.capitalize() for each in others), what])


async def refers(partnership: Partnership) -> list[UUID]:
    """The new referral, if the service knows a request that can be referred."""
    details = referral_details(partnership.request_id)
    try:
        return [UUID(await partnership.referrals.give("refer", details, by=CONSULTANT))]
    except (NotYetKnown, IllegalTransition, AreaNotCovered):
        return []


async def does(
    side: Side, name: str, body: dict[str, Any], move: Move, thing: Any, event: type[Any], *, is_allowed: bool
) -> None:
    """It is done and announced as the next version, or refused and nothing changed."""
    refused = None
    try:
        await side.give(name, body, by=move.by, subject=thing.id)
    except Problem as problem:
        refused = problem
    assert (refused is None) is is_allowed, f"{move} of what is {thing.status}: {refused}"
    said = await side.sandbox.database.pool.fetch(
        "SELECT value FROM journal WHERE aggregate LIKE '%:' || $1 AND version > $2 ORDER BY version",
        str(thing.id),
        thing.version,
    )
    announced = [type(decode(row["value"]).event) for row in said]
    assert announced[:1] == ([event] if is_allowed else [])


def some_of(chance: int) -> Any:
    """Some of the messages that are pending, in an order of its own."""

    def order(pending: list[Any]) -> list[Any]:
        random = Random(chance)
        return random.sample(pending, random.randint(0, len(pending)))

    return order
