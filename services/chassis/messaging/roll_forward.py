"""After its database was restored to an earlier point, a service rolls forward: what it announced since is on its own
topics, and goes back into its journal and its tables.

Guarantee: every admitted event of its topics that the journal lacks is in the journal again, with the same bytes, and
its aggregate is what it was; or it is named as left out. Then the epoch rises, so that versions which are issued again
are never mistaken for the lost ones. What no topic has is lost.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from contracts.admission import Admitted, admit
from contracts.envelope import MAX_EPOCH, InvalidMessage
from contracts.events import Event
from contracts.topics import INPUTS, PARTITIONS, topics_of
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import Positions
from services.chassis.messaging.topic_reader import TopicReader
from services.chassis.running.database import Database, Reader, Transaction
from services.chassis.running.settings import Settings

log = structlog.get_logger()

TAIL = 50  # records of a partition that are looked at: a restore loses the last ones

RestoreEvent = Callable[[Transaction, Event, int], Awaitable[bool]]
"""Bring an event of this version back into the tables; False when it does not follow what is there."""

_UNKNOWN = """
SELECT id, topic FROM unnest($1::uuid[], $2::text[]) AS told (id, topic)
WHERE NOT EXISTS (SELECT FROM journal WHERE event_id = told.id AND journal.topic = told.topic)
"""
_JOURNAL = """
INSERT INTO journal (event_id, topic, key, value, aggregate, epoch, version, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true
"""
_ASKED = "SELECT max(least_epoch) FROM restorations WHERE done_at IS NULL"
_RAISE = "UPDATE stream SET epoch = least(greatest(epoch + 1, $1 + 1, $2), $3) RETURNING epoch"
_DONE = """
UPDATE restorations SET done_at = $1, epoch = $2, recovered = $3, left_out = $4 WHERE done_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An event on one of our own topics."""

    topic: str
    record: Record
    admitted: Admitted


@dataclass(frozen=True, slots=True)
class RolledForward:
    """What a service did after its database was restored."""

    epoch: int
    """The new one."""
    recovered: int
    """Events that are in the journal again."""
    left_out: tuple[str, ...]
    """Events that could not go back, because the same version was issued again, or one before it is on no topic."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How one service rolls forward."""

    settings: Settings
    database: Database
    restore: Mapping[type[Event], RestoreEvent]
    """How an event comes back into the tables. One without an entry is only kept in the journal."""

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(each for each in topics_of(self.settings.service) if each in INPUTS)

    async def is_asked(self) -> bool:
        return await self._least_epoch(self.database.pool) is not None

    async def roll_forward_if_needed(self) -> RolledForward | None:
        """Roll forward when the topics end with events that the journal lacks, or when an operator asks for it. Raises
        `KafkaError`.

        What an earlier roll-forward left out is of a lower epoch than the present one.
        """
        lacking = await self._lacks(self.database.pool, await self._read(tail=TAIL))
        return await self._roll_forward() if await self._is_needed(self.database.pool, lacking) else None

    async def _is_needed(self, db: Reader, lacking: Sequence[OwnEvent]) -> bool:
        present = await db.fetchval("SELECT epoch FROM stream")
        return any(each.admitted.epoch >= present for each in lacking) or await self._least_epoch(db) is not None

    async def _least_epoch(self, db: Reader) -> int | None:
        asked: int | None = await db.fetchval(_ASKED)
        return asked

    async def _roll_forward(self) -> RolledForward | None:
        """Bring back what the topics have and the journal lacks; None where another replica did it meanwhile."""
        told = await self._read()
        async with self.database.transaction() as tx:
            await tx.db.execute("LOCK TABLE journal IN SHARE ROW EXCLUSIVE MODE")  # nothing is announced meanwhile
            lacking = await self._lacks(tx.db, told)
            if not await self._is_needed(tx.db, lacking):
                return None
            recovered, left_out = 0, list[str]()
            for each in sorted(lacking, key=lambda each: each.admitted.id):  # in the order in which they were made
                if await self._bring_back(tx, each):
                    recovered += 1
                else:
                    left_out.append(f"{each.admitted.aggregate} {each.admitted.epoch}/{each.admitted.version}")
            highest = max((each.admitted.epoch for each in told), default=0)
            new = await tx.db.fetchval(_RAISE, highest, await self._least_epoch(tx.db) or 1, MAX_EPOCH)
            await tx.db.execute(_DONE, tx.now, new, recovered, left_out)
        self.database.epoch = new
        log.warning("rolled_forward", epoch=new, recovered=recovered, left_out=left_out)
        return RolledForward(new, recovered, tuple(left_out))

    async def _read(self, tail: int | None = None) -> list[OwnEvent]:
        beginning: Positions = {(topic, partition): 0 for topic in self.topics for partition in range(PARTITIONS)}
        reader = await TopicReader.open(self.settings, beginning, tail=tail)
        told: list[OwnEvent] = []
        try:
            async for polled in reader.until(await reader.ends()):
                for records in polled.records.values():
                    told += self._admitted(records)
        finally:
            await reader.close()
        return told

    def _admitted(self, records: Iterable[Record]) -> Iterator[OwnEvent]:
        for record in records:
            topic = record.topic.removeprefix(self.settings.kafka_prefix)
            try:
                yield OwnEvent(topic, record, admit(record, topic))
            except InvalidMessage:
                continue  # not ours: nobody reads it

    async def _lacks(self, db: Reader, told: Sequence[OwnEvent]) -> list[OwnEvent]:
        by_id = {(each.admitted.id, each.topic): each for each in told}
        ids, topics = [UUID(id_) for id_, _ in by_id], [topic for _, topic in by_id]
        rows = await db.fetch(_UNKNOWN, ids, topics)
        return [by_id[str(row["id"]), row["topic"]] for row in rows]

    async def _bring_back(self, tx: Transaction, told: OwnEvent) -> bool:
        admitted, record = told.admitted, told.record
        restore = self.restore.get(admitted.kind)
        if restore is not None and not await restore(tx, admitted.event(), admitted.version):
            return False
        is_kept = bool(
            await tx.db.fetchval(
                _JOURNAL,
                UUID(admitted.id),
                told.topic,
                record.key,
                record.value,
                admitted.aggregate,
                admitted.epoch,
                admitted.version,
                admitted.time,
            )
        )
        return is_kept or restore is None  # what ships with the service was announced anew meanwhile
