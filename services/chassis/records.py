"""Dated reference data: sites, brokers, partners and the like, each with one record per day from which it holds.

Guarantee: one way to say what an entity is on a day (the SQL function `records_on`): its newest record that has begun;
its first record while none has. Recording the same again changes nothing and announces nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

from contracts.events import Event
from services.chassis.messaging import outbox
from services.chassis.running.database import CommandTx, Reader, Transaction

_LOCK = """
INSERT INTO entities (kind, entity_id, version) VALUES ($1, $2, 0)
ON CONFLICT (kind, entity_id) DO UPDATE SET version = entities.version RETURNING version
"""
_SAVE = """
INSERT INTO records (kind, entity_id, valid_from, details, epoch, version) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, entity_id, valid_from) DO UPDATE SET details = $4, epoch = $5, version = $6
WHERE (records.epoch, records.version) < ($5, $6)
"""
_RAISE = "UPDATE entities SET version = $3 WHERE kind = $1 AND entity_id = $2"
_ON_DAY = "SELECT entity_id, details FROM records_on($1, $3) WHERE entity_id = ANY($2) ORDER BY entity_id"
_SHOWN = """
SELECT details, entities.version FROM records_on($1, $3) AS record JOIN entities USING (entity_id)
WHERE entity_id = $2 AND entities.kind = $1
"""
_HAVING = "SELECT entity_id FROM records_on($1, $4) WHERE details->>$2 = $3 ORDER BY entity_id"
_PAGE = """
SELECT entity_id FROM entities WHERE kind = $1 AND version > 0 AND ($2::text IS NULL OR entity_id > $2)
ORDER BY entity_id LIMIT $3
"""


class Dated(Protocol):
    """What is recorded of an entity from a day on."""

    @property
    def valid_from(self) -> date: ...
    @classmethod
    def model_validate(cls, obj: Any, *, extra: Any = None) -> Any: ...  # noqa: ANN401 - as in pydantic
    @classmethod
    def model_validate_json(cls, json_data: str, *, extra: Any = None) -> Any: ...  # noqa: ANN401 - as in pydantic
    def model_dump_json(self, *, by_alias: bool, exclude_none: bool) -> str: ...


Details = TypeVar("Details", bound=Dated)


@dataclass(frozen=True, slots=True)
class Records(Generic[Details]):
    """The records of one kind of entity: of this service, or replicas of what another announced."""

    kind: str
    details: type[Details]

    async def record(self, tx: CommandTx, entity_id: str, details: Details, event: Callable[[], Event]) -> int:
        """Record what the entity is from a day on, and announce it; returns the entity's version.

        Raises `VersionConflict` when the caller has read another version.
        """
        version = int(await tx.db.fetchval(_LOCK, self.kind, entity_id))
        tx.check_version(version)
        before = await tx.db.fetchval(
            "SELECT details FROM records WHERE kind = $1 AND entity_id = $2 AND valid_from = $3",
            self.kind,
            entity_id,
            details.valid_from,
        )
        if before is not None and self._read(before) == details:
            return version
        version += 1
        await self._keep(tx, entity_id, details, (tx.epoch, version))
        await outbox.add(tx, event(), key=entity_id, version=version, parties=(f"{self.kind}:{entity_id}",))
        return version

    async def save(self, tx: Transaction, entity_id: str, details: Details, order: tuple[int, int]) -> None:
        """Keep a record, unless a newer one of the same day is known: `order` is (epoch, version)."""
        text = details.model_dump_json(by_alias=True, exclude_none=True)
        tx.known.clear()
        await tx.db.execute(_SAVE, self.kind, entity_id, details.valid_from, text, *order)

    async def restore(self, tx: Transaction, event: Event, version: int) -> bool:
        """Bring back a record that was announced before the database was restored; False when it does not follow."""
        known = await tx.db.fetchval(_LOCK, self.kind, event.subject)
        if known != version - 1:
            return False
        details: Details = self.details.model_validate(dict(event), extra="ignore")
        await self._keep(tx, event.subject, details, (tx.epoch, version))
        return True

    async def _keep(self, tx: Transaction, entity_id: str, details: Details, order: tuple[int, int]) -> None:
        await self.save(tx, entity_id, details, order)
        await tx.db.execute(_RAISE, self.kind, entity_id, order[1])

    async def on_day(self, db: Reader, entity_ids: Iterable[str], day: date) -> dict[str, Details]:
        """What each of these is on a day, without those that were never recorded."""
        wanted = list(entity_ids)
        rows = await db.fetch(_ON_DAY, self.kind, wanted, day) if wanted else []
        return {row["entity_id"]: self._read(row["details"]) for row in rows}

    async def shown(self, db: Reader, entity_id: str, day: date) -> tuple[Details, int] | None:
        """What an entity is on a day, and its version, which the next record of whatever day raises."""
        row = await db.fetchrow(_SHOWN, self.kind, entity_id, day)
        return (self._read(row["details"]), row["version"]) if row else None

    async def today(self, tx: Transaction, entity_ids: Iterable[str]) -> dict[str, Details]:
        """What each of these is on the day of a transaction, which reads each once."""
        wanted = dict.fromkeys(entity_ids)
        unread = [each for each in wanted if (self.kind, each) not in tx.known]
        found = await self.on_day(tx.db, unread, tx.today)
        tx.known |= {(self.kind, each): found.get(each) for each in unread}
        known = {each: tx.known[self.kind, each] for each in wanted}
        return {each: details for each, details in known.items() if details is not None}

    async def page(self, db: Reader, *, after: str | None, limit: int, day: date) -> dict[str, Details]:
        rows = await db.fetch(_PAGE, self.kind, after, limit)
        return await self.on_day(db, [row["entity_id"] for row in rows], day)

    async def having(self, db: Reader, name: str, value: str, day: date) -> list[str]:
        rows = await db.fetch(_HAVING, self.kind, name, value, day)
        return [row["entity_id"] for row in rows]

    def _read(self, text: str) -> Details:
        read: Details = self.details.model_validate_json(text, extra="ignore")
        return read
