"""Referrals follow the brokers of their request: those that `requests` named last see them, and act."""

from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from typing import Any, Literal
from uuid import UUID

import pytest

from contracts.events import Event
from contracts.requests import (
    RequestAnswered,
    RequestAssigned,
    RequestClosed,
    RequestRaised,
    RequestReopened,
    RequestUnbrokered,
)
from contracts.sites import SiteRecorded
from contracts.values import Actor, LearningArea, Reason
from local import RealParts
from services.chassis.commands import Answer, Call, carry_out
from services.chassis.messaging.outbox import new_id
from services.chassis.problems import Problem
from services.chassis.visibility import audience_of
from services.referrals import replicas, store
from services.referrals.commands import activities, organisations
from services.referrals.commands import referrals as referral_commands
from services.referrals.reactions import reactions
from services.referrals.rules.referral import NoSuchReferral
from services.referrals.rules.referring import AskedRequest
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    NOW,
    S_PORT,
    SCHOOL,
    SPORT,
    TODAY,
    activity_plan,
    an_actor,
    partner_details,
    referral_details,
    request_details,
    site_details,
)
from tests.sandbox import Sandbox, a_sandbox

MAKER, SUCCESSOR, PARTNER = an_actor("consultant"), an_actor("consultant", S_PORT), an_actor("partner")
NO_RESPONSE = {"reason": {"list": "withdraw-referral", "code": "no_response"}}


@pytest.fixture
async def sandbox(stack: RealParts) -> AsyncIterator[Sandbox]:
    """With the school that asks, and a partner for art and sport."""
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        await hear(sandbox, SiteRecorded(**dict(site_details()), site_id=SCHOOL), 1)
        await give(sandbox, "recordPartner", partner_details(ART, SPORT), by=PARTNER, subject=ATELIER)
        yield sandbox


async def give(sandbox: Sandbox, name: str, body: Any, *, by: Actor, subject: str | UUID | None = None) -> Answer:
    registries = referral_commands.commands, activities.commands, organisations.commands
    command = next(each.by_name[name] for each in registries if name in each.by_name)
    said = command.read(body) if isinstance(body, dict) else body
    return await carry_out(sandbox.database, command, Call(by=by, at=NOW, body=said, subject=subject))


async def hear(sandbox: Sandbox, event: Event, version: int, *, epoch: int = 1) -> None:
    async with sandbox.database.transaction(at=NOW) as tx:
        tx.reacting_to = epoch, version
        await reactions.by_type[event.type](event, tx)


def raised(request_id: UUID) -> RequestRaised:
    details = request_details(learning_areas=(ART, SPORT))
    return RequestRaised(**dict(details), request_id=request_id, raised_by=an_actor("coordinator"), raised_at=NOW)


def assigned(request_id: UUID, *broker_ids: str, areas: Sequence[LearningArea] = (ART,)) -> RequestAssigned:
    return RequestAssigned(
        request_id=request_id, broker_ids=broker_ids or (BABEL,), learning_areas=tuple(areas), assigned_at=NOW
    )


def to_both(request_id: UUID) -> RequestAssigned:
    return assigned(request_id, BABEL, S_PORT, areas=(ART, SPORT))


def unbrokered(request_id: UUID) -> RequestUnbrokered:
    return RequestUnbrokered(request_id=request_id, learning_areas=(ART, SPORT), unbrokered_at=NOW)


def referred(request_id: UUID) -> RequestAnswered:
    return RequestAnswered(request_id=request_id, answer="refer", answered_by=MAKER, answered_at=NOW)


def reopened(request_id: UUID) -> RequestReopened:
    return _reopened(request_id, "answered")


def reopened_without_broker(request_id: UUID) -> RequestReopened:
    return _reopened(request_id, "no_broker")


def _reopened(request_id: UUID, returns_to: Literal["answered", "no_broker"]) -> RequestReopened:
    why = Reason(list="reopen-request", code="not_solved")
    return RequestReopened(request_id=request_id, returns_to=returns_to, reason=why, reopened_by=MAKER, reopened_at=NOW)


def closed(request_id: UUID) -> RequestClosed:
    return RequestClosed(request_id=request_id, outcome="advice_only", closed_by=MAKER, closed_at=NOW)


async def known(sandbox: Sandbox, request_id: UUID) -> AskedRequest:
    async with sandbox.database.transaction() as tx:
        request = await replicas.lock_request(tx, request_id)
    assert request is not None
    return request


async def a_request(sandbox: Sandbox) -> UUID:
    """Assigned to Babel for art."""
    request_id = new_id()
    await hear(sandbox, raised(request_id), 1)
    await hear(sandbox, assigned(request_id), 2)
    return request_id


async def a_referral(sandbox: Sandbox, request_id: UUID) -> UUID:
    answer = await give(sandbox, "refer", referral_details(request_id), by=MAKER)
    return UUID(answer.subject)


async def sees(sandbox: Sandbox, by: Actor) -> tuple[int, int]:
    """How many referrals and activities are on this caller's lists."""
    db = sandbox.database.pool
    audience = await audience_of(db, by, replicas.SITES, TODAY)
    referrals = await store.referral_page(
        db, audience, request_id=None, partner_id=None, status=None, unconfirmed_by=None, after=None, limit=10
    )
    planned = await store.activity_page(
        db, audience, site_id=None, referral_id=None, unconfirmed_by=None, after=None, limit=10
    )
    return len(referrals), len(planned)


async def may_withdraw(sandbox: Sandbox, referral_id: UUID, by: Actor) -> bool:
    try:
        await give(sandbox, "withdrawReferral", NO_RESPONSE, by=by, subject=referral_id)
    except NoSuchReferral:
        return False
    return True


ROUTED_AFTER_THE_ANSWER = (raised, assigned, referred, to_both)
LEFT_AFTER_THE_ANSWER = (raised, assigned, referred, unbrokered)
LEFT_UNANSWERED = (raised, assigned, unbrokered)
FOUND_AGAIN = (raised, unbrokered, to_both)
CLOSED = (raised, to_both, referred, closed)
REOPENED = (raised, to_both, referred, closed, reopened)
REOPENED_UNANSWERED = (raised, unbrokered, closed, reopened_without_broker, to_both)


@pytest.mark.parametrize(
    ("history", "status", "answer", "brokers", "areas"),
    [
        (ROUTED_AFTER_THE_ANSWER, "answered", "refer", (BABEL, S_PORT), (ART, SPORT)),
        (LEFT_AFTER_THE_ANSWER, "answered", "refer", (), ()),
        (LEFT_UNANSWERED, "no_broker", None, (), ()),
        (FOUND_AGAIN, "assigned", None, (BABEL, S_PORT), (ART, SPORT)),
        (REOPENED, "answered", "refer", (BABEL, S_PORT), (ART, SPORT)),
        (REOPENED_UNANSWERED, "assigned", None, (BABEL, S_PORT), (ART, SPORT)),
        (CLOSED, "closed", "refer", (BABEL, S_PORT), (ART, SPORT)),
    ],
)
async def test_the_brokers_named_last_hold_and_an_answer_stays_in_whatever_order_the_events_come(
    sandbox: Sandbox, history: Sequence[Any], status: str, answer: str | None, brokers: object, areas: object
) -> None:
    for order in permutations(enumerate(history, start=1)):
        request_id = new_id()
        for version, event in order:
            await hear(sandbox, event(request_id), version)

        request = await known(sandbox, request_id)

        assert (request.status, request.answer) == (status, answer)
        assert (request.broker_ids, request.covered_areas) == (brokers, areas)
        assert request.site_id is not None


async def test_an_answer_that_a_restore_undid_does_not_stay(sandbox: Sandbox) -> None:
    request_id = await a_request(sandbox)
    await hear(sandbox, referred(request_id), 3)

    await hear(sandbox, to_both(request_id), 3, epoch=2)

    request = await known(sandbox, request_id)
    assert (request.status, request.answer, request.broker_ids) == ("assigned", None, (BABEL, S_PORT))


async def test_the_successor_of_a_broker_sees_its_referrals_and_acts_and_the_earlier_one_no_longer(
    sandbox: Sandbox,
) -> None:
    request_id = await a_request(sandbox)
    referral_id = await a_referral(sandbox, request_id)
    await give(sandbox, "acceptReferral", {}, by=PARTNER, subject=referral_id)
    second = await a_referral(sandbox, request_id)
    await give(sandbox, "planActivity", activity_plan(referral_id=referral_id), by=PARTNER)
    before = await sees(sandbox, MAKER), await sees(sandbox, SUCCESSOR)

    await hear(sandbox, assigned(request_id, S_PORT), 3)

    assert before == ((2, 1), (0, 0))
    assert (await sees(sandbox, MAKER), await sees(sandbox, SUCCESSOR)) == ((0, 0), (2, 1))
    assert not await may_withdraw(sandbox, second, MAKER)
    assert await may_withdraw(sandbox, second, SUCCESSOR)


async def test_an_activity_that_is_planned_or_changed_later_is_for_the_brokers_of_today(sandbox: Sandbox) -> None:
    request_id = await a_request(sandbox)
    referral_id = await a_referral(sandbox, request_id)
    await give(sandbox, "acceptReferral", {}, by=PARTNER, subject=referral_id)
    await hear(sandbox, assigned(request_id, S_PORT), 3)

    planned = await give(sandbox, "planActivity", activity_plan(referral_id=referral_id), by=PARTNER)
    once = await sees(sandbox, MAKER), await sees(sandbox, SUCCESSOR)
    twice = {"reason": {"list": "activity-retraction", "code": "duplicate"}}
    await give(sandbox, "retractActivity", twice, by=PARTNER, subject=UUID(planned.subject))

    assert once == ((0, 0), (1, 1))
    assert (await sees(sandbox, MAKER), await sees(sandbox, SUCCESSOR)) == once


async def test_both_brokers_of_a_request_share_its_referrals(sandbox: Sandbox) -> None:
    request_id = await a_request(sandbox)
    await a_referral(sandbox, request_id)

    await hear(sandbox, to_both(request_id), 3)
    later = await a_referral(sandbox, request_id)

    assert await sees(sandbox, MAKER) == await sees(sandbox, SUCCESSOR) == (2, 0)
    assert await may_withdraw(sandbox, later, SUCCESSOR)


async def test_a_broker_that_is_named_after_the_answer_refers_its_own_area(sandbox: Sandbox) -> None:
    request_id = await a_request(sandbox)
    await a_referral(sandbox, request_id)
    await hear(sandbox, referred(request_id), 3)
    sport = referral_details(request_id, learning_areas=(SPORT,))
    with pytest.raises(Problem):
        await give(sandbox, "refer", sport, by=SUCCESSOR)

    await hear(sandbox, to_both(request_id), 4)

    assert (await give(sandbox, "refer", sport, by=SUCCESSOR)).version == 1


async def test_where_no_broker_is_left_a_referral_stays_with_the_one_that_made_it(sandbox: Sandbox) -> None:
    request_id = await a_request(sandbox)
    referral_id = await a_referral(sandbox, request_id)

    await hear(sandbox, unbrokered(request_id), 3)

    assert (await sees(sandbox, MAKER), await sees(sandbox, SUCCESSOR)) == ((1, 0), (0, 0))
    assert not await may_withdraw(sandbox, referral_id, SUCCESSOR)
    assert await may_withdraw(sandbox, referral_id, MAKER)


async def test_an_earlier_routing_that_comes_late_takes_nothing_from_the_brokers_named_last(sandbox: Sandbox) -> None:
    request_id = await a_request(sandbox)
    await a_referral(sandbox, request_id)
    await hear(sandbox, assigned(request_id, S_PORT), 4)

    await hear(sandbox, unbrokered(request_id), 3)

    assert (await sees(sandbox, MAKER), await sees(sandbox, SUCCESSOR)) == ((0, 0), (1, 0))
