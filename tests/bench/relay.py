"""The relay beside raw `send_batch` of the same bytes."""

import time
from statistics import median

import asyncpg
import uuid_utils.compat

from contracts.partitioner import partition_of
from services.chassis.messaging.relay import Relay
from services.chassis.running.database import migrate
from services.chassis.running.health import Health
from services.chassis.running.settings import read_settings
from tests.bench import events, limits
from tests.bench.measured import Measured, rate

EVENTS = 60_000
ROUNDS = 3  # in turn; the median of each counts


async def _fill(db: asyncpg.Connection, messages: list[limits.Message]) -> None:
    """The journal and outbox as the services would have filled them."""
    await db.execute("TRUNCATE journal, outbox, refused RESTART IDENTITY CASCADE")
    columns = ("event_id", "topic", "key", "value", "aggregate", "epoch", "version", "recorded_at")
    rows = [
        (uuid_utils.compat.uuid7(), topic, key, value, f"activity:{number}", 1, 1, events.START)
        for number, (topic, key, value) in enumerate(messages)
    ]
    await db.copy_records_to_table("journal", records=rows, columns=columns)
    pointers = [
        (number, topic, partition_of(key), len(key) + len(value))
        for number, (topic, key, value) in enumerate(messages, 1)
    ]
    await db.copy_records_to_table("outbox", records=pointers, columns=("position", "topic", "partition", "size"))
    await db.execute("VACUUM ANALYZE journal, outbox")


async def _empty(relay: Relay, db: asyncpg.Connection) -> float:
    """Let the relay publish everything; seconds."""
    started = time.perf_counter()
    await relay.drain(db)
    seconds = time.perf_counter() - started
    await relay.close()
    assert await db.fetchval("SELECT count(*) FROM outbox") == 0
    return seconds


async def measure(bootstrap: str, url: str, prefix: str, count: int) -> Measured:
    """Fill the outbox, let the relay empty it; send the same bytes raw."""
    await migrate(url, "services.chassis")
    messages = list(events.activities(count))
    db = await asyncpg.connect(url)
    environment = {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_KAFKA": bootstrap, "SAMENSPEL_KAFKA_PREFIX": prefix}
    relay = Relay(read_settings("referrals", 8002, environment), Health())
    ours: list[float] = []
    raw: list[float] = []
    for _ in range(ROUNDS):
        await _fill(db, messages)
        ours.append(await _empty(relay, db))
        raw.append(await limits.send(bootstrap, messages, prefix))
    await db.close()
    return Measured(
        what="relay: outbox to Kafka",
        ours=rate(count, median(ours)),
        limit=f"{rate(count, median(raw))} raw send_batch",
        ratio=f"{median(raw) / median(ours):.0%}",
        aim=">= 50 %",
        limited_by="reading rows and deleting pointers, at the pace of PostgreSQL",
    )
