"""What is done with activities."""

from contracts.activities import ActivityPlan, DeliveryDetails
from contracts.referrals import ReferralMade
from services.chassis.commands import AggregateCommands, Events
from services.chassis.messaging import outbox
from services.chassis.running.database import CommandTx
from services.referrals import reasons, replicas, store
from services.referrals.rules import activity as rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import LIFE_CYCLE, Activity, CorrectionBody, NoSuchActivity
from services.referrals.rules.delivery import Known, warnings
from services.referrals.views import ActivityView, activity_view

commands = AggregateCommands(
    aggregate=store.ACTIVITIES,
    steps=LIFE_CYCLE,
    collection="activities",
    view=activity_view,
    shows=ActivityView,
    missing=NoSuchActivity,
    parties=rules.parties,
    sites=replicas.SITES,
    also=(store.REFERRALS,),
)


async def _known(tx: CommandTx, named: ActivityPlan | DeliveryDetails) -> Known:
    """What is known here of what a plan or a body names."""
    groups = [group.group_id for group in named.groups] if isinstance(named, DeliveryDetails) else []
    return Known(
        await replicas.SITES.today(tx, named.site_ids),
        await replicas.groups_among(tx, groups),
        await store.PARTNERS.today(tx, named.partner_ids),
        reasons.SCHEMES,
    )


async def _made(tx: CommandTx, activity: Activity) -> ReferralMade | None:
    """The referral from which it comes; what was made of it never changes."""
    referral_id = activity.planned.referral_id
    referral = await store.find_referral(tx.db, referral_id) if referral_id else None
    return referral.made if referral else None


@commands.creates("plan")
async def plan_activity(tx: CommandTx, body: ActivityPlan) -> Events:
    """A partner plans an activity; the first one of an accepted referral starts it."""
    referral = await store.lock_referral(tx, body.referral_id) if body.referral_id else None
    known = await _known(tx, body)
    planned = rules.plan(outbox.new_id(), body, referral=referral, known=known, by=tx.by, at=tx.now)
    started = referral_rules.start_by_planning(referral, by=tx.by, at=tx.now) if referral else None
    return (planned, started) if started else planned


commands.by_rule("reschedulings", rules.reschedule)
commands.by_rule("cancellations", rules.cancel)
commands.by_rule("not-held-reports", rules.report_not_held)
commands.by_rule("retractions", rules.retract)
commands.by_rule("confirmations", rules.confirm)
commands.by_rule("disputes", rules.dispute)


async def _with_warnings(tx: CommandTx, activity: Activity) -> ActivityView:
    named = activity.body.groups if activity.body else ()
    years = await replicas.school_years(tx, [group.group_id for group in named])
    return activity_view(activity, tx.by, tx.today, warnings(activity.body, years))


@commands.to("deliveries", view=_with_warnings)
async def deliver(tx: CommandTx, activity: Activity, body: DeliveryDetails) -> Events:
    """A partner registers that it was delivered: one occurrence on one date. Its sites confirm it themselves."""
    known, made = await _known(tx, body), await _made(tx, activity)
    return rules.deliver(activity, body, made=made, known=known, by=tx.by, at=tx.now)


@commands.to("corrections", view=_with_warnings)
async def correct(tx: CommandTx, activity: Activity, body: CorrectionBody) -> Events:
    """A partner registers the whole body again, as it should have been."""
    known, made = await _known(tx, body), await _made(tx, activity)
    return rules.correct(activity, body, made=made, known=known, by=tx.by, at=tx.now)
