"""Everything that a stack wrote down, read once when it is quiet: topics, journals, inboxes, facts and positions."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.events import catalogue
from contracts.metrics import HISTORY
from contracts.topics import INPUTS, PARTITIONS, SERVICES, TOPICS
from demo.recount import Record, read_topics
from local import Stack
from tests.waiting import eventually

QUIET = 90.0  # seconds for backlogs, a rebalance after a kill, and the last cut
REACTING = ("requests", "referrals")
OF_PRESENT_TOPICS = "JOIN positions USING (topic, partition, incarnation)"
READS = {service: {topic.name for topic in TOPICS if service in topic.consumers} for service in SERVICES}
"""The topics that a service reads."""

Offset = tuple[str, int, int]
"""Topic, partition and offset of a record."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message that could be read."""

    offset: Offset
    id: str
    type: str
    aggregate: str
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    records: Sequence[Record]
    """On the inputs of `reporting`."""
    history: Sequence[Record]
    journals: Mapping[str, Sequence[asyncpg.Record]]
    inboxes: Mapping[str, Sequence[asyncpg.Record]]
    facts: int
    skipped: AbstractSet[Offset]
    """What `reporting` set aside as dead letters, of what is on the present topics."""
    letters_due: AbstractSet[str]
    """Every record that `reporting` ever set aside, as its dead letter names it."""
    next_offsets: Mapping[tuple[str, int], int]
    """How far `reporting` is on each partition."""
    secrets: Mapping[str, bytes]
    """With which each service turns a key into a cause."""

    def events(self) -> Iterator[Event]:
        """The messages on the inputs that were not set aside, in the order of each partition."""
        for record in self.records:
            if record[:3] not in self.skipped and (event := event_of(record)) is not None:
                yield event


def event_of(record: Record) -> Event | None:
    try:
        envelope = json.loads(record.value)
        return Event(
            offset=record[:3],
            id=envelope["id"],
            type=envelope["type"],
            aggregate=f"{catalogue[envelope['type']].aggregate}:{envelope['subject']}",
            epoch=envelope["streamepoch"],
            version=envelope["aggregateversion"],
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def snapshot_of(stack: Stack) -> Snapshot:
    """What is written down once all is quiet."""
    return asyncio.run(_snapshot(stack))


async def _snapshot(stack: Stack) -> Snapshot:
    await eventually(lambda: _is_quiet(stack), QUIET)
    journal = "SELECT event_id, topic, value, aggregate, epoch, version FROM journal"
    inbox = "SELECT aggregate, epoch, applied FROM inbox"
    positions = await _rows(stack, "reporting", "SELECT topic, partition, next_offset FROM positions")
    return Snapshot(
        records=await read_topics(stack.kafka, stack.prefix),
        history=await read_topics(stack.kafka, stack.prefix, [HISTORY]),
        journals={service: await _rows(stack, service, journal) for service in SERVICES},
        inboxes={service: await _rows(stack, service, inbox) for service in REACTING},
        facts=await _value(stack, "reporting", f"SELECT count(*) FROM facts {OF_PRESENT_TOPICS}"),
        skipped=await _skipped(stack),
        letters_due=await _letters_due(stack),
        next_offsets={(topic, partition): next_offset for topic, partition, next_offset in positions},
        secrets={service: await _value(stack, service, "SELECT secret FROM stream") for service in SERVICES},
    )


async def _is_quiet(stack: Stack) -> bool:
    """Whether everything is published, applied and cut, and stays so."""
    before = await _progress(stack)
    if before is None:
        return False
    await asyncio.sleep(1.2)  # a reaction under way would stage something, or a cut be taken, within a second
    return await _progress(stack) == before


async def is_caught_up(stack: Stack) -> bool:
    """Whether nothing waits: everything is published, every reader is at the end, and a cut knows it."""
    return await _progress(stack) is not None


async def _progress(stack: Stack) -> object:
    """How far everything is; None while something waits."""
    for service in SERVICES:
        if await _value(stack, service, "SELECT count(*) FROM outbox"):
            return None
    ends = await _ends(stack)
    for service, topics in READS.items():
        positions = await _rows(stack, service, "SELECT topic, partition, next_offset FROM positions")
        read = {(topic, partition): next_offset for topic, partition, next_offset in positions}
        if any(read.get(place, 0) < end for place, end in ends.items() if place[0] in topics):
            return None
    cut = await _value(stack, "reporting", "SELECT event FROM cuts ORDER BY cut_id DESC LIMIT 1")
    incarnations = {each["topic"]: each.get("incarnation", 1) for each in json.loads(cut)["vector"]}
    present = await _rows(stack, "reporting", "SELECT DISTINCT topic, incarnation FROM positions")
    if any(incarnations[row["topic"]] != row["incarnation"] for row in present):
        return None
    known = offsets_at(cut)
    behind = {(*place, offset) for place, end in ends.items() for offset in range(known[place], end)}
    if behind - await _skipped(stack):  # what is only set aside is no reason for a cut
        return None
    applied = "SELECT count(*) FROM inbox, unnest(applied)"
    return ends, [await _value(stack, service, applied) for service in REACTING]


async def _ends(stack: Stack) -> dict[tuple[str, int], int]:
    """The next offset of each partition of the inputs."""
    partitions = [TopicPartition(stack.prefix + topic, number) for topic in INPUTS for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=stack.kafka) as consumer:
        ends = await consumer.end_offsets(partitions)
    return {(each.topic.removeprefix(stack.prefix), each.partition): end for each, end in ends.items()}


def offsets_at(cut: str) -> dict[tuple[str, int], int]:
    """The next offset of every partition at a cut, from its event."""
    vector = json.loads(cut)["vector"]
    return {(each["topic"], number): offset for each in vector for number, offset in enumerate(each["offsets"])}


async def _skipped(stack: Stack) -> set[Offset]:
    query = f'SELECT topic, partition, "offset" FROM skipped {OF_PRESENT_TOPICS}'
    return {tuple(row) for row in await _rows(stack, "reporting", query)}


async def _letters_due(stack: Stack) -> set[str]:
    rows = await _rows(stack, "reporting", 'SELECT topic, partition, "offset", incarnation FROM skipped')
    places = [(f"{topic}/{partition}/{offset}", incarnation) for topic, partition, offset, incarnation in rows]
    return {place if incarnation == 1 else f"{place}/{incarnation}" for place, incarnation in places}


async def _rows(stack: Stack, service: str, query: str) -> list[asyncpg.Record]:
    database = await asyncpg.connect(stack.database_url(service))
    try:
        rows: list[asyncpg.Record] = await database.fetch(query)
        return rows
    finally:
        await database.close()


async def _value(stack: Stack, service: str, query: str) -> Any:
    (row,) = await _rows(stack, service, query)
    return row[0]
