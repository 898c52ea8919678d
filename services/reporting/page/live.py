"""Pages that stay open: what is new on a page is sent to all who read it, as server-sent events.

Guarantee: a page is made once for all its readers, in a thread, and for those who only have it open no more often than
a fifth of a processor allows: that many read it costs the leader nothing. Who comes late, or back, is sent what there
is now.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from contracts.values import calendar_day
from services.chassis.now import now
from services.chassis.problems import Unavailable
from services.chassis.running.database import TRANSIENT, UNAVAILABLE, Reader
from services.chassis.running.service import Service
from words.language import Language

PART, COUNTING = "pages", "projection"  # names in the health report: ours, and that of what counts
LOOK_SECONDS = 0.25  # a query of a row, and only while somebody reads
SHARE = 0.2  # of a processor, at most, goes into making pages anew for those who have one open
PING_SECONDS = 15.0  # proxies close a connection on which nothing comes for a minute
HOUR = 3_600  # seconds
MAX_OPEN = 1_000  # of a process: each costs some 30 KB


class TooManyReaders(Unavailable):
    """As many pages are open here as this process keeps up to date: read it again to see what is new."""


class Stand(NamedTuple):
    """What every page says besides its figures: with another one it is made anew."""

    cut_id: int
    known_at: datetime
    day: date
    hours: int
    """How long ago that was, where it is an hour or more."""
    uncounted: int
    """Figures and things that cannot be computed now, in all programmes."""
    anew_since: datetime | None
    """When an operator asked for the rebuild that runs."""
    behind: int
    """Events that came in and are not counted yet; 0 where they soon are."""
    is_halted: bool
    """Whether nothing new is counted at the moment."""
    is_starting: bool
    """Whether that is because the service has only just begun."""


class Which(NamedTuple):
    programme: str
    year: str | None
    """The newest where none is named."""
    language: Language


@dataclass(frozen=True, slots=True)
class Made:
    """A page, and what those are sent who have it open."""

    which: Which
    """With the year that it shows."""
    stand: Stand
    html: str
    digest: str
    """Of its main part."""
    seconds: float
    """Of a processor, that it took."""
    whole: bytes
    """The event that puts both parts in the place of those before."""
    known: bytes
    """The event for who has the same main part already."""


def digest_of(main: str) -> str:
    return hashlib.sha256(main.encode()).hexdigest()[:16]


def event_of(digest: str, **parts: str) -> bytes:
    """Parts of a page, as the HTML standard has it (9.2.6)."""
    said = json.dumps(parts, ensure_ascii=False)  # JSON has no line break
    return f"id: {digest}\ndata: {said}\n\n".encode()


Make = Callable[[Service, Which], Awaitable[Made | None]]
"""Makes a page; None where there are no such figures."""
_STAND = """
SELECT cut_id, known_at, (SELECT count(*) FROM stuck) + (SELECT count(*) FROM stuck_things) AS uncounted,
    (SELECT max(requested_at) FROM rebuilds WHERE finished_at IS NULL) AS anew_since,
    (SELECT events FROM backlog) AS behind
FROM cuts ORDER BY cut_id DESC LIMIT 1
"""


async def stand_of(db: Reader, service: Service) -> Stand | None:
    """None before the first cut."""
    row = await db.fetchrow(_STAND)
    if row is None:
        return None
    hours = max(0, int((now() - row["known_at"]).total_seconds() // HOUR))  # or its clock is ahead of ours
    is_halted, is_starting = not service.health.works(COUNTING), service.health.is_starting(COUNTING)
    return Stand(**row, day=calendar_day(now()), hours=hours, is_halted=is_halted, is_starting=is_starting)


@dataclass(slots=True)
class Live:
    """The pages of this process."""

    service: Service
    make: Make
    made: dict[Which, Made] = field(default_factory=dict)
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    stand: Stand | None = None
    """As those who have a page open know it."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced, when the stand becomes another."""
    open: int = 0
    rest_until: float = 0.0
    """In the loop's time: until then nothing is made for those who only have a page open."""

    async def run(self) -> None:
        """Look what is new while somebody reads. When the service is told to stop, every open page ends."""
        while not self.service.leaving.is_set():
            if self.open:
                with suppress(*UNAVAILABLE, *TRANSIENT):  # the next look is soon
                    await self._look()
            self.service.health.tick(PART, f"{self.open} open")
            await _wait(self.service.leaving, LOOK_SECONDS)
        self._wake()
        await asyncio.Event().wait()

    async def page(self, which: Which) -> Made | None:
        """As it is now; None where there are no such figures."""
        await self._look()
        return await self._page(which)

    async def changes(self, which: Which, seen: str | None) -> AsyncIterator[bytes]:
        """What becomes new on a page of which a reader has seen this digest; ends when the service stops."""
        told: Made | None = None
        self.open += 1
        try:
            while not self.service.leaving.is_set():
                moved = self.moved
                made = await self._page_or_none(which)
                if made is None or made == told:
                    yield b": nothing is new\n\n"
                else:
                    yield made.known if made.digest == seen else made.whole
                    told, seen = made, made.digest
                await _wait(moved, PING_SECONDS)
                await _wait(self.service.leaving, self.rest_until - asyncio.get_running_loop().time())
        finally:
            self.open -= 1

    async def _look(self) -> None:
        self._is_now(await stand_of(self.service.database.read_pool, self.service))

    def _is_now(self, stand: Stand | None) -> None:
        if stand != self.stand:
            self.stand = stand
            self._wake()

    def _wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()

    async def _page(self, which: Which) -> Made | None:
        async with self.one_at_a_time:
            made = self.made.get(which)
            if made is not None and made.stand == self.stand:
                return made
            made = await self.make(self.service, which)
            if made is not None:  # or every wrong name would be kept
                self.made[which] = self.made[made.which] = made
                now_at = asyncio.get_running_loop().time()
                self.rest_until = max(self.rest_until, now_at) + made.seconds / SHARE
                self._is_now(made.stand)
            return made

    async def _page_or_none(self, which: Which) -> Made | None:
        with suppress(*UNAVAILABLE, *TRANSIENT):
            return await self._page(which)
        return None


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
