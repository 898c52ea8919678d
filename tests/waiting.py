"""Waiting for what real parts do in their own time: ask again and again, until a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

SOON = 30.0  # seconds for what takes a moment, on a machine that is busy with something else
PAUSE = 0.02  # seconds; each question is a query or a request

Answer = TypeVar("Answer")


async def eventually(ask: Callable[[], Awaitable[Answer]], within: float = SOON) -> Answer:
    """The first true answer; fails the test when there is none in time."""
    deadline = time.monotonic() + within
    while not (answer := await ask()):
        _check(deadline, within, answer)
        await asyncio.sleep(PAUSE)
    return answer


def wait_until(ask: Callable[[], Answer | None], within: float = SOON) -> Answer:
    """`eventually`, for tests that are not asynchronous."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        _check(deadline, within, answer)
        time.sleep(PAUSE)
    return answer


def _check(deadline: float, within: float, answer: object) -> None:
    assert time.monotonic() < deadline, f"after {within:.0f} s the answer is still {answer!r}"
