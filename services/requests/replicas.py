"""What `requests` keeps of what `referrals` announced: brokers, referrals and deliveries. All SQL of it.

Requests are routed by the brokers of one day, of which the table `routing` says which it is.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from contracts.offers import BrokerRecorded
from contracts.referrals import ReferralMade
from contracts.values import LearningArea
from services.chassis.records import Records
from services.chassis.running.database import Reader, Transaction
from services.chassis.schemes import area_key, area_of

BROKERS = Records("broker", BrokerRecorded)
"""As `referrals` announced them."""
_ROUTES = "change what requests are routed by"
_COVERING = """
SELECT entity_id, area.scheme || '/' || area.code AS area
FROM (SELECT greatest(day, $1::date) AS day FROM routing) AS routed, records_on('broker', routed.day),
    jsonb_to_recordset(details->'learningAreas') AS area (scheme text, code text)
WHERE valid_from <= routed.day AND coalesce(routed.day < (details->>'validTo')::date, true)
    AND area.scheme || '/' || area.code = ANY($2) ORDER BY entity_id
"""
_CHANGED = """
WITH days AS (
    SELECT least(day, completed, $1::date) AS after, greatest(day, completed, $1::date) AS until FROM routing
)
SELECT DISTINCT entity_id FROM records, days WHERE kind = 'broker' AND (
    (valid_from > days.after AND valid_from <= days.until)
    OR ((details->>'validTo')::date > days.after AND (details->>'validTo')::date <= days.until)
)
"""
_NAMED = """
SELECT DISTINCT area.scheme || '/' || area.code AS area
FROM records, jsonb_to_recordset(details->'learningAreas') AS area (scheme text, code text)
WHERE kind = 'broker' AND entity_id = ANY($1)
"""


async def hold_routing(tx: Transaction) -> None:
    """Let no broker be recorded and no day begin until the end of this transaction: what is being raised would be
    missed."""
    await tx.hold_off(_ROUTES)


async def save_broker(tx: Transaction, broker: BrokerRecorded) -> set[str]:
    """What a broker covers from a day on; returns the areas that its records name, and named before. Waits for the
    requests that are being raised."""
    await tx.one_at_a_time(_ROUTES)
    before = await _areas_named(tx, [broker.broker_id])
    await BROKERS.save(tx, broker.broker_id, broker, tx.reacting_to)
    return {*before, *map(area_key, broker.learning_areas)}


async def _areas_named(tx: Transaction, broker_ids: Collection[str]) -> set[str]:
    """All areas that the records of these brokers name, of whichever day."""
    return {row["area"] for row in await tx.db.fetch(_NAMED, broker_ids)}


async def covering(tx: Transaction, areas: Collection[LearningArea]) -> dict[LearningArea, list[str]]:
    """The brokers that cover each of these areas on the day by which requests are routed; read once where routing is
    held."""
    keys = list(map(area_key, areas))
    rows = tx.known.get((_ROUTES, *keys))
    if rows is None:
        rows = await tx.db.fetch(_COVERING, tx.today, keys)
        if _ROUTES in tx.held_off:
            tx.known[_ROUTES, *keys] = rows
    return {area: [row["entity_id"] for row in rows if row["area"] == area_key(area)] for area in areas}


async def is_routed(db: Reader, day: date) -> bool:
    """Whether everything is routed by this day."""
    return bool(await db.fetchval("SELECT day = $1 AND completed = $1 FROM routing", day))


async def changed_brokers(db: Reader, day: date) -> list[str]:
    """The brokers of which a record begins or ends between the last day that was completed and this one.

    A day may also be before the last one, in a development stack: between two days it is the same records.
    """
    return [row["entity_id"] for row in await db.fetch(_CHANGED, day)]


async def begin_day(tx: Transaction) -> set[str]:
    """Route by today from now on; returns the areas that this changes, again until the day is completed. Waits for the
    requests that are being raised."""
    await tx.one_at_a_time(_ROUTES)
    await tx.db.execute("UPDATE routing SET day = $1", tx.today)
    return await _areas_named(tx, await changed_brokers(tx.db, tx.today))


async def complete_day(tx: Transaction, day: date) -> None:
    """Everything is routed by this day; unless another has begun."""
    await tx.db.execute("UPDATE routing SET completed = $1 WHERE day = $1", day)


async def save_referral(tx: Transaction, made: ReferralMade) -> None:
    """A referral was made for a request; whether it has ended, or is due on another day, may have been heard before."""
    await tx.db.execute(
        "INSERT INTO referrals (referral_id, request_id, due_on) VALUES ($1, $2, $3)"
        " ON CONFLICT (referral_id) DO UPDATE SET request_id = $2, due_on = coalesce(referrals.due_on, $3)",
        made.referral_id,
        made.request_id,
        made.decide_by,
    )


async def save_due(tx: Transaction, referral_id: UUID, act_by: date, since: datetime) -> None:
    """The day on which a referral is due, as it is waited for since this moment; unless something newer said so."""
    await tx.db.execute(
        "INSERT INTO referrals (referral_id, due_on, due_since) VALUES ($1, $2, $3)"
        " ON CONFLICT (referral_id) DO UPDATE SET due_on = $2, due_since = $3"
        " WHERE coalesce(referrals.due_since <= $3, true)",
        referral_id,
        act_by,
        since,
    )


async def save_end(tx: Transaction, referral_id: UUID, ended: str) -> None:
    """A referral has ended, and how; that it was made may be heard later."""
    await tx.db.execute(
        "INSERT INTO referrals (referral_id, ended) VALUES ($1, $2)"
        " ON CONFLICT (referral_id) DO UPDATE SET ended = $2, heard = excluded.heard",
        referral_id,
        ended,
    )


async def request_of(db: Reader, referral_id: UUID) -> UUID | None:
    """The request of a referral that was heard of."""
    request_id: UUID | None = await db.fetchval("SELECT request_id FROM referrals WHERE referral_id = $1", referral_id)
    return request_id


async def save_delivered(
    tx: Transaction, activity_id: UUID, request_id: UUID | None, areas: Iterable[LearningArea]
) -> None:
    """An activity was delivered, perhaps for a request; a retracted one stays retracted, whatever arrives late. Its
    areas are those of the newest word."""
    await tx.db.execute(
        "INSERT INTO delivered_activities (activity_id, request_id, learning_areas, epoch, version)"
        " VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (activity_id) DO UPDATE SET learning_areas = $3, epoch = $4, version = $5"
        " WHERE (delivered_activities.epoch, delivered_activities.version) < ($4, $5)",
        activity_id,
        request_id,
        list(map(area_key, areas)),
        *tx.reacting_to,
    )


async def deliveries_of(tx: Transaction, request_id: UUID) -> dict[UUID, tuple[LearningArea, ...]]:
    rows = await tx.db.fetch(
        "SELECT activity_id, learning_areas FROM delivered_activities WHERE request_id = $1 ORDER BY activity_id",
        request_id,
    )
    return {row["activity_id"]: tuple(map(area_of, row["learning_areas"])) for row in rows}


async def save_retracted(tx: Transaction, activity_id: UUID) -> None:
    """An activity is no longer anybody's delivery."""
    await tx.db.execute(
        "INSERT INTO delivered_activities (activity_id, request_id) VALUES ($1, NULL)"
        " ON CONFLICT (activity_id) DO UPDATE SET request_id = NULL",
        activity_id,
    )


async def delivered_among(tx: Transaction, activity_ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """The activities of these that were delivered, each with its request (none: direct, or retracted since)."""
    rows = await tx.db.fetch(
        "SELECT activity_id, request_id FROM delivered_activities WHERE activity_id = ANY($1)", activity_ids
    )
    return {row["activity_id"]: row["request_id"] for row in rows}
