"""What tests of the relay's lanes need: many messages at once, and topics that come and go."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.chassis.messaging import outbox
from tests.sandbox import Sandbox
from tests.waiting import eventually


async def stage_bytes(sandbox: Sandbox, topic: str, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
    """A message of each key and value, in one transaction."""
    async with sandbox.database.transaction() as tx:
        messages = [
            outbox.Staged(event_id := outbox.new_id(), topic, key, value, None, f"test:{event_id}", 1, 1)
            for key, value in zip(keys, values, strict=True)
        ]
        await outbox.stage(tx, messages)


@asynccontextmanager
async def administering(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def remove(admin: AIOKafkaAdminClient, name: str) -> None:
    """Remove a topic: an error of Kafka that passes when somebody makes the topic again.

    (A demand for two replicas is no error on a single node: Kafka 4 is content with as many as there are.)
    """
    await admin.delete_topics([name])
    await eventually(lambda: _is_gone(admin, name))


async def create(admin: AIOKafkaAdminClient, name: str, partitions: int) -> None:
    response = await admin.create_topics([NewTopic(name, partitions, 1)])
    codes = [code for _, code, *_ in response.topic_errors]  # type: ignore[attr-defined]
    assert codes == [0], response


async def _is_gone(admin: AIOKafkaAdminClient, name: str) -> bool:
    return name not in await admin.list_topics()
