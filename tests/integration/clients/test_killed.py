"""A service that is killed in the middle of its commands goes on where it was: each has one effect and one outcome."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from contracts.envelope import decode
from contracts.outcomes import CommandAccepted, command_topic, outcome_topic
from contracts.topics import topics_for
from local import RealParts, ports
from samenspel import topics
from tests.builders import SCHOOL, request_details, site_details
from tests.sandbox import Sandbox, a_sandbox
from tests.service_process import as_json
from tests.waiting import SOON, eventually

CLIENT = "planning"
COMMANDS = 400  # more than one batch, and some seconds of work
DETAILS = as_json(request_details(), groups=[], headcount=20)


@pytest.fixture
async def sandbox(stack: RealParts) -> AsyncIterator[Sandbox]:
    """Topics and tables for a service, which knows a client that acts for a school."""
    async with a_sandbox(stack, "requests") as sandbox:
        await topics.apply(stack.kafka, sandbox.settings.kafka_prefix, topics=topics_for(CLIENT))
        db = sandbox.database.pool
        await db.execute("INSERT INTO clients (client, registered_at) VALUES ($1, now())", CLIENT)
        add = "INSERT INTO client_actors (client, role, organisation) VALUES ($1, $2, $3)"
        await db.executemany(add, [(CLIENT, "coordinator", SCHOOL), (CLIENT, "operator", "own:city")])
        yield sandbox


@contextmanager
def running(sandbox: Sandbox) -> Iterator["subprocess.Popen[bytes]"]:
    """The service as a process; killed in the end, if not before."""
    settings = {
        "SAMENSPEL_KAFKA": sandbox.kafka,
        "SAMENSPEL_KAFKA_PREFIX": sandbox.settings.kafka_prefix,
        "SAMENSPEL_DATABASE_URL": sandbox.settings.database_url,
        "SAMENSPEL_HTTP_PORT": str(ports.find_free()),
        "SAMENSPEL_LOG_LEVEL": "error",
    }
    process = subprocess.Popen([sys.executable, "-m", "services.requests"], env=os.environ | settings)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(SOON)


def a_message(name: str, data: object, **other: str) -> tuple[bytes, bytes]:
    acting = ("operator", "own:city") if name == "RecordSite" else ("coordinator", SCHOOL)
    message = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:nld:oin:00000099000000001000:systeem:{CLIENT}",
        "type": f"nl.samenspel.requests.{name}.v1",
        "actingrole": acting[0],
        "actingorganisation": acting[1],
        "data": data,
        **other,
    }
    return SCHOOL.encode(), json.dumps(message).encode()


async def test_it_goes_on_where_it_was(sandbox: Sandbox) -> None:
    every = [a_message("RecordSite", as_json(site_details()), subject=SCHOOL)]
    every += [a_message("RaiseRequest", DETAILS) for _ in range(COMMANDS)]
    await sandbox.send(command_topic(CLIENT), *every)

    with running(sandbox):
        await eventually(lambda: has_outcomes(sandbox, 2))
    done = await number_of_outcomes(sandbox)
    with running(sandbox):
        await eventually(lambda: has_outcomes(sandbox, len(every)), within=3 * SOON)
        await eventually(lambda: is_published(sandbox))

    said = [decode(record.value).event for record in await sandbox.read(outcome_topic(CLIENT))]
    told = Counter(each.subject for each in said if isinstance(each, CommandAccepted))
    assert done < len(every)
    assert len(told) == await number_of_outcomes(sandbox) == len(every)
    assert await sandbox.database.pool.fetchval("SELECT count(*) FROM requests") == COMMANDS


async def has_outcomes(sandbox: Sandbox, least: int) -> bool:
    return await number_of_outcomes(sandbox) >= least


async def number_of_outcomes(sandbox: Sandbox) -> int:
    query = "SELECT count(*) FROM journal WHERE topic = $1 AND aggregate LIKE 'command:%'"
    found: int = await sandbox.database.pool.fetchval(query, outcome_topic(CLIENT))
    return found


async def is_published(sandbox: Sandbox) -> bool:
    return not await sandbox.database.pool.fetchval("SELECT count(*) FROM outbox")
