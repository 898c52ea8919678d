"""Topic `partnership.activities.v1`: what was delivered to groups of children, and what is said of it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import Event
from contracts.values import (
    BOOLEAN,
    DISTINCT,
    MAX_GROUPS,
    NUMBER,
    Actor,
    Audience,
    ChangedFields,
    Count,
    Identifier,
    Instant,
    LocalTime,
    Reason,
    SiteIds,
    Slug,
    SomeLearningAreas,
    SomeSiteIds,
    Substitution,
    Value,
)

ACTIVITIES = "partnership.activities.v1"

PartnerIds = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50), DISTINCT]
Setting = Literal["in_school", "out_of_school", "childcare"]
Origin = Literal["referral", "direct"]


class TakingPart(Value):
    """A registered group at an activity. Absent `participants` means not counted, not zero."""

    group_id: Identifier
    headcount: Count
    """The group's size as the partner knew it; figures use the register's."""
    participants: Count | None = None
    whole_group: Annotated[bool, BOOLEAN] = False


class OtherParticipants(Value):
    """People outside registered groups: shown beside, never in reach."""

    children: Count = 0
    parents: Count = 0
    professionals: Count = 0


class DeliveryDetails(Event):
    """One occurrence on one date, complete. A correction carries it whole again."""

    site_ids: SomeSiteIds
    """All sites involved, the lead first."""
    partner_ids: PartnerIds
    programme: Slug
    learning_areas: SomeLearningAreas
    occurred_at: LocalTime
    duration_minutes: Annotated[int, Field(ge=1, le=1440), NUMBER]
    setting: Setting
    holiday: Annotated[bool, BOOLEAN] = False
    audience: Audience = "children"
    groups: Annotated[tuple[TakingPart, ...], Field(max_length=MAX_GROUPS), DISTINCT] = ()
    """Each group once. A reader takes the larger count of a group that is named twice (ruling 9)."""
    other_participants: OtherParticipants = OtherParticipants()
    offer_id: Identifier | None = None
    funding: Literal["structural", "temporary", "unknown"] = "unknown"
    substitution: Substitution = "unknown"
    """Whether it replaced a piece of the existing programme or stacked on it."""
    assignment: Slug | None = None
    """The municipal assignment that pays for it."""


class ActivityPlan(Event):
    """What a partner intends to deliver."""

    site_ids: SomeSiteIds
    partner_ids: PartnerIds
    programme: Slug
    learning_areas: SomeLearningAreas
    planned_for: LocalTime
    audience: Audience = "children"
    referral_id: UUID | None = None


class ActivityPlanned(
    ActivityPlan,
    topics=(ACTIVITIES,),
    aggregate="activity",
    identified_by="activity_id",
    nl="Activiteit gepland",
):
    """A partner planned an activity, from a referral or directly."""

    activity_id: UUID
    request_id: UUID | None = None
    origin: Origin
    planned_by: Actor
    planned_at: Instant


class ActivityDelivered(
    DeliveryDetails,
    topics=(ACTIVITIES,),
    aggregate="activity",
    identified_by="activity_id",
    nl="Activiteit uitgevoerd",
):
    """A partner delivered an activity. A correction never says this again."""

    activity_id: UUID
    referral_id: UUID | None = None
    request_id: UUID | None = None
    origin: Origin
    confirmed_by_sites: SiteIds = ()
    """Sites that confirmed it on the spot."""
    registered_at: Instant


class ActivityCorrected(
    DeliveryDetails,
    topics=(ACTIVITIES,),
    aggregate="activity",
    identified_by="activity_id",
    nl="Activiteit gecorrigeerd",
):
    """What was registered of a delivered activity was wrong; this is the whole right body. A change of
    substitution, sites or calendar date ends earlier confirmations and disputes."""

    activity_id: UUID
    referral_id: UUID | None = None
    request_id: UUID | None = None
    origin: Origin
    changed: ChangedFields
    reason: Reason
    corrected_at: Instant


class ActivityRetracted(
    Event,
    topics=(ACTIVITIES,),
    aggregate="activity",
    identified_by="activity_id",
    nl="Activiteit teruggenomen",
):
    """The activity never was, or should not have been registered; it leaves every figure."""

    activity_id: UUID
    reason: Reason
    retracted_at: Instant


class ActivityConfirmed(
    Event, topics=(ACTIVITIES,), aggregate="activity", identified_by="activity_id", nl="Activiteit bevestigd"
):
    """A site confirms that the activity was delivered there as registered. The last word per site holds."""

    activity_id: UUID
    site_id: Identifier
    confirmed_at: Instant


class ActivityDisputed(
    Event, topics=(ACTIVITIES,), aggregate="activity", identified_by="activity_id", nl="Activiteit betwist"
):
    """A site says that it was not so. The last word per site holds."""

    activity_id: UUID
    site_id: Identifier
    reason: Reason
    disputed_at: Instant


class ActivityRescheduled(
    Event, topics=(ACTIVITIES,), aggregate="activity", identified_by="activity_id", nl="Activiteit verzet"
):
    """A planned activity is held at another moment."""

    activity_id: UUID
    planned_for: LocalTime
    rescheduled_by: Actor
    rescheduled_at: Instant


class ActivityCancelled(
    Event, topics=(ACTIVITIES,), aggregate="activity", identified_by="activity_id", nl="Activiteit afgezegd"
):
    """A planned activity will not be held."""

    activity_id: UUID
    reason: Reason
    cancelled_by: Actor
    cancelled_at: Instant


class ActivityNotHeld(
    Event, topics=(ACTIVITIES,), aggregate="activity", identified_by="activity_id", nl="Activiteit niet doorgegaan"
):
    """A planned activity was not held, and nobody had cancelled it."""

    activity_id: UUID
    reason: Reason
    reported_by: Actor
    reported_at: Instant
