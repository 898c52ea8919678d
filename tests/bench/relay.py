"""The relay beside raw `send_batch` of the same bytes."""

import time

import asyncpg
import uuid_utils.compat

from services.chassis.database import migrate
from services.chassis.health import Health
from services.chassis.kafka import producer
from services.chassis.relay import Relay
from services.chassis.settings import read_settings
from tests.bench import events, loops
from tests.bench.loops import Measured

EVENTS = 60_000


async def measure(bootstrap: str, url: str, prefix: str) -> Measured:
    """Fill the outbox, let the relay empty it; send the same bytes raw."""
    await migrate(url, "services.chassis")
    messages = list(events.activities(EVENTS))
    db = await asyncpg.connect(url)
    await db.execute("TRUNCATE journal, outbox, refused RESTART IDENTITY CASCADE")
    columns = ("event_id", "topic", "key", "value", "aggregate", "epoch", "version", "recorded_at")
    rows = [
        (uuid_utils.compat.uuid7(), topic, key, value, f"activity:{number}", 1, 1, events.START)
        for number, (topic, key, value) in enumerate(messages)
    ]
    await db.copy_records_to_table("journal", records=rows, columns=columns)
    await db.execute("INSERT INTO outbox (position) SELECT position FROM journal")
    await db.execute("ANALYZE journal, outbox")
    environment = {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_KAFKA": bootstrap, "SAMENSPEL_KAFKA_PREFIX": prefix}
    relay = Relay(read_settings("referrals", environment), Health())
    kafka = producer(bootstrap, "bench-relay")
    await kafka.start()
    started = time.perf_counter()
    while await relay.publish_round(db, kafka):
        pass
    ours = time.perf_counter() - started
    await kafka.stop()
    await db.close()
    limit = await loops.send(bootstrap, messages, prefix)
    return Measured(
        "relay: outbox to Kafka", loops.rate(EVENTS, ours), f"{loops.rate(EVENTS, limit)} raw send_batch",
        f"{limit / ours:.0%}", ">= 50 %", "reading rows and deleting pointers share the loop with Kafka's batches",
    )  # fmt: skip
