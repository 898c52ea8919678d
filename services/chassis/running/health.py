"""Health that tells the truth: what each long-lived task last did, and an end with a sentence when one dies.

A part is ready while it ticks; a part that ticked too long ago, or is in trouble, makes the service not
ready. A task that ended ends the process: a supervisor restarts it, a silent half-dead service helps nobody.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

STALE_SECONDS = 45.0  # longer than any single wait of a part (30 s for Kafka), with room


@dataclass(slots=True)
class Part:
    """One long-lived task as seen from outside."""

    state: str = "starting"
    ready: bool = False
    ticked: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Health:
    """The parts of one process."""

    parts: dict[str, Part] = field(default_factory=dict)
    died: asyncio.Future[str] | None = None

    def expect(self, *names: str) -> None:
        """Name the parts that must work before the service is ready."""
        for name in names:
            self.parts.setdefault(name, Part())

    def tick(self, name: str, state: str = "working") -> None:
        """This part works."""
        part = self.parts.setdefault(name, Part())
        part.state, part.ready, part.ticked = state, True, time.monotonic()

    def trouble(self, name: str, why: str) -> None:
        """This part cannot work now, and is trying again."""
        part = self.parts.setdefault(name, Part())
        part.state, part.ready, part.ticked = why, False, time.monotonic()

    def report(self) -> tuple[bool, dict[str, str]]:
        """Whether all parts work, and what each says."""
        now = time.monotonic()
        words: dict[str, str] = {}
        for name, part in self.parts.items():
            stale = now - part.ticked
            words[name] = f"silent for {stale:.0f} s" if stale > STALE_SECONDS else part.state
        ready = all(part.ready and now - part.ticked <= STALE_SECONDS for part in self.parts.values())
        return ready, words

    def end(self, why: str) -> None:
        """End the process, with this sentence."""
        log.error("service_ends", why=why)
        if self.died is not None and not self.died.done():
            self.died.set_result(why)

    async def watch(self, name: str, work: Coroutine[object, object, None]) -> None:
        """Run a part that should never return; if it does or raises, the process ends."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("part_died", part=name)
            self.end(f"the {name} died of {type(error).__name__}: {error}")
        else:
            self.end(f"the {name} returned, and should run for ever")
