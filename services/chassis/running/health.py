"""Health: the state of each part (a long-running task) of the process, and the reason when the process must end.

Guarantee: the service is ready only while every part reports that it works, and none has been silent for too long. A
part that ends makes the process end: a supervisor then restarts it, while half a service would only look alive.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

STALE_SECONDS = 45.0  # longer than the longest single wait of a part (30 s for Kafka), with a margin


@dataclass(slots=True)
class Part:
    """One part as seen from outside."""

    state: str = "starting"
    ready: bool = False
    ticked: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Health:
    """The health of one process."""

    parts: dict[str, Part] = field(default_factory=dict)
    died: asyncio.Future[str] | None = None
    """Gets the reason when the process must end."""

    def expect(self, *names: str) -> None:
        for name in names:
            self.parts.setdefault(name, Part())

    def tick(self, name: str, state: str = "working") -> None:
        part = self.parts.setdefault(name, Part())
        part.state, part.ready, part.ticked = state, True, time.monotonic()

    def trouble(self, name: str, why: str) -> None:
        part = self.parts.setdefault(name, Part())
        part.state, part.ready, part.ticked = why, False, time.monotonic()

    def report(self) -> tuple[bool, dict[str, str]]:
        now = time.monotonic()
        words: dict[str, str] = {}
        for name, part in self.parts.items():
            stale = now - part.ticked
            words[name] = f"silent for {stale:.0f} s" if stale > STALE_SECONDS else part.state
        ready = all(part.ready and now - part.ticked <= STALE_SECONDS for part in self.parts.values())
        return ready, words

    def end(self, why: str) -> None:
        """End the process with this reason; only the first one counts."""
        log.error("service_ends", why=why)
        if self.died is not None and not self.died.done():
            self.died.set_result(why)

    async def watch(self, name: str, work: Coroutine[object, object, None]) -> None:
        """Run a part that must never return; if it returns or raises, the process ends."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("part_failed", part=name)
            self.end(f"the part {name} failed with {type(error).__name__}: {error}")
        else:
            self.end(f"the part {name} returned, but must never return")
