"""Whether a service has applied all that was said, whatever other programs left on its topics: on a real Kafka."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.sites import SITES
from local import RealParts
from services.chassis.messaging.caught_up import CaughtUp, ends_of, has_applied
from tests.integration.chassis.test_transactions import (
    KEY,
    PARTITION,
    a_transactional_producer,
    an_open_transaction,
    send_in_transactions,
)
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually


@pytest.fixture
async def sandbox(stack: RealParts) -> AsyncIterator[Sandbox]:
    async with a_sandbox(stack, "referrals") as sandbox:
        yield sandbox


async def test_with_an_empty_topic_one_has_caught_up(sandbox: Sandbox) -> None:
    assert await has_applied_all(sandbox)


async def test_a_record_behind_the_stored_position_is_still_to_be_read(sandbox: Sandbox) -> None:
    await sandbox.send(SITES, (KEY, b"one"), (KEY, b"two"))
    assert not await has_applied_all(sandbox)

    await is_read_up_to(sandbox, 1)
    assert not await has_applied_all(sandbox)

    await is_read_up_to(sandbox, 2)
    assert await has_applied_all(sandbox)


async def test_the_end_of_a_transaction_is_no_record(sandbox: Sandbox) -> None:
    await send_in_transactions(sandbox, b"committed")
    await eventually(lambda: ends_at(sandbox, 2))
    assert not await has_applied_all(sandbox)

    await is_read_up_to(sandbox, 1)  # the marker stands behind it

    assert await has_applied_all(sandbox)


async def test_what_was_taken_back_is_no_record(sandbox: Sandbox) -> None:
    async with a_transactional_producer(sandbox) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(sandbox.settings.topic(SITES), b"never", key=KEY)
        await producer.abort_transaction()
    await eventually(lambda: ends_at(sandbox, 2))

    assert await has_applied_all(sandbox)


async def test_what_nobody_can_read_yet_is_not_waited_for(sandbox: Sandbox) -> None:
    async with an_open_transaction(sandbox):
        await sandbox.send(SITES, (KEY, b"behind"))
        assert await ends_at(sandbox, 0)

        assert await has_applied_all(sandbox)


async def test_a_topic_that_is_never_quiet_keeps_no_day_waiting(sandbox: Sandbox) -> None:
    """Red where the ends are asked for at each look: something was always on its way."""
    caught_up, today = CaughtUp(sandbox.settings, (SITES,)), date(2025, 10, 11)
    await sandbox.send(SITES, (KEY, b"before"))
    at_first = await caught_up.has_begun(sandbox.database.pool, today)

    await sandbox.send(SITES, (KEY, b"meanwhile"))
    await is_read_up_to(sandbox, 1)
    then = await caught_up.has_begun(sandbox.database.pool, today)
    tomorrow = await caught_up.has_begun(sandbox.database.pool, today + timedelta(days=1))

    assert (at_first, then, tomorrow) == (False, True, False)


async def test_who_leads_anew_looks_anew(sandbox: Sandbox) -> None:
    caught_up, today = CaughtUp(sandbox.settings, (SITES,)), date(2025, 10, 11)
    assert await caught_up.has_begun(sandbox.database.pool, today)
    await sandbox.send(SITES, (KEY, b"meanwhile"))
    assert await caught_up.has_begun(sandbox.database.pool, today)

    caught_up.forget()

    assert not await caught_up.has_begun(sandbox.database.pool, today)


async def has_applied_all(sandbox: Sandbox) -> bool:
    return await has_applied(sandbox.database.pool, sandbox.settings, await ends_of(sandbox.settings, [SITES]))


async def ends_at(sandbox: Sandbox, offset: int) -> bool:
    """Whether what can be read ends there; the end of a transaction is written behind its producer's back."""
    partition = TopicPartition(sandbox.settings.topic(SITES), PARTITION)
    async with AIOKafkaConsumer(bootstrap_servers=sandbox.kafka, isolation_level="read_committed") as consumer:
        return bool((await consumer.end_offsets([partition]))[partition] == offset)


async def is_read_up_to(sandbox: Sandbox, offset: int) -> None:
    await sandbox.database.pool.execute(
        "INSERT INTO positions (topic, partition, next_offset) VALUES ($1, $2, $3)"
        " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
        SITES,
        PARTITION,
        offset,
    )
