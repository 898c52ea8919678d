"""What `referrals` keeps of what `requests` announced: sites, groups and requests. All SQL of it.

Whatever order the messages of an aggregate come in, the newest word of each kind holds.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from uuid import UUID

from contracts.requests import RequestDetails, RequestRaised
from contracts.sites import GroupRecorded, SiteRecorded
from contracts.values import HolidayRegion, Identifier, LearningArea, RecordDay, Value
from services.chassis.records import Records
from services.chassis.running.database import Transaction
from services.chassis.schemes import area_key, area_of
from services.referrals.rules.referring import AskedRequest, RequestStatus


class KnownSite(Value):
    """What is kept here of a site."""

    valid_from: RecordDay
    board: Identifier | None = None
    holiday_region: HolidayRegion | None = None


SITES = Records("site", KnownSite)
"""As `requests` recorded them."""
_REQUEST = "request_id, status, answer, site_id, broker_ids, covered_areas, asked"
_SAVE_STATUS = """
INSERT INTO requests (request_id, status, epoch, version) VALUES ($1, $2, $3, $4)
ON CONFLICT (request_id) DO UPDATE SET
    status = CASE WHEN $2 <> 'raised' OR requests.assigned_version = 0 THEN $2
        WHEN requests.broker_ids <> '{}' THEN 'assigned' ELSE 'no_broker' END,
    epoch = $3, version = $4
WHERE (requests.epoch, requests.version) < ($3, $4)
"""
_SAVE_ANSWER = """
UPDATE requests SET answer = $2, answer_epoch = $3, answer_version = $4
WHERE request_id = $1 AND (answer_epoch, answer_version) < ($3, $4)
"""
_SAVE_ROUTING = """
INSERT INTO requests (request_id, status, broker_ids, covered_areas, assigned_epoch, assigned_version, epoch, version)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0)
ON CONFLICT (request_id) DO UPDATE SET
    status = CASE WHEN requests.status IN ('raised', 'assigned', 'no_broker') THEN $2 ELSE requests.status END,
    broker_ids = $3, covered_areas = $4, assigned_epoch = $5, assigned_version = $6
WHERE (requests.assigned_epoch, requests.assigned_version) < ($5, $6)
"""
_SAVE_ASKED = """
INSERT INTO requests (request_id, status, epoch, version, site_id, asked, asked_epoch, asked_version)
VALUES ($1, 'raised', 0, 0, $2, $3, $4, $5)
ON CONFLICT (request_id) DO UPDATE SET site_id = $2, asked = $3, asked_epoch = $4, asked_version = $5
WHERE (requests.asked_epoch, requests.asked_version) < ($4, $5)
"""
# What a lower epoch said at or above a version of a higher one never happened.
_FORGET_UNDONE = """
UPDATE requests SET status = 'raised', epoch = 0, version = 0 WHERE request_id = $1 AND epoch < $2 AND version >= $3
"""
_FORGET_UNDONE_ANSWER = """
UPDATE requests SET answer = NULL, answer_epoch = 0, answer_version = 0
WHERE request_id = $1 AND answer_epoch < $2 AND answer_version >= $3
"""
_REFERRALS_FOLLOW = """
UPDATE referrals SET parties = with_brokers(parties, brokers_of(referral_id)) WHERE request_id = $1
"""
_ACTIVITIES_FOLLOW = """
UPDATE activities SET parties = with_brokers(parties, brokers_of(referral_id))
WHERE referral_id IN (SELECT referral_id FROM referrals WHERE request_id = $1)
"""


def _request(row: Any) -> AskedRequest:  # noqa: ANN401 - a row has no type of its own
    return AskedRequest(
        row["request_id"],
        row["status"],
        row["answer"],
        row["site_id"],
        tuple(row["broker_ids"]),
        tuple(map(area_of, row["covered_areas"])),
        RequestDetails.model_validate_json(row["asked"], extra="ignore") if row["asked"] else None,
    )


async def save_site(tx: Transaction, site: SiteRecorded) -> None:
    """That a site is there, which board governs it, and whose school holidays it keeps: that is all our rules ask."""
    known = KnownSite(valid_from=site.valid_from, board=site.board, holiday_region=site.holiday_region)
    await SITES.save(tx, site.site_id, known, tx.reacting_to)


async def save_group(tx: Transaction, group: GroupRecorded) -> None:
    await tx.db.execute(
        "INSERT INTO groups (group_id, site_id, school_year, epoch, version) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (group_id) DO UPDATE SET site_id = $2, school_year = $3, epoch = $4, version = $5"
        " WHERE (groups.epoch, groups.version) < ($4, $5)",
        group.group_id,
        group.site_id,
        group.school_year,
        *tx.reacting_to,
    )


async def groups_among(tx: Transaction, group_ids: Iterable[Identifier]) -> dict[Identifier, Identifier]:
    """The groups of these that are there, and their sites."""
    rows = await tx.db.fetch("SELECT group_id, site_id FROM groups WHERE group_id = ANY($1)", list(group_ids))
    return {row["group_id"]: row["site_id"] for row in rows}


async def school_years(tx: Transaction, group_ids: Iterable[Identifier]) -> dict[Identifier, str]:
    """The school year of each of these groups that is known here."""
    wanted = list(group_ids)
    query = "SELECT group_id, school_year FROM groups WHERE group_id = ANY($1) AND school_year IS NOT NULL"
    return {row["group_id"]: row["school_year"] for row in (await tx.db.fetch(query, wanted) if wanted else ())}


async def save_status(tx: Transaction, request_id: UUID, status: RequestStatus) -> None:
    """How far a request has come, unless something newer said so already. Where it was routed does not count: that
    stands apart, and hides behind an answer."""
    await tx.db.execute(_SAVE_STATUS, request_id, status, *tx.reacting_to)


async def save_answer(tx: Transaction, request_id: UUID, answer: str) -> None:
    """That it was answered, and how; the answer stays when it is closed, and when that is taken back."""
    await save_status(tx, request_id, "answered")
    await tx.db.execute(_SAVE_ANSWER, request_id, answer, *tx.reacting_to)


async def save_raised(tx: Transaction, request: RequestRaised) -> None:
    """Who asks, and what."""
    await save_status(tx, request.request_id, "raised")
    await save_asked(tx, request.request_id, request)


async def save_asked(tx: Transaction, request_id: UUID, asked: RequestDetails) -> None:
    """What is asked, unless something newer said so already. Referrals that were made say what was asked then."""
    said = asked.model_dump_json(by_alias=True, exclude_none=True)
    await tx.db.execute(_SAVE_ASKED, request_id, asked.site_id, said, *tx.reacting_to)


async def save_routing(
    tx: Transaction,
    request_id: UUID,
    status: Literal["assigned", "no_broker"],
    broker_ids: Sequence[Identifier] = (),
    areas: Iterable[LearningArea] = (),
) -> None:
    """Who brokers it and which of its areas, unless something newer said so already. These brokers are those of its
    referrals and their activities too. An answered or closed request keeps its status."""
    await tx.db.execute(_FORGET_UNDONE, request_id, *tx.reacting_to)
    await tx.db.execute(_FORGET_UNDONE_ANSWER, request_id, *tx.reacting_to)
    keys = [area_key(area) for area in areas]
    done = await tx.db.execute(_SAVE_ROUTING, request_id, status, list(broker_ids), keys, *tx.reacting_to)
    if done == "INSERT 0 1":
        await tx.db.execute(_REFERRALS_FOLLOW, request_id)
        await tx.db.execute(_ACTIVITIES_FOLLOW, request_id)


async def lock_request(tx: Transaction, request_id: UUID) -> AskedRequest | None:
    """The request; it and its referrals are kept from others until the end of the transaction."""
    row = await tx.db.fetchrow(f"SELECT {_REQUEST} FROM requests WHERE request_id = $1 FOR UPDATE", request_id)  # noqa: S608 - a constant
    return _request(row) if row else None
