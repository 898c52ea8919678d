"""Waiting with a deadline, and asynchronous clients used from synchronous code."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def until(condition: Callable[[], bool], *, within: float, every: float) -> bool:
    """Whether the condition came true in time; it is asked once more at the deadline."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def completed(work: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of a coroutine, in a loop of its own: the caller may itself be called from a running loop."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()
