"""Commands from the topic, as the consumer hands them over: each in a transaction of its own, and in batches.

`python -m tests.bench.kafka_door COMMANDS` with SAMENSPEL_DATABASE_URL, of which the sites are recorded; prints the
seconds of each as JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from uuid import uuid4

import uvloop
from aiokafka import ConsumerRecord

from contracts.outcomes import command_topic
from contracts.partitioner import partition_of
from services.chassis.clients.door import Door
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.subscription import MAX_RECORDS
from services.chassis.running.database import Database, connect
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.requests import commands
from tests.bench.http_client import REQUEST, SITES
from tests.deliveries import EVENT_HEADERS

CLIENT = "bench"
LANES = 8  # as many as HTTP has clients
_REGISTER = """
WITH client AS (INSERT INTO clients (client, registered_at) VALUES ($1, now()) ON CONFLICT DO NOTHING)
INSERT INTO client_actors (client, role, organisation) SELECT $1, 'coordinator', unnest($2::text[])
ON CONFLICT DO NOTHING
"""


async def measure(count: int) -> dict[str, float]:
    settings = read_settings("requests", 8000)
    pool = await connect(settings.database_url)
    secret = await pool.fetchval("SELECT secret FROM stream")
    await pool.execute(_REGISTER, CLIENT, [f"own:bench-{number}" for number in range(SITES)])
    database = Database(pool, pool, settings.source, 1, secret, lambda: None)
    door = Door.of(Service(settings, database, Health()), commands.requests)
    singly, batches = [a_record(number) for number in range(count)], [a_record(number) for number in range(count)]
    return {"singly": await _seconds(_one_by_one(door, singly)), "batches": await _seconds(_in_batches(door, batches))}


async def _seconds(work: object) -> float:
    started = time.perf_counter()
    await work  # type: ignore[misc]
    return time.perf_counter() - started


async def _one_by_one(door: Door, records: Sequence[Record]) -> None:
    async def lane(first: int) -> None:
        for record in records[first::LANES]:
            await door.receive([record])

    await asyncio.gather(*map(lane, range(LANES)))


async def _in_batches(door: Door, records: Sequence[Record]) -> None:
    for first in range(0, len(records), MAX_RECORDS):
        await door.receive(records[first : first + MAX_RECORDS])


def a_record(number: int) -> Record:
    """The same request as over HTTP."""
    site, year = f"own:bench-{number % SITES}", 2030 + number // 300
    message = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"urn:nld:oin:00000099000000001000:systeem:{CLIENT}",
        "type": "nl.samenspel.requests.RaiseRequest.v1",
        "actingrole": "coordinator",
        "actingorganisation": site,
        "data": REQUEST | {"siteId": site, "wishedFrom": f"{year}-01-01", "wishedTo": f"{year}-03-01"},
    }
    key, value = site.encode(), json.dumps(message).encode()
    return ConsumerRecord(
        command_topic(CLIENT), partition_of(key), number, 0, 0, key, value, None, len(key), len(value), EVENT_HEADERS
    )


if __name__ == "__main__":
    assert os.environ["SAMENSPEL_DATABASE_URL"]
    sys.stdout.write(json.dumps(uvloop.run(measure(int(sys.argv[1])))))
