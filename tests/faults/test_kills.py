"""Services that end without a word in the middle of the load: nothing is lost, nothing is doubled."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest

from local import Stack
from tests.faults.conftest import Town
from tests.faults.invariants import sent_twice
from tests.rooms import SOON, eventually


def test_kill_nine_of_each_service_under_load_loses_nothing_and_doubles_nothing(town: Town) -> None:
    with town.load(stories=150) as load, ThreadPoolExecutor() as restarts:
        for share, service in ((0.2, "reporting"), (0.4, "requests"), (0.6, "referrals"), (0.8, "reporting")):
            load.reaches(share)
            town.stack.kill_service(service)
            restarts.submit(town.stack.start_service, service).result()

    assert any(call.was_unknown for call in town.calls)  # it did hurt
    assert town.violations() == []


@pytest.mark.parametrize("service", ["requests", "referrals"])
def test_a_kill_between_acknowledgement_and_delete_only_sends_the_same_events_again(town: Town, service: str) -> None:
    before = sent_twice(town.stack)
    with town.load(stories=60) as load:
        load.reaches(0.3)
        asyncio.run(killed_before_the_delete(town.stack, service))
        town.stack.start_service(service)

    assert sent_twice(town.stack) > before
    assert town.violations() == []


async def killed_before_the_delete(stack: Stack, service: str) -> None:
    """Hold up the relay's delete, which follows Kafka's acknowledgement; kill the service while it waits, and its
    connections too, or PostgreSQL would still carry out what they were sent."""
    holder, watcher = [await asyncpg.connect(stack.database_url(service)) for _ in range(2)]
    transaction = holder.transaction()
    await transaction.start()

    async def is_waiting() -> bool:
        """Whether a delete waits; without rows on their way to Kafka there is none, so let some pass and look again."""
        nonlocal transaction
        await holder.execute("LOCK TABLE outbox IN SHARE MODE")
        await asyncio.sleep(0.1)
        if await watcher.fetchval(WAITING_DELETES):
            return True
        await transaction.rollback()
        transaction = holder.transaction()
        await transaction.start()
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
