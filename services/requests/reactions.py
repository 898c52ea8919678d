"""What `requests` does when `referrals` announces something."""

from uuid import UUID

from contracts.activities import ActivityCorrected, ActivityDelivered, ActivityRetracted
from contracts.offers import BrokerRecorded
from contracts.referrals import (
    ReferralCompleted,
    ReferralDeclined,
    ReferralExpired,
    ReferralFailed,
    ReferralMade,
    ReferralVoided,
    ReferralWithdrawn,
)
from services.chassis.messaging.inbox import Reactions
from services.chassis.running.database import Transaction
from services.requests import routing, rules, store

reactions = Reactions()


@reactions.to(BrokerRecorded)
async def route_what_the_record_changes(event: BrokerRecorded, tx: Transaction) -> None:
    areas = await store.save_broker(tx, event)
    await routing.route_anew(tx, await store.lock_open(tx, areas))


@reactions.to(ReferralMade)
async def answer_by_referring(event: ReferralMade, tx: Transaction) -> None:
    request = await store.lock(tx, event.request_id)
    if request is None:
        return
    await store.save_referral(tx, event.referral_id, event.request_id)
    before, request = request, await store.add_partner(tx, await store.reload(tx, request), event.partner_id)
    if answered := rules.answer_by_referring(request, event):
        await store.REQUESTS.announce(tx, request, answered)
    else:
        await store.REQUESTS.heard(tx, before, request)


async def _remember_end(tx: Transaction, referral_id: UUID, ended: str) -> None:
    """The last one that ends starts the grace period of its request."""
    request_id = await store.request_of(tx.db, referral_id)
    before = await store.lock(tx, request_id) if request_id else None
    await store.save_end(tx, referral_id, ended)
    if before is not None:
        await store.REQUESTS.heard(tx, before, await store.reload(tx, before))


@reactions.to(ReferralCompleted)
async def remember_completion(event: ReferralCompleted, tx: Transaction) -> None:
    await _remember_end(tx, event.referral_id, "completed")


@reactions.to(ReferralDeclined)
async def remember_decline(event: ReferralDeclined, tx: Transaction) -> None:
    await _remember_end(tx, event.referral_id, "declined")


@reactions.to(ReferralWithdrawn)
async def remember_withdrawal(event: ReferralWithdrawn, tx: Transaction) -> None:
    await _remember_end(tx, event.referral_id, "withdrawn")


@reactions.to(ReferralExpired)
async def remember_expiry(event: ReferralExpired, tx: Transaction) -> None:
    await _remember_end(tx, event.referral_id, "expired")


@reactions.to(ReferralFailed)
async def remember_failure(event: ReferralFailed, tx: Transaction) -> None:
    await _remember_end(tx, event.referral_id, "failed")


@reactions.to(ReferralVoided)
async def remember_that_it_was_a_mistake(event: ReferralVoided, tx: Transaction) -> None:
    await _remember_end(tx, event.referral_id, "voided")


@reactions.to(ActivityDelivered)
async def remember_delivery(event: ActivityDelivered, tx: Transaction) -> None:
    await store.save_delivered(tx, event.activity_id, event.request_id, event.learning_areas)


@reactions.to(ActivityCorrected)
async def remember_correction(event: ActivityCorrected, tx: Transaction) -> None:
    await store.save_delivered(tx, event.activity_id, event.request_id, event.learning_areas)


@reactions.to(ActivityRetracted)
async def forget_delivery(event: ActivityRetracted, tx: Transaction) -> None:
    await store.save_retracted(tx, event.activity_id)
