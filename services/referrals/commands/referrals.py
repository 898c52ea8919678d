"""What is done with referrals."""

from contracts.referrals import ReferralDetails
from services.chassis.commands import AggregateCommands, Events, NoBody
from services.chassis.messaging import outbox
from services.chassis.running.database import CommandTx
from services.referrals import replicas, store
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as rules
from services.referrals.rules.referral import LIFE_CYCLE, CompletionBody, DeclineBody, NoSuchReferral, Referral
from services.referrals.rules.referring import refer as make_referral
from services.referrals.views import ReferralView, referral_view

commands = AggregateCommands(
    aggregate=store.REFERRALS,
    steps=LIFE_CYCLE,
    collection="referrals",
    view=referral_view,
    shows=ReferralView,
    missing=NoSuchReferral,
    parties=rules.parties,
    sites=replicas.SITES,
    also=(store.ACTIVITIES,),
)


@commands.creates("refer")
async def refer(tx: CommandTx, body: ReferralDetails) -> Events:
    """A consultant refers a request to a partner. The first referral is the answer `refer`."""
    request = await replicas.lock_request(tx, body.request_id)
    partners = await store.PARTNERS.today(tx, [body.partner_id])
    return make_referral(
        outbox.new_id(),
        body,
        request=request,
        partner=partners.get(body.partner_id),
        others=await store.referrals_of(tx, body.request_id),
        by=tx.by,
        at=tx.now,
    )


commands.by_rule("acknowledgements", rules.acknowledge)
commands.by_rule("check-ins", rules.check_in)
commands.by_rule("waitlistings", rules.waitlist)
commands.by_rule("starts", rules.start)
commands.by_rule("withdrawals", rules.withdraw)
commands.by_rule("withdrawal-requests", rules.request_withdrawal)
commands.by_rule("withdrawal-confirmations", rules.confirm_withdrawal)
commands.by_rule("failures", rules.fail)
commands.by_rule("voidings", rules.void)
commands.by_rule("outcome-disputes", rules.dispute_outcome)


@commands.to("acceptances")
async def accept(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """The partner takes it on; the other open referrals of its parallel set are withdrawn."""
    accepted = rules.accept(referral, by=tx.by, at=tx.now)
    of_request = await store.referrals_of(tx, referral.made.request_id)
    others = rules.withdrawn_by_acceptance(referral, of_request, day=tx.today)
    return accepted, *(rules.withdraw_by_itself(each, "other_partner_accepted", at=tx.now) for each in others)


@commands.to("declines")
async def decline(tx: CommandTx, referral: Referral, body: DeclineBody) -> Events:
    """The partner says no, and may name a better partner."""
    named = [body.better_partner_id] if body.better_partner_id else []
    partners = await store.PARTNERS.today(tx, named)
    return rules.decline(referral, body, partners=partners, by=tx.by, at=tx.now)


@commands.to("completions")
async def complete(tx: CommandTx, referral: Referral, body: CompletionBody) -> Events:
    """The partner is done."""
    delivered = await store.delivered_of(tx, referral.id)
    return rules.complete(referral, body, delivered=delivered, by=tx.by, at=tx.now)


@commands.to("outcome-confirmations")
async def confirm_outcome(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """An asking site says that it is as the partner says; with it, that its delivered activities there were held."""
    confirmed = rules.confirm_outcome(referral, by=tx.by, at=tx.now)
    activities = await store.lock_activities_of(tx, referral.id)
    return confirmed, *activity_rules.confirmed_with_outcome(activities, confirmed)
