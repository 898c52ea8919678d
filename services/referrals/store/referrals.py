"""Referrals. Whoever changes one holds its request's row, so that all of a request change one by one."""

from typing import Any
from uuid import UUID

from contracts.referrals import ReferralMade
from contracts.values import Identifier, Reason
from services.chassis.running.database import Reader, Transaction
from services.referrals.rules.referral import Referral, Status

_REFERRAL = "referral_id, status, made, reason, better_partner_id, outcome, version"


def _referral(row: Any) -> Referral:  # noqa: ANN401 - a row has no type of its own
    return Referral(
        ReferralMade.model_validate_json(row["made"], extra="ignore"),
        Status(row["status"]),
        row["version"],
        Reason.model_validate_json(row["reason"]) if row["reason"] else None,
        row["better_partner_id"],
        row["outcome"],
    )


async def save(tx: Transaction, referral: Referral) -> None:
    made, reason = referral.made, referral.reason
    await tx.db.execute(
        f"INSERT INTO referrals (request_id, partner_id, {_REFERRAL}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608 - a constant
        " ON CONFLICT (referral_id) DO UPDATE SET status = $4, reason = $6, better_partner_id = $7,"
        " outcome = $8, version = $9",
        made.request_id,
        made.partner_id,
        referral.id,
        referral.status,
        made.model_dump_json(by_alias=True, exclude_none=True),
        reason.model_dump_json() if reason else None,
        referral.better_partner_id,
        referral.outcome,
        referral.version,
    )


async def lock(tx: Transaction, referral_id: UUID) -> Referral | None:
    """The referral; it and the others of its request are kept from others until the end of the transaction."""
    await tx.db.execute(
        "SELECT FROM requests WHERE request_id = (SELECT request_id FROM referrals WHERE referral_id = $1) FOR UPDATE",
        referral_id,
    )
    return await find(tx.db, referral_id)


async def of_request(tx: Transaction, request_id: UUID) -> list[Referral]:
    rows = await tx.db.fetch(
        f"SELECT {_REFERRAL} FROM referrals WHERE request_id = $1 ORDER BY referral_id",  # noqa: S608
        request_id,
    )
    return [_referral(row) for row in rows]


async def find(db: Reader, referral_id: UUID) -> Referral | None:
    """The referral, to read."""
    row = await db.fetchrow(f"SELECT {_REFERRAL} FROM referrals WHERE referral_id = $1", referral_id)  # noqa: S608
    return _referral(row) if row else None


async def page(
    db: Reader,
    *,
    request_id: UUID | None,
    partner_id: Identifier | None,
    status: Status | None,
    after: UUID | None,
    limit: int,
) -> list[Referral]:
    rows = await db.fetch(
        f"SELECT {_REFERRAL} FROM referrals WHERE ($1::uuid IS NULL OR request_id = $1)"  # noqa: S608
        " AND ($2::text IS NULL OR partner_id = $2) AND ($3::text IS NULL OR status = $3)"
        " AND ($4::uuid IS NULL OR referral_id > $4) ORDER BY referral_id LIMIT $5",
        request_id,
        partner_id,
        status,
        after,
        limit,
    )
    return [_referral(row) for row in rows]
