"""A consumer dies at work, a relay has a rival, Kafka has a message twice, a batch fails: each is applied once.

`test_controls.py` takes away what protects this.
"""

import asyncio
import signal
import sys
from collections import Counter

import pytest

from contracts.offers import OFFERS
from contracts.partitioner import partition_of
from local import RealParts
from services.chassis.messaging.inbox import Inbox
from services.chassis.messaging.positions import load_positions
from tests.integration.chassis.test_inbox import (
    a_message,
    an_inbox,
    applied,
    dead_letters,
    delivered,
    failing_for,
    has_applied,
    running,
)
from tests.integration.chassis.test_outbox import announce, in_environment, is_drained, relaying
from tests.sandbox import a_sandbox
from tests.waiting import eventually

DYING = ("-m", "tests.faults.dying_consumer")
ANOTHER_KEY = "own:c"  # on another partition than own:b


async def test_a_consumer_that_dies_at_work_loses_and_doubles_nothing(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        await sandbox.send(OFFERS, *((b"own:b", each.value) for each in delivered(1, 2, 3)))
        killed = await asyncio.create_subprocess_exec(sys.executable, *DYING, *in_environment(sandbox))
        async with asyncio.timeout(30):
            assert await killed.wait() == -signal.SIGKILL
        before = await applied(sandbox)

        async with running(inbox):
            await eventually(lambda: has_applied(sandbox, 3))

        assert before == []  # it died within a transaction
        assert await applied(sandbox) == [(1, 1), (1, 2), (1, 3)]


async def test_what_kafka_has_twice_is_applied_once(stack: RealParts) -> None:
    """As after the death of a relay between Kafka's acknowledgement and the delete."""
    async with an_inbox(stack) as (inbox, sandbox), running(inbox):
        twice = [each for each in delivered(1, 2) for _ in range(2)]
        await sandbox.send(OFFERS, *((b"own:b", each.value) for each in [*twice, a_message(3)]))
        await eventually(lambda: has_applied_version(inbox, 3))

        assert await applied(sandbox) == [(1, 1), (1, 2), (1, 3)]


@pytest.mark.fault("T23")
async def test_of_a_failing_batch_over_two_partitions_only_the_failing_message_is_set_aside(
    stack: RealParts,
) -> None:
    async with an_inbox(stack, reaction=failing_for(2, 12)) as (inbox, sandbox):
        ours = delivered(1, 2, 3)
        others = [a_message(10 + version, offset=offset, key=ANOTHER_KEY) for offset, version in enumerate((1, 2, 3))]
        await inbox.receive([record for pair in zip(ours, others, strict=True) for record in pair])

        stored = await load_positions(sandbox.database.pool, [OFFERS])
        assert sorted(await applied(sandbox)) == [(1, 1), (1, 3), (1, 11), (1, 13)]
        assert await dead_letters(sandbox) == [("reaction-failed", 1)] * 2
        assert {partition for (_, partition), offset in stored.items() if offset == 3} == {
            partition_of(b"own:b"),
            partition_of(ANOTHER_KEY.encode()),
        }


async def test_of_two_relays_of_one_database_one_publishes(stack: RealParts) -> None:
    async with a_sandbox(stack, "referrals") as sandbox:
        async with relaying(sandbox), relaying(sandbox):
            await announce(sandbox, 300)  # one after another, so that both are awake while there is work
            await eventually(lambda: is_drained(sandbox))

        sent = Counter(record.value for record in await sandbox.read(OFFERS))
        assert set(sent.values()) == {1}
        assert len(sent) == 300


async def has_applied_version(inbox: Inbox, version: int) -> bool:
    found = await inbox.database.pool.fetchval("SELECT count(*) FROM applied WHERE version = $1", version)
    return bool(found)
