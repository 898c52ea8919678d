"""The tables of `reporting` in one database, for tests that append and cut there, again and again."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg

from contracts.metrics import CutTaken
from contracts.topics import INPUTS, PARTITIONS
from local import RealParts
from samenspel.topic_records import TopicRecord
from services.reporting import counts, cut, figure_store, making, publication, rebuild
from services.reporting.facts.events import Fact, read
from services.reporting.publication import Fields
from tests.deliveries import Delivery
from tests.sandbox import a_sandbox

NOTHING_READ = {(topic, partition): 0 for topic in INPUTS for partition in range(PARTITIONS)}
_FORGET = ";".join(
    f"DELETE FROM {table}"
    for table in (*rebuild.made_tables(), "cuts", "figures", "newest", "stuck", "outbox", "journal")
)
SOURCE = "urn:nld:oin:0:systeem:reporting"
Result = TypeVar("Result")
Reading = Callable[[Iterable[TopicRecord]], list[Fact]]


class Tables:
    """Used from a loop of their own: Hypothesis calls tests without one."""

    def __init__(self, runner: asyncio.Runner, pool: asyncpg.Pool, db: asyncpg.Connection) -> None:
        self.runner, self.pool, self.db = runner, pool, db

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def figures(
        self, delivery: Delivery, *, everything: bool = False, reading: Reading | None = None
    ) -> dict[str, Fields]:
        """Every figure that there is, cut by cut, in empty tables; `everything`: each cut counts all anew."""
        return self.run(self._follow(delivery, everything, reading or read_all))

    async def _follow(self, delivery: Delivery, everything: bool, reading: Reading) -> dict[str, Fields]:
        await self.forget()
        for part in delivery.parts:
            await self.append(reading(part))
            if everything:
                await counts.count_everything_anew(self.db)
            await self.cut()
        return await self.newest()

    async def forget(self) -> None:
        await self.db.execute(_FORGET)

    async def append(self, facts: Iterable[Fact]) -> None:
        async with self.db.transaction():
            await counts.append(self.db, list(facts))

    async def cut(self) -> CutTaken:
        another: Any = self.pool.acquire  # its proxies do what connections do
        await making.make_missing(self.db, another)
        return await cut.take(self.db, SOURCE, NOTHING_READ)

    async def newest(self) -> dict[str, Fields]:
        """What was published last, but of what nothing is left."""
        rows = await self.db.fetch("SELECT key, data FROM newest")
        figures = {row["key"]: figure_store.fields_of(row["data"]) for row in rows}
        return {key: fields for key, fields in figures.items() if not publication.is_emptied(fields)}


def read_all(records: Iterable[TopicRecord]) -> list[Fact]:
    return [read(record, record.topic) for record in records]


@contextmanager
def tables_on(stack: RealParts) -> Iterator[Tables]:
    """Tables of their own, without topics."""
    with asyncio.Runner() as runner:
        sandbox = a_sandbox(stack, "reporting", has_topics=False)
        url = runner.run(sandbox.__aenter__()).settings.database_url
        fast = {"synchronous_commit": "off"}
        db = runner.run(asyncpg.connect(url, server_settings=fast))
        pool = runner.run(_pool(url, fast))
        runner.run(counts.prepare(db))
        yield Tables(runner, pool, db)
        runner.run(pool.close())
        runner.run(db.close())
        runner.run(sandbox.__aexit__(None, None, None))


async def _pool(url: str, settings: dict[str, str]) -> asyncpg.Pool:
    return await asyncpg.create_pool(url, min_size=0, max_size=2, server_settings=settings)
