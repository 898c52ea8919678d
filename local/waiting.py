"""Waiting with a deadline, and asynchronous clients used from synchronous code."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from operator import not_
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

Answer = TypeVar("Answer")


def until(condition: Callable[[], bool], *, within: float, every: float) -> bool:
    """Whether the condition came true in time; it is checked once more after the deadline."""
    poll = Retrying(
        retry=retry_if_result(not_),
        wait=wait_fixed(every),
        stop=stop_after_delay(within),
        retry_error_callback=lambda _: False,
    )
    return poll(condition)


def completed(work: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of a coroutine, in a loop of its own: the caller may itself be called from a running loop."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()
