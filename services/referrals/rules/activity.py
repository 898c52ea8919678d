"""Life of an activity: what may happen next, and what we announce when it does.

Pure: no clock, no database, no broker. Time arrives as an argument. `LIFE_CYCLE` is the one table of who may
do what when: the rules, `availableActions`, the documentation and the tests read it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from contracts.activities import (
    ActivityCancelled,
    ActivityConfirmed,
    ActivityCorrected,
    ActivityDelivered,
    ActivityDisputed,
    ActivityNotHeld,
    ActivityPlan,
    ActivityPlanned,
    ActivityRescheduled,
    ActivityRetracted,
    DeliveryDetails,
)
from contracts.referrals import OutcomeConfirmed, ReferralMade
from contracts.values import Actor, Identifier, LocalTime, Reason, Text, Value, calendar_day
from services.chassis.life_cycle import SAME, Condition, Parties, Step, allow, allow_actor, status_after
from services.chassis.problems import Malformed, NotFound, NotYetKnown, RuleSaysNo, WrongField
from services.chassis.reasons import Why, check_reason
from services.referrals.reasons import LISTS
from services.referrals.rules.delivery import Known, body_of, check_body, check_named
from services.referrals.rules.referral import PARTNER, SITE, Referral

ActivityEvent = (
    ActivityPlanned
    | ActivityRescheduled
    | ActivityDelivered
    | ActivityCancelled
    | ActivityNotHeld
    | ActivityCorrected
    | ActivityRetracted
    | ActivityConfirmed
    | ActivityDisputed
)


class Status(StrEnum):
    """Where an activity stands."""

    PLANNED = "planned"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    NOT_HELD = "not_held"
    RETRACTED = "retracted"


STANDING = (Status.PLANNED, Status.DELIVERED)
"""Its day counts for its referral."""
NOT_RETRACTED = (Status.PLANNED, Status.DELIVERED, Status.CANCELLED, Status.NOT_HELD)


class BeforeActivityDay(RuleSaysNo):
    """Before its day it can be cancelled or rescheduled; whether it was held shows on that day."""


_DAY_HAS_COME = Condition(
    lambda activity, day: calendar_day(activity.planned.planned_for) <= day,
    BeforeActivityDay,
)

LIFE_CYCLE = (
    Step("plan", (), ActivityPlanned, Status.PLANNED, PARTNER),
    Step("reschedule", (Status.PLANNED,), ActivityRescheduled, SAME, PARTNER),
    Step("cancel", (Status.PLANNED,), ActivityCancelled, Status.CANCELLED, PARTNER, "activity-cancellation"),
    Step(
        "report-not-held",
        (Status.PLANNED,),
        ActivityNotHeld,
        Status.NOT_HELD,
        PARTNER,
        "activity-not-held",
        when=_DAY_HAS_COME,
    ),
    Step("deliver", (Status.PLANNED,), ActivityDelivered, Status.DELIVERED, PARTNER),
    Step("correct", (Status.DELIVERED,), ActivityCorrected, SAME, PARTNER, "activity-correction"),
    Step("retract", NOT_RETRACTED, ActivityRetracted, Status.RETRACTED, PARTNER, "activity-retraction"),
    Step("confirm", (Status.DELIVERED,), ActivityConfirmed, SAME, SITE),
    Step("dispute", (Status.DELIVERED,), ActivityDisputed, SAME, SITE, "activity-dispute"),
)


class NoSuchActivity(NotFound):
    """There is no such activity."""


class NothingChanged(RuleSaysNo):
    """A correction changes something; this is what was registered already."""


class OccurrenceInPast(Malformed):
    """What is rescheduled is held today or later."""


class NotAsReferred(Malformed):
    """What comes of a referral is at its site, by its partner and in its programme."""


class ReschedulingBody(Value):
    """When it is held instead."""

    planned_for: LocalTime


class CorrectionBody(DeliveryDetails):
    """The whole right body, and why the old one was wrong."""

    reason: Reason
    comment: Text | None = None
    """For the people concerned; it stays in this service and never enters an event."""

    @property
    def why(self) -> Why:
        return Why(reason=self.reason, comment=self.comment)


class ConfirmationBody(Value):
    """Which site says that it was so."""

    site_id: Identifier


class DisputeBody(Why):
    """Which site says that it was not so, and why."""

    site_id: Identifier


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as the rules see it."""

    planned: ActivityPlanned
    status: Status
    version: int
    body: DeliveryDetails | None = None
    confirmed_by: frozenset[Identifier] = frozenset()
    """The sites whose last word is that it was so."""
    disputed_by: frozenset[Identifier] = frozenset()
    broker_ids: tuple[Identifier, ...] = ()
    """The brokers of its referral; none while it is being planned."""

    @property
    def id(self) -> UUID:
        return self.planned.activity_id

    @property
    def site_ids(self) -> tuple[Identifier, ...]:
        """The sites involved, as far as is known now."""
        return (self.body or self.planned).site_ids

    @property
    def partner_ids(self) -> tuple[Identifier, ...]:
        """The partners involved, as far as is known now."""
        return (self.body or self.planned).partner_ids

    @property
    def planned_on(self) -> date:
        return calendar_day(self.planned.planned_for)

    @property
    def stands_on(self) -> date | None:
        """The day for which it stands; none when it was cancelled, not held or retracted."""
        return self.planned_on if self.status in STANDING else None


def parties(activity: Activity) -> Parties:
    """Who is concerned: its partners, its sites, and the brokers of its referral."""
    return {"partner": activity.partner_ids, "site": activity.site_ids, "broker": activity.broker_ids}


def _allow(activity: Activity, action: str, by: Actor, at: datetime, why: Why | None = None) -> Step[Status]:
    step = allow(LIFE_CYCLE, action, activity, by, parties(activity), calendar_day(at))
    if why is not None:
        check_reason(step, LISTS, why.reason, why.comment, by=by, day=calendar_day(at))
    return step


def plan(
    activity_id: UUID, details: ActivityPlan, *, referral: Referral | None, known: Known, by: Actor, at: datetime
) -> ActivityPlanned:
    """A partner plans an activity, from a referral or directly."""
    allow(LIFE_CYCLE, "plan", None, by, {"partner": details.partner_ids}, calendar_day(at))
    check_named(details, known)
    if details.referral_id is not None:
        if referral is None or referral.made.partner_id != by.organisation:
            raise NotYetKnown(
                f"referralId is {details.referral_id}: this service knows of no such referral to {by.organisation}.",
                WrongField("referralId", str(details.referral_id), "a referral to your organisation"),
            )
        _check_fits(details, referral.made)
    return ActivityPlanned(
        **dict(details),
        activity_id=activity_id,
        request_id=referral.made.request_id if referral else None,
        origin="referral" if referral else "direct",
        planned_by=by,
        planned_at=at,
    )


def _check_fits(named: ActivityPlan | DeliveryDetails, made: ReferralMade) -> None:
    """What comes of a referral is what was asked of its partner: at its site, in its programme."""
    for field, among, its_own in (
        ("siteIds", named.site_ids, made.site_id),
        ("partnerIds", named.partner_ids, made.partner_id),
    ):
        if its_own not in among:
            raise NotAsReferred(
                f"{field} does not name {its_own}, of the referral from which it comes.",
                WrongField(field, list(among), f"{its_own} among them"),
            )
    if made.programme is not None and named.programme != made.programme:
        raise NotAsReferred(None, WrongField("programme", named.programme, made.programme))


def reschedule(activity: Activity, body: ReschedulingBody, *, by: Actor, at: datetime) -> ActivityRescheduled:
    """A planned activity is held at another moment."""
    _allow(activity, "reschedule", by, at)
    planned_for = body.planned_for
    if calendar_day(planned_for) < calendar_day(at):
        raise OccurrenceInPast(
            f"plannedFor is {planned_for.isoformat()}; today is {calendar_day(at)}.",
            WrongField("plannedFor", planned_for.isoformat(), f"at least {calendar_day(at)}"),
        )
    return ActivityRescheduled(activity_id=activity.id, planned_for=planned_for, rescheduled_by=by, rescheduled_at=at)


def cancel(activity: Activity, why: Why, *, by: Actor, at: datetime) -> ActivityCancelled:
    """A planned activity will not be held."""
    _allow(activity, "cancel", by, at, why)
    return ActivityCancelled(activity_id=activity.id, reason=why.reason, cancelled_by=by, cancelled_at=at)


def report_not_held(activity: Activity, why: Why, *, by: Actor, at: datetime) -> ActivityNotHeld:
    """A planned activity was not held, and nobody had cancelled it."""
    _allow(activity, "report-not-held", by, at, why)
    return ActivityNotHeld(activity_id=activity.id, reason=why.reason, reported_by=by, reported_at=at)


def deliver(
    activity: Activity,
    body: DeliveryDetails,
    *,
    made: ReferralMade | None,
    known: Known,
    by: Actor,
    at: datetime,
) -> ActivityDelivered:
    """A partner registers that it was delivered. Whether that is so, its sites say themselves. `made`: the referral
    that it comes of."""
    allow_actor(_allow(activity, "deliver", by, at), by, {"partner": body.partner_ids})
    check_body(body, known, calendar_day(at))
    if made is not None:
        _check_fits(body, made)
    return ActivityDelivered(
        **dict(body),
        activity_id=activity.id,
        referral_id=activity.planned.referral_id,
        request_id=activity.planned.request_id,
        origin=activity.planned.origin,
        registered_at=at,
    )


def correct(
    activity: Activity, body: CorrectionBody, *, made: ReferralMade | None, known: Known, by: Actor, at: datetime
) -> ActivityCorrected:
    """A partner registers the whole body again, as it should have been. `made`: the referral that it comes of."""
    right = body_of(body)
    allow_actor(_allow(activity, "correct", by, at, body.why), by, {"partner": right.partner_ids})
    check_body(right, known, calendar_day(at))
    if made is not None:
        _check_fits(right, made)
    changed = tuple(
        str(field.alias)
        for name, field in DeliveryDetails.model_fields.items()
        if getattr(right, name) != getattr(activity.body, name)
    )
    if not changed:
        raise NothingChanged(None, WrongField("body", None, "a body that differs from what was registered"))
    return ActivityCorrected(
        **dict(right),
        activity_id=activity.id,
        referral_id=activity.planned.referral_id,
        request_id=activity.planned.request_id,
        origin=activity.planned.origin,
        changed=changed,
        reason=body.reason,
        corrected_at=at,
    )


def retract(activity: Activity, why: Why, *, by: Actor, at: datetime) -> ActivityRetracted:
    """A partner takes it back, for good: it leaves every figure."""
    _allow(activity, "retract", by, at, why)
    return ActivityRetracted(activity_id=activity.id, reason=why.reason, retracted_at=at)


def confirm(activity: Activity, body: ConfirmationBody, *, by: Actor, at: datetime) -> ActivityConfirmed:
    """A site says that it was so. Its last word holds."""
    allow_actor(_allow(activity, "confirm", by, at), by, {"site": (body.site_id,)})
    return ActivityConfirmed(activity_id=activity.id, site_id=body.site_id, confirmed_at=at)


def confirmed_with_outcome(activities: Iterable[Activity], outcome: OutcomeConfirmed) -> list[ActivityConfirmed]:
    """Which delivered activities of a referral a site confirms with its outcome: those at it that it has not confirmed
    yet (ruling 17)."""
    site_id = outcome.site_id
    return [
        ActivityConfirmed(activity_id=each.id, site_id=site_id, confirmed_at=outcome.confirmed_at)
        for each in activities
        if each.status is Status.DELIVERED and site_id in each.site_ids and site_id not in each.confirmed_by
    ]


def dispute(activity: Activity, body: DisputeBody, *, by: Actor, at: datetime) -> ActivityDisputed:
    """A site says that it was not so. Its last word holds."""
    allow_actor(_allow(activity, "dispute", by, at, body), by, {"site": (body.site_id,)})
    return ActivityDisputed(activity_id=activity.id, site_id=body.site_id, reason=body.reason, disputed_at=at)


def _is_about_the_same(old: DeliveryDetails | None, new: DeliveryDetails) -> bool:
    """Whether what sites said of the old body holds for the new one (ruling 17)."""
    return old is not None and (
        (set(old.site_ids), old.substitution, calendar_day(old.occurred_at))
        == (set(new.site_ids), new.substitution, calendar_day(new.occurred_at))
    )


def evolve(activity: Activity | None, event: ActivityEvent) -> Activity:
    """The activity after the event: the only place where its state changes. The table gives the status; an event that
    has no case below sets nothing else."""
    status = status_after(LIFE_CYCLE, activity.status if activity else None, event)
    if isinstance(event, ActivityPlanned):
        return Activity(event, status, version=1)
    assert activity is not None, "every other event follows ActivityPlanned"
    said: dict[str, Any] = {}
    match event:
        case ActivityRescheduled():
            said = {"planned": activity.planned.model_copy(update={"planned_for": event.planned_for})}
        case ActivityDelivered():
            said = {"body": body_of(event), "confirmed_by": frozenset(event.confirmed_by_sites)}
        case ActivityCorrected():
            none: frozenset[Identifier] = frozenset()
            was_said = {} if _is_about_the_same(activity.body, event) else {"confirmed_by": none, "disputed_by": none}
            said = {"body": body_of(event), **was_said}
        case ActivityConfirmed(site_id=site):
            said = {"confirmed_by": activity.confirmed_by | {site}, "disputed_by": activity.disputed_by - {site}}
        case ActivityDisputed(site_id=site):
            said = {"confirmed_by": activity.confirmed_by - {site}, "disputed_by": activity.disputed_by | {site}}
    return replace(activity, status=status, version=activity.version + 1, **said)
