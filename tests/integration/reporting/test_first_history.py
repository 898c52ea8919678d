"""A long first history is appended and made by two processes: with the same figures, and whatever happens to one."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import CONTENT_TYPE
from local import RealParts
from services.chassis.running.database import connected
from services.chassis.running.settings import Settings
from services.reporting import making, projection, rebuild
from services.reporting.fact_store import Share
from services.reporting.figures import families
from services.reporting.helper import Work, helped
from services.reporting.projection import Projection
from services.reporting.things import KINDS
from tests.integration.reporting.test_projection import a_leader, append, is_waiting, some_deliveries
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import eventually

Help = Callable[..., AsyncGenerator[object]]
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY ($1) ORDER BY indexdef"
THINGS = [table for kind in KINDS.values() for table in kind.tables]
ALL_STANDS = "SELECT (SELECT count(*) FROM made WHERE is_announced) = $1 AND (SELECT count(*) FROM newest) > 0"


class Interrupted(Exception):
    """What ends the making in a test."""


async def ends_early() -> AsyncGenerator[int]:
    os._exit(3)
    yield 0


def that_ends_early(settings: Settings, *_: object) -> AsyncGenerator[object]:
    """Help by a process that is killed."""
    return helped(settings, ends_early)


@pytest.mark.parametrize("is_killed", [False, True])
async def test_two_processes_make_what_one_makes(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    asked_for = list[Work]()

    def noted(settings: Settings, work: Work, *args: object) -> AsyncGenerator[object]:
        asked_for.append(work)
        return (that_ends_early if is_killed else helped)(settings, work, *args)

    monkeypatch.setattr(projection, "WORTH_HELP", 1)
    monkeypatch.setattr(projection, "helped", noted)
    async with a_sandbox(stack, "reporting") as sandbox:
        count = await send_a_history(sandbox)
        async with leading(sandbox) as db:
            await eventually(lambda: db.fetchval(ALL_STANDS, len(KINDS) + len(families())))

            names = [work.__name__ for work in asked_for]
            assert names == (["append_all"] if is_killed else ["append_all", "make_share"])
            assert await db.fetchval("SELECT count(*) FROM facts") == count
            assert await db.fetchval("SELECT count(*) FROM activities") > 0
            another = partial(connected, sandbox.settings.database_url)
            _, differences = await rebuild.compare(db, another, await db.fetchval("SELECT max(cut_id) FROM cuts"))
            assert differences == []


async def test_things_are_made_alone_when_help_ends_early(stack: RealParts) -> None:
    async with a_history(stack) as (db, another, settings):
        alone = await made(db, another, None)

        assert await made(db, another, partial(helped, settings)) == alone
        assert await made(db, another, partial(that_ends_early, settings)) == alone
        assert alone["activities"] > 0


async def test_what_was_interrupted_is_made_anew_with_all_indexes(stack: RealParts) -> None:
    """Red when the indexes of the first attempt are not kept: the second finds none to make again."""
    async with a_history(stack) as (db, another, _):
        indexes, whole = await db.fetch(INDEXES, THINGS), await made(db, another, None)
        await making.begin_anew(db)

        def interrupt(told: str) -> None:
            if told == "making the indexes of things":  # all rows are there
                raise Interrupted

        with pytest.raises(Interrupted):
            await making.make_missing(db, another, interrupt)
        left = await db.fetch(INDEXES, THINGS)

        assert await made(db, another, None) == whole
        assert (left, await db.fetch(INDEXES, THINGS)) == ([], indexes)
        assert await db.fetchval("SELECT count(*) FROM making") == 0


async def test_a_process_of_an_earlier_attempt_stores_nothing(stack: RealParts) -> None:
    async with a_history(stack) as (db, another, _):
        whole = await made(db, another, None)
        share = making.make_share(another, [*KINDS], Share(0, of=1), uuid4())
        with pytest.raises(making.Overtaken):
            await anext(share)

        assert await rows(db) == whole


async def test_who_makes_everything_anew_waits_for_who_has_found_that_its_attempt_stands(stack: RealParts) -> None:
    """Red without the lock on the attempt: what that one is about to store comes in addition."""
    async with a_history(stack) as (db, another, _), another() as other, another() as watching:
        whole = await made(db, another, None)
        await making.begin_anew(db)
        attempt = await making._clear(db, THINGS)
        async with other.transaction():
            assert await other.fetchval(making._STANDS, attempt)
            anew = asyncio.create_task(making.make_missing(db, another))
            await eventually(lambda: is_waiting(watching, at_least=1))
        await anew

        assert await rows(db) == whole


async def made(db: asyncpg.Connection, another: making.Another, help_: making.Helped | None) -> dict[str, int]:
    """How many rows of each kind are there after making everything anew."""
    await making.begin_anew(db)
    await making.make_missing(db, another, helped=help_)
    return await rows(db)


async def rows(db: asyncpg.Connection) -> dict[str, int]:
    return {table: await db.fetchval(f"SELECT count(*) FROM {table}") for table in [*THINGS, "programme_periods"]}


@asynccontextmanager
async def a_history(stack: RealParts) -> AsyncIterator[tuple[asyncpg.Connection, making.Another, Settings]]:
    """A service that has stored some facts, and made nothing of them."""
    async with a_leader(stack) as (leader, reader, db):
        await append(leader, reader, db, max(some_deliveries(), key=lambda each: len(each.records)).records)
        yield db, partial(connected, leader.settings.database_url), leader.settings


async def send_a_history(sandbox: Sandbox) -> int:
    """As it arrived in a long delivery; returns how many messages that are."""
    delivery = max(some_deliveries(), key=lambda each: len(each.records))
    headers = [("content-type", CONTENT_TYPE)]
    async with AIOKafkaProducer(bootstrap_servers=sandbox.kafka, acks="all") as producer:
        for record in delivery.records:
            topic = sandbox.settings.topic(record.topic)
            await producer.send_and_wait(
                topic, record.value, key=record.key, partition=record.partition, headers=headers
            )
    return len(delivery.records)


@asynccontextmanager
async def leading(sandbox: Sandbox) -> AsyncIterator[asyncpg.Connection]:
    """A process that leads, and a connection to what it makes."""
    task = asyncio.create_task(Projection(sandbox.settings, sandbox.database, sandbox.health).run())
    try:
        async with connected(sandbox.settings.database_url) as db:
            yield db
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
