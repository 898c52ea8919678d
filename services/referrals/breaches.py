"""What `referrals` does when something has waited too long; of other breaches it is only told."""

from collections.abc import Mapping
from uuid import UUID

from contracts.referrals import REFERRALS
from services.chassis.due_clocks import Act, Breached
from services.chassis.running.database import Transaction
from services.referrals import store
from services.referrals.rules import referral as rules

TOPICS = {"referral": REFERRALS, "activity": REFERRALS}


async def expire(tx: Transaction, referral_id: UUID, breached: Breached) -> None:
    """The partner did not decide in time; the request returns to its consultant."""
    referral = await store.lock_referral(tx, referral_id)
    if referral is not None and await breached():
        await store.REFERRALS.announce(tx, referral, rules.expire(referral, at=tx.now))


async def withdraw(tx: Transaction, referral_id: UUID, breached: Breached) -> None:
    """It was asked back, and the partner did not say that it completes it."""
    referral = await store.lock_referral(tx, referral_id)
    if referral is not None and await breached():
        withdrawn = rules.confirm_withdrawal(referral, by=rules.OURSELVES, at=tx.now)
        await store.REFERRALS.announce(tx, referral, withdrawn)


ACTS: Mapping[tuple[str, str], Act] = {("referral", "expire"): expire, ("referral", "withdraw"): withdraw}
