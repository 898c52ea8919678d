"""Which events are on the topics, and how far a service has read them."""
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
from samenspel.endpoints import Endpoints
from samenspel.failure import CommandFailed

PATIENCE_SECONDS = 60.0  # a tenth of a second is usual
PAUSE_SECONDS = 0.1


async def wait_until_brokers_are_known(endpoints: Endpoints, broker_ids: Collection[str]) -> None:
    """Wait until `requests` has read what `referrals` announced of these brokers: then it assigns requests to them."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        records = await read_topics(endpoints.kafka, endpoints.prefix, [OFFERS])
        announced = {envelope["subject"] for envelope in envelopes(records)}
        if announced >= set(broker_ids) and await _has_read("requests", endpoints, records):
            return
        await asyncio.sleep(PAUSE_SECONDS)
    raise CommandFailed(
        f"after {PATIENCE_SECONDS:.0f} s `requests` has not read the brokers {', '.join(broker_ids)} from {OFFERS}"
    )


async def _has_read(service: str, endpoints: Endpoints, records: Iterable[Record]) -> bool:
    """Whether the service has committed the offsets of all these records, which it does after its work."""
    admin = AIOKafkaAdminClient(bootstrap_servers=endpoints.kafka, client_id="samenspel-demo")
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(endpoints.prefix + service)
    finally:
        await admin.close()
    read = {(partition.topic, partition.partition): found.offset for partition, found in committed.items()}
    return all(read.get((endpoints.prefix + record.topic, record.partition), 0) > record.offset for record in records)


def envelopes(records: Iterable[Record]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for record in records:
        if not record.is_admitted:
            continue
        try:
            envelope = json.loads(record.value)
        except ValueError:
            continue
        if isinstance(envelope, dict) and "type" in envelope and "subject" in envelope:
            found.append(envelope)
    return found


def event_name(envelope: dict[str, Any]) -> str:
    """`RequestRaised` of `nl.samenspel.RequestRaised.v1`."""
    return str(envelope["type"]).split(".")[-2]
