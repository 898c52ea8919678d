"""Where a request goes: to the brokers that cover an area of it on a day, or visibly to nobody. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.requests import RequestAssigned, RequestUnbrokered
from contracts.values import Identifier, LearningArea
from services.requests.rules.request import ROUTER, Request, Status, check_allowed


@dataclass(frozen=True, slots=True)
class Routing:
    """Who brokers a request on a day, which of its areas, and which of them nobody does."""

    broker_ids: tuple[Identifier, ...]
    covered_areas: tuple[LearningArea, ...]
    uncovered_areas: tuple[LearningArea, ...]


Covering = Mapping[LearningArea, Collection[Identifier]]
"""For every area that was asked, the brokers that cover it on a day."""


def routing_of(areas: Iterable[LearningArea], covering: Covering) -> Routing:
    """Where a request for these areas goes: what its brokers, the gap report and the unmet areas follow from."""
    asked = tuple(areas)
    return Routing(
        broker_ids=tuple(sorted({broker for area in asked for broker in covering[area]})),
        covered_areas=tuple(area for area in asked if covering[area]),
        uncovered_areas=tuple(area for area in asked if not covering[area]),
    )


def route(request: Request, covering: Covering, *, at: datetime) -> RequestAssigned | RequestUnbrokered:
    """The router: to the brokers that cover an area of it, or visibly to nobody."""
    routing = routing_of(request.details.learning_areas, covering)
    check_allowed(request, "assign" if routing.broker_ids else "unbroker", ROUTER, at)
    if not routing.broker_ids:
        return RequestUnbrokered(request_id=request.id, learning_areas=request.details.learning_areas, unbrokered_at=at)
    return RequestAssigned(
        request_id=request.id,
        broker_ids=routing.broker_ids,
        learning_areas=routing.covered_areas,
        uncovered_areas=routing.uncovered_areas,
        assigned_at=at,
    )


def route_anew(request: Request, covering: Covering, *, at: datetime) -> RequestAssigned | RequestUnbrokered | None:
    """`route` on another day, or with other brokers; None where it goes to the same brokers for the same areas."""
    routing = routing_of(request.details.learning_areas, covering)
    is_same = (request.broker_ids, request.covered_areas) == (routing.broker_ids, routing.covered_areas)
    return None if is_same and request.status is not Status.RAISED else route(request, covering, at=at)
