"""A batch of records: what they say, and storing it. What cannot be understood or stored is set aside alone."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import asyncpg

from contracts.envelope import InvalidMessage
from services.chassis.messaging.dead_letters import DeadLetter
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import Incarnations
from services.chassis.messaging.topic_reader import Batch
from services.chassis.running import telemetry
from services.reporting import counts, fact_store
from services.reporting.ahead import ahead, parts
from services.reporting.facts.events import Fact, read


class ReadFact(NamedTuple):
    fact: Fact
    record: Record


def read_batch(batch: Batch, prefix: str, incarnations: Incarnations) -> tuple[list[ReadFact], list[DeadLetter]]:
    told: list[ReadFact] = []
    letters: list[DeadLetter] = []
    for partition, records in batch.items():
        topic = partition.topic.removeprefix(prefix)
        incarnation = incarnations.get(topic, 1)
        for record in records:
            try:
                told.append(ReadFact(read(record, topic, incarnation), record))
            except InvalidMessage as error:
                letters.append(DeadLetter(record, topic, error.reason, error.detail, incarnation=incarnation))
    return told, letters


async def append(
    db: asyncpg.Connection, batch: Batch, prefix: str, incarnations: Incarnations
) -> tuple[list[ReadFact], list[DeadLetter]]:
    """Store what these records say: a part of them is read while the one before is stored. Within a transaction."""
    told: list[ReadFact] = []
    letters: list[DeadLetter] = []
    async for said, malformed in ahead(partial(read_batch, prefix=prefix, incarnations=incarnations), parts(batch)):
        letters += [*malformed, *await store_all(db, said)]
        told += said
    return told, letters


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
