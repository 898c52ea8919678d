"""One city for all fault tests: a whole stack, and everything that was ever asked of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest

from local import FOLDER, Stack, StackError
from local.waiting import completed
from tests.faults.invariants import Place, violations
from tests.faults.load import Call, City, Load
from tests.rooms import eventually


@dataclass(slots=True)
class Town:
    """The stack under test, every call so far, and what tests put on its topics by hand."""

    stack: Stack
    calls: list[Call] = field(default_factory=list)
    foreign: set[Place] = field(default_factory=set)

    def load(self, *, callers: int = 8, stories: int, whole: bool = True) -> Load:
        """Callers at work."""
        return Load(self.stack, self.calls, callers=callers, stories=stories, whole=whole)

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
        """Whether `requests` has heard who brokers."""
        database = await asyncpg.connect(self.stack.database_url("requests"))
        try:
            return bool(await database.fetchval("SELECT count(*) FROM broker_records"))
        finally:
            await database.close()


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    """A whole stack with a city in it, kept through all the faults."""
    with Stack.started(FOLDER / "faults", fresh=True, services=True) as stack:
        town = Town(stack)
        with City(stack, town.calls):
            pass
        completed(eventually(town.has_brokers))
        yield town
