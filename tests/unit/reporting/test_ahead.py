"""Working ahead keeps the order, loses nothing, and is never further ahead than it may be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from services.reporting.ahead import ahead, fetched_ahead, together


async def _numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


@pytest.mark.parametrize("count", [0, 1, 2, 5])
async def test_what_is_made_ahead_comes_in_the_order_of_what_it_is_made_of(count: int) -> None:
    async def square(number: int) -> int:
        return number * number

    assert [each async for each in ahead(square, _numbers(count))] == [
        (number, number * number) for number in range(count)
    ]


async def test_while_one_is_used_the_next_is_made_and_no_more() -> None:
    begun: list[int] = []

    async def begin(number: int) -> int:
        begun.append(number)
        return number

    async for number, _ in ahead(begin, _numbers(5)):
        assert max(begun) <= number + 1

    assert sorted(begun) == [0, 1, 2, 3, 4]


async def test_an_error_reaches_the_caller_and_what_was_begun_ends() -> None:
    async def divide(number: int) -> int:
        return 1 // (number - 1) if number < 2 else int(await asyncio.Event().wait())

    with pytest.raises(ZeroDivisionError):
        async for _ in ahead(divide, _numbers(5)):
            pass

    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_is_fetched_ahead_comes_in_order_one_before_it_is_used() -> None:
    fetched: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in range(1, 4):
            fetched.append(number)
            yield number

    seen: list[tuple[int, list[int]]] = []
    async for number in fetched_ahead(numbers()):
        await asyncio.sleep(0)
        seen.append((number, [*fetched]))

    assert seen == [(1, [1, 2]), (2, [1, 2, 3]), (3, [1, 2, 3])]


async def test_who_stops_using_it_stops_what_is_being_fetched() -> None:
    is_stopped = False

    async def slow() -> AsyncIterator[int]:
        nonlocal is_stopped
        yield 1
        try:
            await asyncio.Event().wait()
        finally:
            is_stopped = True

    async with aclosing(fetched_ahead(slow())) as numbers:
        async for _ in numbers:
            await asyncio.sleep(0)
            break

    assert is_stopped


async def test_when_one_of_several_fails_the_others_are_over_before_its_error_comes() -> None:
    ended: list[str] = []

    async def goes_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("in order")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await together(goes_on(), fails())

    assert ended == ["in order"]
