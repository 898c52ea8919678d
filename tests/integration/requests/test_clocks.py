"""A request closes by itself when nobody does, and says what came of it: in simulated time, on the service's tables."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.activities import ActivityDelivered
from contracts.events import Event
from contracts.referrals import ReferralCompleted, ReferralDeclined, ReferralExpired, ReferralMade
from contracts.requests import RequestAnswered, RequestClosed, RequestRaised
from contracts.values import LearningArea, Reason
from local import RealParts
from services.chassis.due_clocks import DueClocks
from services.chassis.messaging.outbox import new_id
from services.requests import breaches, store
from services.requests.reactions import reactions
from services.requests.rules import clocks
from services.requests.rules.request import Request, Status
from services.requests.rules.routing import route
from tests.builders import ART, NATURE, NOW, a_referral_made, a_request, an_actor, delivery_details, referral_details
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually

CONSULTANT, PARTNER = an_actor("consultant"), an_actor("partner")
NO_FUNDING = Reason(list="not-fulfilled", code="no_funding")
FULL = Reason(list="decline", code="no_capacity")
LAST_DAY_OF_GRACE, AFTER_IT = "2025-10-10", "2025-10-11"


def it_is(day: str, time_file: Path) -> None:
    time_file.write_text(datetime.combine(date.fromisoformat(day), NOW.timetz()).isoformat())


@pytest.fixture
async def sandbox(stack: RealParts, time_file: Path) -> AsyncIterator[Sandbox]:
    """Friday 3 October 2025."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        it_is("2025-10-03", time_file)
        yield sandbox


async def look(sandbox: Sandbox) -> None:
    looking = DueClocks(sandbox.settings, sandbox.database, sandbox.health, breaches.TOPICS, breaches.ACTS)
    while await looking.look(sandbox.database.pool):
        pass
    assert looking.failed == set()


async def is_raised(sandbox: Sandbox, status: Status, *areas: LearningArea) -> Request:
    """A request that is assigned or without broker."""
    built = a_request(Status.RAISED, learning_areas=areas or (ART,))
    covering = {area: ["own:babel"] if status is Status.ASSIGNED else [] for area in built.details.learning_areas}
    raised = RequestRaised(**dict(built.details), request_id=built.id, raised_by=an_actor("coordinator"), raised_at=NOW)
    async with sandbox.database.transaction(at=NOW) as tx:
        await tx.db.execute(
            "INSERT INTO entities (kind, entity_id, version) VALUES ('site', $1, 1) ON CONFLICT DO NOTHING",
            raised.site_id,
        )
        request = await store.REQUESTS.announce(tx, None, raised)
        return await store.REQUESTS.announce(tx, request, route(request, covering, at=NOW))


async def answers(sandbox: Sandbox, request: Request, how: Any, reason: Reason | None = None) -> None:
    async with sandbox.database.transaction(at=NOW) as tx:
        locked = await store.lock(tx, request.id)
        assert locked is not None
        answered = RequestAnswered(
            request_id=request.id, answer=how, reason=reason, answered_by=CONSULTANT, answered_at=NOW
        )
        await store.REQUESTS.announce(tx, locked, answered)


async def hears(sandbox: Sandbox, *events: Event, version: int = 1) -> None:
    for number, event in enumerate(events, start=version):
        async with sandbox.database.transaction(at=NOW) as tx:
            tx.reacting_to = 1, number
            await reactions.by_type[event.type](event, tx)


async def is_referred(sandbox: Sandbox, request: Request) -> ReferralMade:
    made = a_referral_made(referral_details(request.id))
    await hears(sandbox, made)
    return made


async def closure(sandbox: Sandbox, request: Request) -> dict[str, Any] | None:
    """What was announced when it closed."""
    text = await sandbox.database.pool.fetchval(
        "SELECT convert_from(value, 'UTF8') FROM journal WHERE aggregate = $1 AND value LIKE '%RequestClosed%'::bytea",
        f"request:{request.id}",
    )
    return json.loads(text)["data"] if text else None


def declined(made: ReferralMade) -> ReferralDeclined:
    return ReferralDeclined(referral_id=made.referral_id, reason=FULL, late=False, declined_by=PARTNER, declined_at=NOW)


def expired(made: ReferralMade) -> ReferralExpired:
    return ReferralExpired(referral_id=made.referral_id, expired_at=NOW)


def completed(made: ReferralMade) -> ReferralCompleted:
    return ReferralCompleted(referral_id=made.referral_id, outcome="delivered", completed_by=PARTNER, completed_at=NOW)


def delivered(request: Request, made: ReferralMade) -> ActivityDelivered:
    return ActivityDelivered(
        **dict(delivery_details()),
        activity_id=new_id(),
        referral_id=made.referral_id,
        request_id=request.id,
        origin="referral",
        registered_at=NOW,
    )


@pytest.mark.parametrize(
    ("how", "reason", "outcome", "why"),
    [("advise", None, "advice_only", None), ("cannot_help", NO_FUNDING, "not_fulfilled", "no_funding")],
)
async def test_an_answer_without_a_referral_closes_after_the_grace_period(
    sandbox: Sandbox, time_file: Path, how: str, reason: Reason | None, outcome: str, why: str | None
) -> None:
    request = await is_raised(sandbox, Status.ASSIGNED)
    await answers(sandbox, request, how, reason)

    it_is(LAST_DAY_OF_GRACE, time_file)
    await look(sandbox)
    assert await closure(sandbox, request) is None
    it_is(AFTER_IT, time_file)
    await look(sandbox)

    closed = await closure(sandbox, request)
    assert closed is not None
    assert (closed["outcome"], closed.get("reason", {}).get("code")) == (outcome, why)
    assert closed["closedBy"]["role"] == "service"


@pytest.mark.parametrize(("end", "why"), [(declined, "all_declined"), (expired, "expired"), (completed, "other")])
async def test_a_request_closes_when_its_last_referral_ended_and_says_how(
    sandbox: Sandbox, time_file: Path, end: Any, why: str
) -> None:
    request = await is_raised(sandbox, Status.ASSIGNED)
    first, second = await is_referred(sandbox, request), await is_referred(sandbox, request)
    await hears(sandbox, declined(first), version=2)

    it_is(AFTER_IT, time_file)
    await look(sandbox)
    assert await closure(sandbox, request) is None  # one is open
    it_is("2025-10-03", time_file)
    await hears(sandbox, end(second), version=2)
    it_is(AFTER_IT, time_file)
    await look(sandbox)

    closed = await closure(sandbox, request)
    assert closed is not None
    assert (closed["outcome"], closed["reason"]["code"]) == ("not_fulfilled", why)
    assert [area["code"] for area in closed["unmetAreas"]] == [ART.code]


@pytest.mark.parametrize(
    ("asked", "outcome", "unmet"),
    [((ART,), "fulfilled", []), ((ART, NATURE), "partly_fulfilled", [NATURE.code])],
)
async def test_what_was_delivered_fulfils_the_areas_that_it_was_about(
    sandbox: Sandbox, time_file: Path, asked: tuple[LearningArea, ...], outcome: str, unmet: list[str]
) -> None:
    request = await is_raised(sandbox, Status.ASSIGNED, *asked)
    made = await is_referred(sandbox, request)
    activity = delivered(request, made)
    await hears(sandbox, activity)
    await hears(sandbox, completed(made), version=2)

    it_is(AFTER_IT, time_file)
    await look(sandbox)

    closed = await closure(sandbox, request)
    assert closed is not None
    assert (closed["outcome"], closed["activityIds"]) == (outcome, [str(activity.activity_id)])
    assert [area["code"] for area in closed["unmetAreas"]] == unmet
    assert ("reason" in closed) is bool(unmet)


async def test_who_closes_while_the_last_end_is_heard_leaves_no_clock_behind(sandbox: Sandbox, time_file: Path) -> None:
    request = await is_raised(sandbox, Status.ASSIGNED)
    end = completed(await is_referred(sandbox, request))

    async with sandbox.database.transaction(at=NOW) as tx:
        tx.reacting_to = 1, 2
        await reactions.by_type[end.type](end, tx)
        waiting = asyncio.create_task(closes(sandbox, request))
        await eventually(lambda: somebody_waits(sandbox))
    await waiting
    it_is(AFTER_IT, time_file)
    await look(sandbox)

    assert await sandbox.database.pool.fetchval("SELECT count(*) FROM clocks WHERE due_on IS NOT NULL") == 0


async def closes(sandbox: Sandbox, request: Request) -> None:
    async with sandbox.database.transaction(at=NOW) as tx:
        locked = await store.lock(tx, request.id)
        assert locked is not None
        closed = RequestClosed(request_id=request.id, outcome="advice_only", closed_by=CONSULTANT, closed_at=NOW)
        await store.REQUESTS.announce(tx, locked, closed)


async def somebody_waits(sandbox: Sandbox) -> bool:
    """For a row that another transaction holds."""
    return bool(await sandbox.database.pool.fetchval("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"))


async def test_an_end_that_is_heard_before_the_referral_counts_all_the_same(sandbox: Sandbox, time_file: Path) -> None:
    request = await is_raised(sandbox, Status.ASSIGNED)
    made = a_referral_made(referral_details(request.id))
    await hears(sandbox, expired(made), version=2)
    await hears(sandbox, made)

    it_is(AFTER_IT, time_file)
    await look(sandbox)

    closed = await closure(sandbox, request)
    assert closed is not None
    assert closed["reason"]["code"] == "expired"


async def test_what_found_no_broker_closes_when_it_is_wished_no_longer(sandbox: Sandbox, time_file: Path) -> None:
    request = await is_raised(sandbox, Status.NO_BROKER)

    it_is("2025-12-01", time_file)  # the last day that is wished
    await look(sandbox)
    assert await closure(sandbox, request) is None
    it_is("2025-12-02", time_file)
    await look(sandbox)

    closed = await closure(sandbox, request)
    assert closed is not None
    assert (closed["outcome"], closed["reason"]["code"]) == ("not_fulfilled", "no_offer_in_area")


def test_every_number_of_a_clock_is_there() -> None:
    wanted = {
        f"{clock.name}.{breach.name}" for clock in clocks.CLOCKS for breach in clock.breaches if breach.on is None
    }

    assert wanted == store.CLOCK_NUMBERS["default"].keys()
