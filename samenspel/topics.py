"""Creates the topics of the manifest and checks all of them afterwards; an existing topic is never changed.

The number of partitions is permanent, since a key belongs to one partition for ever.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from contracts.topics import PARTITIONS, TOPICS, Topic
from samenspel.failure import CommandFailed

PATIENCE_SECONDS = 30.0  # a broker that has just started leads no partition yet
WAIT_SECONDS = 0.2
SAFE_REPLICATION = 3  # copies with which one broker may be stopped and a second fail


class TopicsFailed(CommandFailed):
    """A topic could not be created, or is not as the manifest says."""


@dataclass(frozen=True, slots=True)
class Applied:
    created: tuple[str, ...]
    present: tuple[str, ...]


async def apply(
    bootstrap: str, prefix: str = "", *, replication_factor: int = 1, topics: Iterable[Topic] = TOPICS
) -> Applied:
    """Create those of these topics that are missing; check partitions, copies and settings of all, whoever created
    them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="samenspel-topics")
    try:
        await admin.start()
        names = {prefix + topic.name: topic for topic in topics}
        present = set(await admin.list_topics()) & set(names)
        missing = [name for name in names if name not in present]
        wanted = {name: topic.settings | _copies(replication_factor) for name, topic in names.items()}
        new = [NewTopic(name, PARTITIONS, replication_factor, topic_configs=wanted[name]) for name in missing]
        if new:
            await _create(admin, new)
        await _wait_for_leaders(admin, set(names))
        differences = [
            *await _other_copies(admin, names, replication_factor),
            *await _other_settings(admin, wanted),
        ]
    finally:
        await admin.close()
    if differences:
        raise TopicsFailed("\n".join(differences))
    return Applied(tuple(missing), tuple(sorted(present)))


def _copies(replication_factor: int) -> dict[str, str]:
    """How many brokers must have a message before it is acknowledged: two where there are three, so that one may fail
    and nothing acknowledged is lost."""
    return {"min.insync.replicas": "2" if replication_factor >= SAFE_REPLICATION else "1"}


async def _create(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> None:
    response = await admin.create_topics(topics)
    for name, code, *message in response.topic_errors:  # type: ignore[attr-defined]
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise TopicsFailed(
                f"{name} could not be created: {for_code(code).__name__} {message[0] if message else ''}"
            )


async def _wait_for_leaders(admin: AIOKafkaAdminClient, names: set[str]) -> None:
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


async def _other_copies(admin: AIOKafkaAdminClient, names: Iterable[str], replication_factor: int) -> list[str]:
    described = await admin.describe_topics(sorted(names))
    copies = {topic["topic"]: {len(part["replicas"]) for part in topic["partitions"]} for topic in described}
    return [
        f"{name}: a partition has {min(found)} copies, {replication_factor} are asked (--replication-factor)"
        for name, found in copies.items()
        if found != {replication_factor}
    ]


async def _other_settings(admin: AIOKafkaAdminClient, wanted: dict[str, dict[str, str]]) -> list[str]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(wanted)]
    return [
        f"{name}: {setting} is {actual.get(setting)}, the manifest says {value}"
        for response in await admin.describe_configs(resources)
        for _, _, _, name, entries in response.resources  # type: ignore[attr-defined]
        for actual in [{entry[0]: entry[1] for entry in entries}]
        for setting, value in wanted[name].items()
        if actual.get(setting) != value
    ]
