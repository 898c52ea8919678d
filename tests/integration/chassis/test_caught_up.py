"""Whether a service has heard everything that was said: on a real Kafka, whatever other programs left on its topics."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.sites import SITES
from local import RealParts
from services.chassis.messaging.caught_up import has_caught_up
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
    assert await has_caught_up_with_sites(sandbox)


async def test_a_record_behind_the_stored_position_is_still_to_be_read(sandbox: Sandbox) -> None:
    await sandbox.send(SITES, (KEY, b"one"), (KEY, b"two"))
    assert not await has_caught_up_with_sites(sandbox)

    await is_read_up_to(sandbox, 1)
    assert not await has_caught_up_with_sites(sandbox)

    await is_read_up_to(sandbox, 2)
    assert await has_caught_up_with_sites(sandbox)


async def test_the_end_of_a_transaction_is_no_record(sandbox: Sandbox) -> None:
    await send_in_transactions(sandbox, b"committed")
    await eventually(lambda: ends_at(sandbox, 2))
    assert not await has_caught_up_with_sites(sandbox)

    await is_read_up_to(sandbox, 1)  # the marker stands behind it

    assert await has_caught_up_with_sites(sandbox)


async def test_what_was_taken_back_is_no_record(sandbox: Sandbox) -> None:
    async with a_transactional_producer(sandbox) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(sandbox.settings.topic(SITES), b"never", key=KEY)
        await producer.abort_transaction()
    await eventually(lambda: ends_at(sandbox, 2))

    assert await has_caught_up_with_sites(sandbox)


async def test_what_nobody_can_read_yet_is_not_waited_for(sandbox: Sandbox) -> None:
    async with an_open_transaction(sandbox):
        await sandbox.send(SITES, (KEY, b"behind"))
        assert await ends_at(sandbox, 0)

        assert await has_caught_up_with_sites(sandbox)


async def has_caught_up_with_sites(sandbox: Sandbox) -> bool:
    return await has_caught_up(sandbox.database.pool, sandbox.settings, (SITES,))


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
