"""Signals that end the launcher: they unwind it as Ctrl-C does, and do not cut its clean-up short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def termination_as_ctrl_c() -> Iterator[None]:
    """Have SIGTERM and a closed terminal raise KeyboardInterrupt, so that `finally` blocks run."""
    with _handling({signal.SIGTERM: _interrupt, signal.SIGHUP: _interrupt}):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C and its like during a short clean-up, which would otherwise leave half of the parts running."""
    with _handling(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN)):
        yield


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handling(handlers: dict[signal.Signals, "signal._HANDLER"]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
