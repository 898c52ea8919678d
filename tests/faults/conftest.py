"""One system for all fault tests: a whole stack, and everything that was ever asked of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest

from contracts.topics import SERVICES
from local import FOLDER, Stack, StackError
from local.waiting import completed
from tests.faults.client import Call, Urls
from tests.faults.invariants import violations
from tests.faults.load import Handle, Load, complete_request, record_city
from tests.faults.snapshot import Offset, is_caught_up
from tests.waiting import eventually

KINDS = {
    "lost": ("acknowledged", "published", "reactions"),
    "doubled": ("effects", "consumed"),
    "reordered": ("versions",),
    "wrong figures": ("counted", "rebuilt"),
}
"""What the report calls a violation of each invariant."""


@dataclass(slots=True)
class System:
    """The stack under test, the calls of one test, and the messages that tests put on its topics by hand."""

    stack: Stack
    earlier: list[Call] = field(default_factory=list)
    """The commands of the tests before."""
    calls: list[Call] = field(default_factory=list)
    """The commands of this test."""
    reads: list[Call] = field(default_factory=list)
    foreign: set[Offset] = field(default_factory=set)
    measured: dict[str, object] = field(default_factory=dict)
    """What the report says of this test, besides its calls."""

    @property
    def urls(self) -> Urls:
        return {name: self.stack.service_url(name) for name in SERVICES}

    def load(
        self, *, callers: int = 8, requests: int, handle: Handle = complete_request, through: Urls | None = None
    ) -> Load:
        """Commands and reads; `through` other addresses than those of the services, where given."""
        return Load(
            {**self.urls, **(through or {})},
            self.calls,
            self.reads,
            callers=callers,
            requests=requests,
            handle=handle,
            keep_alive=through is None,
        )

    def violations(self) -> list[str]:
        """What does not hold once all is quiet, of everything since the beginning (the first few)."""
        found = violations(self.stack, [*self.earlier, *self.calls], foreign=self.foreign)
        names = Counter(each.partition(":")[0] for each in found)
        self.measured |= {kind: sum(names[name] for name in names_of) for kind, names_of in KINDS.items()}
        return found[:10]

    def recovers(self, within: float) -> None:
        """Wait until everything is published, applied and counted, and note how long that takes."""
        began = time.monotonic()
        completed(eventually(lambda: is_caught_up(self.stack), within))
        self.measured["recovered in s"] = f"{time.monotonic() - began:.1f}"

    def server_errors(self) -> list[str]:
        """Every command and read of this test that was answered with 5xx."""
        return [f"{each.service}: {each.method} {each.path}" for each in self.calls + self.reads if each.server_errors]

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
def city() -> Iterator[System]:
    """A whole stack with a city in it, kept through all the faults."""
    with Stack.started(FOLDER / "faults", fresh=True, services=True) as stack:
        yield with_a_city(stack)


def with_a_city(stack: Stack) -> System:
    city = System(stack)
    completed(record_city(city.urls, city.calls))
    completed(eventually(city.has_brokers))
    return city


@pytest.fixture
def system(city: System, record_property: Callable[[str, object], None]) -> Iterator[System]:
    """The city, for one test: its calls are those of this test only."""
    system = System(city.stack, earlier=list(city.calls), foreign=city.foreign)
    yield system
    city.calls += system.calls
    answered = sum(call.outcome == "ok" for call in system.calls)
    unknown = sum(call.was_unknown for call in system.calls)
    calls = {"commands": len(system.calls), "answered": answered, "unknown": unknown}
    for name, value in (calls | system.measured).items():
        record_property(name, value)
