"""Working ahead keeps the order, loses nothing, and is never more than one ahead."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.messaging.topic_reader import Batch
from services.reporting import ahead
from tests.deliveries import a_record

TOPICS = [TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)]


async def _numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


@pytest.mark.parametrize("count", [0, 1, 2, 5])
async def test_what_is_made_ahead_comes_in_the_order_of_what_it_is_made_of(count: int) -> None:
    made = [square async for square in ahead.ahead(lambda number: number * number, _numbers(count))]

    assert made == [number * number for number in range(count)]


async def test_while_one_is_used_the_next_is_made_and_no_more() -> None:
    begun: list[int] = []

    def begin(number: int) -> int:
        begun.append(number)
        return number

    async for made in ahead.ahead(begin, _numbers(5)):
        assert begun[-1] <= made + 1

    assert begun == [0, 1, 2, 3, 4]


async def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        _ = [each async for each in ahead.ahead(lambda number: 1 // (2 - number), _numbers(5))]


@given(st.lists(st.integers(0, 9), min_size=3, max_size=3))
async def test_the_parts_of_a_batch_are_the_batch(counts: list[int]) -> None:
    batch: Batch = {
        topic: [a_record(topic.topic, topic.partition, offset, key=b"k", value=b"v") for offset in range(count)]
        for topic, count in zip(TOPICS, counts, strict=True)
        if count
    }

    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(ahead, "PART", 4)
        found = [part async for part in ahead.parts(batch)]

    sizes = [sum(map(len, part.values())) for part in found]
    assert all(size == 4 for size in sizes[:-1])
    assert all(0 < size <= 4 for size in sizes)
    assert {topic: [record for part in found for record in part.get(topic, ())] for topic in batch} == batch
