"""Creates the topics of the manifest and checks those that exist; an existing topic is never changed.

The number of partitions is permanent, since a key belongs to one partition for ever.
"""

import asyncio
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from contracts.topics import PARTITIONS, TOPICS
from samenspel.failure import CommandFailed

PATIENCE_SECONDS = 30.0  # a broker that has just started leads no partition yet
WAIT_SECONDS = 0.2


class TopicsFailed(CommandFailed):
    """A topic could not be created, or is not as the manifest says."""


@dataclass(frozen=True, slots=True)
class Applied:
    created: tuple[str, ...]
    present: tuple[str, ...]


async def apply(bootstrap: str, prefix: str = "", *, replication_factor: int = 1) -> Applied:
    """Create the topics that are missing; check the partitions and settings of those that exist."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="samenspel-topics")
    try:
        await admin.start()
        names = {prefix + topic.name: topic for topic in TOPICS}
        present = set(await admin.list_topics()) & set(names)
        missing = [name for name in names if name not in present]
        new = [NewTopic(name, PARTITIONS, replication_factor, topic_configs=names[name].settings) for name in missing]
        if new:
            await _create(admin, new)
        await _wait_for_leaders(admin, set(names))
        await _compare(admin, {name: names[name].settings for name in present})
    finally:
        await admin.close()
    return Applied(tuple(missing), tuple(sorted(present)))


async def _create(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> None:
    response = await admin.create_topics(topics)
    for name, code, *message in response.topic_errors:  # type: ignore[attr-defined]
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise TopicsFailed(
                f"{name} could not be created: {for_code(code).__name__} {message[0] if message else ''}"
            )


async def _wait_for_leaders(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """Wait until every partition has a leader; raises `TopicsFailed` when a topic has another number of partitions."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(sorted(names))}
        wrong = {name: len(parts) for name, parts in described.items() if parts and len(parts) != PARTITIONS}
        if wrong:
            name, number = next(iter(wrong.items()))
            raise TopicsFailed(
                f"{name} has {number} partitions instead of {PARTITIONS}, which cannot be changed: use another prefix"
            )
        if all(described.get(name) and all(part["leader"] >= 0 for part in described[name]) for name in names):
            return
        if asyncio.get_running_loop().time() > deadline:
            raise TopicsFailed(f"after {PATIENCE_SECONDS:.0f} s some partitions have no leader: is the broker healthy?")
        await asyncio.sleep(WAIT_SECONDS)


async def _compare(admin: AIOKafkaAdminClient, wanted: dict[str, dict[str, str]]) -> None:
    if not wanted:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    for response in await admin.describe_configs(resources):
        for _, _, _, name, entries in response.resources:  # type: ignore[attr-defined]
            actual = {entry[0]: entry[1] for entry in entries}
            for setting, value in wanted[name].items():
                if actual.get(setting) != value:
                    raise TopicsFailed(f"{name}: {setting} is {actual.get(setting)}, the manifest says {value}")
