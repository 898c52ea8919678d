"""Working ahead: the next is made while PostgreSQL stores what was made before; each is busy on a core of its own.

It is done by the loop itself, some milliseconds at a time, so that who reads figures has a turn: beside a thread that
computes, the loop would wait up to 5 ms for the interpreter each time that PostgreSQL or Kafka sends something.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


async def ahead(
    work: Callable[[Item], Awaitable[Made]], items: AsyncIterator[Item]
) -> AsyncIterator[tuple[Item, Made]]:
    """Each with what `work` makes of it, in their order. The next one is made while the caller uses this one."""
    begun: list[tuple[Item, asyncio.Future[Made]]] = []
    try:
        async for item in items:
            begun.append((item, asyncio.ensure_future(work(item))))
            if len(begun) > 1:
                yield begun[0][0], await begun[0][1]
                del begun[0]
        for of, made in begun:
            yield of, await made
    finally:
        for _, made in begun:
            made.cancel()


async def fetched_ahead(items: AsyncIterator[Item]) -> AsyncGenerator[Item]:
    """Each of them. The next one is fetched while the caller uses this one."""
    following = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await following) is not None:
            following = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)  # so that nothing uses its connection any more


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """All of them at once. When one fails, the others are over before its error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
