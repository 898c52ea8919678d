"""Twenty poison messages among some two thousand good ones."""

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
import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import CONTENT_TYPE, describe, encode
from contracts.requests import REQUESTS, RequestRaised
from contracts.topics import INPUTS, SERVICES, dead_letter_topic
from contracts.values import Actor
from local import Stack
from samenspel.topic_records import read_topics
from services.chassis.messaging.outbox import new_id
from tests.builders import source_of
from tests.faults.client import OPERATOR
from tests.faults.conftest import System
from tests.faults.load import REQUEST
from tests.faults.snapshot import Offset, offsets_at

KEY = b"own:s3"
LONGEST_WAIT = 5.0  # seconds, from the issue: nothing behind a poison message waits longer
REQUESTS_MADE = 220  # each is nine messages or more
Poison = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
HEADERS: list[tuple[str, bytes | None]] = [("content-type", CONTENT_TYPE)]
READERS = ("referrals", "reporting")


@pytest.mark.fault("T19")
def test_twenty_poison_messages_become_twenty_dead_letters_and_nothing_behind_them_waits(system: System) -> None:
    poison, began = all_kinds(), time.time()
    before = {service: asyncio.run(dead_letters(system.stack, service)) for service in READERS}
    with system.load(requests=REQUESTS_MADE) as load:
        for index, message in enumerate(poison):
            load.reaches(0.8 * index / len(poison))
            system.foreign |= asyncio.run(send(system.stack, REQUESTS, [message]))

    assert system.violations() == []  # everything else is applied; a rebuild equals what was published
    for service in READERS:
        letters = asyncio.run(dead_letters(system.stack, service)) - before[service]
        assert letters == Counter((key, value) for key, value, _ in poison)
    assert asyncio.run(longest_wait_for_a_cut(system.stack, since=began)) < LONGEST_WAIT
    assert max(call.seconds for call in system.calls) < LONGEST_WAIT  # the next call waits for reactions


@pytest.mark.fault("T19")
def test_a_corrected_message_is_redriven_and_counts_once(system: System, tmp_path: Path) -> None:
    system.foreign |= asyncio.run(send(system.stack, REQUESTS, [(KEY, b"{broken", HEADERS)]))
    assert system.violations() == []  # quiet: the letter is there
    before = raised(system.stack)

    corrected = tmp_path / "corrected.json"
    corrected.write_bytes(a_request())
    letter = newest_letter(system.stack)
    samenspel(system.stack, "dead-letters", "redrive", letter, "--value", str(corrected), "--json")

    assert system.violations() == []  # among them: it is in a journal, rebuilt = published, and the recount agrees
    assert raised(system.stack) == before + 1


def all_kinds() -> list[Poison]:
    """Twenty, of every kind: unreadable, of an unknown type or version, not UTF-8, with a null header, without a
    key, nested too deep, and too large."""
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
    """A request that is in no journal."""
    site, now = KEY.decode(), datetime.now(UTC)
    raised_by = Actor(role="coordinator", organisation=site, actor="c1")
    this = {"requestId": new_id(), "siteId": site, "raisedBy": raised_by, "raisedAt": now}
    event = RequestRaised.model_validate(REQUEST | this)
    source = source_of(REQUESTS)
    return encode(describe(event, id=new_id(), source=source, time=now, key=site, version=1, epoch=1), event)


async def send(stack: Stack, topic: str, messages: list[Poison]) -> set[Offset]:
    """Put them on a topic, past every check; returns where they are."""
    offsets: set[Offset] = set()
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka, max_request_size=2 * 1024 * 1024) as producer:
        for key, value, headers in messages:
            sent = await producer.send_and_wait(topic, value, key=key, headers=headers)
            offsets.add((sent.topic, sent.partition, sent.offset))
    return offsets


async def dead_letters(stack: Stack, service: str) -> Counter[tuple[bytes | None, bytes | None]]:
    """Key and value of every dead letter of a service; each says why it is one."""
    records = await read_topics(stack.kafka, [dead_letter_topic(service)])
    letters = [record for record in records if "samenspel-marker" not in dict(record.headers)]
    assert all(dict(record.headers)["samenspel-reason"] for record in letters)
    return Counter((record.key, record.value) for record in letters)


async def longest_wait_for_a_cut(stack: Stack, *, since: float) -> float:
    """Seconds from Kafka's acknowledgement of a message to the cut that knows it, at most."""
    database = await asyncpg.connect(stack.database_url("reporting"))
    try:
        rows = await database.fetch("SELECT known_at, event FROM cuts ORDER BY cut_id")
    finally:
        await database.close()
    cuts = [(row["known_at"].timestamp(), offsets_at(row["event"])) for row in rows]
    records = await read_topics(stack.kafka, INPUTS)
    waits: Iterator[float] = (
        next(at for at, ends in cuts if ends[record.topic, record.partition] > record.offset) - record.timestamp / 1000
        for record in records
        if record.timestamp / 1000 >= since
    )
    return max(waits)


def raised(stack: Stack) -> int:
    """How many requests were raised, as published."""
    url = stack.service_url("reporting") + "/v1/figures"
    asked = {"indicator": "requests-raised", "unit": "city", "stratum": "all"}
    answer = httpx.get(url, params=asked, headers={"Samenspel-Actor": OPERATOR})
    return sum(figure["numerator"] for figure in answer.json()["items"])


def newest_letter(stack: Stack) -> str:
    """Its name in `samenspel dead-letters list`."""
    letters = [str(each["letter"]) for each in json.loads(samenspel(stack, "dead-letters", "list", "--json"))]
    return [letter for letter in letters if letter.startswith("reporting/")][-1]


def samenspel(stack: Stack, *words: str) -> str:
    """What an operator's command prints."""
    command, environment = [sys.executable, "-m", "samenspel", *words], os.environ | {"SAMENSPEL_KAFKA": stack.kafka}
    environment |= {f"SAMENSPEL_{name.upper()}": stack.service_url(name) for name in SERVICES}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
