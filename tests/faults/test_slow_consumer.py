"""A backlog, and a reaction that takes two seconds: the consumer stays in its group, and its memory stays flat."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import CONTENT_TYPE
from contracts.offers import OFFERS, BrokerRecorded
from local import RealParts
from services.chassis.messaging.inbox import Inbox
from services.chassis.messaging.positions import Positions
from services.chassis.running.database import Transaction
from tests.integration.chassis.test_inbox import a_message, an_inbox, running
from tests.sandbox import Sandbox
from tests.waiting import eventually

BACKLOG = 10_000  # from the issue
SLOW = 2.0  # seconds that the reaction takes, from the issue
WATCHED = 320.0  # seconds: longer than Kafka's clients wait between two polls (300 s) before they leave the group
FLAT = 64 * 1024 * 1024  # bytes: much less than the backlog would take as objects, with room for the interpreter


@dataclass
class Counting(Inbox):
    """Counts how often it was given partitions."""

    assigned: int = 0

    async def where_to_read_on(self) -> Positions:
        self.assigned += 1
        return await Inbox.where_to_read_on(self)


@pytest.mark.long
@pytest.mark.fault("T21")
async def test_a_slow_consumer_with_a_backlog_causes_no_storm_of_rebalances_and_keeps_its_memory(
    stack: RealParts, record_property: Callable[[str, object], None]
) -> None:
    done: list[int] = []

    async def slowly(_: BrokerRecorded, tx: Transaction) -> None:
        await asyncio.sleep(SLOW)
        done.append(tx.reacting_to[1])

    async with an_inbox(stack, reaction=slowly) as (like, sandbox):
        await send_backlog(sandbox)
        inbox = Counting(like.settings, like.database, like.health, like.topics, like.reactions)
        async with running(inbox):
            await eventually(lambda: has_begun(done))
            before = psutil.Process().memory_info().rss
            await eventually(lambda: has_done(done, int(WATCHED / SLOW)), within=WATCHED * 1.5)
            grown = psutil.Process().memory_info().rss - before

        record_property("commands", BACKLOG)
        assert sandbox.health.died is not None
        assert not sandbox.health.died.done()
        assert inbox.assigned <= 2
        assert grown < FLAT


async def send_backlog(sandbox: Sandbox) -> None:
    headers = [("content-type", CONTENT_TYPE)]
    async with AIOKafkaProducer(bootstrap_servers=sandbox.kafka) as producer:
        for version in range(1, BACKLOG + 1):
            value = a_message(version).value
            await producer.send(sandbox.settings.topic(OFFERS), value, key=b"own:b", headers=headers)


async def has_begun(done: list[int]) -> bool:
    return bool(done)


async def has_done(done: list[int], number: int) -> bool:
    return len(done) >= number
