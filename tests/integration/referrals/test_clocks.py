"""Referrals and activities wait no longer than their clocks say: in simulated time, on the tables of the service."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.clocks import ClockBreached
from local import RealParts
from services.chassis.clock_table import use_own_numbers
from services.chassis.due_clocks import AT_ONCE, DueClocks
from services.chassis.running.database import Transaction
from services.chassis.running.settings import WrongSetting
from services.referrals import breaches, store
from services.referrals.rules import clocks
from services.referrals.rules import referral as rules
from services.referrals.rules.activity import Status as ActivityStatus
from services.referrals.rules.referral import Referral, Status
from tests.builders import ATELIER, NOW, PROGRAMME, a_referral, an_activity, an_actor
from tests.sandbox import Sandbox, a_sandbox

PARTNER = an_actor("partner")


def at(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), NOW.timetz())


def it_is(day: str, time_file: Path) -> None:
    time_file.write_text(at(day).isoformat())


@pytest.fixture
async def sandbox(stack: RealParts, time_file: Path) -> AsyncIterator[Sandbox]:
    """Friday 3 October 2025."""
    async with a_sandbox(stack, "referrals", has_topics=False) as sandbox:
        it_is("2025-10-03", time_file)
        yield sandbox


def leader(sandbox: Sandbox) -> DueClocks:
    return DueClocks(sandbox.settings, sandbox.database, sandbox.health, breaches.TOPICS, breaches.ACTS)


async def look(sandbox: Sandbox) -> None:
    """Until nothing is due any more."""
    clocks_that_look = leader(sandbox)
    while await clocks_that_look.look(sandbox.database.pool):
        pass
    assert clocks_that_look.failed == set()


async def is_made(sandbox: Sandbox, *, programme: str | None = None, **made: Any) -> Referral:
    """A referral made on the first day; the partner may decide up to 17 October."""
    referral = a_referral(**made)
    its = referral.made.model_copy(update={"programme": programme})
    async with sandbox.database.transaction(at=NOW) as tx:
        await tx.db.execute(
            "INSERT INTO requests (request_id, status, epoch, version) VALUES ($1, 'assigned', 1, 2)",
            referral.made.request_id,
        )
        return await store.REFERRALS.announce(tx, None, its)


async def happens(sandbox: Sandbox, referral: Referral, event: Any, on: str = "2025-10-03") -> Referral:
    async with sandbox.database.transaction(at=at(on)) as tx:
        locked = await store.lock_referral(tx, referral.id)
        return await store.REFERRALS.announce(tx, locked, event)


async def said(sandbox: Sandbox, kind: str, *names: str) -> list[str]:
    """What was announced of these clocks, or of all: the clock, what became of it, and the day."""
    rows = await sandbox.database.pool.fetch(
        "SELECT convert_from(value, 'UTF8') AS text FROM journal WHERE aggregate LIKE $1 ORDER BY position", f"{kind}:%"
    )
    told = [json.loads(row["text"]) for row in rows]
    return [_in_words(each) for each in told if not names or each["data"].get("clock") in names]


def _in_words(message: dict[str, Any]) -> str:
    name, data = message["type"].split(".")[2], message["data"]
    match name:
        case "ClockStarted":
            return f"{data['clock']} runs, {data['breach']} after {data['dueOn'][5:]}"
        case "ClockBreached":
            return f"{data['clock']}: {data['breach']} after {data['dueOn'][5:]}"
        case "ClockPaused":
            return f"{data['clock']} pauses"
    return str(name)


async def status_of(sandbox: Sandbox, referral: Referral) -> Status:
    found = await store.find_referral(sandbox.database.pool, referral.id)
    assert found is not None
    return found.status


async def test_a_partner_is_reminded_and_what_it_does_not_decide_expires(sandbox: Sandbox, time_file: Path) -> None:
    referral = await is_made(sandbox)

    it_is("2025-10-17", time_file)  # the last day on which it may decide
    await look(sandbox)
    assert await status_of(sandbox, referral) is Status.REQUESTED
    it_is("2025-10-18", time_file)
    await look(sandbox)

    assert await status_of(sandbox, referral) is Status.EXPIRED
    assert await said(sandbox, "clock", "decide") == [
        "decide runs, remind after 10-08",
        "decide: remind after 10-08",
        "decide: escalate after 10-10",
        "decide: expire after 10-17",
        "decide pauses",
    ]
    assert await said(sandbox, "clock", "see") == [
        "see runs, remind after 10-07",
        "see: remind after 10-07",
        "see pauses",
    ]
    assert await said(sandbox, "referral") == ["ReferralMade", "ReferralExpired"]


async def test_a_check_in_lets_what_is_waited_for_count_anew(sandbox: Sandbox) -> None:
    referral = await is_made(sandbox)
    accepted = await happens(sandbox, referral, rules.accept(referral, by=PARTNER, at=NOW))

    await happens(sandbox, accepted, rules.check_in(accepted, by=PARTNER, at=at("2025-10-08")), "2025-10-08")
    await look(sandbox)

    assert await said(sandbox, "clock", "plan") == ["plan runs, remind after 10-24", "plan runs, remind after 10-29"]


async def test_after_a_stop_of_weeks_everything_follows_in_the_order_of_its_days(
    sandbox: Sandbox, time_file: Path
) -> None:
    await is_made(sandbox)

    it_is("2025-11-30", time_file)
    await look(sandbox)

    breached = [each.rpartition(" ")[2] for each in await said(sandbox, "clock") if ":" in each]
    assert breached == ["10-07", "10-08", "10-10", "10-17"]


async def test_a_decision_pauses_its_clocks_and_starts_the_next(sandbox: Sandbox, time_file: Path) -> None:
    referral = await is_made(sandbox)

    await happens(sandbox, referral, rules.accept(referral, by=PARTNER, at=NOW))
    it_is("2025-10-27", time_file)
    await look(sandbox)

    assert await said(sandbox, "clock") == [
        "see runs, remind after 10-07",
        "decide runs, remind after 10-08",
        "see pauses",
        "decide pauses",
        "plan runs, remind after 10-24",  # the region is not known: no school holiday is counted
        "plan: remind after 10-24",
    ]
    assert await status_of(sandbox, referral) is Status.ACCEPTED


async def test_what_was_asked_back_is_withdrawn_unless_the_partner_completes_it(
    sandbox: Sandbox, time_file: Path
) -> None:
    referral = await is_made(sandbox)
    accepted = await happens(sandbox, referral, rules.accept(referral, by=PARTNER, at=NOW))
    started = await happens(sandbox, referral, rules.start(accepted, by=PARTNER, at=NOW))
    asked_back = rules.end_with_request(started, "withdrawn", at=NOW)
    await happens(sandbox, referral, asked_back)

    it_is("2025-10-11", time_file)
    await look(sandbox)

    found = await store.find_referral(sandbox.database.pool, referral.id)
    assert found is not None
    assert found.reason is not None
    assert (found.status, found.reason.code) == (Status.WITHDRAWN, "request_withdrawn")


async def test_a_planned_activity_that_is_not_reported_is_asked_for_and_flagged(
    sandbox: Sandbox, time_file: Path
) -> None:
    activity = an_activity(ActivityStatus.PLANNED)
    async with sandbox.database.transaction(at=NOW) as tx:
        await store.ACTIVITIES.announce(tx, None, activity.planned)

    it_is("2025-10-24", time_file)
    await look(sandbox)

    assert await said(sandbox, "clock") == [
        "report runs, remind after 10-09",
        "report: remind after 10-09",
        "report: flag after 10-23",
    ]


async def test_two_processes_that_look_at_once_let_it_follow_once(sandbox: Sandbox, time_file: Path) -> None:
    referrals = [await is_made(sandbox) for _ in range(5)]

    it_is("2025-10-20", time_file)
    await asyncio.gather(*(look(sandbox) for _ in range(4)))

    assert [await status_of(sandbox, each) for each in referrals] == [Status.EXPIRED] * 5
    events = await said(sandbox, "clock", "decide")
    assert events.count("decide: expire after 10-17") == 5


async def test_a_decision_that_comes_while_it_expires_is_refused_or_holds(sandbox: Sandbox, time_file: Path) -> None:
    referral = await is_made(sandbox)
    it_is("2025-10-20", time_file)

    async with sandbox.database.transaction(at=at("2025-10-20")) as tx:
        locked = await store.lock_referral(tx, referral.id)
        assert locked is not None
        waiting = asyncio.create_task(look(sandbox))
        await store.REFERRALS.announce(tx, locked, rules.accept(locked, by=PARTNER, at=at("2025-10-20")))
    await waiting

    assert await status_of(sandbox, referral) is Status.ACCEPTED
    assert "decide: expire after 10-17" not in await said(sandbox, "clock", "decide")


async def test_what_fails_is_said_and_holds_up_nobody(
    sandbox: Sandbox, time_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = await is_made(sandbox), await is_made(sandbox)
    rule = rules.expire

    def expire(referral: Referral, *, at: datetime) -> Any:
        if referral.id == broken.id:
            raise ZeroDivisionError
        return rule(referral, at=at)

    monkeypatch.setattr(rules, "expire", expire)
    it_is("2025-10-20", time_file)
    looking = leader(sandbox)
    while await looking.look(sandbox.database.pool):
        pass

    assert [await status_of(sandbox, each) for each in (broken, sound)] == [Status.REQUESTED, Status.EXPIRED]
    assert len(looking.failed) == 1
    assert "1 clocks failed" in str(sandbox.health.report())


async def test_thousands_of_due_clocks_are_told_in_some_hundreds_at_a_time(sandbox: Sandbox) -> None:
    many = 2 * AT_ONCE + 10
    await sandbox.database.pool.execute(
        "INSERT INTO clocks (clock_id, object_kind, object_id, name, key, parties, breaches, dues, due_on, version)"
        " SELECT gen_random_uuid(), 'referral', gen_random_uuid(), 'see', 'own:x', '{}', '{remind}', '{2025-10-01}',"
        " '2025-10-01', 1 FROM generate_series(1, $1)",
        many,
    )

    looking = leader(sandbox)
    told = [await looking.look(sandbox.database.pool) for _ in range(4)]

    assert told == [AT_ONCE, AT_ONCE, 10, 0]
    assert len(await said(sandbox, "clock")) == many


async def test_a_client_hears_what_it_is_reminded_of(sandbox: Sandbox, time_file: Path) -> None:
    db = sandbox.database.pool
    await db.execute("INSERT INTO clients (client, registered_at) VALUES ('atelier', $1)", NOW)
    await db.execute(
        "INSERT INTO client_actors (client, role, organisation, party) VALUES ('atelier', 'partner', $1, $2)",
        ATELIER,
        f"partner:{ATELIER}",
    )
    await is_made(sandbox)

    it_is("2025-10-08", time_file)
    await look(sandbox)

    rows = await db.fetch(
        "SELECT convert_from(value, 'UTF8') AS text FROM journal WHERE topic LIKE '%outcomes.atelier%'"
    )
    told = [_in_words(json.loads(row["text"])) for row in rows]
    assert "see: remind after 10-07" in told
    assert "decide runs, remind after 10-08" in told


async def test_a_breach_that_was_announced_before_a_restore_does_not_come_again(
    sandbox: Sandbox, time_file: Path
) -> None:
    await is_made(sandbox)
    row = await sandbox.database.pool.fetchrow("SELECT * FROM clocks WHERE name = 'see'")
    breached = breach_of(row)

    async with sandbox.database.transaction(at=NOW) as tx:
        assert await restored(tx, breached, 2)
        assert not await restored(tx, breached, 2)  # it does not follow
    it_is("2025-10-08", time_file)
    await look(sandbox)

    assert await said(sandbox, "clock", "see") == ["see runs, remind after 10-07"]


def breach_of(row: Any) -> Any:
    return ClockBreached(
        clock_id=row["clock_id"],
        clock=row["name"],
        object_kind=row["object_kind"],
        object_id=row["object_id"],
        breach=row["breaches"][0],
        due_on=row["dues"][0],
        breached_at=NOW,
    )


async def restored(tx: Transaction, event: Any, version: int) -> bool:
    return bool(await store.RESTORE[type(event)](tx, event, version))


@pytest.mark.parametrize(
    "planned_for", ["2000-01-01T00:00:00+13:59", "2100-12-31T23:59:59-13:59"], ids=["first", "last"]
)
async def test_what_is_planned_on_the_first_or_last_day_that_is_accepted_has_its_clock(
    sandbox: Sandbox, time_file: Path, planned_for: str
) -> None:
    """Seen: planned for the last weeks of 2100, the clock waits in a school year that no event could name."""
    activity = an_activity(ActivityStatus.PLANNED)
    planned = activity.planned.model_copy(update={"planned_for": datetime.fromisoformat(planned_for)})

    async with sandbox.database.transaction(at=NOW) as tx:
        await store.ACTIVITIES.announce(tx, None, planned)
    it_is("2100-12-30", time_file)
    await look(sandbox)

    assert "report runs, remind after" in str(await said(sandbox, "clock"))


async def test_a_programme_may_have_numbers_of_its_own(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {name: dict(each) for name, each in store.CLOCK_NUMBERS.items()}
    use_own_numbers(numbers, {PROGRAMME: {"see.remind": 1}, "another": {"decide.remind": 9}})
    assert store.REFERRALS.clocks is not None
    clocks_of_referrals = replace(store.REFERRALS.clocks, numbers=numbers)
    monkeypatch.setattr(store, "REFERRALS", replace(store.REFERRALS, clocks=clocks_of_referrals))

    await is_made(sandbox, programme=PROGRAMME)

    assert await said(sandbox, "clock") == ["see runs, remind after 10-06", "decide runs, remind after 10-08"]


def test_a_number_of_a_clock_that_there_is_not_is_refused() -> None:
    with pytest.raises(WrongSetting, match=r"names see\.escalate for another; allowed: see\.remind,"):
        use_own_numbers(store.CLOCK_NUMBERS, {"another": {"see.escalate": 1}})


def test_every_number_of_a_clock_is_there() -> None:
    wanted = {
        f"{clock.name}.{breach.name}"
        for clock in (*clocks.OF_REFERRALS, *clocks.OF_ACTIVITIES)
        for breach in clock.breaches
        if breach.on is None
    }

    assert wanted == store.CLOCK_NUMBERS["default"].keys()
