"""What `requests` shows: representations, and the lines of a bulk recording."""

from uuid import UUID

from contracts.requests import RequestDetails
from contracts.sites import GroupDetails, SiteDetails
from contracts.values import Actor, Identifier, Value
from services.chassis.life_cycle import available_actions
from services.requests.rules import LIFE_CYCLE, Request, parties


class RequestView(Value):
    """A request as its caller sees it."""

    request_id: UUID
    status: str
    broker_ids: tuple[Identifier, ...]
    answer: str | None
    outcome: str | None
    details: RequestDetails
    version: int
    available_actions: tuple[str, ...]
    likely_doubles: tuple[UUID, ...] = ()
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

    items: tuple[RequestView, ...]
    next_cursor: str | None = None


class SitePage(Value):
    """A page of sites."""

    items: tuple[SiteView, ...]
    next_cursor: str | None = None


def view(request: Request, by: Actor, likely_doubles: tuple[UUID, ...] = ()) -> RequestView:
    return RequestView(
        request_id=request.id,
        status=request.status,
        broker_ids=request.broker_ids,
        answer=request.answer,
        outcome=request.outcome,
        details=request.details,
        version=request.version,
        available_actions=available_actions(LIFE_CYCLE, request.status, by, parties(request)),
        likely_doubles=likely_doubles,
    )
