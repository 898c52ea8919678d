"""Activities."""

from typing import Any
from uuid import UUID

from contracts.activities import ActivityPlanned, DeliveryDetails
from contracts.values import Identifier
from services.chassis.running.database import Reader, Transaction
from services.referrals.rules.activity import Activity, Status

_ACTIVITY = "activity_id, status, planned, body, confirmed_by, disputed_by, version"


def _activity(row: Any) -> Activity:  # noqa: ANN401 - a row has no type of its own
    return Activity(
        ActivityPlanned.model_validate_json(row["planned"], extra="ignore"),
        Status(row["status"]),
        row["version"],
        DeliveryDetails.model_validate_json(row["body"], extra="ignore") if row["body"] else None,
        frozenset(row["confirmed_by"]),
        frozenset(row["disputed_by"]),
    )


async def save(tx: Transaction, activity: Activity) -> None:
    planned, body = activity.planned, activity.body
    await tx.db.execute(
        f"INSERT INTO activities (referral_id, site_ids, {_ACTIVITY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608 - a constant
        " ON CONFLICT (activity_id) DO UPDATE SET site_ids = $2, status = $4, body = $6, confirmed_by = $7,"
        " disputed_by = $8, version = $9",
        planned.referral_id,
        list(activity.site_ids),
        activity.id,
        activity.status,
        planned.model_dump_json(by_alias=True, exclude_none=True),
        body.model_dump_json(by_alias=True, exclude_none=True) if body else None,
        sorted(activity.confirmed_by),
        sorted(activity.disputed_by),
        activity.version,
    )


async def lock(tx: Transaction, activity_id: UUID) -> Activity | None:
    """The activity, kept from others until the end of the transaction."""
    row = await tx.db.fetchrow(f"SELECT {_ACTIVITY} FROM activities WHERE activity_id = $1 FOR UPDATE", activity_id)  # noqa: S608
    return _activity(row) if row else None


async def find(db: Reader, activity_id: UUID) -> Activity | None:
    """The activity, to read."""
    row = await db.fetchrow(f"SELECT {_ACTIVITY} FROM activities WHERE activity_id = $1", activity_id)  # noqa: S608
    return _activity(row) if row else None


async def page(
    db: Reader, *, site_id: Identifier | None, referral_id: UUID | None, after: UUID | None, limit: int
) -> list[Activity]:
    rows = await db.fetch(
        f"SELECT {_ACTIVITY} FROM activities WHERE ($1::text IS NULL OR site_ids @> ARRAY[$1])"  # noqa: S608
        " AND ($2::uuid IS NULL OR referral_id = $2) AND ($3::uuid IS NULL OR activity_id > $3)"
        " ORDER BY activity_id LIMIT $4",
        site_id,
        referral_id,
        after,
        limit,
    )
    return [_activity(row) for row in rows]


async def delivered_of(tx: Transaction, referral_id: UUID) -> int:
    """How many activities of a referral stand as delivered."""
    return int(
        await tx.db.fetchval(
            "SELECT count(*) FROM activities WHERE referral_id = $1 AND status = 'delivered'", referral_id
        )
    )
