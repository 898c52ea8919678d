"""A relay that is told to stop."""

import asyncio

import pytest

from services.chassis.messaging.relay import Relay
from services.chassis.running.health import Health
from services.chassis.running.settings import read_settings


async def test_a_relay_that_is_woken_while_it_is_told_to_stop_stops() -> None:
    """Red with `asyncio.wait_for`, which on Python 3.11 takes the wake for an answer: it would publish for ever."""
    settings = read_settings("referrals", 8002, {"SAMENSPEL_DATABASE_URL": "postgresql://nobody@127.0.0.1/nothing"})
    relay = Relay(settings, Health())
    pausing = asyncio.create_task(relay._pause())
    await asyncio.sleep(0)

    relay.wake.set()
    pausing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await pausing
