"""The topics of the manifest for one test, removed after it.

The Kafka of a whole run is small: with a few hundred tests' partitions left on it, it runs out of memory and ends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from samenspel import topics

KIND = "partnership."
"""How the name of each topic begins; also of those of clients."""


@asynccontextmanager
async def provisioned(kafka: str, prefix: str) -> AsyncIterator[None]:
    await topics.apply(kafka, prefix)
    try:
        yield
    finally:
        with suppress(KafkaError):  # where the test has ended it, nothing is left to remove
            await remove(kafka, prefix)


async def remove(kafka: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(prefix + KIND)])
    finally:
        await admin.close()
