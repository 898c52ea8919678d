"""Services are killed in the middle of the load: nothing is lost, nothing is doubled."""

import asyncio

import asyncpg
import pytest

from local import Stack
from tests.faults.conftest import System
from tests.faults.invariants import sent_twice
from tests.waiting import SOON, eventually


def test_kill_nine_of_each_service_under_load_loses_nothing_and_doubles_nothing(system: System) -> None:
    earlier = len(system.calls)
    with system.load(requests=150) as load:
        for fifths, service in enumerate(("reporting", "requests", "referrals", "reporting"), start=1):
            load.reaches(fifths / 5)
            system.stack.kill_service(service)
            system.stack.start_service(service)

    assert any(call.was_unknown for call in system.calls[earlier:])  # the negative control: callers noticed
    assert system.violations() == []


@pytest.mark.parametrize("service", ["requests", "referrals"])
def test_a_kill_between_acknowledgement_and_delete_only_sends_events_again(system: System, service: str) -> None:
    before = sent_twice(system.stack)
    with system.load(requests=60) as load:
        load.reaches(0.3)
        asyncio.run(killed_before_the_delete(system.stack, service))
        system.stack.start_service(service)

    assert sent_twice(system.stack) > before
    assert system.violations() == []


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
