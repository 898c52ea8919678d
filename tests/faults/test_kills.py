"""Services are killed, and told to stop, in the middle of the load: nothing is lost, nothing is doubled."""

import asyncio
import time

import asyncpg
import pytest

from local import Stack
from tests.faults.conftest import System
from tests.faults.invariants import sent_twice
from tests.waiting import SOON, eventually

KILLS = 20  # from the issue
CATCHES_UP = 45.0  # seconds, from the issue
DRAINS = 30.0  # seconds, from the issue
STOPS = 20.0  # seconds: an orchestrator kills what has not ended by then


@pytest.mark.fault("T01")
def test_kill_nine_of_each_service_under_load_loses_nothing_and_doubles_nothing(system: System) -> None:
    kill_under_load(system, ["reporting", "requests", "referrals", "reporting"], requests=150)

    assert any(call.was_unknown for call in system.calls)  # the negative control: callers noticed
    assert system.violations() == []


@pytest.mark.long
@pytest.mark.parametrize(
    "services",
    [
        pytest.param(["requests", "referrals"], marks=pytest.mark.fault("T01"), id="APIs"),
        pytest.param(["referrals", "reporting"], marks=pytest.mark.fault("T03"), id="consumers"),
    ],
)
def test_twenty_kills_lose_nothing_and_double_nothing(system: System, services: list[str]) -> None:
    kill_under_load(system, services * (KILLS // len(services)), requests=300)

    system.recovers(within=CATCHES_UP)
    assert len(system.calls) >= 1_800
    assert any(call.was_unknown for call in system.calls)
    assert system.violations() == []


def kill_under_load(system: System, services: list[str], *, requests: int) -> None:
    with system.load(requests=requests) as load:
        for number, service in enumerate(services, start=1):
            load.reaches(number / (len(services) + 1))
            system.stack.kill_service(service)
            system.stack.start_service(service)


@pytest.mark.long
@pytest.mark.fault("T02")
def test_twenty_kills_between_acknowledgement_and_delete_only_send_events_again(system: System) -> None:
    before = sent_twice(system.stack)
    with system.load(requests=300) as load:
        for number in range(KILLS):
            load.reaches(number / (KILLS + 1))
            service = ("requests", "referrals")[number % 2]
            asyncio.run(killed_before_the_delete(system.stack, service))
            system.stack.start_service(service)

    system.recovers(within=DRAINS)
    assert len(system.calls) >= 1_800
    assert sent_twice(system.stack) - before >= KILLS
    assert system.violations() == []


@pytest.mark.fault("T02")
@pytest.mark.parametrize("service", ["requests", "referrals"])
def test_a_kill_between_acknowledgement_and_delete_only_sends_events_again(system: System, service: str) -> None:
    before = sent_twice(system.stack)
    with system.load(requests=60) as load:
        load.reaches(0.3)
        asyncio.run(killed_before_the_delete(system.stack, service))
        system.stack.start_service(service)

    assert sent_twice(system.stack) > before
    assert system.violations() == []


@pytest.mark.fault("T27")
@pytest.mark.parametrize("service", ["requests", "referrals", "reporting"])
def test_a_service_that_is_told_to_stop_finishes_what_it_began(system: System, service: str) -> None:
    with system.load(requests=60) as load:
        load.reaches(0.3)
        took = stop_and_start(system, service)

    assert took < STOPS
    assert system.server_errors() == []  # refused connections only
    assert system.violations() == []


@pytest.mark.long
@pytest.mark.fault("T27")
def test_a_deployment_of_every_service_under_load_answers_no_5xx(system: System) -> None:
    took: list[float] = []
    with system.load(requests=400) as load:
        for number, service in enumerate(["requests", "referrals", "reporting"] * 2, start=1):
            load.reaches(number / 7)
            took.append(stop_and_start(system, service))

    system.recovers(within=DRAINS)
    assert len(system.calls) >= 2_400
    assert max(took) < STOPS
    assert system.server_errors() == []
    assert system.violations() == []


def stop_and_start(system: System, service: str) -> float:
    """Seconds that it took to stop; it said so itself."""
    log = system.stack.folder / "logs" / f"{service}.log"
    began, said = time.monotonic(), log.stat().st_size
    system.stack.stop_service(service)
    took, last_words = time.monotonic() - began, log.read_bytes()[said:]
    system.stack.start_service(service)
    assert b'"event": "stopped"' in last_words.splitlines()[-1]
    return took


async def killed_before_the_delete(stack: Stack, service: str) -> None:
    """Block the relay's delete, which follows Kafka's acknowledgement, and kill the service while it waits.

    Its connections are ended too: PostgreSQL would still carry out what they were sent.
    """
    holder, watcher = [await asyncpg.connect(stack.database_url(service)) for _ in range(2)]

    async def is_waiting() -> bool:
        """Whether a delete waits for the lock. Else no row was on its way to Kafka: release it, and try again."""
        await holder.execute("BEGIN; LOCK TABLE outbox IN SHARE MODE")
        await asyncio.sleep(0.1)
        if await watcher.fetchval(WAITING_DELETES):
            return True
        await holder.execute("ROLLBACK")
        return False

    try:
        await eventually(is_waiting, SOON)
        stack.kill_service(service)
        await watcher.fetchval(END_ITS_CONNECTIONS, holder.get_server_pid())
    finally:
        await holder.close()
        await watcher.close()


WAITING_DELETES = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM outbox%'
"""
END_ITS_CONNECTIONS = """
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE usename = current_user AND datname = current_database() AND pid NOT IN (pg_backend_pid(), $1)
"""
