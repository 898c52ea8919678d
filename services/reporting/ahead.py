"""Python works in a thread while PostgreSQL reads what comes next and writes what is done: each on a core."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from services.chassis.messaging.topic_reader import Batch

PART = 2_500  # records: a batch of Kafka has up to ten thousand
Item = TypeVar("Item")
Made = TypeVar("Made")


async def ahead(work: Callable[[Item], Made], items: AsyncIterator[Item]) -> AsyncIterator[Made]:
    """What `work` makes of each, in their order. The next one is made while the caller uses this one; and nobody who
    reads figures waits for it."""
    working: asyncio.Task[Made] | None = None
    async for item in items:
        following = asyncio.create_task(asyncio.to_thread(work, item))
        if working is not None:
            yield await working
        working = following
    if working is not None:
        yield await working


async def parts(batch: Batch) -> AsyncIterator[Batch]:
    part: Batch = {}
    room = PART
    for partition, records in batch.items():
        rest = records
        while rest:
            part[partition], rest = rest[:room], rest[room:]
            room -= len(part[partition])
            if room == 0:
                yield part
                part, room = {}, PART
    if part:
        yield part
