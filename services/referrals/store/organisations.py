"""Brokers and partners: what each is from a day on, until its next record."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, TypeVar

from contracts.offers import BrokerDetails, PartnerDetails
from contracts.values import Identifier
from services.chassis.running.database import Reader, Transaction

Kind = Literal["broker", "partner"]
Details = TypeVar("Details", BrokerDetails, PartnerDetails)


def _kind(model: type[BrokerDetails] | type[PartnerDetails]) -> Kind:
    return "broker" if issubclass(model, BrokerDetails) else "partner"


async def lock(tx: Transaction, model: type[Details], organisation_id: Identifier) -> int:
    """Keep the organisation from other writers; returns its version (0: new)."""
    version = await tx.db.fetchval(
        "INSERT INTO organisations (kind, organisation_id, version) VALUES ($1, $2, 0)"
        " ON CONFLICT (kind, organisation_id) DO UPDATE SET version = organisations.version RETURNING version",
        _kind(model),
        organisation_id,
    )
    tx.check_version(version)
    return int(version)


async def record(
    tx: Transaction, model: type[Details], organisation_id: Identifier, valid_from: date
) -> Details | None:
    """The record that begins on this very day."""
    text = await tx.db.fetchval(
        "SELECT details FROM organisation_records WHERE kind = $1 AND organisation_id = $2 AND valid_from = $3",
        _kind(model),
        organisation_id,
        valid_from,
    )
    return model.model_validate_json(text, extra="ignore") if text else None


async def save(
    tx: Transaction, organisation_id: Identifier, details: BrokerDetails | PartnerDetails, version: int
) -> None:
    """Record an organisation from a day on."""
    kind = _kind(type(details))
    await tx.db.execute(
        "UPDATE organisations SET version = $3 WHERE kind = $1 AND organisation_id = $2",
        kind,
        organisation_id,
        version,
    )
    await tx.db.execute(
        "INSERT INTO organisation_records (kind, organisation_id, valid_from, details) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (kind, organisation_id, valid_from) DO UPDATE SET details = $4",
        kind,
        organisation_id,
        details.valid_from,
        details.model_dump_json(by_alias=True, exclude_none=True),
    )


async def on_day(
    db: Reader, model: type[Details], organisation_ids: Iterable[Identifier], day: date
) -> dict[Identifier, Details]:
    """What each of these is on a day; one that is not there yet has its first record."""
    rows = await db.fetch(
        "SELECT DISTINCT ON (organisation_id) organisation_id, details FROM organisation_records"
        " WHERE kind = $1 AND organisation_id = ANY($2) ORDER BY organisation_id, (valid_from <= $3) DESC,"
        " CASE WHEN valid_from <= $3 THEN valid_from END DESC, valid_from",
        _kind(model),
        list(organisation_ids),
        day,
    )
    return {row["organisation_id"]: model.model_validate_json(row["details"], extra="ignore") for row in rows}


async def page(
    db: Reader, model: type[Details], *, after: Identifier | None, limit: int, day: date
) -> dict[Identifier, Details]:
    """Organisations in the order of their ids, as they are on a day."""
    rows = await db.fetch(
        "SELECT organisation_id FROM organisations WHERE kind = $1 AND ($2::text IS NULL OR organisation_id > $2)"
        " ORDER BY organisation_id LIMIT $3",
        _kind(model),
        after,
        limit,
    )
    return await on_day(db, model, [row["organisation_id"] for row in rows], day)
