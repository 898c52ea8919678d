"""What this service has heard of sites, groups and requests: projections of another service's events.

Guarantee: whatever order the messages of an aggregate come in, the newest word of each kind holds.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from contracts.requests import RequestAssigned, RequestDetails, RequestRaised
from contracts.sites import GroupRecorded
from contracts.values import Identifier, LearningArea
from services.chassis.running.database import Transaction
from services.chassis.schemes import area_key
from services.referrals.rules.request import Request, Status

_REQUEST = "request_id, status, answer, site_id, broker_ids, covered_areas, asked"


def _area(text: str) -> LearningArea:
    scheme, _, code = text.partition("/")
    return LearningArea(scheme=scheme, code=code)


def _request(row: Any) -> Request:  # noqa: ANN401 - a row has no type of its own
    return Request(
        row["request_id"],
        row["status"],
        row["answer"],
        row["site_id"],
        tuple(row["broker_ids"]),
        tuple(map(_area, row["covered_areas"])),
        RequestDetails.model_validate_json(row["asked"], extra="ignore") if row["asked"] else None,
    )


async def save_site(tx: Transaction, site_id: Identifier) -> None:
    """A site is there: that is all our rules ask."""
    await tx.db.execute("INSERT INTO sites (site_id) VALUES ($1) ON CONFLICT DO NOTHING", site_id)


async def save_group(tx: Transaction, group: GroupRecorded) -> None:
    """A group, and the site that it belongs to."""
    await tx.db.execute(
        "INSERT INTO groups (group_id, site_id, epoch, version) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (group_id) DO UPDATE SET site_id = $2, epoch = $3, version = $4"
        " WHERE (groups.epoch, groups.version) < ($3, $4)",
        group.group_id,
        group.site_id,
        *tx.reacting_to,
    )


async def sites_among(tx: Transaction, site_ids: Iterable[Identifier]) -> set[Identifier]:
    """The sites of these that are there."""
    rows = await tx.db.fetch("SELECT site_id FROM sites WHERE site_id = ANY($1)", list(site_ids))
    return {row["site_id"] for row in rows}


async def groups_among(tx: Transaction, group_ids: Iterable[Identifier]) -> dict[Identifier, Identifier]:
    """The groups of these that are there, and their sites."""
    rows = await tx.db.fetch("SELECT group_id, site_id FROM groups WHERE group_id = ANY($1)", list(group_ids))
    return {row["group_id"]: row["site_id"] for row in rows}


async def save_status(tx: Transaction, request_id: UUID, status: Status, answer: str | None = None) -> None:
    """Where a request stands, unless something newer said so already."""
    await tx.db.execute(
        "INSERT INTO requests (request_id, status, answer, epoch, version) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (request_id) DO UPDATE SET status = $2, answer = $3, epoch = $4, version = $5"
        " WHERE (requests.epoch, requests.version) < ($4, $5)",
        request_id,
        status,
        answer,
        *tx.reacting_to,
    )


async def save_raised(tx: Transaction, request: RequestRaised) -> None:
    """Who asks, and what."""
    await save_status(tx, request.request_id, "raised")
    await tx.db.execute(
        "UPDATE requests SET site_id = $2, asked = $3 WHERE request_id = $1",
        request.request_id,
        request.site_id,
        request.model_dump_json(by_alias=True, exclude_none=True),
    )


async def save_assigned(tx: Transaction, request: RequestAssigned) -> None:
    """Who brokers it, and which of its areas."""
    await save_status(tx, request.request_id, "assigned")
    await tx.db.execute(
        "UPDATE requests SET broker_ids = $2, covered_areas = $3, assigned_epoch = $4, assigned_version = $5"
        " WHERE request_id = $1 AND (assigned_epoch, assigned_version) < ($4, $5)",
        request.request_id,
        list(request.broker_ids),
        [area_key(area) for area in request.learning_areas],
        *tx.reacting_to,
    )


async def lock_request(tx: Transaction, request_id: UUID) -> Request | None:
    """The request; it and its referrals are kept from others until the end of the transaction."""
    row = await tx.db.fetchrow(f"SELECT {_REQUEST} FROM requests WHERE request_id = $1 FOR UPDATE", request_id)  # noqa: S608 - a constant
    return _request(row) if row else None
