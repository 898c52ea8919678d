"""Storing what records say. What cannot be stored is set aside alone.

Guarantee: a fact is appended once, in one transaction with the next offset of its partition; what cannot be
understood or stored is dead-lettered in that same transaction, alone.
"""

from collections.abc import AsyncGenerator, Sequence
from functools import partial

import asyncpg
import structlog

from services.chassis.messaging import dead_letters
from services.chassis.messaging.dead_letters import DeadLetter
from services.chassis.messaging.positions import Incarnations, Positions
from services.chassis.messaging.topic_reader import FETCH_BYTES, Polled, TopicReader
from services.chassis.now import now
from services.chassis.running import telemetry
from services.chassis.running.database import Transaction, connected
from services.chassis.running.settings import Settings
from services.reporting import counts, fact_store
from services.reporting.ahead import ahead
from services.reporting.reading import ReadFact, Told, read_polled

log = structlog.get_logger()

AT_ONCE = 4_000  # records: two processes have together no more in memory than one that does it alone
LINKS = 32  # traces that a batch's span is linked with: the batch is found from at least one that was near in time


async def append(db: asyncpg.Connection, settings: Settings, reader: TopicReader, polled: Polled, told: Told) -> bool:
    """Append a batch: facts, what they change, dead letters and positions in one transaction.

    Returns whether there were dead letters."""
    with telemetry.span("append facts") as span:
        async with db.transaction():
            moved = await reader.fence(db, polled)
            letters = [*told.letters, *await store_all(db, told.facts)]
            await _dead_letter(db, settings, letters)
        for each in telemetry.link([each.fact.traceparent for each in told.facts[:LINKS] if each.fact.traceparent]):
            span.add_link(each.context)
    reader.advance(moved)
    return bool(letters)


async def append_all(
    settings: Settings, positions: Positions, incarnations: Incarnations, ends: Positions
) -> AsyncGenerator[int]:
    """Append what these partitions have from here to their ends, on a connection of its own; yields how many records
    each batch had."""
    async with connected(settings.database_url) as db:
        reader = await TopicReader.open(settings, positions, incarnations, fetch_bytes=FETCH_BYTES // 2)
        try:
            async for polled, told in ahead(partial(read_polled, reader), reader.until(ends, AT_ONCE)):
                if reader.moves(polled):
                    await append(db, settings, reader, polled, told)
                yield sum(map(len, polled.records.values()))
        finally:
            await reader.close()


async def store_all(db: asyncpg.Connection, told: Sequence[ReadFact]) -> list[DeadLetter]:
    """Append these facts but the ones that cannot be stored, which are found by halves; returns their letters."""
    try:
        async with db.transaction():  # a savepoint
            await counts.append(db, [each.fact for each in told])
    except fact_store.UNSTORABLE as error:
        if len(told) == 1:
            ((fact, record),) = told
            why = telemetry.origin_in_words(error)
            return [DeadLetter(record, fact.topic, "cannot-be-stored", why, incarnation=fact.incarnation)]
    else:
        return []
    middle = len(told) // 2
    return [*await store_all(db, told[:middle]), *await store_all(db, told[middle:])]


async def _dead_letter(db: asyncpg.Connection, settings: Settings, letters: list[DeadLetter]) -> None:
    if not letters:
        return
    epoch = await db.fetchval("SELECT epoch FROM stream")
    tx = Transaction(db, now(), settings.source, epoch)
    for letter in letters:
        log.warning("malformed_message", reason=letter.reason, detail=letter.detail, record=letter.record_id)
        await dead_letters.add(tx, settings.service, letter)
    skipped = [(each.topic, each.record.partition, each.record.offset, each.incarnation) for each in letters]
    await fact_store.skip(db, skipped)
