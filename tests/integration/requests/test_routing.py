"""Requests follow their brokers from day to day, with no other event: in simulated time, on the tables of a service."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.offers import OFFERS, BrokerRecorded
from contracts.values import LearningArea, Name
from local import RealParts
from services.chassis.commands import Call, carry_out
from services.chassis.messaging.caught_up import CaughtUp
from services.chassis.messaging.inbox import Inbox
from services.chassis.running.health import Health
from services.requests import commands, reactions, replicas, store
from services.requests.routing import FAILED_SECONDS, LOOK_SECONDS, Router, route_anew
from tests.builders import ART, BABEL, NOW, S_PORT, SCHOOL, SPORT, TODAY, an_actor, request_details, site_details
from tests.integration.chassis.test_inbox import running
from tests.integration.publishing import say
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually

OPERATOR, COORDINATOR, CONSULTANT = an_actor("operator"), an_actor("coordinator"), an_actor("consultant")
SUCCESSOR = "own:nieuw"


def day(number: int) -> date:
    """The day that is so many days after the first one."""
    return TODAY + timedelta(days=number)


def at(number: int) -> datetime:
    return NOW + timedelta(days=number)


def it_is(number: int, time_file: Path) -> None:
    time_file.write_text(at(number).isoformat())


@pytest.fixture
async def sandbox(stack: RealParts, time_file: Path) -> AsyncIterator[Sandbox]:
    """On the first day, with a school; all is routed by that day."""
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        it_is(0, time_file)
        await give(sandbox, "recordSite", site_details(), by=OPERATOR, subject=SCHOOL)
        await comes(0, sandbox, time_file)
        yield sandbox


async def give(sandbox: Sandbox, name: str, body: Any, **call: Any) -> UUID:
    """Give a command; the id of what it changed."""
    registry = commands.requests.by_name | commands.reference_data.by_name
    command, said = registry[name], body if not isinstance(body, dict) else registry[name].read(body)
    answer = await carry_out(sandbox.database, command, Call(body=said, **({"at": NOW} | call)))
    return UUID(answer.subject) if call.get("subject") != SCHOOL else UUID(int=0)


async def a_request(sandbox: Sandbox, *areas: LearningArea, raised_at: datetime = NOW) -> UUID:
    details = request_details(learning_areas=areas, groups=(), headcount=20)
    return await give(sandbox, "raiseRequest", details, by=COORDINATOR, at=raised_at)


async def advise(sandbox: Sandbox, request_id: UUID) -> None:
    await give(sandbox, "answerRequest", {"answer": "advise"}, by=CONSULTANT, subject=request_id)


async def hear_of(
    sandbox: Sandbox, broker_id: str, *areas: LearningArea, version: int = 1, heard_at: int = 0, **valid: int | None
) -> None:
    """What the service does when `referrals` announced a broker, on the first day unless it says another."""
    valid_from, valid_to = valid.get("begins") or 0, valid.get("ends")
    recorded = BrokerRecorded(
        broker_id=broker_id,
        valid_from=day(valid_from),
        valid_to=None if valid_to is None else day(valid_to),
        name=Name(nl=broker_id),
        learning_areas=areas,
    )
    async with sandbox.database.transaction(at=at(heard_at)) as tx:
        tx.reacting_to = 1, version
        await reactions.route_what_the_record_changes(recorded, tx)


async def comes(number: int, sandbox: Sandbox, time_file: Path) -> float:
    """A day comes, and the service looks at it; after how many seconds it would look again."""
    it_is(number, time_file)
    return await router(sandbox).look(sandbox.database.pool)


def router(sandbox: Sandbox) -> Router:
    return Router(sandbox.settings, sandbox.database, sandbox.health)


async def announced(sandbox: Sandbox, request_id: UUID) -> list[str]:
    """The names of a request's events, in their order."""
    return [name for name, _ in await events(sandbox, request_id)]


async def events(sandbox: Sandbox, request_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    rows = await sandbox.database.pool.fetch(
        "SELECT convert_from(value, 'UTF8') AS text FROM journal WHERE aggregate = $1 ORDER BY version",
        f"request:{request_id}",
    )
    said = [json.loads(row["text"]) for row in rows]
    return [(each["type"].split(".")[2].removeprefix("Request"), each["data"]) for each in said]


async def status(sandbox: Sandbox, request_id: UUID) -> tuple[str, Sequence[str]]:
    request = await store.find(sandbox.database.pool, request_id)
    assert request is not None
    return request.status, request.broker_ids


async def test_a_broker_recorded_ahead_takes_over_what_waited_on_its_day(sandbox: Sandbox, time_file: Path) -> None:
    waiting = await a_request(sandbox, SPORT)
    await hear_of(sandbox, S_PORT, SPORT, begins=10)

    await comes(9, sandbox, time_file)
    the_day_before = await status(sandbox, waiting)
    again = await comes(10, sandbox, time_file)

    assert (the_day_before, again) == (("no_broker", ()), LOOK_SECONDS)
    assert await status(sandbox, waiting) == ("assigned", (S_PORT,))
    *_, (name, said) = await events(sandbox, waiting)
    assert (name, said["assignedAt"]) == ("Assigned", "2025-10-13T09:12:00.000Z")


async def test_a_request_of_two_areas_gets_the_second_broker_when_that_one_begins(
    sandbox: Sandbox, time_file: Path
) -> None:
    await hear_of(sandbox, BABEL, ART)
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    request = await a_request(sandbox, ART, SPORT)

    await comes(10, sandbox, time_file)

    assert await status(sandbox, request) == ("assigned", (BABEL, S_PORT))
    told = [(said["brokerIds"], said["uncoveredAreas"]) for _, said in (await events(sandbox, request))[1:]]
    assert told == [([BABEL], [SPORT.model_dump()]), ([BABEL, S_PORT], [])]


async def test_an_ended_brokers_successor_takes_over_and_an_answered_request_keeps_its_state(
    sandbox: Sandbox, time_file: Path
) -> None:
    await hear_of(sandbox, BABEL, ART, ends=10)
    await hear_of(sandbox, SUCCESSOR, ART, begins=10)
    unanswered, answered = await a_request(sandbox, ART), await a_request(sandbox, ART)
    await advise(sandbox, answered)

    await comes(10, sandbox, time_file)

    assert await status(sandbox, unanswered) == ("assigned", (SUCCESSOR,))
    assert await status(sandbox, answered) == ("answered", (SUCCESSOR,))
    assert await announced(sandbox, answered) == ["Raised", "Assigned", "Answered", "Assigned"]


async def test_a_request_of_which_no_broker_is_left_says_so(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, BABEL, ART, ends=10)
    unanswered, answered = await a_request(sandbox, ART), await a_request(sandbox, ART)
    await advise(sandbox, answered)

    await comes(10, sandbox, time_file)

    assert await status(sandbox, unanswered) == ("no_broker", ())
    assert await status(sandbox, answered) == ("answered", ())
    assert await announced(sandbox, unanswered) == ["Raised", "Assigned", "Unbrokered"]
    assert await announced(sandbox, answered) == ["Raised", "Assigned", "Answered", "Unbrokered"]


async def test_a_broker_that_stays_after_all_keeps_its_requests_also_when_the_service_was_stopped(
    stack: RealParts, time_file: Path
) -> None:
    """Red where the day begins first: the request was unbrokered, and then assigned to the same broker again."""
    async with a_sandbox(stack, "requests") as sandbox:
        it_is(0, time_file)
        await give(sandbox, "recordSite", site_details(), by=OPERATOR, subject=SCHOOL)
        await comes(0, sandbox, time_file)
        await hear_of(sandbox, BABEL, ART, ends=10)
        request = await a_request(sandbox, ART)
        stays = BrokerRecorded(broker_id=BABEL, valid_from=day(0), name=Name(nl=BABEL), learning_areas=(ART,))
        await say(sandbox, OFFERS, stays, key=BABEL, version=2)
        it_is(11, time_file)
        caught_up = CaughtUp(sandbox.settings, (OFFERS,))
        starting = Router(sandbox.settings, sandbox.database, sandbox.health, caught_up=caught_up)

        again = await starting.look(sandbox.database.pool)
        async with running(Inbox(sandbox.settings, sandbox.database, sandbox.health, (OFFERS,), reactions.reactions)):
            await eventually(lambda: knows_that_it_stays(sandbox))
        await starting.look(sandbox.database.pool)

        assert again == LOOK_SECONDS
        assert await announced(sandbox, request) == ["Raised", "Assigned"]
        assert sandbox.health.report()["routing"] == "routed by 2025-10-14"


async def knows_that_it_stays(sandbox: Sandbox) -> bool:
    return not await replicas.changed_brokers(sandbox.database.pool, day(11))


async def test_a_closed_request_keeps_its_broker(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, BABEL, ART, ends=10)
    request = await a_request(sandbox, ART)
    await advise(sandbox, request)
    await give(sandbox, "closeRequest", {"outcome": "advice_only"}, by=CONSULTANT, subject=request)

    await comes(10, sandbox, time_file)

    assert await status(sandbox, request) == ("closed", (BABEL,))


async def test_what_a_broker_gives_up_by_a_correction_is_routed_anew_at_once(sandbox: Sandbox) -> None:
    await hear_of(sandbox, BABEL, ART, SPORT)
    request = await a_request(sandbox, SPORT)

    await hear_of(sandbox, BABEL, ART, version=2)

    assert await status(sandbox, request) == ("no_broker", ())


async def test_days_that_were_missed_are_made_up_for_in_one_step(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, BABEL, ART, ends=10)
    await hear_of(sandbox, SUCCESSOR, ART, begins=20)
    request = await a_request(sandbox, ART)

    await comes(40, sandbox, time_file)

    assert await status(sandbox, request) == ("assigned", (SUCCESSOR,))
    assert await announced(sandbox, request) == ["Raised", "Assigned", "Assigned"]


async def test_a_day_on_which_nothing_changes_and_a_second_look_announce_nothing(
    sandbox: Sandbox, time_file: Path
) -> None:
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    request = await a_request(sandbox, SPORT)
    for number in (5, 10, 10, 11):
        await comes(number, sandbox, time_file)

    assert await announced(sandbox, request) == ["Raised", "Unbrokered", "Assigned"]


async def test_two_that_both_believe_to_lead_announce_each_change_once(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    requests = [await a_request(sandbox, SPORT) for _ in range(20)]
    it_is(10, time_file)

    await asyncio.gather(*(router(sandbox).look(sandbox.database.pool) for _ in range(4)))

    for request in requests:
        assert await announced(sandbox, request) == ["Raised", "Unbrokered", "Assigned"]


async def test_what_another_is_routing_is_waited_for_and_not_announced_again(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    request_id = await a_request(sandbox, SPORT)
    it_is(10, time_file)

    async with sandbox.database.transaction() as tx:
        request = await store.lock(tx, request_id)
        assert request is not None
        await route_anew(tx, [request])
        looking = asyncio.create_task(router(sandbox).look(sandbox.database.pool))
        await eventually(lambda: waits_for_a_lock(sandbox))

    assert await looking == LOOK_SECONDS
    assert await announced(sandbox, request_id) == ["Raised", "Unbrokered", "Assigned"]


async def waits_for_a_lock(sandbox: Sandbox) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await sandbox.database.pool.fetchval(waiting))


async def test_one_of_two_replicas_leads_and_the_other_takes_over_when_it_ends(
    sandbox: Sandbox, time_file: Path
) -> None:
    await hear_of(sandbox, S_PORT, SPORT, begins=10, ends=20)
    request = await a_request(sandbox, SPORT)
    healths = Health(), Health()
    first, second = (asyncio.create_task(Router(sandbox.settings, sandbox.database, each).run()) for each in healths)
    await eventually(lambda: said_by(healths, "standing by"))

    it_is(10, time_file)
    await eventually(lambda: is_now(sandbox, request, "assigned"))
    leader = first if "routed" in healths[0].report()["routing"] else second
    await ended(leader)
    it_is(20, time_file)
    await eventually(lambda: is_now(sandbox, request, "no_broker"))

    await ended(first, second)
    assert await announced(sandbox, request) == ["Raised", "Unbrokered", "Assigned", "Unbrokered"]


async def said_by(healths: Sequence[Health], words: str) -> bool:
    return any(words in each.report().get("routing", "") for each in healths)


async def is_now(sandbox: Sandbox, request_id: UUID, wanted: str) -> bool:
    return (await status(sandbox, request_id))[0] == wanted


async def ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_one_request_that_cannot_be_routed_stops_no_other_and_is_tried_again(
    sandbox: Sandbox, time_file: Path
) -> None:
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    broken, sound = await a_request(sandbox, SPORT), await a_request(sandbox, SPORT)
    details = await sandbox.database.pool.fetchval(
        "UPDATE requests SET details = '{}' WHERE request_id = $1 RETURNING"
        " (SELECT details FROM requests AS before WHERE before.request_id = $1)",
        broken,
    )

    again = await comes(10, sandbox, time_file)
    told = sandbox.health.report()["routing"]
    await sandbox.database.pool.execute("UPDATE requests SET details = $2 WHERE request_id = $1", broken, details)
    mended = await comes(10, sandbox, time_file)

    assert (again, mended) == (FAILED_SECONDS, LOOK_SECONDS)
    assert told == "1 requests could not be routed; the log says which and why"
    for request in (broken, sound):
        assert await announced(sandbox, request) == ["Raised", "Unbrokered", "Assigned"]


async def test_a_round_that_ended_in_the_middle_is_finished_by_the_next(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    requests = [await a_request(sandbox, SPORT) for _ in range(2)]
    it_is(10, time_file)
    async with sandbox.database.transaction() as tx:
        begun = await store.open_for(tx, await replicas.begin_day(tx))

    await comes(10, sandbox, time_file)

    assert begun == requests
    for request in requests:
        assert await status(sandbox, request) == ("assigned", (S_PORT,))


async def test_what_is_raised_at_midnight_is_routed_by_the_day_that_has_begun(
    sandbox: Sandbox, time_file: Path
) -> None:
    await hear_of(sandbox, BABEL, ART, ends=10)
    await hear_of(sandbox, SUCCESSOR, ART, begins=10)
    await comes(10, sandbox, time_file)

    late = await a_request(sandbox, ART, raised_at=at(9))

    assert await status(sandbox, late) == ("assigned", (SUCCESSOR,))


async def test_a_day_begins_only_when_what_is_being_raised_is_there(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, BABEL, ART, ends=10)
    await hear_of(sandbox, SUCCESSOR, ART, begins=10)
    details = request_details(learning_areas=(ART,), groups=(), headcount=20)
    it_is(10, time_file)

    async with sandbox.database.command(
        by=COORDINATOR, at=at(9), causation=None, traceparent=None, expected_versions=None
    ) as tx:
        raised = await commands.requests.by_name["raiseRequest"].run(tx, None, details)
        looking = asyncio.create_task(router(sandbox).look(sandbox.database.pool))
        await eventually(lambda: waits_for_a_lock(sandbox))

    await looking
    assert await status(sandbox, UUID(raised.subject)) == ("assigned", (SUCCESSOR,))


async def test_a_record_that_is_heard_late_routes_by_the_day_that_has_begun(sandbox: Sandbox, time_file: Path) -> None:
    """After an outage of Kafka: what it says of the days in between is past."""
    request = await a_request(sandbox, ART)
    await comes(10, sandbox, time_file)

    await hear_of(sandbox, BABEL, ART, heard_at=2, ends=5)

    assert await status(sandbox, request) == ("no_broker", ())


async def test_a_stack_whose_time_is_set_back_has_the_brokers_of_that_day(sandbox: Sandbox, time_file: Path) -> None:
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    request = await a_request(sandbox, SPORT)
    await comes(10, sandbox, time_file)

    await comes(3, sandbox, time_file)

    assert await status(sandbox, request) == ("no_broker", ())


async def test_a_closure_names_as_unmet_the_areas_that_nobody_covers_on_its_day(sandbox: Sandbox) -> None:
    await hear_of(sandbox, BABEL, ART)
    await hear_of(sandbox, S_PORT, SPORT, begins=10)
    early, late = await a_request(sandbox, ART, SPORT), await a_request(sandbox, ART, SPORT)
    for number, request in ((9, early), (10, late)):
        await advise(sandbox, request)
        await give(sandbox, "closeRequest", {"outcome": "advice_only"}, by=CONSULTANT, subject=request, at=at(number))

    unmet = [(await events(sandbox, request))[-1][1]["unmetAreas"] for request in (early, late)]

    assert unmet == [[SPORT.model_dump()], []]


async def test_who_covers_an_area_is_read_anew_after_a_broker_was_recorded(sandbox: Sandbox) -> None:
    async with sandbox.database.transaction(at=NOW) as tx:
        await replicas.hold_routing(tx)
        before = await replicas.covering(tx, [ART])
        tx.reacting_to = 1, 1
        broker = BrokerRecorded(broker_id=BABEL, valid_from=TODAY, name=Name(nl=BABEL), learning_areas=(ART,))
        await replicas.save_broker(tx, broker)
        after = await replicas.covering(tx, [ART])

    assert (before, after) == ({ART: []}, {ART: [BABEL]})


async def test_who_covers_an_area_is_read_anew_where_others_may_change_it(sandbox: Sandbox) -> None:
    async with sandbox.database.transaction(at=NOW) as tx:
        before = await replicas.covering(tx, [ART])
        await hear_of(sandbox, BABEL, ART)
        after = await replicas.covering(tx, [ART])

    assert (before, after) == ({ART: []}, {ART: [BABEL]})
