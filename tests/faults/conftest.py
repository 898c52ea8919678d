"""One system for all fault tests: a whole stack, and everything that was ever asked of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest

from local import FOLDER, Stack, StackError
from local.waiting import completed
from tests.faults.client import Call
from tests.faults.invariants import violations
from tests.faults.load import Load, record_city
from tests.faults.snapshot import Offset
from tests.waiting import eventually


@dataclass(slots=True)
class System:
    """The stack under test, every call so far, and the messages that tests put on its topics by hand."""

    stack: Stack
    calls: list[Call] = field(default_factory=list)
    foreign: set[Offset] = field(default_factory=set)

    def load(self, *, callers: int = 8, requests: int, raise_only: bool = False) -> Load:
        return Load(self.stack, self.calls, callers=callers, requests=requests, raise_only=raise_only)

    def violations(self) -> list[str]:
        """What does not hold once all is quiet, of everything since the beginning (the first few)."""
        return violations(self.stack, self.calls, foreign=self.foreign)[:10]

    def crash_postgres(self) -> None:
        """SIGKILL, and start again: as soon as its last children are gone, which hold on to its memory."""
        self.stack.postgres.kill()
        completed(eventually(self._postgres_starts))

    async def _postgres_starts(self) -> bool:
        try:
            await asyncio.to_thread(self.stack.postgres.start)
        except StackError:
            return False
        return True

    async def has_brokers(self) -> bool:
        """Whether `requests` knows a broker."""
        database = await asyncpg.connect(self.stack.database_url("requests"))
        try:
            return bool(await database.fetchval("SELECT count(*) FROM records WHERE kind = 'broker'"))
        finally:
            await database.close()


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """A whole stack with a city in it, kept through all the faults."""
    with Stack.started(FOLDER / "faults", fresh=True, services=True) as stack:
        system = System(stack)
        completed(record_city(stack, system.calls))
        completed(eventually(system.has_brokers))
        yield system
