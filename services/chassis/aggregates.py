"""Aggregates: what changes by events only, one version after another.

Guarantee: state and announced events cannot disagree. `announce` is the one place where an event changes the state, is
saved and is staged, in the transaction of its command or reaction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from contracts.clocks import ObjectKind
from contracts.events import Event
from services.chassis.clock_table import ClockedObject, ClockTable
from services.chassis.life_cycle import Parties
from services.chassis.messaging import outbox
from services.chassis.running.database import Transaction
from services.chassis.visibility import named


class Versioned(Protocol):
    """The state of an aggregate, as the rules see it."""

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...


Thing = TypeVar("Thing", bound=Versioned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Generic[Thing]):
    """One kind of aggregate: how it is loaded, changed and saved."""

    kind: ObjectKind
    """As its events name it."""
    load: Callable[[Transaction, UUID], Awaitable[Thing | None]]
    """Keeps it from other writers until the end of the transaction."""
    evolve: Callable[[Thing | None, Any], Thing]
    """The state after an event; pure."""
    save: Callable[[Transaction, Thing], Awaitable[None]]
    save_comment: Callable[[Transaction, Thing, str], Awaitable[None]]
    """What somebody added in words to the version that they made; it never enters an event."""
    key: Callable[[Thing], str]
    """The Kafka key of its events; the same for all of them."""
    correlation: Callable[[Thing], UUID | None]
    """The request that it belongs to."""
    parties: Callable[[Thing], Parties]
    """Whom it concerns: they hear of its events."""
    clocks: ClockTable[Thing] | None = None
    """How long it may wait."""
    beside: Callable[[Transaction, Thing | None, Thing], Awaitable[list[outbox.Staged]]] | None = None
    """Lets the clocks of something else follow its change; returns what is to be announced of them."""

    async def restore(self, tx: Transaction, event: Event, version: int) -> bool:
        """Bring back an event that was announced before the database was restored; False when it does not follow."""
        thing = await self.load(tx, UUID(event.subject))
        if (thing.version if thing else 0) != version - 1:
            return False
        after = self.evolve(thing, event)
        await self.save(tx, after)
        await self.follow(tx, thing, after)  # they begin today; what was announced of them is kept in the journal
        return True

    async def stage_clock_changes(self, tx: Transaction, before: Thing, after: Thing) -> None:
        """Announce what its clocks do where others changed it: that is no event of its own."""
        await outbox.stage(tx, await self.follow(tx, before, after))

    async def follow(self, tx: Transaction, before: Thing | None, after: Thing) -> list[outbox.Staged]:
        """Let clocks follow its change; returns what is to be announced of them."""
        messages = await self.beside(tx, before, after) if self.beside else []
        if self.clocks is None:
            return messages
        parties, parties_before = named(self.parties(after)), named(self.parties(before)) if before else []
        clocked = ClockedObject(self.kind, after.id, self.key(after), self.correlation(after), parties, parties_before)
        return [*messages, *await self.clocks.follow(tx, before, after, clocked)]

    async def announce(self, tx: Transaction, thing: Thing | None, *events: Event) -> Thing:
        """The state after these events (`thing` is None before the first one), saved, with the events staged."""
        at_first, messages = thing, list[outbox.Staged]()
        for event in events:
            before = named(self.parties(thing)) if thing is not None else []
            thing = self.evolve(thing, event)
            correlation = self.correlation(thing)
            messages += outbox.encoded(
                tx,
                event,
                key=self.key(thing),
                epoch=tx.epoch,
                version=thing.version,
                correlation=str(correlation) if correlation else None,
                parties=dict.fromkeys([*before, *named(self.parties(thing))]),  # also who is none any more hears of it
            )
        assert thing is not None, "there is at least one event"
        await self.save(tx, thing)
        await outbox.stage(tx, [*messages, *await self.follow(tx, at_first, thing)])
        return thing
