"""Clocks of requests, referrals and activities: how long something may wait, and that it waited too long."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import Event
from contracts.referrals import REFERRALS
from contracts.requests import REQUESTS
from contracts.values import DISTINCT, Identifier, Instant, ReferenceDay, Slug, WaitedYear

ObjectKind = Literal["request", "referral", "activity"]
NextActor = Literal["consultant", "partner", "operator"]
SchoolYears = Annotated[tuple[WaitedYear, ...], Field(max_length=20), DISTINCT]


class ClockStarted(Event, topics=(REQUESTS, REFERRALS), aggregate="clock", identified_by="clock_id", nl="Klok gestart"):
    """Something waits from now on. A clock that runs already counts anew: the wait goes on."""

    clock_id: UUID
    clock: Slug
    """What is waited for, such as `decide`."""
    object_kind: ObjectKind
    object_id: UUID
    request_id: UUID | None = None
    """The request to which it belongs, if there is one."""
    site_id: Identifier | None = None
    """The site that asks, or where it is held. Not said before there were work lists."""
    programme: Slug | None = None
    breach: Slug
    """What follows first when nobody acts, such as `remind`."""
    due_on: ReferenceDay
    """The last day on which it does not follow yet."""
    unknown_years: SchoolYears = ()
    """The school years on the way whose holidays are not known: it may be due too early."""
    next_actor: NextActor | None = None
    """Whose turn it is meanwhile. An open object has one running clock that says so, never two."""
    act_by: ReferenceDay | None = None
    """The last day on which the next actor is in time."""
    started_at: Instant


class ClockPaused(Event, topics=(REQUESTS, REFERRALS), aggregate="clock", identified_by="clock_id", nl="Klok gestopt"):
    """What was waited for has come, or is waited for no longer; also when all that follows has followed."""

    clock_id: UUID
    clock: Slug
    object_kind: ObjectKind
    object_id: UUID
    paused_at: Instant


class ClockBreached(
    Event, topics=(REQUESTS, REFERRALS), aggregate="clock", identified_by="clock_id", nl="Klok verlopen"
):
    """It waited too long. The clock runs on while something else follows after more days."""

    clock_id: UUID
    clock: Slug
    object_kind: ObjectKind
    object_id: UUID
    breach: Slug
    """What follows now, such as `remind`, `escalate` or `expire`."""
    due_on: ReferenceDay
    next_breach: Slug | None = None
    next_due_on: ReferenceDay | None = None
    breached_at: Instant
