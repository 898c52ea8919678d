"""SQL of what `referrals` owns: brokers, partners, referrals and activities.

Whoever changes a referral holds its request's row, so that all of a request change one by one. What is kept of what
`requests` announced is in `replicas`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any, get_args
from uuid import UUID

from contracts.activities import ActivityPlanned, DeliveryDetails
from contracts.clocks import ClockBreached, ClockPaused, ClockStarted
from contracts.events import Event
from contracts.offers import BrokerDetails, BrokerRecorded, PartnerDetails, PartnerRecorded
from contracts.referrals import REFERRALS as REFERRALS_TOPIC
from contracts.referrals import ReferralMade
from contracts.values import Identifier, Reason
from services.chassis.aggregates import Aggregate
from services.chassis.clock_table import ClockTable, restore_breach, restore_change
from services.chassis.clocks import read_numbers
from services.chassis.life_cycle import in_sql
from services.chassis.messaging import outbox
from services.chassis.records import Records
from services.chassis.running.database import Reader, Transaction
from services.chassis.visibility import Audience, named
from services.referrals.replicas import SITES
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import clocks
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import Activity
from services.referrals.rules.activity import Status as ActivityStatus
from services.referrals.rules.referral import Referral
from services.referrals.rules.referral import Status as ReferralStatus

CLOCK_NUMBERS = read_numbers((files(__package__) / "clocks.json").read_bytes())


BROKERS = Records("broker", BrokerDetails)
PARTNERS = Records("partner", PartnerDetails)

_REFERRAL = (
    "referral_id, status, made, reason, better_partner_id, outcome, version, was_accepted, acknowledged,"
    " review_on, withdrawal, confirmed_by, disputed_by, checked_in_on"
)
_ACTIVITY = "activity_id, status, planned, body, confirmed_by, disputed_by, version"
_BROKERS = "brokers_of(referral_id) AS broker_ids"
_STANDS = f"status IN ({in_sql(activity_rules.STANDING)})"
_PLANNED_UP_TO = f"""
(SELECT max(planned_on) FROM activities WHERE activities.referral_id = referrals.referral_id
    AND activities.{_STANDS}) AS planned_up_to
"""  # noqa: S608 - a constant
_READ_REFERRAL = f"{_REFERRAL}, {_BROKERS}, {_PLANNED_UP_TO}"
_OTHERS_PLANNED_UP_TO = f"""
SELECT max(planned_on) FROM activities WHERE referral_id = $1 AND activity_id <> $2 AND {_STANDS}
"""  # noqa: S608 - a constant
_LOCK_REQUEST_OF = """
SELECT FROM requests WHERE request_id = (
    SELECT request_id FROM activities JOIN referrals USING (referral_id) WHERE activity_id = $1
) FOR UPDATE
"""
_REFERRALS_WITHOUT_TURN = f"""
SELECT referral_id FROM referrals WHERE status IN ({in_sql(referral_rules.OPEN)})
    AND NOT EXISTS (SELECT FROM work JOIN clocks USING (clock_id) WHERE object_id = referral_id)
"""  # noqa: S608 - a constant
_ACTIVITIES_WITHOUT_TURN = """
SELECT activity_id FROM activities WHERE status = 'planned'
    AND NOT EXISTS (SELECT FROM work JOIN clocks USING (clock_id) WHERE object_id = activity_id)
"""


def _referral(row: Any) -> Referral:  # noqa: ANN401 - a row has no type of its own
    return Referral(
        ReferralMade.model_validate_json(row["made"], extra="ignore"),
        ReferralStatus(row["status"]),
        row["version"],
        Reason.model_validate_json(row["reason"]) if row["reason"] else None,
        row["better_partner_id"],
        row["outcome"],
        tuple(row["broker_ids"]),
        row["was_accepted"],
        row["acknowledged"],
        row["review_on"],
        Reason.model_validate_json(row["withdrawal"]) if row["withdrawal"] else None,
        frozenset(row["confirmed_by"]),
        frozenset(row["disputed_by"]),
        row["checked_in_on"],
        row["planned_up_to"],
    )


async def save_referral(tx: Transaction, referral: Referral) -> None:
    made, reason = referral.made, referral.reason
    await tx.db.execute(
        f"INSERT INTO referrals (request_id, partner_id, {_REFERRAL}, parties)"  # noqa: S608 - a constant
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
        " with_brokers($17, coalesce(nullif(broker_ids, '{}'), $18)) FROM requests WHERE request_id = $1"
        " ON CONFLICT (referral_id) DO UPDATE SET status = $4, reason = $6, better_partner_id = $7,"
        " outcome = $8, version = $9, was_accepted = $10, acknowledged = $11, review_on = $12, withdrawal = $13,"
        " confirmed_by = $14, disputed_by = $15, checked_in_on = $16",
        made.request_id,
        made.partner_id,
        referral.id,
        referral.status,
        made.model_dump_json(by_alias=True, exclude_none=True),
        reason.model_dump_json() if reason else None,
        referral.better_partner_id,
        referral.outcome,
        referral.version,
        referral.was_accepted,
        referral.acknowledged,
        referral.review_on,
        referral.withdrawal.model_dump_json() if referral.withdrawal else None,
        sorted(referral.confirmed_by),
        sorted(referral.disputed_by),
        referral.checked_in_on,
        named(referral_rules.parties(referral)),
        [made.broker_id],
    )


async def lock_referral(tx: Transaction, referral_id: UUID) -> Referral | None:
    """The referral; it and the others of its request are kept from others until the end of the transaction."""
    await tx.db.execute(
        "SELECT FROM requests WHERE request_id = (SELECT request_id FROM referrals WHERE referral_id = $1) FOR UPDATE",
        referral_id,
    )
    return await find_referral(tx.db, referral_id)


async def referrals_of(tx: Transaction, request_id: UUID) -> list[Referral]:
    rows = await tx.db.fetch(
        f"SELECT {_READ_REFERRAL} FROM referrals WHERE request_id = $1 ORDER BY referral_id",  # noqa: S608
        request_id,
    )
    return [_referral(row) for row in rows]


async def find_referral(db: Reader, referral_id: UUID) -> Referral | None:
    row = await db.fetchrow(f"SELECT {_READ_REFERRAL} FROM referrals WHERE referral_id = $1", referral_id)  # noqa: S608
    return _referral(row) if row else None


async def find_referrals(db: Reader, referral_ids: Sequence[UUID]) -> list[Referral]:
    rows = await db.fetch(f"SELECT {_READ_REFERRAL} FROM referrals WHERE referral_id = ANY($1)", referral_ids)  # noqa: S608
    return [_referral(row) for row in rows]


async def referral_page(
    db: Reader,
    audience: Audience,
    *,
    request_id: UUID | None,
    partner_id: Identifier | None,
    status: ReferralStatus | None,
    unconfirmed_by: Identifier | None,
    after: UUID | None,
    limit: int,
) -> list[Referral]:
    rows = await db.fetch(
        f"SELECT {_READ_REFERRAL} FROM referrals WHERE ($1::uuid IS NULL OR request_id = $1)"  # noqa: S608
        " AND ($2::text IS NULL OR partner_id = $2) AND ($3::text IS NULL OR status = $3)"
        " AND ($4::uuid IS NULL OR referral_id > $4) AND ($6::text[] IS NULL OR parties && $6)"
        " AND ($7::text IS NULL OR status = 'completed' AND parties @> ARRAY['site:' || $7]"
        " AND $7 <> ALL (confirmed_by || disputed_by)) ORDER BY referral_id LIMIT $5",
        request_id,
        partner_id,
        status,
        after,
        limit,
        audience,
        unconfirmed_by,
    )
    return [_referral(row) for row in rows]


def _activity(row: Any) -> Activity:  # noqa: ANN401 - a row has no type of its own
    return Activity(
        ActivityPlanned.model_validate_json(row["planned"], extra="ignore"),
        ActivityStatus(row["status"]),
        row["version"],
        DeliveryDetails.model_validate_json(row["body"], extra="ignore") if row["body"] else None,
        frozenset(row["confirmed_by"]),
        frozenset(row["disputed_by"]),
        tuple(row["broker_ids"] or ()),  # null: it has no referral
    )


async def save_activity(tx: Transaction, activity: Activity) -> None:
    planned, body = activity.planned, activity.body
    await tx.db.execute(
        f"INSERT INTO activities (referral_id, site_ids, {_ACTIVITY}, planned_on, parties)"  # noqa: S608 - a constant
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, with_brokers($11, brokers_of($1)))"
        " ON CONFLICT (activity_id) DO UPDATE SET site_ids = $2, status = $4, planned = $5, body = $6,"
        " confirmed_by = $7, disputed_by = $8, version = $9, planned_on = $10, parties = excluded.parties",
        planned.referral_id,
        list(activity.site_ids),
        activity.id,
        activity.status,
        planned.model_dump_json(by_alias=True, exclude_none=True),
        body.model_dump_json(by_alias=True, exclude_none=True) if body else None,
        sorted(activity.confirmed_by),
        sorted(activity.disputed_by),
        activity.version,
        activity.planned_on,
        named(activity_rules.parties(activity)),
    )


async def lock_activity(tx: Transaction, activity_id: UUID) -> Activity | None:
    """The activity; it, and the referral and the request to which it belongs, are kept from others until the end of the
    transaction."""
    await tx.db.execute(_LOCK_REQUEST_OF, activity_id)
    row = await tx.db.fetchrow(
        f"SELECT {_ACTIVITY}, {_BROKERS} FROM activities WHERE activity_id = $1 FOR UPDATE",  # noqa: S608
        activity_id,
    )
    return _activity(row) if row else None


async def lock_activities_of(tx: Transaction, referral_id: UUID) -> list[Activity]:
    """The activities of a referral, kept from others until the end of the transaction."""
    rows = await tx.db.fetch(
        f"SELECT {_ACTIVITY}, {_BROKERS} FROM activities WHERE referral_id = $1 ORDER BY activity_id FOR UPDATE",  # noqa: S608
        referral_id,
    )
    return [_activity(row) for row in rows]


async def find_activity(db: Reader, activity_id: UUID) -> Activity | None:
    row = await db.fetchrow(f"SELECT {_ACTIVITY}, {_BROKERS} FROM activities WHERE activity_id = $1", activity_id)  # noqa: S608
    return _activity(row) if row else None


async def find_activities(db: Reader, activity_ids: Sequence[UUID]) -> list[Activity]:
    rows = await db.fetch(
        f"SELECT {_ACTIVITY}, {_BROKERS} FROM activities WHERE activity_id = ANY($1)",  # noqa: S608
        activity_ids,
    )
    return [_activity(row) for row in rows]


async def activity_page(
    db: Reader,
    audience: Audience,
    *,
    site_id: Identifier | None,
    referral_id: UUID | None,
    unconfirmed_by: Identifier | None,
    after: UUID | None,
    limit: int,
) -> list[Activity]:
    rows = await db.fetch(
        f"SELECT {_ACTIVITY}, {_BROKERS} FROM activities WHERE ($1::text IS NULL OR site_ids @> ARRAY[$1])"  # noqa: S608
        " AND ($2::uuid IS NULL OR referral_id = $2) AND ($3::uuid IS NULL OR activity_id > $3)"
        " AND ($5::text[] IS NULL OR parties && $5) AND ($6::text IS NULL OR status = 'delivered'"
        " AND site_ids @> ARRAY[$6] AND $6 <> ALL (confirmed_by || disputed_by)) ORDER BY activity_id LIMIT $4",
        site_id,
        referral_id,
        after,
        limit,
        audience,
        unconfirmed_by,
    )
    return [_activity(row) for row in rows]


async def delivered_of(tx: Transaction, referral_id: UUID) -> int:
    """How many activities of a referral stand as delivered."""
    return int(
        await tx.db.fetchval(
            "SELECT count(*) FROM activities WHERE referral_id = $1 AND status = 'delivered'", referral_id
        )
    )


async def _save_comment(tx: Transaction, subject: UUID, version: int, comment: str) -> None:
    """What people add in words to a version of a referral or an activity: kept here, never in an event."""
    await tx.db.execute(
        "INSERT INTO comments (subject, version, comment) VALUES ($1, $2, $3)", subject, version, comment
    )


REFERRALS = Aggregate(
    kind="referral",
    load=lock_referral,
    evolve=referral_rules.evolve,
    save=save_referral,
    save_comment=lambda tx, referral, comment: _save_comment(tx, referral.id, referral.version, comment),
    key=lambda referral: referral.made.site_id,
    correlation=lambda referral: referral.made.request_id,
    parties=referral_rules.parties,
    clocks=ClockTable(clocks.OF_REFERRALS, CLOCK_NUMBERS, REFERRALS_TOPIC, lambda each: each.made.programme, SITES),
)


async def _its_referral_follows(tx: Transaction, before: Activity | None, after: Activity) -> list[outbox.Staged]:
    """The clock of a referral that has begun runs from the last day for which something is planned."""
    was, is_now = before.stands_on if before else None, after.stands_on
    if after.planned.referral_id is None or was == is_now:
        return []
    referral = await lock_referral(tx, after.planned.referral_id)
    assert referral is not None, "what comes from a referral came after it"
    others: date | None = await tx.db.fetchval(_OTHERS_PLANNED_UP_TO, referral.id, after.id)
    earlier = max((day for day in (others, was) if day), default=None)
    return await REFERRALS.follow(tx, replace(referral, planned_up_to=earlier), referral)


ACTIVITIES = Aggregate(
    kind="activity",
    load=lock_activity,
    evolve=activity_rules.evolve,
    save=save_activity,
    save_comment=lambda tx, activity, comment: _save_comment(tx, activity.id, activity.version, comment),
    key=lambda activity: activity.planned.site_ids[0],  # the lead site when it was planned, for ever
    correlation=lambda activity: activity.planned.request_id,
    parties=activity_rules.parties,
    clocks=ClockTable(clocks.OF_ACTIVITIES, CLOCK_NUMBERS, REFERRALS_TOPIC, lambda each: each.planned.programme, SITES),
    beside=_its_referral_follows,
)


WITHOUT_TURN = ((REFERRALS, _REFERRALS_WITHOUT_TURN), (ACTIVITIES, _ACTIVITIES_WITHOUT_TURN))
"""The open referrals and activities that are on no work list."""


async def _restore_referral(tx: Transaction, event: Event, version: int) -> bool:
    """As every aggregate; of its request nothing may be known yet: that is read again afterwards."""
    if isinstance(event, ReferralMade):
        await tx.db.execute(
            "INSERT INTO requests (request_id, status, epoch, version) VALUES ($1, 'raised', 0, 0)"
            " ON CONFLICT (request_id) DO NOTHING",
            event.request_id,
        )
    return await REFERRALS.restore(tx, event, version)


RESTORE: dict[type[Event], Any] = {
    BrokerRecorded: BROKERS.restore,
    PartnerRecorded: PARTNERS.restore,
    ClockStarted: restore_change,
    ClockPaused: restore_change,
    ClockBreached: restore_breach,
    **dict.fromkeys(get_args(referral_rules.ReferralEvent), _restore_referral),
    **dict.fromkeys(get_args(activity_rules.ActivityEvent), ACTIVITIES.restore),
}
"""How what this service announced comes back into the tables after a restore."""
