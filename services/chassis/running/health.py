"""Health: the state of each part (a long-running task) of the process, and the reason when the process must end.

Guarantee: a part that ends makes the process end: a supervisor then restarts it, while half a service would only look
alive. Whether the API can answer is another question: it needs its database, and no part that says otherwise. Kafka
that does not answer is a state to look at, and no reason to send nobody here.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

import structlog

from services.chassis.running.telemetry import origin_in_words

log = structlog.get_logger()

STARTING = "starting"
STALE_SECONDS = 45.0  # longer than the longest single wait of a part (30 s for Kafka), with a margin


@dataclass(slots=True)
class PartState:
    """How one part is, as seen from outside."""

    state: str = STARTING
    works: bool = False
    blocks: bool = False
    """Whether the API cannot answer because of it."""
    ticked: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Health:
    """The health of one process."""

    parts: dict[str, PartState] = field(default_factory=dict)
    died: asyncio.Future[str] | None = None
    """Gets the reason when the process must end."""

    def expect(self, *names: str) -> None:
        for name in names:
            self.parts.setdefault(name, PartState())

    def tick(self, name: str, state: str = "working") -> None:
        part = self.parts.setdefault(name, PartState())
        part.state, part.works, part.blocks, part.ticked = state, True, False, time.monotonic()

    def trouble(self, name: str, why: str, *, blocks: bool = False) -> None:
        """The part does not work. `why` is shown to everybody: a state in words, details belong to the log."""
        part = self.parts.setdefault(name, PartState())
        part.state, part.works, part.blocks, part.ticked = why, False, blocks, time.monotonic()

    def report(self) -> dict[str, str]:
        now = time.monotonic()
        silent = {name: now - part.ticked for name, part in self.parts.items()}
        return {
            name: f"silent for {silent[name]:.0f} s" if silent[name] > STALE_SECONDS else part.state
            for name, part in self.parts.items()
        }

    @property
    def all_work(self) -> bool:
        return all(map(self.works, self.parts))

    def works(self, name: str) -> bool:
        part = self.parts.get(name, PartState())
        return part.works and time.monotonic() - part.ticked <= STALE_SECONDS

    def is_starting(self, name: str) -> bool:
        part = self.parts.get(name)
        return part is not None and part.state == STARTING

    @property
    def can_answer(self) -> bool:
        return not any(part.blocks for part in self.parts.values())

    def end(self, why: str) -> None:
        log.error("service_ends", why=why)
        if self.died is not None and not self.died.done():
            self.died.set_result(why)

    async def watch(self, name: str, work: Coroutine[object, object, None]) -> None:
        """Run a part that must never return; if it returns or raises, the process ends."""
        try:
            await work
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.end(f"the part {name} was cancelled by a task of its own")  # a library let that through
        except Exception as error:
            log.exception("part_failed", part=name)
            self.end(f"the part {name} failed with {_why(error)}")
        else:
            self.end(f"the part {name} returned, but must never return")


def _why(error: Exception) -> str:
    """Our own errors are sentences; the message of another may quote what somebody sent."""
    if type(error).__module__.startswith("services."):
        return f"{type(error).__name__}: {error}"
    return origin_in_words(error)
