"""The check in another language: it accepts what keeps the contracts and names every broken promise.

All messages go through Node in one run, because starting it takes half a second; each case has offsets of
its own, by which its sentences are found again.
"""

import asyncio
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import count

import pytest
from uuid_utils import uuid7

from contracts.activities import ACTIVITIES
from contracts.events import MAX_EVENT_BYTES
from contracts.metrics import CURRENT
from contracts.sites import SITES
from contracts.topics import PARTITIONS
from contracts.values import MAX_GROUPS
from demo.external_check import SCRIPT, CannotCheck, CheckOutcome, install, node_home, validate_lines
from tests.contract.story import (
    CONTRACTS,
    Json,
    a_line,
    all_examples_on_their_topics,
    an_example,
    partition_of,
    written,
)

Sentences = Mapping[str, list[str]]


def an_activity(**attributes: object) -> Json:
    """An activity of its own, delivered."""
    message = an_example("ActivityDelivered")
    activity_id = str(uuid7())
    message["data"]["activityId"] = activity_id
    return {**message, "id": str(uuid7()), "subject": activity_id, "aggregateversion": 1, **attributes}


def another_of(message: Json, **attributes: object) -> Json:
    """A further message of the same aggregate."""
    return {**message, "id": str(uuid7()), **attributes}


def sent(message: Json, *, topic: str = ACTIVITIES, **place: int) -> Json:
    return a_line(topic, written(message), key=message["partitionkey"], **place)


def spoilt(spoil: Callable[[Json], object]) -> list[Json]:
    message = an_activity()
    spoil(message)
    return [sent(message)]


def a_long_activity() -> Json:
    groups = [{"groupId": f"own:{number:0124}", "headcount": 27, "wholeGroup": True} for number in range(MAX_GROUPS)]
    message = an_activity()
    return {**message, "data": {**message["data"], "groups": groups}}


def a_figure(version: int) -> Json:
    """A version of the one figure that these cases know."""
    return another_of(an_example("MetricPublished"), aggregateversion=version)


def twice_the_same_id() -> list[Json]:
    message = an_activity()
    return [sent(message), sent({**message, "time": "2025-11-18T15:22:47.066Z"})]


def twice_the_same_version() -> list[Json]:
    message = an_activity()
    return [sent(message), sent(another_of(message))]


def versions(*numbers: int, epochs: tuple[int, ...] = (1, 1, 1, 1)) -> list[Json]:
    message = an_activity()
    return [
        sent(another_of(message, aggregateversion=number, streamepoch=epoch))
        for number, epoch in zip(numbers, epochs, strict=False)
    ]


def moved_to_another_key() -> list[Json]:
    message = an_activity()
    return [sent(message), sent(another_of(message, aggregateversion=2, partitionkey="duo:99ZB00"))]


WRONG_PARTITION = (partition_of("duo:99ZA00") + 1) % PARTITIONS

BROKEN: dict[str, tuple[list[Json], str]] = {
    "another content type": (
        [sent(an_activity()) | {"headers": {"content-type": "application/json"}}],
        "the header content-type is application/json",
    ),
    "no content type": ([sent(an_activity()) | {"headers": {}}], "the header content-type is absent"),
    "too long": ([sent(a_long_activity())], f"the limit is {MAX_EVENT_BYTES}"),
    "not JSON": ([a_line(ACTIVITIES, b"{", key="k")], "the value is not JSON"),
    "not UTF-8": ([a_line(ACTIVITIES, b'"\xff"', key="k")], "the value is not JSON in UTF-8"),
    "null on a topic that is kept": ([a_line(ACTIVITIES, None, key="k")], "the value is null"),
    "an attribute missing": (spoilt(lambda m: m.pop("dataschema")), "'dataschema'"),
    "an undocumented attribute": (spoilt(lambda m: m.update(severity="low")), "envelope.severity is not documented"),
    "time without milliseconds": (spoilt(lambda m: m.update(time="2025-11-18T15:22:47Z")), "envelope.time must match"),
    "another key": ([sent(an_activity()) | {"key": "duo:99ZB00"}], "the key is duo:99ZB00, partitionkey says"),
    "no key": ([sent(an_activity()) | {"key": None}], "the key is absent"),
    "another partition": (
        [sent(an_activity(), partition=WRONG_PARTITION)],
        f"belongs on partition {partition_of('duo:99ZA00')}",
    ),
    "another topic": ([sent(an_activity(), topic=SITES)], "ActivityDelivered.v1 does not belong on this topic"),
    "an unknown type": (
        spoilt(lambda m: m.update(type="nl.samenspel.ActivitySold.v1")),
        "ActivitySold.v1 does not belong on this topic",
    ),
    "another sender": (
        spoilt(lambda m: m.update(source=m["source"].replace("referrals", "requests"))),
        "systeem:requests is not referrals",
    ),
    "another schema": (spoilt(lambda m: m.update(dataschema="urn:x")), "dataschema is urn:x, not"),
    "a field missing": (spoilt(lambda m: m["data"].pop("siteIds")), "'siteIds'"),
    "an undocumented field": (spoilt(lambda m: m["data"].update(note="x")), "data.note is not documented"),
    "an undocumented field deep inside": (
        spoilt(lambda m: m["data"]["groups"][0].update(teacher="x")),
        "data.groups.0.teacher is not documented",
    ),
    "a wrong word": (spoilt(lambda m: m["data"].update(setting="pub")), "in_school, out_of_school, childcare"),
    "a null": (spoilt(lambda m: m["data"].update(offerId=None)), "data.offerId must be string"),
    "a day that is not": (spoilt(lambda m: m["data"].update(registeredAt="2025-02-30T00:00:00.000Z")), "date-time"),
    "another subject": (spoilt(lambda m: m.update(subject=str(uuid7()))), "data.activityId says"),
    "other bytes under one id": (twice_the_same_id(), "was sent before with other bytes"),
    "one version twice": (twice_the_same_version(), "has version 1 of epoch 1 twice"),
    "a gap": (versions(1, 3), "has version 3 of epoch 1 where 2 was due"),
    "not from the first": (versions(2), "has version 2 of epoch 1 where 1 was due"),
    "an epoch that starts too late": (
        versions(1, 2, 4, epochs=(1, 1, 2)),
        "has version 4 of epoch 2 where 1 to 3 was due",
    ),
    "another key later": (moved_to_another_key(), "had the key duo:99ZA00 before, and now duo:99ZB00"),
}


def keys_of_every_length() -> list[Json]:
    keys = ["own:" + ("abcdefghijklmnop" * 4)[:length] for length in range(1, 64)]
    return [sent(an_activity(partitionkey=key)) for key in keys]


REPEATED = sent(an_activity())
KEPT: dict[str, list[Json]] = {
    "every example on its topics": all_examples_on_their_topics(),
    "the same message again": [REPEATED, REPEATED],
    "an epoch that takes over": versions(1, 2, 3, 2, epochs=(1, 1, 1, 2)),
    "a version of a lower epoch that came late": versions(1, 1, 2, epochs=(1, 2, 1)),
    "versions that compaction left over": [sent(a_figure(version), topic=CURRENT) for version in (3, 7)],
    "a tombstone on a compacted topic": [a_line(CURRENT, None, key="k")],
    "dead letters, whatever they are": [a_line("partnership.dead-letters.reporting.v1", b"\xff", key="k")],
    "keys of every length": keys_of_every_length(),
}
CASES = {**KEPT, **{name: lines for name, (lines, _) in BROKEN.items()}}


@pytest.fixture(scope="module", autouse=True)
def dependencies() -> None:
    """The script's dependencies, as its lock says."""
    asyncio.run(install())


@pytest.fixture(scope="module")
def judged() -> tuple[CheckOutcome, Sentences]:
    """What Node says of all cases, and its sentences by case."""
    offsets = count()
    case_of: dict[int, str] = {}
    lines = []
    for name, messages in CASES.items():
        for message, offset in zip(messages, offsets, strict=False):
            case_of[offset] = name
            lines.append({**message, "offset": offset})
    outcome = asyncio.run(validate_lines(lines))
    said = defaultdict(list)
    for sentence in outcome.violations:
        place = re.search(r"@(\d+): ", sentence)
        assert place, sentence
        said[case_of[int(place[1])]].append(sentence)
    return outcome, said


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_named_once(name: str, judged: tuple[CheckOutcome, Sentences]) -> None:
    _, said = judged

    assert len(said[name]) == 1, said[name]
    assert BROKEN[name][1] in said[name][0]


@pytest.mark.parametrize("name", KEPT)
def test_what_keeps_the_contracts_is_accepted(name: str, judged: tuple[CheckOutcome, Sentences]) -> None:
    _, said = judged

    assert said[name] == []


def test_every_message_is_counted_and_a_repetition_is_no_event(judged: tuple[CheckOutcome, Sentences]) -> None:
    outcome, _ = judged

    repetitions = {(row.topic, row.type): row.messages - row.events for row in outcome.seen}

    assert outcome.messages == sum(len(lines) for lines in CASES.values())
    assert (
        repetitions.pop((ACTIVITIES, "nl.samenspel.ActivityDelivered.v1")) == 2
    )  # the same bytes, and the other bytes
    assert set(repetitions.values()) == {0}


def test_the_script_itself_ends_with_1_a_table_and_the_sentences() -> None:
    lines = BROKEN["a gap"][0]

    ended = subprocess.run(
        [node_home() / "bin" / "node", SCRIPT / "check.mjs", "--contracts", CONTRACTS],
        input="\n".join(json.dumps(line) for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )

    table, kind, sentence, verdict = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert table.split() == ["topic", "type", "messages", "events"]
    assert kind.split() == [ACTIVITIES, "nl.samenspel.ActivityDelivered.v1", "2", "2"]
    assert sentence.endswith("has version 3 of epoch 1 where 2 was due.")
    assert verdict == "2 messages: 1 violation."


async def test_the_examples_alone_keep_every_promise() -> None:
    outcome = await validate_lines(all_examples_on_their_topics())

    assert outcome.violations == ()


async def test_nothing_to_read_proves_nothing() -> None:
    with pytest.raises(CannotCheck, match="there is not one message"):
        await validate_lines([])
