"""`samenspel topics apply` on a real broker: it makes what the manifest says, and calls nothing right that differs."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.offers import OFFERS
from contracts.sites import SITES
from contracts.topics import PARTITIONS, TOPICS
from local import RealParts
from samenspel import topics
from tests.provisioned import remove


@pytest.fixture
async def prefix(stack: RealParts) -> AsyncIterator[str]:
    yield (prefix := f"t{uuid4().hex[:10]}.")
    await remove(stack.kafka, prefix)


async def test_topics_that_are_as_the_manifest_says_are_left_alone(stack: RealParts, prefix: str) -> None:
    first = await topics.apply(stack.kafka, prefix)

    again = await topics.apply(stack.kafka, prefix)

    assert len(first.created) == len(TOPICS)
    assert (again.created, len(again.present)) == ((), len(TOPICS))


async def test_every_difference_is_named(stack: RealParts, prefix: str) -> None:
    await create(stack.kafka, prefix + SITES, {"retention.ms": "1000", "retention.bytes": "1000"})
    await create(stack.kafka, prefix + OFFERS, {"unclean.leader.election.enable": "true"})

    with pytest.raises(topics.TopicsFailed) as refused:
        await topics.apply(stack.kafka, prefix)

    assert str(refused.value).splitlines() == [
        f"{prefix}{OFFERS}: unclean.leader.election.enable is true, the manifest says false",
        f"{prefix}{SITES}: retention.ms is 1000, the manifest says -1",
        f"{prefix}{SITES}: retention.bytes is 1000, the manifest says -1",
    ]


async def test_fewer_copies_than_asked_are_a_difference_of_every_topic(stack: RealParts, prefix: str) -> None:
    await topics.apply(stack.kafka, prefix)

    with pytest.raises(topics.TopicsFailed) as refused:
        await topics.apply(stack.kafka, prefix, replication_factor=3)

    said = str(refused.value).splitlines()
    assert len([line for line in said if line.endswith("has 1 copies, 3 are asked (--replication-factor)")]) == len(
        TOPICS
    )
    assert len([line for line in said if line.endswith("min.insync.replicas is 1, the manifest says 2")]) == len(TOPICS)


async def create(kafka: str, topic: str, wrong: dict[str, str]) -> None:
    """Create a topic that is as the manifest says but for these settings."""
    settings = next(each.settings for each in TOPICS if topic.endswith(each.name)) | {"min.insync.replicas": "1"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=settings | wrong)])
    await admin.close()
