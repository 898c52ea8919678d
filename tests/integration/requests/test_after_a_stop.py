"""A service that was stopped over the last day of a clock reads first what the other one said meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.referrals import REFERRALS, ReferralMade
from local import RealParts
from services.chassis.due_clocks import DueClocks
from services.chassis.messaging.caught_up import CaughtUp
from services.chassis.messaging.inbox import Inbox
from services.requests import breaches
from services.requests.reactions import reactions
from services.requests.rules.request import Request, Status
from tests.builders import a_referral_made, referral_details
from tests.integration.chassis.test_inbox import running
from tests.integration.publishing import say
from tests.integration.requests.test_clocks import (
    AFTER_IT,
    closure,
    declined,
    hears,
    is_raised,
    is_referred,
    it_is,
)
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually


async def test_a_referral_that_was_made_while_the_service_was_stopped_keeps_its_request_open(
    stack: RealParts, time_file: Path
) -> None:
    """Red where clocks look first: the request closed by itself, and the new referral was withdrawn with it."""
    async with a_stopped_service(stack, time_file) as (sandbox, request):
        await is_announced(sandbox, a_referral_made(referral_details(request.id), attempt=2))
        it_is(AFTER_IT, time_file)
        clocks = looking(sandbox)

        assert await clocks.look(sandbox.database.pool) == 0
        assert sandbox.health.report()["clocks"] == (
            "some are due on 2025-10-11, and wait for what is still to be read from before"
        )
        async with running(Inbox(sandbox.settings, sandbox.database, sandbox.health, (REFERRALS,), reactions)):
            await eventually(lambda: is_followed(sandbox, request))
        while await clocks.look(sandbox.database.pool):
            pass

        assert await closure(sandbox, request) is None


async def test_where_nothing_was_said_meanwhile_the_request_closes(stack: RealParts, time_file: Path) -> None:
    async with a_stopped_service(stack, time_file) as (sandbox, request):
        it_is(AFTER_IT, time_file)

        await looking(sandbox).look(sandbox.database.pool)

        assert await closure(sandbox, request) is not None


async def test_what_is_said_on_a_day_does_not_hold_up_what_was_due_before_it(stack: RealParts, time_file: Path) -> None:
    """Where the topics ended when the day began is what counts: one that is never quiet keeps nothing waiting."""
    async with a_stopped_service(stack, time_file) as (sandbox, request):
        it_is(AFTER_IT, time_file)
        clocks = looking(sandbox)
        await clocks.look(sandbox.database.pool)
        another = await is_raised(sandbox, Status.ASSIGNED)
        it_is("2025-10-03", time_file)
        await hears(sandbox, declined(await is_referred(sandbox, another)), version=2)
        it_is(AFTER_IT, time_file)
        await is_announced(sandbox, a_referral_made(referral_details(request.id), attempt=2))

        await clocks.look(sandbox.database.pool)

        assert await closure(sandbox, another) is not None


@asynccontextmanager
async def a_stopped_service(stack: RealParts, time_file: Path) -> AsyncIterator[tuple[Sandbox, Request]]:
    """It heard on Friday 3 October that the only referral of a request was declined, and was stopped."""
    async with a_sandbox(stack, "requests") as sandbox:
        it_is("2025-10-03", time_file)
        request = await is_raised(sandbox, Status.ASSIGNED)
        await hears(sandbox, declined(await is_referred(sandbox, request)), version=2)
        yield sandbox, request


def looking(sandbox: Sandbox) -> DueClocks:
    around = sandbox.settings, sandbox.database, sandbox.health
    return DueClocks(*around, breaches.TOPICS, breaches.ACTS, caught_up=CaughtUp(sandbox.settings, (REFERRALS,)))


async def is_announced(sandbox: Sandbox, made: ReferralMade) -> None:
    await say(sandbox, REFERRALS, made, key=made.site_id)


async def is_followed(sandbox: Sandbox, request: Request) -> bool:
    """Whether a referral of it is open, as far as the service knows."""
    open_ones = "SELECT count(*) FROM referrals WHERE request_id = $1 AND ended IS NULL"
    return bool(await sandbox.database.pool.fetchval(open_ones, request.id))
