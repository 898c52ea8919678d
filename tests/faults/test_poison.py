"""Twenty messages that nobody can understand, among some two thousand good ones."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer

from contracts.envelope import CONTENT_TYPE, describe, encode
from contracts.requests import REQUESTS, RequestRaised
from contracts.topics import INPUTS, dead_letter_topic
from contracts.values import Actor, LearningArea
from local import Stack
from services.chassis.messaging.outbox import new_id
from tests.faults.conftest import Town
from tests.faults.invariants import Place
from tests.faults.load import AREA, OPERATOR, PROGRAMME
from tests.rooms import read_topic
from tests.stories import SOURCE

KEY = b"own:s3"
LONGEST_WAIT = 5.0  # seconds, from the issue: nothing behind a poison message waits longer
STORIES = 220  # each is nine messages or more
Poison = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
HEADERS: list[tuple[str, bytes | None]] = [("content-type", CONTENT_TYPE)]
READERS = ("referrals", "reporting")


def test_twenty_poison_messages_become_twenty_dead_letters_and_nothing_behind_them_waits(town: Town) -> None:
    poison, began, earlier = all_kinds(), time.time(), len(town.calls)
    before = {service: asyncio.run(dead_letters(town.stack, service)) for service in READERS}
    with town.load(stories=STORIES) as load:
        for index, message in enumerate(poison):
            load.reaches(0.8 * index / len(poison))
            town.foreign |= asyncio.run(send(town.stack, REQUESTS, [message]))

    assert town.violations() == []  # everything else is applied; a rebuild equals what was published
    for service in READERS:
        letters = asyncio.run(dead_letters(town.stack, service)) - before[service]
        assert letters == Counter((key, value) for key, value, _ in poison)
    assert asyncio.run(longest_wait_for_a_cut(town.stack, since=began)) < LONGEST_WAIT
    assert max(call.seconds for call in town.calls[earlier:]) < LONGEST_WAIT  # the next call waits for reactions


def test_a_mended_message_is_redriven_and_counts_once(town: Town, tmp_path: Path) -> None:
    town.foreign |= asyncio.run(send(town.stack, REQUESTS, [(KEY, b"{broken", HEADERS)]))
    assert town.violations() == []  # quiet: the letter is there
    before = raised(town.stack)

    mended = tmp_path / "mended.json"
    mended.write_bytes(a_request())
    letter = newest_letter(town.stack)
    told = json.loads(samenspel(town.stack, "dead-letters", "redrive", letter, "--value", str(mended), "--json"))
    town.foreign.add((told["topic"], told["partition"], told["offset"]))

    assert town.violations() == []  # among them: rebuilt = published, and the recount agrees
    assert raised(town.stack) == before + 1


def all_kinds() -> list[Poison]:
    """Twenty, of every kind of T19."""
    good = json.loads(a_request())
    unknown_type = json.dumps(good | {"type": "nl.samenspel.RequestSung.v1"}).encode()
    unknown_version = json.dumps(good | {"type": "nl.samenspel.RequestRaised.v9"}).encode()
    kinds: list[Poison] = [
        (KEY, b"{broken", HEADERS),
        (KEY, unknown_type, HEADERS),
        (KEY, unknown_version, HEADERS),
        (KEY, a_request().replace(b"own:s3", b"own:s\xff"), HEADERS),
        (KEY, a_request(), [*HEADERS, ("traceparent", None)]),
        (None, a_request(), HEADERS),
        (KEY, b"[" * 1_000 + b"]" * 1_000, HEADERS),
        (KEY, b"x" * 1_048_000, HEADERS),  # 1 MiB with what Kafka puts around it: the most that the topic takes
    ]
    return [kinds[index % len(kinds)] for index in range(20)]


def a_request() -> bytes:
    """A request that nobody's journal knows."""
    area = LearningArea.model_validate(AREA)
    event = RequestRaised(
        request_id=new_id(),
        site_id=KEY.decode(),
        programme=PROGRAMME,
        learning_areas=(area,),
        headcount=20,
        wished_from=datetime(2026, 1, 1, tzinfo=UTC).date(),
        wished_to=datetime(2026, 3, 1, tzinfo=UTC).date(),
        intention="replaces",
        raised_by=Actor(role="coordinator", organisation=KEY.decode(), actor="c1"),
        raised_at=datetime.now(UTC),
    )
    envelope = describe(event, id=new_id(), source=SOURCE, time=datetime.now(UTC), key=KEY.decode(), version=1, epoch=1)
    return encode(envelope, event)


async def send(stack: Stack, topic: str, messages: list[Poison]) -> set[Place]:
    """Put them on a topic, past every check; returns where they are."""
    places: set[Place] = set()
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka, max_request_size=2 * 1024 * 1024) as producer:
        for key, value, headers in messages:
            sent = await producer.send_and_wait(topic, value, key=key, headers=headers)
            places.add((sent.topic, sent.partition, sent.offset))
    return places


async def dead_letters(stack: Stack, service: str) -> Counter[tuple[bytes | None, bytes | None]]:
    """Key and value of every dead letter of a service; each says why it is one."""
    records = await read_topic(stack.kafka, dead_letter_topic(service))
    assert all(dict(record.headers)["samenspel-reason"] for record in records)
    return Counter((record.key, record.value) for record in records)


async def longest_wait_for_a_cut(stack: Stack, *, since: float) -> float:
    """Seconds from Kafka's acknowledgement of a message to the cut that knows it, at most."""
    database = await asyncpg.connect(stack.database_url("reporting"))
    try:
        rows = await database.fetch("SELECT known_at, event FROM cuts ORDER BY cut_id")
    finally:
        await database.close()
    cuts = [(row["known_at"].timestamp(), known(row["event"])) for row in rows]
    records = [record for topic in INPUTS for record in await read_topic(stack.kafka, topic)]
    waits: Iterator[float] = (
        next(at for at, ends in cuts if ends[record.topic, record.partition] > record.offset) - record.timestamp / 1000
        for record in records
        if record.timestamp / 1000 >= since
    )
    return max(waits)


def known(cut: str) -> dict[tuple[str, int], int]:
    """The next offset of every partition at a cut."""
    return {
        (each["topic"], number): offset
        for each in json.loads(cut)["vector"]
        for number, offset in enumerate(each["offsets"])
    }


def raised(stack: Stack) -> int:
    """How many requests were raised, as published."""
    answer = httpx.get(
        stack.service_url("reporting") + "/v1/figures",
        params={"indicator": "requests-raised", "unit": "city", "stratum": "all"},
        headers={"Samenspel-Actor": OPERATOR},
    )
    return sum(figure["numerator"] for figure in answer.json()["items"])


def newest_letter(stack: Stack) -> str:
    """As `samenspel dead-letters list` names it."""
    letters = json.loads(samenspel(stack, "dead-letters", "list", "--json"))
    named: str = [each["letter"] for each in letters if each["letter"].startswith("reporting/")][-1]
    return named


def samenspel(stack: Stack, *words: str) -> str:
    """What an operator's command answers."""
    environment = dict(os.environ) | {"SAMENSPEL_KAFKA": stack.kafka}
    done = subprocess.run(
        [sys.executable, "-m", "samenspel", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
