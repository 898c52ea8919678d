"""Where a consumer begins to read the partitions that it is given."""

import asyncio
from collections.abc import Iterable
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.messaging.consumer import Consumer, Receiver, Seeking
from services.chassis.messaging.positions import Positions
from services.chassis.running.health import Health
from services.chassis.running.settings import read_settings

TOPIC = "partnership.sites.v1"
GIVEN = [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 3)]


class Kafka:
    """aiokafka's consumer, as far as it is asked here: what is paused is not handed over."""

    def __init__(self, *assigned: TopicPartition) -> None:
        self.assigned, self.paused, self.sought = set(assigned), set[TopicPartition](), dict[TopicPartition, int]()

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused -= set(partitions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert partition in self.paused, "a record could have been handed over"
        self.sought[partition] = offset


class Database:
    """What a receiver knows of its positions, if it answers."""

    def __init__(self, positions: Positions | Exception | None) -> None:
        self.positions = positions

    async def where_to_read_on(self) -> Positions | None:
        if isinstance(self.positions, Exception):
            raise self.positions
        return self.positions


async def given(kafka: Kafka, partitions: Iterable[TopicPartition], positions: Positions | Exception | None) -> Health:
    """The health of a process whose consumer was given partitions."""
    settings = read_settings("requests", 8001, {"SAMENSPEL_DATABASE_URL": "postgresql://127.0.0.1/requests"})
    health = Health(died=asyncio.get_running_loop().create_future())
    consumer = Consumer(settings, (TOPIC,), health, "reactions", cast("Receiver", Database(positions)))
    await Seeking(consumer, lambda: cast("AIOKafkaConsumer", kafka)).on_partitions_assigned(partitions)
    return health


async def test_a_partition_is_read_from_where_the_database_says() -> None:
    kafka = Kafka(*GIVEN)

    health = await given(kafka, GIVEN, {(TOPIC, 0): 17, (TOPIC, 3): 4})

    assert kafka.sought == {GIVEN[0]: 17, GIVEN[1]: 4}
    assert kafka.paused == set()
    assert health.died is not None
    assert not health.died.done()


async def test_a_partition_that_was_taken_away_meanwhile_is_left_alone() -> None:
    kafka = Kafka(GIVEN[0])

    await given(kafka, GIVEN, {(TOPIC, 0): 17, (TOPIC, 3): 4})

    assert kafka.sought == {GIVEN[0]: 17}


async def test_where_the_database_knows_no_position_the_group_goes_on() -> None:
    kafka = Kafka(*GIVEN)

    await given(kafka, GIVEN, None)

    assert (kafka.sought, kafka.paused) == ({}, set())


@pytest.mark.parametrize("error", [ConnectionRefusedError("10.0.0.7"), KeyError((TOPIC, 3))])
async def test_a_process_that_does_not_know_where_to_read_on_ends_and_reads_nothing(error: Exception) -> None:
    kafka = Kafka(*GIVEN)

    health = await given(kafka, GIVEN, error)

    assert health.died is not None
    assert health.died.result().startswith(f"where to read on is not known: {type(error).__name__} at ")
    assert "10.0.0.7" not in health.died.result()
    assert kafka.paused == set(GIVEN)  # aiokafka swallows an error in here: these would stay so, and nobody would know
