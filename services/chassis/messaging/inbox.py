"""The inbox: a service reacts to what other services announce.

Guarantee: each version of an aggregate is applied once, in the transaction that remembers it, even if a message is
delivered twice, late, or again after a redrive. A message that cannot be understood or applied is dead-lettered, and
the messages behind it go on. While the database does not answer, everything waits.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from aiokafka.errors import KafkaError

from contracts.admission import Admitted, admit
from contracts.envelope import InvalidMessage
from contracts.events import Event
from services.chassis.messaging import dead_letters
from services.chassis.messaging.consumer import Consumer
from services.chassis.messaging.dead_letters import DeadLetter
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import (
    ANOTHER_TOPIC_SECONDS,
    AnotherTopic,
    Incarnations,
    Positions,
    Skipped,
    check_topics,
    load_incarnations,
    load_positions,
    move,
)
from services.chassis.messaging.roll_forward import Recovery
from services.chassis.running.database import TRANSIENT, UNAVAILABLE, Database, Transaction
from services.chassis.running.health import Health
from services.chassis.running.settings import Settings
from services.chassis.running.telemetry import origin, origin_in_words

log = structlog.get_logger()

Happened = TypeVar("Happened", bound=Event)
Reaction = Callable[[Happened, Transaction], Awaitable[None]]

PART = "reactions"  # its name in the health report
ATTEMPTS = 5  # with 0.1 + 0.2 + 0.4 + 0.8 s between them: most locks and deadlocks are gone by then
FIRST_WAIT_SECONDS = 0.1
UNAVAILABLE_SECONDS = 1.0
FAILURES_IN_A_ROW = 20  # then the fault is ours: stop, instead of moving the whole topic to the dead letters

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
    """Which function reacts to which event; other events of the contracts are ignored."""

    by_type: dict[str, Reaction[Any]] = field(default_factory=dict)

    def to(self, event: type[Happened]) -> Callable[[Reaction[Happened]], Reaction[Happened]]:

        def register(reaction: Reaction[Happened]) -> Reaction[Happened]:
            self.by_type[event.type] = reaction
            return reaction

        return register


@dataclass(frozen=True, slots=True)
class ReadPositions:
    """How far this process is, as it knows it: as it was stored when it began to read, or since."""

    positions: Positions = field(default_factory=dict)
    incarnations: Incarnations = field(default_factory=dict)

    def went_back(self, stored: "ReadPositions") -> bool:
        """Whether the database knows less: it was restored to an earlier point."""
        return any(
            (stored.incarnations[topic], stored.positions[topic, partition]) < (self.incarnations.get(topic, 1), offset)
            for (topic, partition), offset in self.positions.items()
        )

    def is_of_other_topics(self, stored: "ReadPositions") -> bool:
        return any(stored.incarnations[topic] != number for topic, number in self.incarnations.items())


@dataclass(slots=True)
class Inbox:
    """Reads topics and reacts, for one service."""

    settings: Settings
    database: Database
    health: Health
    topics: tuple[str, ...]
    reactions: Reactions
    recovery: Recovery | None = None
    """How the service rolls forward when its database was restored."""
    failures_in_a_row: int = 0
    known: ReadPositions = field(default_factory=ReadPositions)

    async def run(self) -> None:
        consumer = Consumer(self.settings, self.topics, self.health, PART, self)
        while True:
            await self._when_possible(self._check_topics)
            await self._roll_forward()
            with suppress(AnotherTopic):  # the check says so again, until an operator accepts what is there
                await consumer.run()

    async def where_to_read_on(self) -> Positions:
        """The stored position of every partition; waits until the database answers.

        Where the database went back, or an operator says so, what this service announced itself comes back first: else
        what it hears again would make it announce the same once more.
        """
        stored = await self._load()
        if self.known.went_back(stored) or await self._is_asked_to_roll_forward():
            log.warning("database_went_back", detail="what it does not know any more is read again")
            await self._roll_forward()
            stored = await self._load()
        self.known = stored  # a new object: a batch that was given before compares with the old one
        return stored.positions

    async def _load(self) -> ReadPositions:
        while True:
            try:
                return await self._stored()
            except (*UNAVAILABLE, *TRANSIENT) as error:
                await self._wait_for_database(error)

    async def _stored(self) -> ReadPositions:
        incarnations = await load_incarnations(self.database.pool, self.topics)
        return ReadPositions(await load_positions(self.database.pool, self.topics), incarnations)

    async def must_seek(self) -> bool:
        known = ReadPositions(dict(self.known.positions), self.known.incarnations)
        try:
            stored = await self._stored()
        except (*UNAVAILABLE, *TRANSIENT):
            return False  # asked again soon
        is_another = known.went_back(stored) or known.is_of_other_topics(stored)
        return is_another or await self._is_asked_to_roll_forward()

    async def _is_asked_to_roll_forward(self) -> bool:
        try:
            return self.recovery is not None and await self.recovery.is_asked()
        except (*UNAVAILABLE, *TRANSIENT):
            return False  # asked again soon

    async def check_topics(self) -> None:
        try:
            await self._check_topics()
        except (KafkaError, *UNAVAILABLE, *TRANSIENT) as error:
            log.info("topics_not_checked", error=repr(error))  # the next look is early enough

    async def _roll_forward(self) -> None:
        if self.recovery is not None:
            await self._when_possible(self.recovery.roll_forward_if_needed)

    async def _check_topics(self) -> None:
        await check_topics(self.database.pool, self.settings, self.topics)

    async def _when_possible(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Retries until Kafka and the database answer, and until the topics are those that were read."""
        while True:
            try:
                await ask()
            except AnotherTopic as error:
                if self.health.report().get(PART) != str(error):
                    log.error("another_topic", detail=str(error))
                self.health.trouble(PART, str(error))
                await asyncio.sleep(ANOTHER_TOPIC_SECONDS)
            except (KafkaError, *UNAVAILABLE, *TRANSIENT) as error:
                self.health.trouble(PART, f"cannot compare journal and topics ({type(error).__name__})")
                log.warning("cannot_compare", **origin(error))
                await asyncio.sleep(UNAVAILABLE_SECONDS)
            else:
                return

    async def receive(self, records: list[Record]) -> None:
        """Apply a batch: in one transaction if all goes well, otherwise each message in its own.

        Raises `Skipped`, and applies nothing, unless the records follow the stored positions.
        """
        known = self.known
        try:
            async with self._moving(known, records) as tx:
                for record in records:
                    await self._apply(tx, record, known)
        except Skipped:
            raise
        except Exception as error:  # noqa: BLE001 - one by one shows which message failed, and why
            log.info("batch_failed", messages=len(records), **origin(error))
            for record in records:
                await self._apply_in_own_transaction(known, record)

    @asynccontextmanager
    async def _moving(self, known: ReadPositions, records: list[Record]) -> AsyncIterator[Transaction]:
        """A transaction that moves the positions, from which the records were read, behind them."""
        reached: Positions = {}
        last: dict[tuple[str, int], Record] = {}
        for record in records:
            key = self._topic_of(record), record.partition
            if record.offset < (position := known.positions.setdefault(key, 0)):
                raise Skipped(f"{key[0]}/{key[1]}: the batch has a record at {record.offset}, before {position}")
            last[key] = record
            reached[key] = max(record.offset + 1, reached.get(key, 0))
        async with self.database.transaction() as tx:
            await move(tx.db, known.positions, reached, last, known.incarnations)
            yield tx
        known.positions.update(reached)

    async def _apply(self, tx: Transaction, record: Record, known: ReadPositions) -> None:
        try:
            admitted = admit(record, self._topic_of(record))
        except InvalidMessage as error:
            letter = self._letter(record, known, error.reason, error.detail)
            log.warning("malformed_message", reason=letter.reason, detail=letter.detail, record=letter.record_id)
            await dead_letters.add(tx, self.settings.service, letter)
            return
        reaction = self.reactions.by_type.get(admitted.kind.type)
        if reaction is not None and await self._is_new(tx, admitted):
            await reaction(admitted.event(), _handling(tx, admitted))

    async def _is_new(self, tx: Transaction, admitted: Admitted) -> bool:
        """Remember this version; False if it was applied before or belongs to a history that a restore undid."""
        version = admitted.epoch, admitted.version
        return bool(await tx.db.fetchval(_APPLY_ONCE, self.settings.service, admitted.aggregate, *version))

    async def _apply_in_own_transaction(self, known: ReadPositions, record: Record) -> None:
        """Apply one message in its own transaction.

        Retries until the database answers, and a few times after a lock or a deadlock; then, and after any other error,
        it writes a dead letter.
        """
        attempt = 0
        while True:
            try:
                async with self._moving(known, [record]) as tx:
                    await self._apply(tx, record, known)
            except Skipped:
                raise
            except UNAVAILABLE as error:
                await self._wait_for_database(error)
            except TRANSIENT as error:
                attempt += 1
                if attempt >= ATTEMPTS:
                    return await self._give_up(known, record, "gave-up", error, attempt)
                await asyncio.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
            except Exception as error:  # noqa: BLE001 - an error in the reaction: kept for a person to look at
                return await self._give_up(known, record, "reaction-failed", error, attempt + 1)
            else:
                self.failures_in_a_row = 0
                return None

    async def _give_up(
        self, known: ReadPositions, record: Record, reason: str, error: Exception, attempts: int
    ) -> None:
        letter = self._letter(record, known, reason, origin_in_words(error), attempts)
        log.error("message_given_up", reason=reason, record=letter.record_id, **origin(error))
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= FAILURES_IN_A_ROW:
            self.health.end(
                f"{FAILURES_IN_A_ROW} messages in a row could not be applied, the last one because of"
                f" {origin_in_words(error)}: this service must be repaired"
            )
            await asyncio.Event().wait()  # nothing more is read or committed until the process ends
        await self._set_aside(known, record, letter)

    async def _set_aside(self, known: ReadPositions, record: Record, letter: DeadLetter) -> None:
        """Write the dead letter; retries until the database can, because a message is never skipped without one."""
        while True:
            try:
                async with self._moving(known, [record]) as tx:
                    return await dead_letters.add(tx, self.settings.service, letter)
            except (*UNAVAILABLE, *TRANSIENT) as error:
                await self._wait_for_database(error)

    async def _wait_for_database(self, error: Exception) -> None:
        self.health.trouble(PART, f"the database does not answer ({type(error).__name__})")
        await asyncio.sleep(UNAVAILABLE_SECONDS)

    def _letter(self, record: Record, known: ReadPositions, reason: str, detail: str, attempts: int = 1) -> DeadLetter:
        topic = self._topic_of(record)
        return DeadLetter(record, topic, reason, detail, attempts, known.incarnations.get(topic, 1))

    def _topic_of(self, record: Record) -> str:
        return record.topic.removeprefix(self.settings.kafka_prefix)


def _handling(tx: Transaction, admitted: Admitted) -> Transaction:
    """The same transaction for one message of the batch: what a reaction announces is dated as its cause."""
    handling = Transaction(tx.db, admitted.time, tx.source, tx.epoch, admitted.id, admitted.traceparent)
    handling.reacting_to = (admitted.epoch, admitted.version)
    tx.staged += 1  # the reaction may stage something; to wake the relay for nothing does no harm
    return handling
