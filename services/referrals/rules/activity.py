"""Life of an activity: what may happen next, and what we announce when it does.

Pure: no clock, no database, no broker. Time arrives as an argument. `LIFE_CYCLE` is the one table of who may
do what when: the rules, `availableActions`, the documentation and the tests read it.
"""

from collections.abc import Collection, Iterable, Mapping
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
    TakingPart,
)
from contracts.referrals import OutcomeConfirmed
from contracts.values import Actor, Identifier, Reason, Value, calendar_day, school_year_of
from services.chassis.checks import check_headcount, check_unique
from services.chassis.life_cycle import SAME, Condition, Parties, Step, allow, allow_actor, status_after
from services.chassis.problems import Malformed, NotFound, NotYetKnown, RuleSaysNo, WrongField
from services.chassis.reasons import ReasonLists, check_reason
from services.chassis.schemes import Schemes, check_areas_unique, check_learning_areas
from services.referrals.rules.referral import PARTNER, SITE, Referral, UnknownPartner

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


NOT_RETRACTED = (Status.PLANNED, Status.DELIVERED, Status.CANCELLED, Status.NOT_HELD)


class DayHasNotCome(RuleSaysNo):
    """Before its day it can be cancelled or rescheduled; whether it was held shows on that day."""


_DAY_HAS_COME = Condition(
    lambda activity, day: calendar_day(activity.planned.planned_for) <= day,
    DayHasNotCome,
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


class OccurrenceInFuture(Malformed):
    """An activity is registered on its own day or later."""


class ParticipantsExceedHeadcount(Malformed):
    """More children of a group took part than the group has."""


class GroupOfAnotherSite(Malformed):
    """A group takes part when its site is involved."""


class OtherThanReferred(Malformed):
    """What is planned from a referral is at its site and in its programme."""


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
        return self.planned_on if self.status in (Status.PLANNED, Status.DELIVERED) else None


def parties(activity: Activity) -> Parties:
    """Who is concerned: its partners, its sites, and the brokers of its referral."""
    return {"partner": activity.partner_ids, "site": activity.site_ids, "broker": activity.broker_ids}


@dataclass(frozen=True, slots=True)
class Known:
    """What this service knows of the sites, groups and partners that an activity names."""

    sites: Collection[Identifier]
    groups: Mapping[Identifier, Identifier]
    """The site of each group."""
    partners: Collection[Identifier]
    schemes: Schemes


def _allow(activity: Activity, action: str, by: Actor, at: datetime) -> Step[Status]:
    return allow(LIFE_CYCLE, action, activity, by, parties(activity), calendar_day(at))


def plan(
    activity_id: UUID, details: ActivityPlan, *, referral: Referral | None, known: Known, by: Actor, at: datetime
) -> ActivityPlanned:
    """A partner plans an activity, from a referral or directly."""
    allow(LIFE_CYCLE, "plan", None, by, {"partner": details.partner_ids}, calendar_day(at))
    check_named(details, known)
    if details.referral_id is not None:
        _check_fits(details, referral, by)
    return ActivityPlanned(
        **dict(details),
        activity_id=activity_id,
        request_id=referral.made.request_id if referral else None,
        origin="referral" if referral else "direct",
        planned_by=by,
        planned_at=at,
    )


def _check_fits(plan: ActivityPlan, referral: Referral | None, by: Actor) -> None:
    """What is planned from a referral is what was asked of this partner: at its site, in its programme."""
    if referral is None or referral.made.partner_id != by.organisation:
        raise NotYetKnown(
            f"referralId is {plan.referral_id}: this service knows of no such referral to {by.organisation}.",
            WrongField("referralId", str(plan.referral_id), "a referral to your organisation"),
        )
    made = referral.made
    if made.site_id not in plan.site_ids:
        raise OtherThanReferred(
            f"siteIds does not name {made.site_id}, which asked for it.",
            WrongField("siteIds", list(plan.site_ids), f"{made.site_id} among them"),
        )
    if made.programme is not None and plan.programme != made.programme:
        raise OtherThanReferred(None, WrongField("programme", plan.programme, made.programme))


def reschedule(activity: Activity, planned_for: datetime, *, by: Actor, at: datetime) -> ActivityRescheduled:
    """It is held at another moment."""
    _allow(activity, "reschedule", by, at)
    if calendar_day(planned_for) < calendar_day(at):
        raise OccurrenceInPast(
            f"plannedFor is {planned_for.isoformat()}; today is {calendar_day(at)}.",
            WrongField("plannedFor", planned_for.isoformat(), f"at least {calendar_day(at)}"),
        )
    return ActivityRescheduled(activity_id=activity.id, planned_for=planned_for, rescheduled_by=by, rescheduled_at=at)


def cancel(
    activity: Activity, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> ActivityCancelled:
    """It will not be held."""
    step = _allow(activity, "cancel", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ActivityCancelled(activity_id=activity.id, reason=reason, cancelled_by=by, cancelled_at=at)


def report_not_held(
    activity: Activity, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> ActivityNotHeld:
    """It was not held, and nobody had cancelled it."""
    step = _allow(activity, "report-not-held", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ActivityNotHeld(activity_id=activity.id, reason=reason, reported_by=by, reported_at=at)


def deliver(
    activity: Activity,
    body: DeliveryDetails,
    *,
    known: Known,
    by: Actor,
    at: datetime,
) -> ActivityDelivered:
    """A partner registers that it was delivered. Whether that is so, its sites say themselves."""
    allow_actor(_allow(activity, "deliver", by, at), by, {"partner": body.partner_ids})
    check_body(body, known, calendar_day(at))
    return ActivityDelivered(
        **dict(body),
        activity_id=activity.id,
        referral_id=activity.planned.referral_id,
        request_id=activity.planned.request_id,
        origin=activity.planned.origin,
        registered_at=at,
    )


def correct(
    activity: Activity,
    body: DeliveryDetails,
    reason: Reason,
    *,
    comment: str | None = None,
    known: Known,
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> ActivityCorrected:
    """A partner registers the whole body again, as it should have been."""
    step = _allow(activity, "correct", by, at)
    allow_actor(step, by, {"partner": body.partner_ids})
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    check_body(body, known, calendar_day(at))
    changed = tuple(
        str(field.alias)
        for name, field in DeliveryDetails.model_fields.items()
        if getattr(body, name) != getattr(activity.body, name)
    )
    if not changed:
        raise NothingChanged(None, WrongField("body", None, "a body that differs from what was registered"))
    return ActivityCorrected(
        **dict(body),
        activity_id=activity.id,
        referral_id=activity.planned.referral_id,
        request_id=activity.planned.request_id,
        origin=activity.planned.origin,
        changed=changed,
        reason=reason,
        corrected_at=at,
    )


def retract(
    activity: Activity,
    reason: Reason,
    *,
    comment: str | None = None,
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> ActivityRetracted:
    """A partner takes it back, for good: it leaves every figure."""
    step = _allow(activity, "retract", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ActivityRetracted(activity_id=activity.id, reason=reason, retracted_at=at)


def confirm(activity: Activity, site_id: Identifier, *, by: Actor, at: datetime) -> ActivityConfirmed:
    allow_actor(_allow(activity, "confirm", by, at), by, {"site": (site_id,)})
    return ActivityConfirmed(activity_id=activity.id, site_id=site_id, confirmed_at=at)


def confirmed_with_outcome(activities: Iterable[Activity], outcome: OutcomeConfirmed) -> list[ActivityConfirmed]:
    """Which delivered activities of a referral a site confirms with its outcome: those at it that it has not confirmed
    yet (ruling 17)."""
    site_id = outcome.site_id
    return [
        ActivityConfirmed(activity_id=each.id, site_id=site_id, confirmed_at=outcome.confirmed_at)
        for each in activities
        if each.status is Status.DELIVERED and site_id in each.site_ids and site_id not in each.confirmed_by
    ]


def dispute(
    activity: Activity,
    site_id: Identifier,
    reason: Reason,
    *,
    comment: str | None = None,
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> ActivityDisputed:
    """A site says that it was not so."""
    step = _allow(activity, "dispute", by, at)
    allow_actor(step, by, {"site": (site_id,)})
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ActivityDisputed(activity_id=activity.id, site_id=site_id, reason=reason, disputed_at=at)


def body_of(event: DeliveryDetails) -> DeliveryDetails:
    """The body alone, of an event or a command that carries more."""
    return DeliveryDetails.model_validate(dict(event), extra="ignore")


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


def check_body(body: DeliveryDetails, known: Known, today: date) -> None:
    """A body names what is known here, is about today or before, and counts nobody who is not there."""
    check_named(body, known)
    check_unique([group.group_id for group in body.groups], field="groups")
    if calendar_day(body.occurred_at) > today:
        raise OccurrenceInFuture(
            f"occurredAt is {body.occurred_at.isoformat()}; today is {today}.",
            WrongField("occurredAt", body.occurred_at.isoformat(), f"at most {today}"),
        )
    for index, group in enumerate(body.groups):
        _check_group(f"groups[{index}]", group, body.site_ids, known)


def _check_group(field: str, group: TakingPart, site_ids: Collection[Identifier], known: Known) -> None:
    site_id = known.groups.get(group.group_id)
    if site_id is None:
        raise _not_yet_known(f"{field}.groupId", group.group_id, "group")
    if site_id not in site_ids:
        raise GroupOfAnotherSite(
            f"{field}.groupId is {group.group_id}, of {site_id}; siteIds does not name it.",
            WrongField(f"{field}.groupId", group.group_id, site_ids),
        )
    check_headcount(group.headcount, field=f"{field}.headcount")
    if group.participants is not None and group.participants > group.headcount:
        raise ParticipantsExceedHeadcount(
            f"{field}.participants is {group.participants}; the group's headcount is {group.headcount}.",
            WrongField(f"{field}.participants", group.participants, f"at most {group.headcount}"),
        )


def check_named(named: ActivityPlan | DeliveryDetails, known: Known) -> None:
    """A plan or a body names known sites and partners, each once."""
    check_learning_areas(named.learning_areas, known.schemes)
    check_areas_unique(named.learning_areas)
    check_unique(named.site_ids, field="siteIds")
    check_unique(named.partner_ids, field="partnerIds")
    for index, site_id in enumerate(named.site_ids):
        if site_id not in known.sites:
            raise _not_yet_known(f"siteIds[{index}]", site_id, "site")
    for index, partner_id in enumerate(named.partner_ids):
        if partner_id not in known.partners:
            raise UnknownPartner(
                f"partnerIds[{index}] is {partner_id}: no such partner is recorded.",
                WrongField(f"partnerIds[{index}]", partner_id, "a recorded partner"),
            )


def _not_yet_known(field: str, value: str, kind: str) -> NotYetKnown:
    return NotYetKnown(
        f"{field} is {value}: this service has not heard of that {kind} yet; ask again shortly.",
        WrongField(field, value, f"a recorded {kind}"),
    )


class Warned(Value):
    """Something that is strange and not refused."""

    field: str
    value: str
    detail: str


def warnings(activity: Activity, school_years: Mapping[Identifier, str]) -> tuple[Warned, ...]:
    """What counts nowhere though it was delivered: groups of another school year (ruling 10). `school_years` are those
    of the groups that are known here."""
    if activity.body is None:
        return ()
    year = school_year_of(calendar_day(activity.body.occurred_at))
    return tuple(
        Warned(
            field=f"groups[{index}].groupId",
            value=group.group_id,
            detail=f"a group of {school_years[group.group_id]}; what was delivered in {year} counts in no reach of it",
        )
        for index, group in enumerate(activity.body.groups)
        if school_years.get(group.group_id, year) != year
    )
