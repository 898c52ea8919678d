"""Reactions: what a service does when another one announces something.

Guarantee: each version of an aggregate is applied once, in the transaction that remembers it, whatever is
delivered twice, late or after a redrive. What cannot be understood is dead-lettered, nothing behind it
waits; while the database is away, everything waits. Offsets are committed after the work, explicitly.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.envelope import Malformed, Message, check_transport, decode
from contracts.events import Event
from services.chassis.messaging import dead_letters
from services.chassis.messaging.consumer import Batches, batches
from services.chassis.messaging.dead_letters import DeadLetter, Record, headers_of
from services.chassis.running.database import TRANSIENT, UNAVAILABLE, Database, Transaction
from services.chassis.running.health import Health
from services.chassis.running.settings import Settings

log = structlog.get_logger()

Happened = TypeVar("Happened", bound=Event)
Reaction = Callable[[Any, Transaction], Awaitable[None]]

ATTEMPTS = 5  # 0.1 + 0.2 + 0.4 + 0.8 s of patience with a lock or a deadlock
FIRST_WAIT_SECONDS = 0.1
UNAVAILABLE_SECONDS = 1.0
FAILURES_IN_A_ROW = 20  # then it is us, not the messages: stop, instead of emptying the topic into dead letters
WATCH_SECONDS = 2.0
STUCK_SECONDS = 60.0


_APPLY_ONCE = """
INSERT INTO inbox AS seen (consumer, aggregate, epoch, applied)
SELECT $1, $2, $3, int4multirange(int4range($4, $4 + 1))
WHERE NOT EXISTS (
    SELECT FROM inbox AS later
    WHERE later.consumer = $1 AND later.aggregate = $2 AND later.epoch > $3 AND lower(later.applied) <= $4
)
ON CONFLICT (consumer, aggregate, epoch) DO UPDATE SET applied = seen.applied + excluded.applied
WHERE NOT seen.applied @> $4
RETURNING true
"""


@dataclass(slots=True)
class Reactions:
    """Which event leads to what. An event of the contracts without a reaction is passed over."""

    by_type: dict[str, Reaction] = field(default_factory=dict)

    def to(
        self, event: type[Happened]
    ) -> Callable[
        [Callable[[Happened, Transaction], Awaitable[None]]],
        Callable[[Happened, Transaction], Awaitable[None]],
    ]:
        """Register the function that reacts to an event."""

        def register(
            reaction: Callable[[Happened, Transaction], Awaitable[None]],
        ) -> Callable[[Happened, Transaction], Awaitable[None]]:
            self.by_type[event.type] = reaction
            return reaction

        return register


@dataclass(slots=True)
class Inbox:
    """Reads topics and reacts, for one service."""

    settings: Settings
    database: Database
    health: Health
    topics: tuple[str, ...]
    reactions: Reactions
    failures_in_a_row: int = 0
    receiving_since: float | None = None
    stood_at: dict[TopicPartition, int] = field(default_factory=dict)
    moved_at: float = 0.0

    async def run(self) -> None:
        """React for ever."""
        while True:
            try:
                async with batches(self.settings, self.topics, self._receive) as receiving:
                    await self._watch(receiving)
            except (KafkaError, OSError, TimeoutError) as error:
                self.health.trouble("reactions", f"Kafka does not answer ({type(error).__name__})")
                await asyncio.sleep(UNAVAILABLE_SECONDS)

    async def _receive(self, consumer: AIOKafkaConsumer, records: list[Record]) -> None:
        try:
            await self.receive(records)
        except Exception as error:  # noqa: BLE001 - the consumer would go on, and commit behind these
            self.health.end(f"messages could be neither applied nor set aside: {error!r}")
            await asyncio.Event().wait()
        await self._commit(consumer, records)

    async def receive(self, records: list[Record]) -> None:
        """Apply a batch: in one transaction if all goes well, otherwise each message by itself."""
        self.receiving_since = asyncio.get_running_loop().time()
        try:
            async with self.database.transaction() as tx:
                for record in records:
                    await self._apply(tx, record)
        except Exception as error:  # noqa: BLE001 - whichever message it was, it is found one by one
            log.info("batch_taken_apart", error=repr(error), messages=len(records))
            for record in records:
                await self._apply_alone(record)
        finally:
            self.receiving_since = None

    async def _apply(self, tx: Transaction, record: Record) -> None:
        """Apply one message, or dead-letter it when it is malformed. What the reaction raises comes out."""
        try:
            check_transport(record.key, record.value, record.headers)
            message = decode(record.value, headers_of(record))
        except Malformed as error:
            log.warning("malformed_message", reason=error.reason, detail=error.detail, **_place(record))
            await dead_letters.add(tx, self.settings.service, self._letter(record, error.reason, error.detail))
            return
        reaction = self.reactions.by_type.get(message.envelope.type)
        if reaction is not None and await self._is_new(tx, message):
            await reaction(message.event, _about(tx, message))

    async def _is_new(self, tx: Transaction, message: Message) -> bool:
        envelope = message.envelope
        return bool(
            await tx.db.fetchval(
                _APPLY_ONCE,
                self.settings.service,
                message.aggregate,
                envelope.streamepoch,
                envelope.aggregateversion,
            )
        )

    async def _apply_alone(self, record: Record) -> None:
        """Apply one message in its own transaction: the world failing is waited for, a lock is tried again
        a few times, anything else is a dead letter."""
        attempt = 0
        while True:
            try:
                async with self.database.transaction() as tx:
                    await self._apply(tx, record)
            except UNAVAILABLE as error:
                self.health.trouble("reactions", f"the database does not answer ({type(error).__name__})")
                await asyncio.sleep(UNAVAILABLE_SECONDS)
            except TRANSIENT as error:
                attempt += 1
                if attempt >= ATTEMPTS:
                    return await self._give_up(record, "gave-up", error, attempt)
                await asyncio.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
            except Exception as error:  # noqa: BLE001 - a reaction that cannot be: kept for a person to look at
                return await self._give_up(record, "reaction-failed", error, attempt + 1)
            else:
                self.failures_in_a_row = 0
                return None

    async def _give_up(self, record: Record, reason: str, error: Exception, attempts: int) -> None:
        log.error("message_given_up", reason=reason, error=repr(error), **_place(record))
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= FAILURES_IN_A_ROW:
            self.health.end(
                f"{FAILURES_IN_A_ROW} messages in a row could not be applied, the last one because of {error!r}:"
                " this service needs mending"
            )
            await asyncio.Event().wait()  # nothing more is read or committed until the process ends
        await self._set_aside(self._letter(record, reason, f"{type(error).__name__}: {error}", attempts))

    async def _set_aside(self, letter: DeadLetter) -> None:
        """Write the dead letter, whenever the database can: a message is never passed over without it."""
        while True:
            try:
                async with self.database.transaction() as tx:
                    return await dead_letters.add(tx, self.settings.service, letter)
            except (*UNAVAILABLE, *TRANSIENT) as error:
                self.health.trouble("reactions", f"the database does not answer ({type(error).__name__})")
                await asyncio.sleep(UNAVAILABLE_SECONDS)

    def _letter(self, record: Record, reason: str, detail: str, attempts: int = 1) -> DeadLetter:
        return DeadLetter(record, record.topic.removeprefix(self.settings.kafka_prefix), reason, detail, attempts)

    async def _commit(self, consumer: AIOKafkaConsumer, records: list[Record]) -> None:
        """Remember in Kafka how far we are. Losing this only means reading again what is then known."""
        done: dict[TopicPartition, int] = {}
        for record in records:
            done[TopicPartition(record.topic, record.partition)] = record.offset + 1
        try:
            await consumer.commit(done)
        except KafkaError as error:
            log.info("offsets_not_committed", error=repr(error))

    async def _watch(self, receiving: Batches) -> None:
        """Notice what the libraries do not say: a task that died, or a consumer that stands still."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if receiving.died:
                self.health.end("a task of the Kafka consumer died without a word")
            await self._look_for_progress(receiving.consumer)

    async def _look_for_progress(self, consumer: AIOKafkaConsumer) -> None:
        """Ready while it moves or has nothing to read; the end when it stands still before messages."""
        now = asyncio.get_running_loop().time()
        places = {partition: await consumer.position(partition) for partition in consumer.assignment()}
        behind = any((consumer.highwater(partition) or 0) > at for partition, at in places.items())
        if places != self.stood_at or not behind:
            self.stood_at, self.moved_at = places, now
        if self.receiving_since is not None:  # busy, or waiting for the database: that says so itself
            if now - self.receiving_since > STUCK_SECONDS:
                self.health.trouble("reactions", f"busy with one batch for more than {STUCK_SECONDS:.0f} s")
        elif now - self.moved_at > STUCK_SECONDS:
            self.health.end(f"the Kafka consumer has stood still before messages for {STUCK_SECONDS:.0f} s")
        elif places:
            self.health.tick("reactions", f"{len(places)} partitions")


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _about(tx: Transaction, message: Message) -> Transaction:
    """The transaction as one message's: a reaction is dated as what it reacts to."""
    envelope = message.envelope
    about = Transaction(tx.db, envelope.time, tx.source, tx.epoch, str(envelope.id), envelope.traceparent)
    about.reacting_to = (envelope.streamepoch, envelope.aggregateversion)
    tx.staged += 1  # the reaction may stage something; waking the relay for nothing is harmless
    return about
