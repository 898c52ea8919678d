"""What is done with activities."""

from contracts.activities import ActivityPlan, DeliveryDetails
from contracts.values import Identifier, LocalTime, Reason, Text, Value
from services.chassis.commands import AggregateCommands, Events
from services.chassis.messaging import outbox
from services.chassis.reasons import Why
from services.chassis.running.database import CommandTx
from services.referrals import reasons, store
from services.referrals.rules import activity as rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import LIFE_CYCLE, Activity, Known, NoSuchActivity
from services.referrals.views import ActivityView, activity_view

commands = AggregateCommands(
    aggregate=store.ACTIVITIES,
    steps=LIFE_CYCLE,
    collection="activities",
    view=activity_view,
    shows=ActivityView,
    missing=NoSuchActivity,
    parties=rules.parties,
    sites=store.SITES,
    also=(store.REFERRALS,),
)


async def _known(tx: CommandTx, named: ActivityPlan | DeliveryDetails) -> Known:
    """What is known here of what a plan or a body names."""
    groups = [group.group_id for group in named.groups] if isinstance(named, DeliveryDetails) else []
    return Known(
        await store.SITES.on_day(tx.db, named.site_ids, tx.today),
        await store.groups_among(tx, groups),
        await store.PARTNERS.on_day(tx.db, named.partner_ids, tx.today),
        reasons.SCHEMES,
    )


@commands.creates("plan")
async def plan_activity(tx: CommandTx, body: ActivityPlan) -> Events:
    """A partner plans an activity; the first one of an accepted referral starts it."""
    referral = await store.lock_referral(tx, body.referral_id) if body.referral_id else None
    known = await _known(tx, body)
    planned = rules.plan(outbox.new_id(), body, referral=referral, known=known, by=tx.by, at=tx.now)
    started = referral_rules.start_by_planning(referral, by=tx.by, at=tx.now) if referral else None
    return (planned, started) if started else planned


class ReschedulingBody(Value):
    """When it is held instead."""

    planned_for: LocalTime


@commands.to("reschedulings")
async def reschedule(tx: CommandTx, activity: Activity, body: ReschedulingBody) -> Events:
    """A planned activity is held at another moment."""
    return rules.reschedule(activity, body.planned_for, by=tx.by, at=tx.now)


@commands.to("cancellations")
async def cancel(tx: CommandTx, activity: Activity, body: Why) -> Events:
    """A planned activity will not be held."""
    return rules.cancel(activity, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)


@commands.to("not-held-reports")
async def report_not_held(tx: CommandTx, activity: Activity, body: Why) -> Events:
    """A planned activity was not held, and nobody had cancelled it."""
    return rules.report_not_held(
        activity, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now
    )


async def _with_warnings(tx: CommandTx, activity: Activity) -> ActivityView:
    named = activity.body.groups if activity.body else ()
    years = await store.school_years(tx, [group.group_id for group in named])
    return activity_view(activity, tx.by, tx.today, rules.warnings(activity, years))


@commands.to("deliveries", view=_with_warnings)
async def deliver(tx: CommandTx, activity: Activity, body: DeliveryDetails) -> Events:
    """A partner registers that it was delivered: one occurrence on one date. Its sites confirm it themselves."""
    return rules.deliver(activity, body, known=await _known(tx, body), by=tx.by, at=tx.now)


class CorrectionBody(DeliveryDetails):
    """The whole right body, and why the old one was wrong."""

    reason: Reason
    comment: Text | None = None
    """For the people concerned; it stays in this service and never enters an event."""


@commands.to("corrections", view=_with_warnings)
async def correct(tx: CommandTx, activity: Activity, body: CorrectionBody) -> Events:
    """A partner registers the whole body again, as it should have been."""
    return rules.correct(
        activity,
        rules.body_of(body),
        body.reason,
        comment=body.comment,
        known=await _known(tx, body),
        reasons=reasons.LISTS,
        by=tx.by,
        at=tx.now,
    )


@commands.to("retractions")
async def retract(tx: CommandTx, activity: Activity, body: Why) -> Events:
    """A partner takes it back, for good."""
    return rules.retract(activity, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)


class ConfirmationBody(Value):
    """Which site says that it was so."""

    site_id: Identifier


@commands.to("confirmations")
async def confirm(tx: CommandTx, activity: Activity, body: ConfirmationBody) -> Events:
    """A site says that it was so. Its last word holds."""
    return rules.confirm(activity, body.site_id, by=tx.by, at=tx.now)


class DisputeBody(Why):
    """Which site says that it was not so, and why."""

    site_id: Identifier


@commands.to("disputes")
async def dispute(tx: CommandTx, activity: Activity, body: DisputeBody) -> Events:
    """A site says that it was not so. Its last word holds."""
    return rules.dispute(
        activity, body.site_id, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now
    )
