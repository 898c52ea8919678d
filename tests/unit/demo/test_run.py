"""However a demo ends, the services are back in the real time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path

import pytest

from contracts.topics import SERVICES
from contracts.values import Interval
from demo.progress import Stages
from demo.run import START, Run
from demo.simulation.city import City
from demo.simulation.plan import Appointment, Plan
from local.simulated_time import SimulatedTime
from samenspel.endpoints import Endpoints
from samenspel.failure import CommandFailed
from words.language import Language, Texts

NOBODY = City("Nergenshuizen", (), (), (), (), Interval(lower=0, upper=0))
NOTHING = Plan((), Appointment(date(2026, 1, 5), "own:nobody", {}))
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


async def test_a_demo_that_fails_leaves_no_simulated_time_behind(tmp_path: Path) -> None:
    time = SimulatedTime.of(tmp_path)

    async with services(time, answer=REFUSAL) as (url, times):
        with pytest.raises(CommandFailed, match="was refused: 403"):
            await a_run(url, time).execute()

    assert (times.get_nowait(), time.read()) == (START, None)


async def test_a_demo_that_is_interrupted_leaves_no_simulated_time_behind(tmp_path: Path) -> None:
    time = SimulatedTime.of(tmp_path)

    async with services(time, answer=b"") as (url, times):
        running = asyncio.create_task(a_run(url, time).execute())
        first = await times.get()
        running.cancel()  # as asyncio does on Ctrl-C
        await asyncio.wait([running])

    assert (first, running.cancelled(), time.read()) == (START, True, None)


def a_run(url: str, time: SimulatedTime) -> Run:
    endpoints = Endpoints(dict.fromkeys(SERVICES, url), kafka="127.0.0.1:1")
    stages = Stages(Texts("demo", Language.EN))
    return Run(NOBODY, NOTHING, 1, endpoints, time, stages, time.file.parent, Language.EN, lambda: "asked")


@asynccontextmanager
async def services(time: SimulatedTime, *, answer: bytes) -> AsyncIterator[tuple[str, asyncio.Queue[datetime | None]]]:
    """Services that answer every command with the same bytes, and the simulated time at which each command came."""
    times: asyncio.Queue[datetime | None] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        times.put_nowait(time.read())
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", times
