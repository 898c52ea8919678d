"""What must hold when all is quiet, whatever happened before.

Every check returns sentences, one per violation, that begin with the invariant's name. It compares what the
journals, the topics, the published figures and an independent recount say.
"""

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import httpx

from contracts.metrics import HISTORY
from contracts.topics import INPUTS, dead_letter_topic
from demo.proofs import is_emptied
from demo.recount import compare, newest_figures, read_topics, recount
from local import Stack
from local.waiting import completed
from services.chassis.commands import causation_of
from services.chassis.http.identity import parse_actor
from services.referrals import reactions as referrals
from services.requests import reactions as requests
from tests.faults.client import OPERATOR, Call
from tests.faults.snapshot import QUIET, READS, Offset, Snapshot, event_of, snapshot_of

MAY_BE_SEVERAL = re.compile(r"\.(Clock|ReferralWithdrawn|WithdrawalRequested)")
"""One command may start several clocks; the end of a request withdraws all of its referrals."""
REACTS_TO = {"requests": set(requests.reactions.by_type), "referrals": set(referrals.reactions.by_type)}


def violations(stack: Stack, calls: Sequence[Call], *, foreign: AbstractSet[Offset] = frozenset()) -> list[str]:
    """Everything that does not hold. `foreign` are messages that tests wrote to the topics themselves."""
    return [*violations_in(snapshot_of(stack), calls, foreign=foreign), *_rebuilt(stack)]


def violations_in(
    snapshot: Snapshot, calls: Sequence[Call], *, foreign: AbstractSet[Offset] = frozenset()
) -> list[str]:
    """What does not hold of what is written down."""
    return [
        *_acknowledged(snapshot, calls),
        *_published(snapshot, foreign),
        *_counted(snapshot),
        *_versions(snapshot),
        *_effects(snapshot, calls),
        *_reactions(snapshot),
        *_consumed(snapshot),
    ]


def sent_twice(stack: Stack) -> int:
    """How many events are on a topic more than once."""
    records = completed(read_topics(stack.kafka, stack.prefix))
    seen = Counter((record.topic, event.id) for record in records if (event := event_of(record)))
    return sum(1 for times in seen.values() if times > 1)


def _acknowledged(snapshot: Snapshot, calls: Sequence[Call]) -> Iterator[str]:
    """What was acknowledged is in the journal, and what was refused is not."""
    effects = _effects_by_cause(snapshot)
    for call in calls:
        led_to = effects[_cause(call, snapshot)]
        if call.outcome == "ok" and not led_to:
            yield f"acknowledged: {call.method} {call.path} left no event"
        if call.outcome == "failed" and led_to:
            yield f"acknowledged: {call.method} {call.path} was refused and left {led_to}"


def _published(snapshot: Snapshot, foreign: AbstractSet[Offset]) -> Iterator[str]:
    """Every event on a topic is in a journal with the same bytes, and every journal row is on its topic."""
    rows = [row for journal in snapshot.journals.values() for row in journal]
    written = {(row["topic"], str(row["event_id"])): row["value"] for row in rows}
    seen: set[tuple[str, str]] = set()
    for record in [*snapshot.records, *snapshot.history]:
        event = event_of(record)
        if record[:3] in foreign:
            continue
        if event is None or written.get((record.topic, event.id)) != record.value:
            yield f"published: {record[:3]} is in no journal with these bytes"
        else:
            seen.add((record.topic, event.id))
    for topic, event_id in written:
        if topic in {*INPUTS, HISTORY} and (topic, event_id) not in seen:
            yield f"published: event {event_id} is in a journal and not on {topic}"


def _counted(snapshot: Snapshot) -> Iterator[str]:
    """The published figures are those of a recount (of what was not set aside: it may only lack a key). One of which
    nothing is left says just that."""
    counted = recount(record for record in snapshot.records if record[:3] not in snapshot.skipped)
    published = {key: each for key, each in newest_figures(snapshot.history).items() if not is_emptied(each)}
    yield from (f"counted: {each}" for each in compare(published, counted))


def _versions(snapshot: Snapshot) -> Iterator[str]:
    """The versions of an aggregate are first seen without gaps."""
    seen: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    for event in snapshot.events():
        stream = (event.offset[0], event.aggregate, event.epoch)
        if event.version > seen[stream] + 1:
            yield f"versions: {event.aggregate} is at {event.version} on {event.offset} after {seen[stream]}"
        seen[stream] = max(seen[stream], event.version)


def _effects(snapshot: Snapshot, calls: Sequence[Call]) -> Iterator[str]:
    """One effect per idempotency key, and per event that something reacts to."""
    keys = {_cause(call, snapshot): call.key for call in calls}
    for cause, types in _effects_by_cause(snapshot).items():
        for type_, times in types.items():
            if times > 1 and not type_.startswith("nl.samenspel.Metric"):
                what = f"key {keys[cause]}" if cause in keys else f"event {cause}"
                yield f"effects: {what} led to {times} times {type_}"


def _reactions(snapshot: Snapshot) -> Iterator[str]:
    """Every service applied every version that it reacts to, and no other."""
    for service, inbox in snapshot.inboxes.items():
        applied = {
            (row["aggregate"], row["epoch"], version)
            for row in inbox
            for part in row["applied"]
            for version in range(part.lower, part.upper)
        }
        due = {
            (event.aggregate, event.epoch, event.version)
            for event in snapshot.events()
            if event.type in REACTS_TO[service] and event.offset[0] in READS[service]
        }
        yield from (f"reactions: {service} did not apply {each}" for each in sorted(due - applied))
        yield from (f"reactions: {service} applied {each}, which is on no topic" for each in sorted(applied - due))


def _consumed(snapshot: Snapshot) -> Iterator[str]:
    """What `reporting` consumed = facts (duplicates too) + dead letters."""
    consumed, skipped = sum(snapshot.next_offsets.values()), len(snapshot.skipped)
    if consumed != snapshot.facts + skipped:
        yield f"consumed: {consumed} messages, of which {snapshot.facts} appended and {skipped} skipped"
    dead = [row for row in snapshot.journals["reporting"] if row["topic"] == dead_letter_topic("reporting")]
    letters = {row["aggregate"].partition(":")[2] for row in dead}
    if letters != snapshot.letters_due:
        yield f"consumed: {len(snapshot.letters_due)} messages were skipped, {len(letters)} dead-lettered by reporting"


def _rebuilt(stack: Stack) -> Iterator[str]:
    """What is built anew from the topics is what was published."""
    outcome = rebuild(stack)
    if not outcome["equal"] or not outcome["figures"]:
        yield f"rebuilt: {outcome}"


def rebuild(stack: Stack) -> dict[str, Any]:
    """Ask for a rebuild and wait for its outcome."""
    headers = {"Samenspel-Actor": OPERATOR}
    with httpx.Client(base_url=stack.service_url("reporting"), headers=headers, timeout=30) as client:
        asked = client.post("/v1/rebuilds", headers={"Idempotency-Key": f"rebuild-{time.time_ns()}"})
        assert asked.status_code == httpx.codes.ACCEPTED, asked.text
        deadline = time.monotonic() + QUIET
        while not (view := client.get(asked.headers["Location"]).json()).get("finishedAt"):
            assert time.monotonic() < deadline, view
            time.sleep(0.1)
    outcome: dict[str, Any] = view["outcome"]
    return outcome


def _cause(call: Call, snapshot: Snapshot) -> str:
    """What the events of this command name as their cause."""
    return causation_of(parse_actor(call.actor), call.key, snapshot.secrets[call.service])


def _effects_by_cause(snapshot: Snapshot) -> Mapping[str, Counter[str]]:
    """Which types of events, how often, each command or event led to; of clocks and withdrawals each by itself."""
    effects: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in (row for journal in snapshot.journals.values() for row in journal if row["topic"] in INPUTS):
        envelope = json.loads(row["value"])
        if cause := envelope.get("causationid"):
            of_each = f" of {envelope['subject']}" if MAY_BE_SEVERAL.search(envelope["type"]) else ""
            effects[cause][envelope["type"] + of_each] += 1
    return effects
