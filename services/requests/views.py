"""What `requests` shows: representations, and the lines of a bulk recording."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.requests import Answer, ClosureOutcome, RequestDetails
from contracts.sites import GroupDetails, SiteDetails
from contracts.values import Actor, Identifier, LearningAreas, Value
from services.chassis.http.parameters import MAX_PAGE, NextCursor, one_of
from services.chassis.life_cycle import Actions, available_actions
from services.requests.rules.request import LIFE_CYCLE, Request, Status, parties
from services.requests.store import MAX_DOUBLES


class RequestView(Value):
    """A request as its caller sees it."""

    request_id: UUID
    status: Annotated[str, one_of(Status)]
    broker_ids: Annotated[tuple[Identifier, ...], Field(max_length=50)]
    uncovered_areas: LearningAreas
    """The asked areas that nobody covers; while it is open, they show in the gap report."""
    answer: Answer | None = None
    outcome: ClosureOutcome | None = None
    details: RequestDetails
    version: int
    available_actions: Actions
    likely_doubles: Annotated[tuple[UUID, ...], Field(max_length=MAX_DOUBLES)] = ()
    """Open requests that look like this one: a warning, never a block."""


class SiteView(Value):
    """A site as it is recorded."""

    site_id: Identifier
    details: SiteDetails
    version: int | None = None


class GroupView(Value):
    """A group as it is recorded."""

    group_id: Identifier
    details: GroupDetails
    version: int | None = None


class SiteLine(SiteDetails):
    """One line of a bulk recording."""

    site_id: Identifier


class GroupLine(GroupDetails):
    """One line of a bulk recording."""

    group_id: Identifier


class RequestPage(Value):
    """A page of requests."""

    items: Annotated[tuple[RequestView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


class SitePage(Value):
    """A page of sites."""

    items: Annotated[tuple[SiteView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


class GroupPage(Value):
    """A page of groups."""

    items: Annotated[tuple[GroupView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


def view(request: Request, by: Actor, day: date, likely_doubles: tuple[UUID, ...] = ()) -> RequestView:
    return RequestView(
        request_id=request.id,
        status=request.status,
        broker_ids=request.broker_ids,
        uncovered_areas=request.uncovered_areas,
        answer=request.answer,
        outcome=request.outcome,
        details=request.details,
        version=request.version,
        available_actions=available_actions(LIFE_CYCLE, request, by, parties(request), day),
        likely_doubles=likely_doubles,
    )
