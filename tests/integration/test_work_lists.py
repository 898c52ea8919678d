"""Whose turn it is with a request, up to when: it follows its brokers and, by events alone, its referrals."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from contracts.offers import BrokerRecorded
from contracts.values import LearningArea, Name
from local import RealParts
from services.chassis.due_clocks import DueClocks
from services.referrals import store as referrals_store
from services.referrals.rules.referral import Status
from services.requests import reactions as reactions_of_requests
from services.requests import store as requests_store
from tests.builders import ART, BABEL, NOW, S_PORT, SPORT, TODAY, request_details
from tests.partnership import CONSULTANT, COORDINATOR, PARTNER, Partnership, a_partnership, because
from tests.waiting import eventually


@pytest.fixture
async def city(stack: RealParts) -> AsyncIterator[Partnership]:
    async with a_partnership(stack) as city:
        yield city


async def turns(city: Partnership) -> list[tuple[str, str, date]]:
    """Who is next with the request, what is waited for, and up to when."""
    rows = await city.requests.sandbox.database.pool.fetch(
        "SELECT holder, name, act_by FROM work JOIN clocks USING (clock_id) WHERE object_id = $1 ORDER BY holder",
        city.request_id,
    )
    return [tuple(row) for row in rows]


async def raises(city: Partnership, *areas: LearningArea, **asked: Any) -> None:
    details = request_details(learning_areas=areas, groups=(), headcount=20, **asked)
    city.request_id = UUID(await city.requests.give("raiseRequest", details, by=COORDINATOR))
    await city.settle()


async def hears_of_a_broker(city: Partnership, broker_id: str, *areas: LearningArea, **record: Any) -> None:
    recorded = BrokerRecorded(
        broker_id=broker_id, valid_from=TODAY, name=Name(nl=broker_id), learning_areas=areas, **record
    )
    async with city.requests.sandbox.database.transaction(at=NOW) as tx:
        tx.reacting_to = 1, record.get("version", 2)
        await reactions_of_requests.route_what_the_record_changes(recorded, tx)


async def test_an_assigned_request_is_up_to_its_brokers(city: Partnership) -> None:
    await raises(city, ART)

    assert await turns(city) == [(f"broker:{BABEL}", "answer", date(2025, 10, 10))]


async def test_a_request_of_two_brokers_stands_on_the_lists_of_both(city: Partnership) -> None:
    await raises(city, ART, SPORT)
    await hears_of_a_broker(city, S_PORT, SPORT)

    by = date(2025, 10, 10)
    assert await turns(city) == [(f"broker:{BABEL}", "answer", by), (f"broker:{S_PORT}", "answer", by)]


async def test_what_nobody_brokers_is_up_to_an_operator_and_then_to_the_new_broker(city: Partnership) -> None:
    await raises(city, SPORT, wished_from=date(2025, 11, 1), wished_to=date(2025, 12, 1))
    assert await turns(city) == [("operator:*", "wish", date(2025, 11, 1))]

    await hears_of_a_broker(city, S_PORT, SPORT)
    assert await turns(city) == [(f"broker:{S_PORT}", "answer", date(2025, 10, 10))]


async def test_an_answered_request_that_loses_its_last_broker_is_up_to_an_operator(city: Partnership) -> None:
    await raises(city, ART)
    await city.requests.give("answerRequest", {"answer": "advise"}, by=CONSULTANT, subject=city.request_id)
    assert await turns(city) == [(f"broker:{BABEL}", "close", date(2025, 10, 10))]

    await hears_of_a_broker(city, BABEL, SPORT)

    assert await turns(city) == [("operator:*", "close", date(2025, 10, 10))]


async def test_a_referred_request_is_due_with_the_last_of_its_open_referrals(city: Partnership) -> None:
    await city.begins(Status.REQUESTED)
    assert await turns(city) == [(f"broker:{BABEL}", "follow", date(2025, 10, 17))]

    later = {**because("waitlist", "awaiting_staff"), "reviewOn": "2025-11-20"}
    await city.referrals.give("waitlistReferral", later, by=PARTNER, subject=city.referral_id)
    await city.settle()
    assert await turns(city) == [(f"broker:{BABEL}", "follow", date(2025, 11, 20))]

    await city.do("refer_again")
    await city.settle()
    assert await turns(city) == [(f"broker:{BABEL}", "follow", date(2025, 11, 20))]

    await city.do("decline")
    await city.settle()
    assert await turns(city) == [(f"broker:{BABEL}", "follow", date(2025, 10, 17))]


async def test_when_no_referral_is_open_any_more_the_grace_period_is_the_consultants(city: Partnership) -> None:
    await city.begins(Status.REQUESTED)

    await city.do("decline")
    await city.settle()
    assert await turns(city) == [(f"broker:{BABEL}", "close", date(2025, 10, 10))]

    await city.do("close")
    assert await turns(city) == []


async def test_what_was_open_before_there_were_work_lists_begins_to_wait(city: Partnership) -> None:
    await city.begins(Status.ACCEPTED)

    for side, store in ((city.requests, requests_store), (city.referrals, referrals_store)):
        around = side.sandbox.settings, side.sandbox.database, side.sandbox.health
        pool = side.sandbox.database.pool
        await pool.execute("TRUNCATE work, clocks, outbox")
        await pool.execute("DELETE FROM journal WHERE aggregate LIKE 'clock:%'")
        leading = asyncio.create_task(DueClocks(*around, {}, {}, without_turn=store.WITHOUT_TURN).run())
        await eventually(partial(pool.fetchval, "SELECT count(*) FROM work"))
        leading.cancel()

    await city.check_work_lists()
