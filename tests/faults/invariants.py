"""What must hold when all is quiet, whatever happened before (faults.md, I1 to I6 and I8).

Every check returns sentences, one per violation, beginning with the invariant's number. What the journals, the
topics, the published figures and an independent recount say is read once, as a `Picture`.
"""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from contracts.metrics import HISTORY
from contracts.topics import INPUTS, SERVICES, dead_letter_topic
from demo.recount import Record, compare, newest_figures, read_topics, recount
from local import Stack
from services.referrals import reactions as referrals
from services.requests import reactions as requests
from tests.faults.load import Call
from tests.rooms import eventually

QUIET = 90.0  # seconds for backlogs, a rebalance after a kill, and the last cut
Place = tuple[str, int, int]
REACTING = {  # who reacts to what, and which of it is on the topics that it reads
    "requests": set(requests.reactions.by_type),
    "referrals": set(referrals.reactions.by_type),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One message that could be read, at its place."""

    place: Place
    id: str
    type: str
    aggregate: str
    epoch: int
    version: int
    cause: str | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that was written down, in all places."""

    records: Sequence[Record]
    """On the inputs of `reporting`."""
    history: Sequence[Record]
    journals: Mapping[str, Sequence[asyncpg.Record]]
    inboxes: Mapping[str, Sequence[asyncpg.Record]]
    facts: int
    skipped: AbstractSet[Place]
    positions: Mapping[tuple[str, int], int]

    def events(self) -> Iterator[Event]:
        """The messages on the inputs that were not set aside, in the order of each partition."""
        for record in self.records:
            if record[:3] not in self.skipped and (event := _event(record)) is not None:
                yield event


def violations(stack: Stack, calls: Sequence[Call], *, foreign: AbstractSet[Place] = frozenset()) -> list[str]:
    """Everything that does not hold. `foreign` are messages that tests wrote to the topics themselves."""
    return [*in_picture(picture_of(stack), calls, foreign=foreign), *_rebuilt(stack)]


def picture_of(stack: Stack) -> Picture:
    """What is written down once all is quiet."""
    return asyncio.run(_picture(stack))


def in_picture(picture: Picture, calls: Sequence[Call], *, foreign: AbstractSet[Place] = frozenset()) -> list[str]:
    """What does not hold of what is written down."""
    return [
        *_acknowledged(picture, calls),
        *_ghosts_and_losses(picture, foreign),
        *_figures(picture),
        *_gaps(picture),
        *_effects(picture, calls),
        *_reactions(picture),
        *_consumed(picture),
    ]


def sent_twice(stack: Stack) -> int:
    """How many events stand on a topic more than once."""
    records = asyncio.run(read_topics(stack.kafka, stack.prefix))
    seen = Counter((record.topic, event.id) for record in records if (event := _event(record)))
    return sum(1 for times in seen.values() if times > 1)


def _acknowledged(picture: Picture, calls: Sequence[Call]) -> Iterator[str]:
    """I1: what was acknowledged is in the journal, and what was refused is not."""
    effects = _effects_by_cause(picture)
    for call in calls:
        if call.outcome == "ok" and not effects[call.key]:
            yield f"I1: {call.method} {call.path} was acknowledged and left no event"
        if call.outcome == "failed" and effects[call.key]:
            yield f"I1: {call.method} {call.path} was refused and left {effects[call.key]}"


def _ghosts_and_losses(picture: Picture, foreign: AbstractSet[Place]) -> Iterator[str]:
    """I2: every event on a topic is in a journal with the same bytes, and every journal row is on its topic."""
    written = {
        (row["topic"], str(row["event_id"])): row["value"] for journal in picture.journals.values() for row in journal
    }
    seen: set[tuple[str, str]] = set()
    for record in [*picture.records, *picture.history]:
        event = _event(record)
        if (record.topic, record.partition, record.offset) in foreign:
            continue
        if event is None or written.get((record.topic, event.id)) != record.value:
            yield f"I2: {record[:3]} is in no journal with these bytes"
        else:
            seen.add((record.topic, event.id))
    for topic, event_id in written:
        if topic in {*INPUTS, HISTORY} and (topic, event_id) not in seen:
            yield f"I2: event {event_id} is in a journal and not on {topic}"


def _figures(picture: Picture) -> Iterator[str]:
    """I3: the published figures are those of a recount (of what was not set aside: it may only lack a key)."""
    counted = recount(record for record in picture.records if record[:3] not in picture.skipped)
    yield from (f"I3: {each}" for each in compare(newest_figures(picture.history), counted))


def _gaps(picture: Picture) -> Iterator[str]:
    """I4: the versions of an aggregate are first seen without gaps."""
    seen: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    for event in picture.events():
        stream = (event.place[0], event.aggregate, event.epoch)
        if event.version > seen[stream] + 1:
            yield f"I4: {event.aggregate} is at version {event.version} on {event.place} after {seen[stream]}"
        seen[stream] = max(seen[stream], event.version)


def _effects(picture: Picture, calls: Sequence[Call]) -> Iterator[str]:
    """I5: one effect per idempotency key, and per event that something reacts to."""
    keys = {call.key for call in calls}
    for cause, types in _effects_by_cause(picture).items():
        for type_, times in types.items():
            if times > 1 and not type_.startswith("nl.samenspel.Metric"):
                yield f"I5: {'key' if cause in keys else 'event'} {cause} led to {times} times {type_}"


def _reactions(picture: Picture) -> Iterator[str]:
    """I5, I8: every service applied every version that it reacts to, and no other."""
    for service, inbox in picture.inboxes.items():
        applied = {
            (row["aggregate"], row["epoch"], version)
            for row in inbox
            for part in row["applied"]
            for version in range(part.lower, part.upper)
        }
        due = {
            (event.aggregate, event.epoch, event.version)
            for event in picture.events()
            if event.type in REACTING[service] and _is_heard_by(service, event)
        }
        yield from (f"I8: {service} did not apply {each}" for each in sorted(due - applied))
        yield from (f"I8: {service} applied {each}, which is on no topic" for each in sorted(applied - due))


def _consumed(picture: Picture) -> Iterator[str]:
    """I8: consumed = appended (duplicates too) + dead letters."""
    consumed = sum(picture.positions.values())
    if consumed != picture.facts + len(picture.skipped):
        yield f"I8: {consumed} consumed, {picture.facts} appended and {len(picture.skipped)} dead-lettered"
    letters = {
        row["aggregate"].partition(":")[2]
        for row in picture.journals["reporting"]
        if row["topic"] == dead_letter_topic("reporting")
    }
    if letters != {f"{topic}/{partition}/{offset}" for topic, partition, offset in picture.skipped}:
        yield f"I8: {len(picture.skipped)} messages were skipped, {len(letters)} dead-lettered by reporting"


def _rebuilt(stack: Stack) -> Iterator[str]:
    """I6: what is built anew from the topics is what was published."""
    outcome = rebuild(stack)
    if not outcome["equal"] or not outcome["figures"]:
        yield f"I6: {outcome}"


def rebuild(stack: Stack) -> dict[str, Any]:
    """Ask for a rebuild and wait for what comes of it."""
    operator = {"Samenspel-Actor": "role=operator; organisation=own:city; actor=o1"}
    with httpx.Client(base_url=stack.service_url("reporting"), headers=operator, timeout=30) as client:
        asked = client.post("/v1/rebuilds", headers={"Idempotency-Key": f"rebuild-{time.time_ns()}"})
        assert asked.status_code == httpx.codes.ACCEPTED, asked.text
        deadline = time.monotonic() + QUIET
        while not (view := client.get(asked.headers["Location"]).json()).get("finishedAt"):
            assert time.monotonic() < deadline, view
            time.sleep(0.1)
    outcome: dict[str, Any] = view["outcome"]
    return outcome


def _is_heard_by(service: str, event: Event) -> bool:
    """A service listens to the others' topics only."""
    topic = event.place[0]
    return topic.split(".")[1] in (
        ("offers", "referrals", "activities") if service == "requests" else ("sites", "requests")
    )


def _effects_by_cause(picture: Picture) -> Mapping[str, Counter[str]]:
    """Which types of events, how often, each command or event led to."""
    effects: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for journal in picture.journals.values():
        for row in journal:
            if row["topic"] in INPUTS:
                envelope = json.loads(row["value"])
                if cause := envelope.get("causationid"):
                    effects[cause][envelope["type"]] += 1
    return effects


def _event(record: Record) -> Event | None:
    try:
        envelope = json.loads(record.value)
        kind = envelope["type"].split(".")[2]
        return Event(
            record[:3],
            envelope["id"],
            envelope["type"],
            f"{_aggregate(kind)}:{envelope['subject']}",
            envelope["streamepoch"],
            envelope["aggregateversion"],
            envelope.get("causationid"),
            record.value,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _aggregate(event: str) -> str:
    """The kind of aggregate, by the event's first word; one list has two words."""
    first = next((name for name in KINDS if event.startswith(name)), event)
    return KINDS.get(first, first.lower())


KINDS = {
    "Site": "site",
    "Group": "group",
    "Request": "request",
    "Referral": "referral",
    "Activity": "activity",
    "Broker": "broker",
    "Partner": "partner",
    "ReasonList": "reason-list",
    "Indicator": "indicator",
    "Metric": "figure",
    "Cut": "cut",
}


async def _picture(stack: Stack) -> Picture:
    await eventually(lambda: _is_quiet(stack), QUIET)
    databases = {name: await asyncpg.connect(stack.database_url(name)) for name in SERVICES}
    journal = "SELECT event_id, topic, value, aggregate, epoch, version FROM journal"
    inbox = "SELECT aggregate, epoch, applied FROM inbox"
    reporting = databases["reporting"]
    try:
        return Picture(
            records=await read_topics(stack.kafka, stack.prefix),
            history=await read_topics(stack.kafka, stack.prefix, [HISTORY]),
            journals={name: await database.fetch(journal) for name, database in databases.items()},
            inboxes={name: await databases[name].fetch(inbox) for name in REACTING},
            facts=await reporting.fetchval("SELECT count(*) FROM facts"),
            skipped=await _skipped(stack),
            positions={
                (row["topic"], row["partition"]): row["next_offset"]
                for row in await reporting.fetch("SELECT topic, partition, next_offset FROM positions")
            },
        )
    finally:
        for database in databases.values():
            await database.close()


async def _is_quiet(stack: Stack) -> bool:
    """Whether everything is published, applied and cut, and stays so."""
    before = await _state(stack)
    if before is None:
        return False
    await asyncio.sleep(1.2)  # a reaction under way would stage something, or a cut be taken, within a second
    return await _state(stack) == before


async def _state(stack: Stack) -> object:
    """How far everything is; None while something waits."""
    for name in SERVICES:
        if await _value(stack, name, "SELECT count(*) FROM outbox"):
            return None
    places = {record[:3] for record in await read_topics(stack.kafka, stack.prefix)}
    if len(places) != await _value(stack, "reporting", "SELECT coalesce(sum(next_offset), 0) FROM positions"):
        return None
    cut = json.loads(await _value(stack, "reporting", "SELECT event FROM cuts ORDER BY cut_id DESC LIMIT 1"))
    ends = {(each["topic"], number): at for each in cut["vector"] for number, at in enumerate(each["offsets"])}
    behind = {place for place in places if place[2] >= ends[place[:2]]}
    if behind - await _skipped(stack):  # what is only set aside is no reason for a cut
        return None
    return len(places), [await _value(stack, name, "SELECT count(*) FROM inbox, unnest(applied)") for name in REACTING]


async def _skipped(stack: Stack) -> set[Place]:
    database = await asyncpg.connect(stack.database_url("reporting"))
    try:
        return {tuple(row) for row in await database.fetch('SELECT topic, partition, "offset" FROM skipped')}
    finally:
        await database.close()


async def _value(stack: Stack, service: str, query: str) -> Any:
    database = await asyncpg.connect(stack.database_url(service))
    try:
        return await database.fetchval(query)
    finally:
        await database.close()
