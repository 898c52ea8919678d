"""What is done with referrals."""

from contracts.referrals import ReferralDetails
from contracts.values import Day, Identifier, Text, Value
from services.chassis.commands import AggregateCommands, Events, NoBody
from services.chassis.messaging import outbox
from services.chassis.reasons import Why
from services.chassis.running.database import CommandTx
from services.referrals import reasons, store
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as rules
from services.referrals.rules.referral import LIFE_CYCLE, NoSuchReferral, Outcome, Referral
from services.referrals.views import ReferralView, referral_view

commands = AggregateCommands(
    aggregate=store.REFERRALS,
    steps=LIFE_CYCLE,
    collection="referrals",
    view=referral_view,
    shows=ReferralView,
    missing=NoSuchReferral,
    parties=rules.parties,
    sites=store.SITES,
    also=(store.ACTIVITIES,),
)


@commands.creates("refer")
async def refer(tx: CommandTx, body: ReferralDetails) -> Events:
    """A consultant refers a request to a partner. The first referral is the answer `refer`."""
    request = await store.lock_request(tx, body.request_id)
    partners = await store.PARTNERS.on_day(tx.db, [body.partner_id], tx.today)
    return rules.refer(
        outbox.new_id(),
        body,
        request=request,
        partner=partners.get(body.partner_id),
        others=await store.referrals_of(tx, body.request_id),
        by=tx.by,
        at=tx.now,
    )


@commands.to("acknowledgements")
async def acknowledge(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """The partner has seen it, and has not decided yet."""
    return rules.acknowledge(referral, by=tx.by, at=tx.now)


@commands.to("check-ins")
async def check_in(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """The partner is still working on it: what is waited for counts anew."""
    return rules.check_in(referral, by=tx.by, at=tx.now)


class WaitlistBody(Why):
    """Why a partner cannot begin yet, and when it looks again."""

    review_on: Day


@commands.to("waitlistings")
async def waitlist(tx: CommandTx, referral: Referral, body: WaitlistBody) -> Events:
    """The partner would take it on later."""
    return rules.waitlist(
        referral, body.reason, body.review_on, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now
    )


@commands.to("acceptances")
async def accept(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """The partner takes it on; the other open referrals of its parallel set are withdrawn."""
    accepted = rules.accept(referral, by=tx.by, at=tx.now)
    others = rules.withdrawn_by_acceptance(referral, await store.referrals_of(tx, referral.made.request_id))
    return accepted, *(rules.withdraw_by_itself(each, "other_partner_accepted", at=tx.now) for each in others)


class DeclineBody(Why):
    """Why a partner says no, and who might say yes."""

    better_partner_id: Identifier | None = None


@commands.to("declines")
async def decline(tx: CommandTx, referral: Referral, body: DeclineBody) -> Events:
    """The partner says no, and may name a better partner."""
    named = [body.better_partner_id] if body.better_partner_id else []
    return rules.decline(
        referral,
        body.reason,
        comment=body.comment,
        better_partner_id=body.better_partner_id,
        partners=await store.PARTNERS.on_day(tx.db, named, tx.today),
        reasons=reasons.LISTS,
        by=tx.by,
        at=tx.now,
    )


@commands.to("starts")
async def start(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """The partner begins (planning the first activity says so as well)."""
    return rules.start(referral, by=tx.by, at=tx.now)


@commands.to("withdrawals")
async def withdraw(tx: CommandTx, referral: Referral, body: Why) -> Events:
    """The consultant takes it back."""
    return rules.withdraw(referral, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)


@commands.to("withdrawal-requests")
async def request_withdrawal(tx: CommandTx, referral: Referral, body: Why) -> Events:
    """The consultant wants to take back what has begun; the partner confirms that, or still completes it."""
    return rules.request_withdrawal(
        referral, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now
    )


@commands.to("withdrawal-confirmations")
async def confirm_withdrawal(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """The partner agrees to the withdrawal that was asked for."""
    return rules.confirm_withdrawal(referral, by=tx.by, at=tx.now)


@commands.to("failures")
async def fail(tx: CommandTx, referral: Referral, body: Why) -> Events:
    """Nothing came of what was accepted; the partner or the consultant says why."""
    return rules.fail(referral, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)


@commands.to("voidings")
async def void(tx: CommandTx, referral: Referral, body: Why) -> Events:
    """The referral was a mistake: it leaves every figure."""
    return rules.void(referral, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)


class CompletionBody(Value):
    """How a referral came to its end."""

    outcome: Outcome
    comment: Text | None = None
    """Where, when it was delivered elsewhere; it stays in this service and never enters an event."""


@commands.to("completions")
async def complete(tx: CommandTx, referral: Referral, body: CompletionBody) -> Events:
    """The partner is done."""
    delivered = await store.delivered_of(tx, referral.id)
    return rules.complete(referral, body.outcome, comment=body.comment, delivered=delivered, by=tx.by, at=tx.now)


@commands.to("outcome-confirmations")
async def confirm_outcome(tx: CommandTx, referral: Referral, _: NoBody) -> Events:
    """An asking site says that it is as the partner says; with it, that its delivered activities there were held."""
    confirmed = rules.confirm_outcome(referral, by=tx.by, at=tx.now)
    activities = await store.lock_activities_of(tx, referral.id)
    return confirmed, *activity_rules.confirmed_with_outcome(activities, confirmed)


@commands.to("outcome-disputes")
async def dispute_outcome(tx: CommandTx, referral: Referral, body: Why) -> Events:
    """An asking site says that it is not so."""
    return rules.dispute_outcome(
        referral, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now
    )
