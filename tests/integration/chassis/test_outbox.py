"""What a transaction announces is published once it is committed: all of it, nothing else, in order."""

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date

import pytest

from contracts.envelope import decode
from contracts.offers import OFFERS, BrokerRecorded
from contracts.values import Name
from local import RealParts
from samenspel.topic_records import TopicRecord
from services.chassis.messaging import outbox
from services.chassis.messaging.relay import Relay
from services.chassis.running.database import Transaction
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually

WRITERS = 16
AGGREGATES = 40  # fewer than there are transactions under way would like: some wait for each other
ROLLED_BACK = 0.05  # of the transactions
LATE = 0.02  # seconds between the sequence's number and the commit, at most: enough to overtake many others


class RolledBack(Exception):
    """A transaction of this test that ends without a commit."""


@pytest.mark.fault("T22")
@pytest.mark.parametrize("transactions", [2_000, pytest.param(14_000, marks=pytest.mark.long)])
async def test_sixteen_writers_lose_nothing_and_announce_no_ghosts(stack: RealParts, transactions: int) -> None:
    async with a_sandbox(stack, "referrals") as sandbox, relaying(sandbox), polling_naively(sandbox) as seen_by_polling:
        await asyncio.gather(*(write(sandbox, writer, transactions // WRITERS) for writer in range(WRITERS)))
        await eventually(lambda: is_drained(sandbox))

        committed = await sandbox.database.pool.fetch("SELECT event_id, position FROM journal")
        published = [decode(record.value) for record in await sandbox.read(OFFERS)]
        assert 0.9 * transactions < len(committed) < transactions
        assert sorted(message.envelope.id for message in published) == sorted(row["event_id"] for row in committed)
        assert versions_seen(await sandbox.read(OFFERS)) == await versions_committed(sandbox)
        # The negative control: a poller that reads "everything after the last number" misses what was committed late.
        assert {row["position"] for row in committed} - seen_by_polling


async def test_a_relay_killed_between_acknowledgement_and_delete_sends_the_same_bytes_again(stack: RealParts) -> None:
    async with a_sandbox(stack, "referrals") as sandbox:
        await announce(sandbox, 50)

        killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED_AFTER_ACK, *in_environment(sandbox))
        async with asyncio.timeout(30):
            assert await killed.wait() == -signal.SIGKILL
        once = await sandbox.read(OFFERS)
        pointers_left = await sandbox.database.pool.fetchval("SELECT count(*) FROM outbox")
        async with relaying(sandbox):
            await eventually(lambda: is_drained(sandbox))
        twice = await sandbox.read(OFFERS)

        assert (len(once), pointers_left) == (50, 50)
        assert Counter(record.value for record in twice) == Counter(record.value for record in [*once, *once])
        assert versions_seen(twice) == await versions_committed(sandbox)


async def test_a_message_that_kafka_refuses_is_set_aside_and_holds_nothing_up(stack: RealParts) -> None:
    async with a_sandbox(stack, "referrals") as sandbox, relaying(sandbox):
        await announce(sandbox, 20)
        async with sandbox.database.transaction() as tx:
            huge = outbox.Staged(outbox.new_id(), OFFERS, b"own:b1", b"x" * 1_200_000, None, "huge", 1, 1)
            await outbox.stage(tx, [huge])
        await announce(sandbox, 20)
        await eventually(lambda: is_drained(sandbox))

        query = "SELECT event_id, reason FROM refused JOIN journal USING (position)"
        refused = [tuple(row) for row in await sandbox.database.pool.fetch(query)]
        assert refused == [(huge.event_id, "too large")]
        committed = await versions_committed(sandbox)
        assert committed.pop("huge") == [1]
        assert versions_seen(await sandbox.read(OFFERS)) == committed


async def write(sandbox: Sandbox, writer: int, transactions: int) -> None:
    """Announce in transactions that commit late, or not at all; an aggregate's writers wait for each other."""
    chance = random.Random(writer)
    for _ in range(transactions):
        broker_id = f"own:b{chance.randrange(AGGREGATES)}"
        with suppress(RolledBack):
            async with sandbox.database.transaction() as tx:
                await tx.db.execute("SELECT pg_advisory_xact_lock(hashtext($1))", broker_id)
                await add(tx, a_broker(broker_id))
                await asyncio.sleep(chance.random() * LATE)
                if chance.random() < ROLLED_BACK:
                    raise RolledBack


async def announce(sandbox: Sandbox, number: int) -> None:
    for each in range(number):
        async with sandbox.database.transaction() as tx:
            await add(tx, a_broker(f"own:b{each % 10}"))


async def add(tx: Transaction, broker: BrokerRecorded) -> None:
    """Announce a broker, for the first time or again."""
    versions = await tx.db.fetchval("SELECT count(*) FROM journal WHERE aggregate = $1", f"broker:{broker.broker_id}")
    await outbox.add(tx, broker, key=broker.broker_id, version=versions + 1)


def a_broker(broker_id: str) -> BrokerRecorded:
    return BrokerRecorded(broker_id=broker_id, valid_from=date(2020, 8, 1), name=Name(nl="Babel"), learning_areas=())


@asynccontextmanager
async def relaying(sandbox: Sandbox) -> AsyncIterator[None]:
    relay = asyncio.create_task(Relay(sandbox.settings, sandbox.health).run())
    try:
        yield
    finally:
        await end(relay)


@asynccontextmanager
async def polling_naively(sandbox: Sandbox) -> AsyncIterator[set[int]]:
    """What a poller sees that asks for everything after the last number that it saw."""
    seen: set[int] = set()

    async def poll() -> None:
        last = 0
        while True:
            rows = await sandbox.database.pool.fetch("SELECT position FROM journal WHERE position > $1", last)
            seen.update(row["position"] for row in rows)
            last = max(seen, default=0)
            await asyncio.sleep(0.005)

    poller = asyncio.create_task(poll())
    try:
        yield seen
    finally:
        await end(poller)


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def is_drained(sandbox: Sandbox) -> bool:
    return not await sandbox.database.pool.fetchval("SELECT count(*) FROM outbox")


def versions_seen(records: list[TopicRecord]) -> dict[str, list[int]]:
    """Per aggregate its versions in the order in which a consumer first sees them."""
    seen: dict[str, list[int]] = {}
    for record in records:
        message = decode(record.value)
        versions = seen.setdefault(message.aggregate, [])
        if message.envelope.aggregateversion not in versions:
            versions.append(message.envelope.aggregateversion)
    return seen


async def versions_committed(sandbox: Sandbox) -> dict[str, list[int]]:
    rows = await sandbox.database.pool.fetch("SELECT aggregate, max(version) AS last FROM journal GROUP BY aggregate")
    return {row["aggregate"]: list(range(1, row["last"] + 1)) for row in rows}


def in_environment(sandbox: Sandbox) -> list[str]:
    return [sandbox.kafka, sandbox.settings.kafka_prefix, sandbox.settings.database_url]


KILLED_AFTER_ACK = """
import asyncio, os, signal, sys
from contracts.offers import OFFERS
from samenspel.topic_records import read_topics
from services.chassis.running.health import Health
from services.chassis.messaging.relay import Relay
from services.chassis.running.settings import read_settings

async def die():
    while len(await read_topics(settings.kafka, [settings.topic(OFFERS)])) < 50:  # the other lanes go on meanwhile
        pass
    os.kill(os.getpid(), signal.SIGKILL)

names = ("SAMENSPEL_KAFKA", "SAMENSPEL_KAFKA_PREFIX", "SAMENSPEL_DATABASE_URL")
settings = read_settings("referrals", 8002, dict(zip(names, sys.argv[1:])))
asyncio.run(Relay(settings, Health(), die).run())
"""
