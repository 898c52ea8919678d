"""Topic `partnership.requests.v1`: the need, from the question to its end."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.events import Event
from contracts.values import (
    Actor,
    Audience,
    Count,
    Day,
    Identifier,
    Instant,
    LearningArea,
    Reason,
    Slug,
    Substitution,
    Value,
    check_order,
    check_unique,
)

REQUESTS = "partnership.requests.v1"


class AskedGroup(Value):
    """A group for which something is asked, and how many children that is about."""

    group_id: Identifier
    headcount: Count


class RequestDetails(Event):
    """What a coordinator asks."""

    site_id: Identifier
    co_site_ids: tuple[Identifier, ...] = ()
    """The sites that raise it together with the first (childcare, out-of-school care, secondary)."""
    programme: Slug
    learning_areas: Annotated[tuple[LearningArea, ...], Field(min_length=1)]
    audience: Audience = "children"
    groups: tuple[AskedGroup, ...] = ()
    headcount: Count | None = None
    """How many it is about, where no registered group says so."""
    wished_from: Day
    wished_to: Day
    intention: Substitution
    """Whether it should replace a piece of the existing programme or stack on it."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_order(self.wished_from, self.wished_to, field="wishedTo", after="wishedFrom")
        check_unique([group.group_id for group in self.groups], field="groups")
        check_unique([f"{area.scheme}/{area.code}" for area in self.learning_areas], field="learningAreas")
        check_unique([self.site_id, *self.co_site_ids], field="coSiteIds")
        if self.audience == "children" and bool(self.groups) == (self.headcount is not None):
            raise PydanticCustomError(
                "groups_or_headcount",
                "a request for children names its groups or a headcount, one of the two",
                {"field": "groups"},
            )
        return self


class RequestRaised(
    RequestDetails, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag gesteld"
):
    """A coordinator raised a request for one or more learning areas."""

    request_id: UUID
    raised_by: Actor
    raised_at: Instant


class RequestAssigned(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag toegewezen"
):
    """A broker covers at least one of the areas; its consultants now have the request."""

    request_id: UUID
    broker_ids: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    learning_areas: Annotated[tuple[LearningArea, ...], Field(min_length=1)]
    """The areas that a broker covers."""
    uncovered_areas: tuple[LearningArea, ...] = ()
    """The areas that nobody covers: they show in the gap report."""
    assigned_at: Instant


class RequestUnbrokered(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag zonder makelaar"
):
    """Nobody covers any of the areas. The request stays visible and is assigned when a broker comes."""

    request_id: UUID
    learning_areas: Annotated[tuple[LearningArea, ...], Field(min_length=1)]
    unbrokered_at: Instant


class RequestAnswered(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag beantwoord"
):
    """The consultant answered. `refer` follows by itself from the first referral, and is dated as it."""

    request_id: UUID
    answer: Literal["refer", "advise", "cannot_help"]
    reason: Reason | None = None
    answered_by: Actor
    answered_at: Instant


class RequestClosed(Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag gesloten"):
    """The request came to its end: what became of it, and what was asked and not fulfilled."""

    request_id: UUID
    outcome: Literal["fulfilled", "partly_fulfilled", "advice_only", "not_fulfilled"]
    reason: Reason | None = None
    activity_ids: tuple[UUID, ...] = ()
    unmet_areas: tuple[LearningArea, ...] = ()
    closed_by: Actor
    closed_at: Instant
