"""A second process that helps: what it says comes back, and it ends with whoever it helps."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import psutil
import pytest

from services.chassis.running.settings import Settings, read_settings
from services.reporting.helper import HelperEnded, Work, helped
from tests.waiting import eventually

HELPED_AND_KILLED = """
import asyncio
from contextlib import aclosing
from services.reporting.helper import helped
from tests.integration.reporting.test_helper import goes_on, some_settings

async def main():
    async with aclosing(helped(some_settings(), goes_on)) as said:
        async for pid in said:
            print(pid, flush=True)

asyncio.run(main())
"""


def some_settings() -> Settings:
    return read_settings("reporting", 8003, {"SAMENSPEL_DATABASE_URL": "postgresql://nobody@127.0.0.1/nothing"})


async def counts_to(number: int) -> AsyncGenerator[tuple[int, int]]:
    for each in range(number):
        yield each, os.getpid()


async def logs() -> AsyncGenerator[str]:
    print("not what was asked for")  # noqa: T201 - as a log line
    yield "what was asked for"


async def goes_on() -> AsyncGenerator[int]:
    yield os.getpid()
    await asyncio.Event().wait()


async def ends_early() -> AsyncGenerator[int]:
    yield 1
    os._exit(3)


async def fails() -> AsyncGenerator[int]:
    yield 1
    raise ValueError


async def test_another_process_says_what_it_makes() -> None:
    said = [each async for each in helped(some_settings(), counts_to, 3)]

    assert [number for number, _ in said] == [0, 1, 2]
    assert os.getpid() not in {pid for _, pid in said}


async def test_what_it_logs_is_not_what_was_asked_for() -> None:
    assert [each async for each in helped(some_settings(), logs)] == ["what was asked for"]


@pytest.mark.parametrize("work", [ends_early, fails])
async def test_who_is_helped_notices_when_it_ends_too_early(work: Work) -> None:
    said = helped(some_settings(), work)
    first = await anext(said)
    with pytest.raises(HelperEnded):
        await anext(said)
    assert first == 1


async def test_it_ends_when_nobody_wants_its_work_any_more() -> None:
    async with aclosing(helped(some_settings(), goes_on)) as said:
        pid = await anext(said)
        assert psutil.pid_exists(pid)

    assert not psutil.pid_exists(pid)


async def test_it_ends_when_the_process_that_it_helps_is_killed() -> None:
    one = await asyncio.create_subprocess_exec(sys.executable, "-c", HELPED_AND_KILLED, stdout=asyncio.subprocess.PIPE)
    assert one.stdout is not None
    pid = int(await one.stdout.readline())
    one.send_signal(signal.SIGKILL)
    await one.wait()

    await eventually(lambda: has_ended(pid))


async def has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
