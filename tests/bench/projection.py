"""The projection into the facts beside the raw loops of the same events into the same table and indexes."""

import asyncio
import time
import venv
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from contracts.activities import ACTIVITIES
from contracts.topics import INPUTS
from contracts.written import envelope_form
from local import FOLDER
from services.chassis.messaging.positions import load_positions
from services.chassis.messaging.topic_reader import MAX_RECORDS, Polled, TopicReader
from services.chassis.running.database import Database, migrate
from services.chassis.running.health import Health
from services.chassis.running.settings import read_settings
from services.reporting.ahead import ahead
from services.reporting.projection import Projection
from services.reporting.reading import read_polled
from tests.bench import events, limits
from tests.bench.measured import Measured, rate

EVENTS = 60_000
ONE_BY_ONE = 3_000  # a message at a time takes longer
QUIX = "quixstreams[postgresql]==3.28.1"  # not among our own packages: it is only beside ours
ROUNDS = 3  # in turn; the median of each counts
COLUMNS = ("topic", "partition", "offset", "name", "entity", "epoch", "version", "event_id", "data")
UPSERT = """
INSERT INTO facts (topic, partition, "offset", name, entity, epoch, version, event_id, data)
SELECT * FROM unnest(
    $1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::integer[],
    $8::text[], $9::bytea[]
)
ON CONFLICT (topic, partition, incarnation, "offset") DO UPDATE SET data = excluded.data
"""
INSERT = f"""
INSERT INTO facts (topic, partition, "offset", name, entity, epoch, version, event_id, data)
VALUES ({", ".join(f"${number}" for number in range(1, 10))}) ON CONFLICT DO NOTHING
"""
_decode = envelope_form().decoder.decode


def _row(record: ConsumerRecord[bytes | None, bytes | None]) -> tuple[object, ...]:
    envelope = _decode(record.value or b"")
    return (
        ACTIVITIES,
        record.partition,
        record.offset,
        "ActivityDelivered",
        envelope.subject,
        envelope.streamepoch,
        envelope.aggregateversion,
        envelope.id,
        bytes(envelope.data),
    )


async def _raw(bootstrap: str, db: asyncpg.Connection, topic: str, count: int, *, copy: bool) -> float:
    await db.execute("TRUNCATE facts, positions")
    consumer = await limits.reading(bootstrap, topic)
    done = 0
    started = time.perf_counter()
    while done < count:
        batch = await consumer.getmany(timeout_ms=100, max_records=MAX_RECORDS)
        rows = [_row(record) for records in batch.values() for record in records]
        if not rows:
            continue
        async with db.transaction():
            await limits.fence(db, {partition: records[-1].offset + 1 for partition, records in batch.items()})
            if copy:
                await db.copy_records_to_table("facts", records=rows, columns=COLUMNS)
            else:
                await db.execute(UPSERT, *(list(column) for column in zip(*rows, strict=True)))
        done += len(rows)
    seconds = time.perf_counter() - started
    await consumer.stop()
    return seconds


async def _with_faststream(bootstrap: str, url: str, db: asyncpg.Connection, topic: str, count: int) -> float:
    """The textbook handler: a message, a row and a commit, an acknowledgement."""
    await db.execute("TRUNCATE facts, positions")
    pool = await asyncpg.create_pool(url, min_size=1, max_size=1)
    broker = KafkaBroker(bootstrap, logger=None)
    subscriber = broker.subscriber(
        topic, group_id=f"{topic}.{time.time_ns()}", auto_offset_reset="earliest", ack_policy=AckPolicy.ACK
    )
    handled_at: list[float] = []
    all_came = asyncio.Event()

    @subscriber
    async def handle(_: Any, message: KafkaMessage) -> None:
        record: Any = message.raw_message
        await pool.execute(INSERT, *_row(record))
        handled_at.append(time.perf_counter())
        if len(handled_at) > count:
            all_came.set()

    await broker.start()
    await all_came.wait()
    await broker.stop()
    await pool.close()
    return handled_at[count] - handled_at[0]


async def _with_quix(bootstrap: str, url: str, db: asyncpg.Connection, topic: str, count: int) -> float | None:
    """Seconds of Quix Streams and its sink, in an environment of its own; None where it cannot be installed."""
    python = FOLDER / "quix" / "bin" / "python"
    if not python.exists():
        await asyncio.to_thread(venv.create, FOLDER / "quix", with_pip=True)
    install = await asyncio.create_subprocess_exec(python, "-m", "pip", "install", "--quiet", QUIX)
    if await install.wait() != 0:
        return None
    await db.execute("DROP TABLE IF EXISTS quix")
    program = str(Path(__file__).with_name("quix_sink.py"))
    words = (program, bootstrap, topic, str(count), url, "quix")
    pipe = asyncio.subprocess.PIPE  # also of what its libraries warn of
    sink = await asyncio.create_subprocess_exec(python, *words, stdout=pipe, stderr=pipe)
    said, warned = await sink.communicate()
    assert sink.returncode == 0, warned.decode()[-2_000:]
    stored = await db.fetchval("SELECT count(*) FROM quix")
    assert stored == count, f"it stored {stored} of {count} events"
    return float(said)


async def _polls(reader: TopicReader) -> AsyncIterator[Polled]:
    while True:
        yield await reader.poll(100)


async def _ours(bootstrap: str, url: str, db: asyncpg.Connection, prefix: str, count: int) -> float:
    """As a leader that catches up."""
    await db.execute("TRUNCATE facts, positions")
    environment = {"SAMENSPEL_DATABASE_URL": url, "SAMENSPEL_KAFKA": bootstrap, "SAMENSPEL_KAFKA_PREFIX": prefix}
    settings = read_settings("reporting", 8003, environment)
    pool = await asyncpg.create_pool(url, min_size=1, max_size=1)
    projection = Projection(settings, Database(pool, pool, settings.source, 1, b"secret", lambda: None), Health())
    reader = await TopicReader.open(settings, await load_positions(db, INPUTS))
    done = 0
    started = time.perf_counter()
    async for polled, told in ahead(partial(read_polled, reader), _polls(reader)):
        if reader.moves(polled):
            await projection.append(db, reader, polled, told)
            done += len(told.facts)
        if done >= count:
            break
    seconds = time.perf_counter() - started
    await reader.close()
    await pool.close()
    return seconds


async def measure(bootstrap: str, url: str, prefix: str, count: int) -> list[Measured]:
    """Ours, and both raw loops."""
    await migrate(url, "services.chassis", "services.reporting")
    await limits.send(bootstrap, events.activities(count), prefix)
    db = await asyncpg.connect(url)
    topic = prefix + ACTIVITIES
    measured: list[tuple[float, float, float]] = []
    for _ in range(ROUNDS):
        upserts = await _raw(bootstrap, db, topic, count, copy=False)
        copies = await _raw(bootstrap, db, topic, count, copy=True)
        measured.append((upserts, copies, await _ours(bootstrap, url, db, prefix, count)))
    some = min(ONE_BY_ONE, count // 2)
    one_by_one = await _with_faststream(bootstrap, url, db, topic, some)
    upserts, copies, ours = (median(each) for each in zip(*measured, strict=True))
    quix = await _with_quix(bootstrap, url, db, topic, count)
    await db.close()
    beside = "it was not installed" if quix is None else f"{rate(count, quix)} Quix Streams and its PostgreSQL sink"
    what, our_rate = "projection: Kafka to facts", rate(count, ours)
    limited_by = "decoding the fields of every figure, and the rows of what is the case"
    raw_upserts = f"{rate(count, upserts)} getmany + upserts + fence"
    raw_copies = f"{rate(count, copies)} getmany + COPY + fence"
    return [
        Measured(what, our_rate, raw_upserts, f"{upserts / ours:.0%}", ">= 100 %", "PostgreSQL"),
        Measured(what, our_rate, raw_copies, f"{copies / ours:.0%}", ">= 60 %", limited_by),
        Measured(
            what,
            our_rate,
            f"{rate(some, one_by_one)} a FastStream handler: a row, a commit and an acknowledgement a message",
            f"{one_by_one / some / (ours / count):.0%}",
            "",
            "a round trip to PostgreSQL and one to Kafka for each message",
        ),
        Measured(what, our_rate, beside, f"{quix / ours:.0%}" if quix else "", "", "Python for each message and row"),
    ]
