"""Kafka away, Kafka asleep, PostgreSQL crashed, a transaction that never ends: all while callers send commands."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import asyncpg
import pytest

from contracts.topics import SERVICES
from local import Stack
from services.chassis.running.database import UNAVAILABLE
from tests.faults.conftest import System
from tests.faults.duration import lasting
from tests.faults.load import raise_request
from tests.faults.proxies import Router, at_work
from tests.faults.replicas import a_replica

BACKLOG_GONE = 60.0  # seconds, from the issue
RECOVERED = 30.0  # seconds, from the issue
PAUSED = 30.0  # seconds, from the issue
PROMPT = 5.0  # seconds that a command may take on a machine that is busy with something else


@pytest.mark.fault("T08")
@pytest.mark.parametrize(("away", "backlog"), [(20.0, 300), pytest.param(120.0, 2_000, marks=pytest.mark.long)])
def test_without_kafka_every_command_is_accepted_and_later_published(system: System, away: float, backlog: int) -> None:
    """Behind a router that asks for readiness, and with a consumer that is behind when Kafka goes away."""
    stack = system.stack
    processes = {service: stack.pid(service) for service in SERVICES}
    with a_replica(stack, "requests") as second, at_work(router := Router([stack.state.ports["requests"], second])):
        through = {"requests": router.url}
        with asleep(stack, "referrals"):
            with system.load(requests=backlog, handle=raise_request, through=through):
                pass
            stack.kafka_node.stop()
        gone = time.monotonic()
        while time.monotonic() < gone + away:
            with system.load(callers=4, requests=40, handle=raise_request, through=through):  # until the time is over
                pass
        stack.kafka_node.start()
        system.recovers(within=BACKLOG_GONE)

    assert {(call.outcome, *call.troubles) for call in system.calls} == {("ok",)}
    assert (system.server_errors(), router.refused) == ([], 0)
    assert {service: stack.pid(service) for service in SERVICES} == processes  # none ended by itself
    assert system.violations() == []


@contextmanager
def asleep(stack: Stack, name: str) -> Iterator[None]:
    """The process of a part does nothing; it is not told."""
    sleeper = stack.pid(name)
    assert sleeper is not None
    os.kill(sleeper, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(sleeper, signal.SIGCONT)


@pytest.mark.long
@pytest.mark.fault("T05")
def test_a_broker_that_pauses_costs_no_command(system: System) -> None:
    """The only broker, so that no other takes over."""
    with system.load(requests=300) as load:
        load.reaches(0.3)
        with asleep(system.stack, "kafka"), lasting(PAUSED):
            pass

    system.recovers(within=RECOVERED)
    assert len(system.calls) >= 1_800
    assert system.server_errors() == []
    assert system.violations() == []


@pytest.mark.fault("T16")
@pytest.mark.parametrize(("stuck", "requests"), [(8.0, 100), pytest.param(120.0, 2_000, marks=pytest.mark.long)])
def test_a_transaction_that_never_ends_holds_up_no_other_aggregate(system: System, stuck: float, requests: int) -> None:
    """It drew the lowest position of the outbox, and has not committed it."""
    with lasting(stuck), stuck_in_the_outbox(system.stack):
        with system.load(requests=requests, handle=raise_request):
            pass
        system.recovers(within=RECOVERED)  # while it is still open

    assert max(call.seconds for call in system.calls) < PROMPT
    assert system.server_errors() == []
    assert system.violations() == []


@contextmanager
def stuck_in_the_outbox(stack: Stack) -> Iterator[None]:
    """A transaction that wrote to journal and outbox, and is idle since."""
    with asyncio.Runner() as runner:
        database = runner.run(asyncpg.connect(stack.database_url("requests")))
        runner.run(database.execute(f"BEGIN; {STAGE_ONE}"))
        try:
            yield
            assert runner.run(database.fetchval("SELECT count(*) FROM journal WHERE aggregate = 'stuck:1'")) == 1
        finally:
            runner.run(database.close())


STAGE_ONE = """
WITH added AS (
    INSERT INTO journal (event_id, topic, key, value, aggregate, epoch, version, recorded_at)
    VALUES (gen_random_uuid(), 'partnership.requests.v1', 'k', 'v', 'stuck:1', 1, 1, now()) RETURNING position, topic
)
INSERT INTO outbox (position, topic, partition, size) SELECT position, topic, 0, 2 FROM added
"""


@pytest.mark.fault("T13")
@pytest.mark.parametrize(("crashes", "requests"), [(2, 100), pytest.param(8, 300, marks=pytest.mark.long)])
def test_postgresql_crashes_under_load_and_no_acknowledged_command_is_lost(
    system: System, crashes: int, requests: int
) -> None:
    with system.load(requests=requests) as load:
        for number in range(1, crashes + 1):
            load.reaches(number / (crashes + 1))
            system.crash_postgres()

    system.recovers(within=RECOVERED)
    # The negative control: callers noticed, and readers of each service.
    assert any(call.was_unknown or call.refused_as_busy for call in system.calls)
    assert {read.service for read in system.reads if read.server_errors} == set(SERVICES)
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
