"""A leader sleeps while another takes over, and wakes up: what it writes then is fenced."""

import asyncio
import os
import signal
from typing import Any

import asyncpg
import pytest

from local import Stack
from tests.faults.conftest import System
from tests.faults.duration import lasting
from tests.faults.proxies import Router, at_work
from tests.faults.replicas import a_replica
from tests.waiting import eventually

ASLEEP = 45.0  # seconds: longer than Kafka's session timeout and PostgreSQL's keepalives


@pytest.mark.long
@pytest.mark.fault("T04")
@pytest.mark.parametrize(("service", "part"), [("reporting", "projection"), ("referrals", "relay")])
def test_a_leader_that_slept_while_another_took_over_loses_and_doubles_nothing(
    system: System, service: str, part: str
) -> None:
    """`referrals` is a zombie relay and a zombie consumer in one."""
    stack, sleeper = system.stack, system.stack.pid(service)
    assert sleeper is not None
    with a_replica(stack, service) as second, at_work(router := Router([stack.state.ports[service], second])):
        through = {service: router.url}
        with system.load(requests=100, through=through):
            pass
        os.kill(sleeper, signal.SIGSTOP)
        try:
            leader = asyncio.run(leader_of(stack, service, part))
            asyncio.run(lose_the_lead(stack, service, leader))
            asyncio.run(eventually(lambda: another_leads(stack, service, part, leader)))
            with lasting(ASLEEP), system.load(requests=200, through=through):
                pass
        finally:
            os.kill(sleeper, signal.SIGCONT)
        with system.load(requests=100, through=through):
            pass
        system.recovers(within=30.0)
        assert system.violations() == []
        assert stack.pid(service) == sleeper  # it is a standby now; it was not restarted


async def leader_of(stack: Stack, service: str, part: str) -> int | None:
    """The backend that leads this part."""
    lead = f"(classid::bigint << 32 | objid::bigint) = hashtextextended('lead {part}', 0)"
    holder: int | None = await _ask(stack, service, f"SELECT pid FROM pg_locks WHERE {A_LOCK} AND {lead}")
    return holder


async def another_leads(stack: Stack, service: str, part: str, before: int | None) -> bool:
    return await leader_of(stack, service, part) not in {None, before}


async def lose_the_lead(stack: Stack, service: str, leader: int | None) -> None:
    """End the sleeper's connection, and with it the lead, as PostgreSQL does by itself when a machine is lost."""
    assert await _ask(stack, service, f"SELECT pg_terminate_backend({leader})")


async def _ask(stack: Stack, service: str, query: str) -> Any:
    database = await asyncpg.connect(stack.database_url(service))
    try:
        return await database.fetchval(query)
    finally:
        await database.close()


A_LOCK = """
locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
