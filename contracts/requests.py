"""Topic `partnership.requests.v1`: the need, from the question to its end."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from contracts.events import Event
from contracts.values import (
    BOOLEAN,
    DISTINCT,
    MAX_GROUPS,
    Actor,
    Audience,
    ChangedFields,
    Count,
    Day,
    Identifier,
    Instant,
    LearningAreas,
    Reason,
    SiteIds,
    Slug,
    SomeLearningAreas,
    Substitution,
    Value,
)

REQUESTS = "partnership.requests.v1"

Answer = Literal["refer", "advise", "cannot_help"]
ClosureOutcome = Literal["fulfilled", "partly_fulfilled", "advice_only", "not_fulfilled"]
BrokerIds = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50), DISTINCT]
ActivityIds = Annotated[tuple[UUID, ...], Field(max_length=500), DISTINCT]


class AskedGroup(Value):
    """A group for which something is asked, and how many children that is about."""

    group_id: Identifier
    headcount: Count


AskedGroups = Annotated[tuple[AskedGroup, ...], Field(max_length=MAX_GROUPS), DISTINCT]
"""Each group once. A reader takes the larger headcount of a group that is named twice."""

_GROUPS = {
    "type": "object",
    "properties": {"groups": {"type": "array", "minItems": 1, "maxItems": MAX_GROUPS}, "headcount": False},
}
_HEADCOUNT = {
    "type": "object",
    "properties": {"groups": {"type": "array", "maxItems": 0}, "headcount": {"type": "integer"}},
    "required": ["headcount"],
}
_GROUPS_OR_HEADCOUNT: dict[str, Any] = {
    "if": {"type": "object", "properties": {"audience": {"const": "children"}}},
    "then": {"oneOf": [_GROUPS, _HEADCOUNT]},
}


class RequestDetails(Event):
    """What a coordinator asks."""

    model_config = ConfigDict(json_schema_extra=_GROUPS_OR_HEADCOUNT)

    site_id: Identifier
    co_site_ids: SiteIds = ()
    """The sites that raise it together with the first (childcare, out-of-school care, secondary)."""
    programme: Slug
    learning_areas: SomeLearningAreas
    audience: Audience = "children"
    groups: AskedGroups = ()
    headcount: Count | None = None
    """How many it is about, where no registered group says so: for children one of the two."""
    wished_from: Day
    wished_to: Day
    """The last day that is wished."""
    intention: Substitution
    """Whether it should replace a piece of the existing programme or stack on it."""
    self_referral: Annotated[Literal[True], BOOLEAN] | None = None
    """The people whom it is about asked for it themselves; the site passes it on."""


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
    """A broker covers at least one of the areas; its consultants now have the request.

    Announced again on every day on which its brokers or covered areas change, also after an answer, which stays. The
    newest of this event and `RequestUnbrokered` holds.
    """

    request_id: UUID
    broker_ids: BrokerIds
    learning_areas: SomeLearningAreas
    """The areas that a broker covers."""
    uncovered_areas: LearningAreas = ()
    """The areas that nobody covers: they show in the gap report."""
    assigned_at: Instant


class RequestUnbrokered(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag zonder makelaar"
):
    """Nobody covers any of the areas, or any more. The request stays visible and is assigned when a broker comes; an
    answer that it has stays."""

    request_id: UUID
    learning_areas: SomeLearningAreas
    unbrokered_at: Instant


class RequestAnswered(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag beantwoord"
):
    """The consultant answered. `refer` follows by itself from the first referral, and is dated as it."""

    request_id: UUID
    answer: Answer
    reason: Reason | None = None
    answered_by: Actor
    answered_at: Instant


class RequestCheckedIn(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag in behandeling"
):
    """The consultant says that it is working on the answer: what is waited for counts anew."""

    request_id: UUID
    checked_in_by: Actor
    checked_in_at: Instant


class RequestClosed(Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag gesloten"):
    """The request came to its end: what became of it, and what was asked and not fulfilled."""

    request_id: UUID
    outcome: ClosureOutcome
    reason: Reason | None = None
    activity_ids: ActivityIds = ()
    unmet_areas: LearningAreas = ()
    closed_by: Actor
    closed_at: Instant


class RequestWithdrawn(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag ingetrokken"
):
    """The asking side takes its request back; its open referrals are withdrawn."""

    request_id: UUID
    reason: Reason
    withdrawn_by: Actor
    withdrawn_at: Instant


class RequestReopened(Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag heropend"):
    """A closure is taken back: the request stands again where it stood before. Its newest closure counts no more."""

    request_id: UUID
    returns_to: Literal["answered", "no_broker"]
    """The state from which it was closed."""
    reason: Reason
    reopened_by: Actor
    reopened_at: Instant


class RequestVoided(
    Event, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag ongeldig verklaard"
):
    """The request was a mistake: it leaves every figure with its referrals, and stays in the log."""

    request_id: UUID
    reason: Reason
    voided_by: Actor
    voided_at: Instant


class RequestAmended(
    RequestDetails, topics=(REQUESTS,), aggregate="request", identified_by="request_id", nl="Vraag gewijzigd"
):
    """The asking side changed an open request; this is the whole of what it asks now. The site that asks stays the
    same. Referrals made before say what was asked then."""

    request_id: UUID
    changed: ChangedFields
    amended_by: Actor
    amended_at: Instant
