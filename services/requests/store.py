"""SQL of what `requests` owns: sites, groups and requests. What is kept of what others announced is in `replicas`."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from importlib.resources import files
from typing import Any, get_args
from uuid import UUID

from contracts.clocks import ClockBreached, ClockPaused, ClockStarted
from contracts.events import Event
from contracts.requests import REQUESTS as REQUESTS_TOPIC
from contracts.requests import RequestDetails
from contracts.sites import GroupDetails, GroupRecorded, SiteDetails, SiteRecorded
from contracts.values import Reason, Value
from services.chassis.aggregates import Aggregate
from services.chassis.clock_table import ClockTable, restore_breach, restore_change
from services.chassis.clocks import read_numbers
from services.chassis.life_cycle import in_sql
from services.chassis.records import Records
from services.chassis.running.database import CommandTx, Reader, Transaction
from services.chassis.schemes import area_key, area_of
from services.chassis.visibility import Audience, named
from services.requests.rules import clocks
from services.requests.rules.request import OPEN, Request, RequestEvent, Status, evolve, parties

CLOCK_NUMBERS = read_numbers((files(__package__) / "clocks.json").read_bytes())
MAX_DOUBLES = 10
"""Requests that look like another are counted no further."""
_REQUEST = (
    "request_id, status, broker_ids, answer, outcome, details, version, partner_ids, covered_areas,"
    " closed_from, closed_on, checked_in_on"
)
_READ = f"{_REQUEST}, answer_reason, open_referrals, last_end, referrals_due_on"
# They stand in the request's own row: whoever waited for it reads them as they are then.
_COUNT_REFERRALS = """
UPDATE requests SET
    (open_referrals, referrals_due_on) = (
        SELECT count(*), max(due_on) FROM referrals WHERE request_id = $1 AND ended IS NULL
    ),
    last_end = (
        SELECT ended FROM referrals WHERE request_id = $1 AND ended IS NOT NULL ORDER BY heard DESC LIMIT 1
    )
WHERE request_id = $1 RETURNING open_referrals, last_end, referrals_due_on
"""
_OPEN = f"status IN ({in_sql(OPEN)})"
_WITHOUT_TURN = f"""
SELECT request_id FROM requests
WHERE {_OPEN} AND NOT EXISTS (SELECT FROM work JOIN clocks USING (clock_id) WHERE object_id = request_id)
"""  # noqa: S608 - a constant
SITES = Records("site", SiteDetails)


def _json(details: Value) -> str:
    return details.model_dump_json(by_alias=True, exclude_none=True)


def _request(row: Any) -> Request:  # noqa: ANN401 - a row has no type of its own
    return Request(
        row["request_id"],
        RequestDetails.model_validate_json(row["details"], extra="ignore"),
        Status(row["status"]),
        tuple(row["broker_ids"]),
        row["answer"],
        row["outcome"],
        row["version"],
        tuple(row["partner_ids"]),
        tuple(map(area_of, row["covered_areas"])),
        Reason.model_validate_json(row["answer_reason"]) if row["answer_reason"] else None,
        row["open_referrals"],
        row["last_end"],
        row["referrals_due_on"],
        Status(row["closed_from"]) if row["closed_from"] else None,
        row["closed_on"],
        row["checked_in_on"],
    )


async def save(tx: Transaction, request: Request) -> None:
    asked = request.details
    await tx.db.execute(
        f"INSERT INTO requests ({_REQUEST}, parties, site_id, learning_areas, group_ids, wished, answer_reason)"  # noqa: S608
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, daterange($17, $18, '[]'),"
        " $19)"
        " ON CONFLICT (request_id) DO UPDATE SET status = $2, broker_ids = $3, answer = $4, outcome = $5, details = $6,"
        " version = $7, covered_areas = $9, closed_from = $10, closed_on = $11, checked_in_on = $12, parties = $13,"
        " learning_areas = $15, group_ids = $16, wished = excluded.wished, answer_reason = $19",
        request.id,
        request.status,
        list(request.broker_ids),
        request.answer,
        request.outcome,
        _json(asked),
        request.version,
        list(request.partner_ids),
        list(map(area_key, request.covered_areas)),
        request.closed_from,
        request.closed_on,
        request.checked_in_on,
        named(parties(request)),
        asked.site_id,
        list(map(area_key, asked.learning_areas)),
        [group.group_id for group in asked.groups],
        asked.wished_from,
        asked.wished_to,
        request.answer_reason.model_dump_json() if request.answer_reason else None,
    )


async def lock(tx: Transaction, request_id: UUID) -> Request | None:
    """The request, kept from others until the end of the transaction."""
    row = await tx.db.fetchrow(f"SELECT {_READ} FROM requests WHERE request_id = $1 FOR UPDATE", request_id)  # noqa: S608
    return _request(row) if row else None


async def count_referrals(tx: Transaction, request: Request) -> Request:
    """The request that is locked, with what was heard of its referrals since."""
    row = await tx.db.fetchrow(_COUNT_REFERRALS, request.id)
    assert row is not None, "it is locked"
    return replace(request, **dict(row))


async def lock_open(tx: Transaction, areas: Collection[str]) -> list[Request]:
    """The open requests for one of these areas, oldest first."""
    rows = await tx.db.fetch(
        f"SELECT {_READ} FROM requests WHERE {_OPEN} AND learning_areas && $1::text[]"  # noqa: S608
        " ORDER BY request_id FOR UPDATE",
        areas,
    )
    return [_request(row) for row in rows]


async def open_for(tx: Transaction, areas: Collection[str]) -> list[UUID]:
    """The open requests for one of these areas, oldest first."""
    rows = await tx.db.fetch(
        f"SELECT request_id FROM requests WHERE {_OPEN} AND learning_areas && $1::text[] ORDER BY request_id",  # noqa: S608
        areas,
    )
    return [row["request_id"] for row in rows]


async def find(db: Reader, request_id: UUID) -> Request | None:
    row = await db.fetchrow(f"SELECT {_READ} FROM requests WHERE request_id = $1", request_id)  # noqa: S608
    return _request(row) if row else None


async def find_many(db: Reader, request_ids: Collection[UUID]) -> list[Request]:
    rows = await db.fetch(f"SELECT {_READ} FROM requests WHERE request_id = ANY($1)", request_ids)  # noqa: S608
    return [_request(row) for row in rows]


async def page(
    db: Reader, audience: Audience, *, site_id: str | None, status: str | None, after: UUID | None, limit: int
) -> list[Request]:
    rows = await db.fetch(
        f"SELECT {_READ} FROM requests WHERE ($1::text IS NULL OR site_id = $1)"  # noqa: S608
        " AND ($2::text IS NULL OR status = $2) AND ($3::uuid IS NULL OR request_id > $3)"
        " AND ($5::text[] IS NULL OR parties && $5) ORDER BY request_id LIMIT $4",
        site_id,
        status,
        after,
        limit,
        audience,
    )
    return [_request(row) for row in rows]


async def add_partner(tx: Transaction, request: Request, partner_id: str) -> Request:
    """A partner to which a request was referred is a party to it from then on."""
    if partner_id in request.partner_ids:
        return request
    request = replace(request, partner_ids=(*request.partner_ids, partner_id))
    await tx.db.execute(
        "UPDATE requests SET partner_ids = $2, parties = $3 WHERE request_id = $1",
        request.id,
        list(request.partner_ids),
        named(parties(request)),
    )
    return request


async def likely_doubles(tx: Transaction, request: Request) -> list[UUID]:
    """Open requests of the same site for one of the same areas, and one of the same groups, at the same time."""
    asked = request.details
    rows = await tx.db.fetch(
        f"SELECT request_id FROM requests WHERE site_id = $1 AND request_id <> $2 AND {_OPEN}"  # noqa: S608
        " AND learning_areas && $3::text[] AND wished && daterange($4, $5, '[]')"
        " AND (cardinality($6::text[]) = 0 OR group_ids && $6::text[]) ORDER BY request_id DESC LIMIT $7",
        asked.site_id,
        request.id,
        [area_key(area) for area in asked.learning_areas],
        asked.wished_from,
        asked.wished_to,
        [group.group_id for group in asked.groups],
        MAX_DOUBLES,
    )
    return [row["request_id"] for row in rows]


async def group(tx: CommandTx, group_id: str) -> tuple[GroupDetails | None, int]:
    """The group and its version (0: new), kept from other writers."""
    await tx.one_at_a_time(f"group:{group_id}")
    row = await tx.db.fetchrow("SELECT details, version FROM groups WHERE group_id = $1", group_id)
    tx.check_version(row["version"] if row else 0)
    if row is None:
        return None, 0
    return GroupDetails.model_validate_json(row["details"], extra="ignore"), row["version"]


async def save_group(tx: Transaction, group_id: str, details: GroupDetails, version: int) -> None:
    await tx.db.execute(
        "INSERT INTO groups (group_id, site_id, school_year, details, version) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (group_id) DO UPDATE SET site_id = $2, school_year = $3, details = $4, version = $5",
        group_id,
        details.site_id,
        details.school_year,
        _json(details),
        version,
    )


async def restore_group(tx: Transaction, group: GroupRecorded, version: int) -> bool:
    """Bring back a group that was announced before the database was restored; False when it does not follow."""
    known = await tx.db.fetchval("SELECT version FROM groups WHERE group_id = $1 FOR UPDATE", group.group_id)
    if (known or 0) != version - 1:
        return False
    await save_group(tx, group.group_id, GroupDetails.model_validate(dict(group), extra="ignore"), version)
    return True


async def groups(db: Reader, group_ids: Iterable[str]) -> dict[str, GroupDetails]:
    if not group_ids:
        return {}
    rows = await db.fetch("SELECT group_id, details FROM groups WHERE group_id = ANY($1)", list(group_ids))
    return {row["group_id"]: GroupDetails.model_validate_json(row["details"], extra="ignore") for row in rows}


_GROUPS = """
SELECT group_id, details, version FROM groups WHERE ($1::text IS NULL OR group_id = $1)
    AND ($2::text IS NULL OR site_id = $2) AND ($3::text IS NULL OR school_year = $3)
    AND ($4::text IS NULL OR group_id > $4)
    AND ($5::text[] IS NULL OR 'site:' || site_id = ANY($5)
        OR group_id IN (SELECT unnest(group_ids) FROM requests WHERE parties && $5))
ORDER BY group_id LIMIT $6
"""


async def group_page(
    db: Reader,
    audience: Audience,
    *,
    group_id: str | None = None,
    site_id: str | None = None,
    school_year: str | None = None,
    after: str | None = None,
    limit: int = 1,
) -> list[tuple[str, GroupDetails, int]]:
    """What this audience sees of the groups, each with its id and version: those of its sites, and those that a request
    names to which it is a party."""
    rows = await db.fetch(_GROUPS, group_id, site_id, school_year, after, audience, limit)
    return [
        (row["group_id"], GroupDetails.model_validate_json(row["details"], extra="ignore"), row["version"])
        for row in rows
    ]


async def save_comment(tx: Transaction, request: Request, comment: str) -> None:
    """What somebody added in words to the version of a request that they made."""
    await tx.db.execute(
        "INSERT INTO comments (request_id, version, comment) VALUES ($1, $2, $3)", request.id, request.version, comment
    )


REQUESTS = Aggregate(
    kind="request",
    load=lock,
    evolve=evolve,
    save=save,
    save_comment=save_comment,
    key=lambda request: request.details.site_id,
    correlation=lambda request: request.id,
    parties=parties,
    clocks=ClockTable(clocks.CLOCKS, CLOCK_NUMBERS, REQUESTS_TOPIC, lambda each: each.details.programme, SITES),
)

WITHOUT_TURN = ((REQUESTS, _WITHOUT_TURN),)
"""The open requests that are on no work list."""

RESTORE: dict[type[Event], Any] = {
    SiteRecorded: SITES.restore,
    GroupRecorded: restore_group,
    ClockStarted: restore_change,
    ClockPaused: restore_change,
    ClockBreached: restore_breach,
    **dict.fromkeys(get_args(RequestEvent), REQUESTS.restore),
}
"""How what this service announced comes back into the tables after a restore."""
