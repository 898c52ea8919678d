"""Looking at Kafka from outside: what was announced, and how far a service has read it."""
# mypy: untyped-calls-exclude=aiokafka
# aiokafka is typed only in part.

import asyncio
import json
import time
from collections.abc import Collection, Iterable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from contracts.offers import OFFERS
from demo.recount import Record, read_topics
from samenspel.failure import CommandFailed

PATIENCE = 60.0  # seconds; a tenth of a second is usual
PAUSE = 0.1


async def until_brokers_are_heard(bootstrap: str, prefix: str, broker_ids: Collection[str]) -> None:
    """Wait until `requests` has read what `referrals` announced of these brokers: then it routes to them."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        records = await read_topics(bootstrap, prefix, [OFFERS])
        announced = {envelope["subject"] for _, envelope in envelopes(records)}
        if announced >= set(broker_ids) and await _has_read(bootstrap, prefix, "requests", records):
            return
        await asyncio.sleep(PAUSE)
    raise CommandFailed(f"after {PATIENCE:.0f} s `requests` has not heard of the brokers {', '.join(broker_ids)}")


async def _has_read(bootstrap: str, prefix: str, service: str, records: Iterable[Record]) -> bool:
    """Whether the service has committed all of these records: it commits after the work."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="samenspel-demo")
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(prefix + service)
    finally:
        await admin.close()
    read = {(place.topic, place.partition): found.offset for place, found in committed.items()}
    return all(read.get((prefix + record.topic, record.partition), 0) > record.offset for record in records)


def envelopes(records: Iterable[Record]) -> list[tuple[Record, dict[str, Any]]]:
    """The records that hold an event, each with its envelope; poison is passed over."""
    found: list[tuple[Record, dict[str, Any]]] = []
    for record in records:
        try:
            envelope = json.loads(record.value)
        except ValueError:
            continue
        if isinstance(envelope, dict) and "type" in envelope and "subject" in envelope:
            found.append((record, envelope))
    return found
