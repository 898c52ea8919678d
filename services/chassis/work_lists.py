"""Work lists: what an organisation must do, and up to which day.

Guarantee: whoever's turn it is finds every open object on its list once, and nobody else does. Each comes with the
actions that its caller may take now.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from contracts.clocks import NextActor, ObjectKind
from contracts.values import Actor, Identifier, ReferenceDay, Role, Slug, Value, calendar_day
from services.chassis.clock_table import NEXT_ACTOR, OPERATORS
from services.chassis.http.parameters import MAX_PAGE, CurrentCaller, Limit, NextCursor, ReadPool, ShortText
from services.chassis.http.queries import query_routes
from services.chassis.life_cycle import Actions, Parties, Step, available_actions
from services.chassis.problems import NotAllowed, WrongField
from services.chassis.running.database import Reader
from services.chassis.visibility import PARTY_OF, SEES_ALL

PAGE = """
SELECT clock_id, act_by, holder, name, object_kind, object_id, key FROM (
    SELECT clock_id, act_by, holder FROM work
    WHERE holder = $1 AND (act_by, clock_id) > (coalesce($2, '-infinity'::date), coalesce($3, $5::uuid))
    ORDER BY act_by, clock_id LIMIT $4
) AS theirs JOIN clocks USING (clock_id) ORDER BY act_by, clock_id
"""
_BEFORE_ALL = UUID(int=0)
_CURSOR = "^[1-9][0-9]{5}~[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""The place of an object on a list: its day, as a number, and its clock."""


class WorkItem(Value):
    """What must be done next with something that is open."""

    object_kind: ObjectKind
    object_id: UUID
    site_id: Identifier
    """The site that asks, or where it is held."""
    status: ShortText
    clock: Slug
    """What is waited for, such as `decide`."""
    next_actor: NextActor
    act_by: ReferenceDay
    """The last day on which it is in time."""
    is_overdue: bool
    version: int
    available_actions: Actions
    """What the caller may do with it now."""


class WorkPage(Value):
    """A page of a work list."""

    items: Annotated[tuple[WorkItem, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


@dataclass(frozen=True, slots=True)
class Objects:
    """One kind of what stands on work lists."""

    find: Callable[[Reader, Sequence[UUID]], Awaitable[Sequence[Any]]]
    """Those with these ids."""
    steps: Sequence[Step[Any]]
    parties: Callable[[Any], Parties]

    async def shown(self, db: Reader, ids: Sequence[UUID], by: Actor, day: date) -> dict[UUID, dict[str, Any]]:
        return {
            thing.id: {
                "status": thing.status,
                "version": thing.version,
                "available_actions": available_actions(self.steps, thing, by, self.parties(thing), day),
            }
            for thing in await self.find(db, ids)
        }


def work_list_of(kinds: Mapping[ObjectKind, Objects]) -> APIRouter:
    queries = query_routes()

    @queries.get("/v1/work", tags=["work lists"], responses={403: {}})
    async def list_work(
        caller: CurrentCaller,
        db: ReadPool,
        *,
        role: Annotated[Role | None, Query(description="Whose list; the caller's own unless it is named.")] = None,
        organisation: Annotated[
            Identifier | None, Query(description="Of which organisation; the caller's own unless it is named.")
        ] = None,
        cursor: Annotated[str | None, Query(pattern=_CURSOR)] = None,
        limit: Limit = 50,
    ) -> WorkPage:
        """What is up to this organisation, most urgent first. Operators and analysts may look at everybody's list."""
        by, today = caller.actor, calendar_day(caller.now)
        holder = _holder(by, role or by.role, organisation or by.organisation)
        rows = await db.fetch(PAGE, holder, *_after(cursor), limit + 1, _BEFORE_ALL)
        shown: dict[UUID, dict[str, Any]] = {}
        for kind, objects in kinds.items():
            if ids := [row["object_id"] for row in rows[:limit] if row["object_kind"] == kind]:
                shown |= await objects.shown(db, ids, by, today)
        items = tuple(_item(row, shown[row["object_id"]], today) for row in rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return WorkPage(items=items, next_cursor=f"{last['act_by'].toordinal()}~{last['clock_id']}" if last else None)

    return queries


def _holder(by: Actor, role: Role, organisation: Identifier) -> str:
    """Whose list it is, as party:organisation. Raises `NotAllowed` unless the caller may see it."""
    if role == "operator":
        if by.role not in SEES_ALL:
            raise NotAllowed("Operators look at their own list.", WrongField("role", role, by.role))
        return OPERATORS
    own = PARTY_OF.get(by.role), by.organisation
    if by.role not in SEES_ALL and (PARTY_OF.get(role), organisation) != own:
        raise NotAllowed(
            f"You act as {by.role} for {by.organisation}: that list is yours.",
            WrongField("organisation", organisation, by.organisation),
        )
    return f"{PARTY_OF.get(role)}:{organisation}"


def _after(cursor: str | None) -> tuple[date | None, UUID | None]:
    if cursor is None:
        return None, None
    act_by, _, clock_id = cursor.partition("~")
    return date.fromordinal(int(act_by)), UUID(clock_id)


def _item(row: Any, shown: Mapping[str, Any], today: date) -> WorkItem:  # noqa: ANN401 - a row has no type of its own
    return WorkItem(
        object_kind=row["object_kind"],
        object_id=row["object_id"],
        site_id=row["key"],
        clock=row["name"],
        next_actor=NEXT_ACTOR[row["holder"].partition(":")[0]],
        act_by=row["act_by"],
        is_overdue=row["act_by"] < today,
        **shown,
    )
