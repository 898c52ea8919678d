"""A fault that lasts for a given time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

SECOND = 1.0


@contextmanager
def lasting(seconds: float) -> Iterator[None]:
    """The block, and then the rest of the time: the fault itself lasts this long."""
    began = time.monotonic()
    yield
    while (left := began + seconds - time.monotonic()) > 0:
        time.sleep(min(left, SECOND))
