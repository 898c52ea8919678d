"""A second process of this service, for what takes long: one process of Python keeps one core busy.

Guarantee: it ends with the process that it helps, however that ends, and when nobody wants its work any more.
"""

import asyncio
import gc
import json
import os
import pickle
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any, TextIO

import uvloop

from services.chassis import now
from services.chassis.running import telemetry
from services.chassis.running.settings import Settings

Work = Callable[..., AsyncGenerator[Any]]
"""A function of a module, which yields what JSON can say."""
MAX_LINE = 16 * 1024 * 1024  # bytes that are said at a time


class HelperEnded(Exception):
    """The second process ended before its work was done."""


async def helped(settings: Settings, work: Work, *args: object) -> AsyncGenerator[Any]:
    """What `work(*args)` yields in a second process, as JSON has it: a tuple is a list."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE,
        start_new_session=True,  # a signal from the terminal is for this process alone
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(pickle.dumps((settings, work, args)))
        async for line in process.stdout:
            yield json.loads(line)
        if await process.wait():
            raise HelperEnded(f"the second process ended with {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _say(work: Work, args: tuple[object, ...], to: TextIO) -> None:
    async for said in work(*args):
        to.write(json.dumps(said) + "\n")
        to.flush()


def _end_with_who_is_helped() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing more comes: only the end
    os._exit(1)


def main() -> None:
    settings, work, args = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that started this one
    threading.Thread(target=_end_with_who_is_helped, daemon=True).start()
    to = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is logged is not what was asked for
    gc.set_threshold(100_000, 50, 50)  # as in `__main__`
    now.follow(settings.development_time)
    telemetry.configure(settings.service, settings.log_level)
    uvloop.run(_say(work, args, to))


if __name__ == "__main__":
    main()
