"""What is done with referrals."""

from contracts.referrals import ReferralDetails
from contracts.values import Identifier, Text, Value
from services.chassis.commands import AggregateCommands, Events, NoBody
from services.chassis.messaging import outbox
from services.chassis.reasons import Why
from services.chassis.running.database import CommandTx
from services.referrals import reasons, store
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
