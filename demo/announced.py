"""Which events are on the topics by now, as any other system sees them."""
# mypy: untyped-calls-exclude=aiokafka
# aiokafka is typed only in part.

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.activities import ACTIVITIES
from contracts.referrals import REFERRALS
from contracts.requests import REQUESTS
from contracts.topics import PARTITIONS
from demo.recount.topics import as_record
from demo.topics import envelopes, event_name
from samenspel.endpoints import Endpoints
from samenspel.failure import CommandFailed
from samenspel.topic_records import a_consumer

TOPICS = (REQUESTS, REFERRALS, ACTIVITIES)
PATIENCE_SECONDS = 120.0  # as long as for one command: a service that was killed announces when it is back
WAIT_MS = 200


@dataclass(slots=True)
class Announced:
    """Reads the topics as far as it is asked to."""

    consumer: AIOKafkaConsumer
    prefix: str
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
            records = [
                as_record(each, each.topic.removeprefix(self.prefix)) for part in found.values() for each in part
            ]
            new = Counter((event_name(each), each["subject"]) for each in envelopes(records))
            self.seen.update(new)
            missing -= new


@asynccontextmanager
async def announced_on(endpoints: Endpoints) -> AsyncIterator[Announced]:
    """Reads from the beginning of the topics: what was played before, and is sent again, is there already."""
    wanted = [TopicPartition(endpoints.prefix + topic, each) for topic in TOPICS for each in range(PARTITIONS)]
    async with a_consumer(endpoints.kafka) as consumer:
        consumer.assign(wanted)
        await consumer.seek_to_beginning(*wanted)
        yield Announced(consumer, endpoints.prefix)
