"""Which events are on the topics by now, as any other system sees them."""
# mypy: untyped-calls-exclude=aiokafka
# aiokafka is typed only in part.

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.activities import ACTIVITIES
from contracts.referrals import REFERRALS
from contracts.requests import REQUESTS
from contracts.topics import PARTITIONS
from demo.topics import event_name
from samenspel.endpoints import Endpoints
from samenspel.failure import CommandFailed

TOPICS = (REQUESTS, REFERRALS, ACTIVITIES)
PATIENCE_SECONDS = 120.0  # as long as for one command: a service that was killed announces when it is back
WAIT_MS = 200


class What(msgspec.Struct):
    """What an event says of itself; services write each as one JSON object."""

    type: str
    subject: str


_decoder = msgspec.json.Decoder(What)


@dataclass(slots=True)
class Announced:
    """Reads the topics as far as it is asked to."""

    consumer: AIOKafkaConsumer
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(event, subject) of every event that was read."""

    async def wait_for(self, acknowledged: Counter[tuple[str, str]]) -> None:
        """Read on until all of these are there. Raises `CommandFailed` after two minutes."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        missing = acknowledged - self.seen
        while missing:
            if time.monotonic() > deadline:
                event, subject = next(iter(missing))
                raise CommandFailed(
                    f"after {PATIENCE_SECONDS:.0f} s {missing.total()} acknowledged events are not on the topics,"
                    f" the first of them {event} of {subject}"
                )
            found = await self.consumer.getmany(timeout_ms=WAIT_MS)
            new = Counter(_event_of(each.value) for records in found.values() for each in records)
            self.seen.update(new)
            missing -= new


def _event_of(value: bytes | None) -> tuple[str, str]:
    try:
        what = _decoder.decode(value or b"")
        return event_name({"type": what.type}), what.subject
    except (msgspec.MsgspecError, IndexError):  # of another program; the recount says what is no event
        return "", ""


@asynccontextmanager
async def announced_on(endpoints: Endpoints) -> AsyncIterator[Announced]:
    """Reads from the beginning of the topics: what was played before, and is sent again, is there already."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=endpoints.kafka,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        wanted = [TopicPartition(endpoints.prefix + topic, each) for topic in TOPICS for each in range(PARTITIONS)]
        consumer.assign(wanted)
        await consumer.seek_to_beginning(*wanted)
        yield Announced(consumer)
    finally:
        await consumer.stop()
