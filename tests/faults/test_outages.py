"""Kafka away, PostgreSQL crashed, a service told to stop, a leader asleep: all while callers send commands."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest

from local import Stack, ports
from local.waiting import completed
from services.chassis.running.database import UNAVAILABLE
from services.reporting.projection import LEADS_PROJECTION
from tests.faults.conftest import System
from tests.waiting import eventually

KAFKA_AWAY = 20.0  # seconds, from the issue
STOP = 20.0  # seconds: an orchestrator kills what has not ended by then
ASLEEP = 45.0  # seconds: longer than Kafka's session timeout and PostgreSQL's keepalives


def test_without_kafka_for_twenty_seconds_every_command_is_accepted_and_later_published(
    system: System,
) -> None:
    began, earlier = time.monotonic(), len(system.calls)
    system.stack.kafka_node.stop()
    with system.load(callers=4, requests=300, raise_only=True):
        pass
    while time.monotonic() < began + KAFKA_AWAY:
        with system.load(callers=2, requests=20, raise_only=True):  # until the time is over
            pass
    system.stack.kafka_node.start()

    asked = system.calls[earlier:]
    assert {(call.outcome, call.was_unknown, call.refused_as_busy) for call in asked} == {("ok", 0, 0)}
    assert system.violations() == []


def test_postgresql_crashes_under_load_and_no_acknowledged_command_is_lost(system: System) -> None:
    earlier = len(system.calls)
    with system.load(requests=100) as load:
        for share in (0.3, 0.6):
            load.reaches(share)
            system.crash_postgres()

    # The negative control: callers noticed.
    assert any(call.was_unknown or call.refused_as_busy for call in system.calls[earlier:])
    assert system.violations() == []


@pytest.mark.parametrize(("synchronous_commit", "loses"), [("on", False), ("off", True)])
def test_what_was_acknowledged_survives_the_crash_only_with_synchronous_commit(
    system: System, synchronous_commit: str, loses: bool
) -> None:
    """The negative control of the one before: the promise depends on a setting, which must not be switched off."""
    url = system.stack.create_database("crashing", "crashing")
    acknowledged: list[int] = []
    with ThreadPoolExecutor() as threads:
        writing = threads.submit(asyncio.run, write_until_the_crash(url, synchronous_commit, acknowledged))
        while len(acknowledged) < 500 and not writing.done():
            time.sleep(0.001)
        system.crash_postgres()
        writing.result()

    lost = set(acknowledged) - asyncio.run(numbers(url))
    assert bool(lost) == loses


async def write_until_the_crash(url: str, synchronous_commit: str, acknowledged: list[int]) -> None:
    """Commit numbers one by one, and note each that PostgreSQL acknowledged."""
    database = await asyncpg.connect(url)
    await database.execute("DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (number integer)")
    await database.execute(f"SET synchronous_commit = {synchronous_commit}")
    try:
        for number in count():
            await database.execute("INSERT INTO numbers VALUES ($1)", number)
            acknowledged.append(number)
    except (*UNAVAILABLE, asyncpg.PostgresError):
        database.terminate()


async def numbers(url: str) -> set[int]:
    database = await asyncpg.connect(url)
    try:
        return {row["number"] for row in await database.fetch("SELECT number FROM numbers")}
    finally:
        await database.close()


@pytest.mark.parametrize("service", ["requests", "referrals", "reporting"])
def test_a_service_that_is_told_to_stop_finishes_what_it_began(system: System, service: str) -> None:
    earlier, log = len(system.calls), system.stack.folder / "logs" / f"{service}.log"
    with system.load(requests=60) as load:
        load.reaches(0.3)
        began, said = time.monotonic(), log.stat().st_size
        system.stack.stop_service(service)
        took, last_words = time.monotonic() - began, log.read_bytes()[said:]
        system.stack.start_service(service)

    assert took < STOP
    assert b'"event": "stopped"' in last_words.splitlines()[-1]
    # No 5xx: refused connections only.
    assert not any(call.refused_as_busy or call.server_errors for call in system.calls[earlier:])
    assert system.violations() == []


@pytest.mark.long
def test_a_projection_leader_that_slept_while_another_took_over_appends_nothing_twice(system: System) -> None:
    sleeper = system.stack.pid("reporting")
    assert sleeper is not None
    with a_second_reporting(system.stack):
        os.kill(sleeper, signal.SIGSTOP)
        try:
            leader = asyncio.run(leader_of(system.stack))
            asyncio.run(lose_the_lead(system.stack, leader))
            asyncio.run(eventually(lambda: another_leads(system.stack, leader)))
            asleep_since = time.monotonic()
            with system.load(requests=100):
                pass
            time.sleep(max(0.0, asleep_since + ASLEEP - time.monotonic()))  # the fault itself lasts this long
        finally:
            os.kill(sleeper, signal.SIGCONT)
        with system.load(requests=50):
            pass
        assert system.violations() == []
        assert system.stack.pid("reporting") == sleeper  # it is a standby now; it was not restarted


@contextmanager
def a_second_reporting(stack: Stack) -> Iterator[None]:
    """A hot standby beside the stack's own."""
    port = ports.find_free()
    environment = stack.service_environment("reporting") | {"SAMENSPEL_HTTP_PORT": str(port)}
    with (stack.folder / "logs" / "second-reporting.log").open("wb") as log:
        second = subprocess.Popen([sys.executable, "-m", "services.reporting"], env=environment, stdout=log, stderr=log)
        try:
            completed(eventually(lambda: is_ready(port)))
            yield
        finally:
            second.terminate()
            second.wait(timeout=30)


async def is_ready(port: int) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/health/ready")).is_success
        except httpx.TransportError:
            return False


async def leader_of(stack: Stack) -> int | None:
    """The backend that holds the lead."""
    holder: int | None = await _ask(stack, f"SELECT pid FROM pg_locks WHERE {THE_LEAD}")
    return holder


async def another_leads(stack: Stack, before: int | None) -> bool:
    return await leader_of(stack) not in {None, before}


async def lose_the_lead(stack: Stack, leader: int | None) -> None:
    """End the sleeper's connection, and with it the lead, as PostgreSQL does by itself when a machine is lost."""
    assert await _ask(stack, f"SELECT pg_terminate_backend({leader})")


async def _ask(stack: Stack, query: str) -> Any:
    database = await asyncpg.connect(stack.database_url("reporting"))
    try:
        return await database.fetchval(query)
    finally:
        await database.close()


THE_LEAD = f"""
locktype = 'advisory' AND objid = {LEADS_PROJECTION} AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
