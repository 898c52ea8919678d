"""What this service has heard of a request, in whichever order it came."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from contracts.requests import RequestDetails
from contracts.values import Identifier, LearningArea
from services.chassis.life_cycle import EVERYONE, Parties

Status = Literal["raised", "assigned", "no_broker", "answered", "closed"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request of another service, as far as our rules need it."""

    id: UUID
    status: Status
    answer: str | None = None
    site_id: Identifier | None = None
    """The site that asks; none while `RequestRaised` has not come."""
    broker_ids: tuple[Identifier, ...] = ()
    covered_areas: tuple[LearningArea, ...] = ()
    """The areas that were asked and that a broker covers."""
    asked: RequestDetails | None = None
    """What was asked; none while `RequestRaised` has not come."""

    @property
    def is_open(self) -> bool:
        """Whether it can be referred."""
        return self.status == "assigned" or (self.status == "answered" and self.answer == "refer")


def parties(request: Request | None) -> Parties:
    """Who is concerned: the brokers to which it is assigned; while none is known here, every broker."""
    return {"broker": (request.broker_ids if request else ()) or EVERYONE}
