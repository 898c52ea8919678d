"""What is done with activities."""

from contracts.activities import ActivityPlan, DeliveryDetails
from contracts.values import Identifier, Reason, SiteIds, Text, Value
from services.chassis.commands import AggregateCommands, Events
from services.chassis.messaging import outbox
from services.chassis.problems import WrongField
from services.chassis.reasons import Why
from services.chassis.running.database import CommandTx
from services.referrals import reasons, store
from services.referrals.rules import activity as rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import LIFE_CYCLE, Activity, Known, NoSuchActivity
from services.referrals.rules.referral import Referral, UnknownReferral
from services.referrals.views import ActivityView, activity_view

commands = AggregateCommands(
    aggregate=store.ACTIVITIES,
    steps=LIFE_CYCLE,
    collection="activities",
    view=activity_view,
    shows=ActivityView,
    missing=NoSuchActivity,
    also=(store.REFERRALS,),
)


async def _known(tx: CommandTx, named: ActivityPlan | DeliveryDetails) -> Known:
    """What is known here of what a plan or a body names."""
    groups = [group.group_id for group in named.groups] if isinstance(named, DeliveryDetails) else []
    return Known(
        await store.sites_among(tx, named.site_ids),
        await store.groups_among(tx, groups),
        await store.PARTNERS.on_day(tx.db, named.partner_ids, tx.today),
        reasons.SCHEMES,
    )


async def _referral_of(tx: CommandTx, plan: ActivityPlan) -> Referral | None:
    if plan.referral_id is None:
        return None
    referral = await store.lock_referral(tx, plan.referral_id)
    if referral is None:
        raise UnknownReferral(
            f"referralId is {plan.referral_id}: no such referral was made.",
            WrongField("referralId", str(plan.referral_id), "a referral that was made"),
        )
    return referral


@commands.creates("plan")
async def plan_activity(tx: CommandTx, body: ActivityPlan) -> Events:
    """A partner plans an activity; the first one of an accepted referral starts it."""
    referral = await _referral_of(tx, body)
    known = await _known(tx, body)
    planned = rules.plan(outbox.new_id(), body, referral=referral, known=known, by=tx.by, at=tx.now)
    started = referral_rules.start_by_planning(referral, by=tx.by, at=tx.now) if referral else None
    return (planned, started) if started else planned


class DeliveryBody(DeliveryDetails):
    """What was delivered, and which of its sites confirmed that on the spot."""

    confirmed_by_sites: SiteIds = ()


@commands.to("deliveries")
async def deliver(tx: CommandTx, activity: Activity, body: DeliveryBody) -> Events:
    """A partner registers that it was delivered: one occurrence on one date."""
    known = await _known(tx, body)
    return rules.deliver(activity, rules.body_of(body), body.confirmed_by_sites, known=known, by=tx.by, at=tx.now)


class CorrectionBody(DeliveryDetails):
    """The whole right body, and why the old one was wrong."""

    reason: Reason
    comment: Text | None = None
    """For the people concerned; it stays in this service and never enters an event."""


@commands.to("corrections")
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
