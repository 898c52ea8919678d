"""What a batch of records says. What cannot be understood is a dead letter."""

import asyncio
from typing import NamedTuple

from contracts.envelope import InvalidMessage
from services.chassis.messaging.dead_letters import DeadLetter
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import Incarnations
from services.chassis.messaging.topic_reader import Batch, Polled, TopicReader
from services.reporting.facts.events import Fact, read

IN_A_TURN = 500  # records: some 6 ms


class ReadFact(NamedTuple):
    fact: Fact
    record: Record


class Told(NamedTuple):
    """What a batch says."""

    facts: list[ReadFact]
    letters: list[DeadLetter]
    """Of the records that cannot be understood."""


async def read_batch(batch: Batch, prefix: str, incarnations: Incarnations) -> Told:
    """What its records say; others have their turn now and then."""
    told = Told([], [])
    for partition, records in batch.items():
        topic = partition.topic.removeprefix(prefix)
        incarnation = incarnations.get(topic, 1)
        for number, record in enumerate(records):
            if number % IN_A_TURN == 0:
                await asyncio.sleep(0)
            try:
                told.facts.append(ReadFact(read(record, topic, incarnation), record))
            except InvalidMessage as error:
                told.letters.append(DeadLetter(record, topic, error.reason, error.detail, incarnation=incarnation))
    return told


async def read_polled(reader: TopicReader, polled: Polled) -> Told:
    return await read_batch(polled.records, reader.prefix, reader.incarnations)
