"""Stopping a client of Kafka: what it cancels of its own is no order to us."""

import asyncio

import pytest

from services.chassis.messaging import kafka


class CancelsItsOwn:
    """As aiokafka, when a fetch is on its way: it cancels its task, and waits for it."""

    async def stop(self) -> None:
        its_own = asyncio.create_task(asyncio.sleep(60))
        its_own.cancel()
        await its_own


class StopsSlowly:
    async def stop(self) -> None:
        await asyncio.sleep(60)


async def test_what_a_client_cancels_of_its_own_does_not_cancel_who_stops_it() -> None:
    await kafka.stop(CancelsItsOwn())


async def test_nor_who_stops_it_because_it_was_cancelled_itself() -> None:
    """Red when it is asked only whether there was a cancellation: the connections stayed open."""
    went_on = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await kafka.stop(CancelsItsOwn())
            went_on.set()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert went_on.is_set()


async def test_who_is_told_to_stop_while_it_stops_a_client_stops() -> None:
    stopping = asyncio.create_task(kafka.stop(StopsSlowly()))
    await asyncio.sleep(0)
    stopping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await stopping
