"""What `requests` does when `referrals` announces something."""

from collections.abc import Mapping

from contracts.activities import ActivityCorrected, ActivityDelivered, ActivityRetracted
from contracts.clocks import ClockStarted
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
from services.requests import replicas, routing, store
from services.requests.rules.request import answer_by_referring as answer

reactions = Reactions()


@reactions.to(BrokerRecorded)
async def route_what_the_record_changes(event: BrokerRecorded, tx: Transaction) -> None:
    areas = await replicas.save_broker(tx, event)
    await routing.route_anew(tx, await store.lock_open(tx, areas))


@reactions.to(ReferralMade)
async def answer_by_referring(event: ReferralMade, tx: Transaction) -> None:
    request = await store.lock(tx, event.request_id)
    if request is None:
        return
    await replicas.save_referral(tx, event)
    before, request = request, await store.add_partner(tx, await store.count_referrals(tx, request), event.partner_id)
    if answered := answer(request, event):
        await store.REQUESTS.announce(tx, request, answered)
    else:
        await store.REQUESTS.stage_clock_changes(tx, before, request)


@reactions.to(ClockStarted)
async def remember_when_it_is_due(event: ClockStarted, tx: Transaction) -> None:
    if event.object_kind != "referral" or event.act_by is None:
        return
    request_id = await replicas.request_of(tx.db, event.object_id)
    before = await store.lock(tx, request_id) if request_id else None
    await replicas.save_due(tx, event.object_id, event.act_by, event.started_at)
    if before is not None:
        await store.REQUESTS.stage_clock_changes(tx, before, await store.count_referrals(tx, before))


AnEnd = ReferralCompleted | ReferralDeclined | ReferralWithdrawn | ReferralExpired | ReferralFailed | ReferralVoided
ENDS: Mapping[type[AnEnd], str] = {
    ReferralCompleted: "completed",
    ReferralDeclined: "declined",
    ReferralWithdrawn: "withdrawn",
    ReferralExpired: "expired",
    ReferralFailed: "failed",
    ReferralVoided: "voided",
}


async def remember_end(event: AnEnd, tx: Transaction) -> None:
    """The last one that ends starts the grace period of its request."""
    request_id = await replicas.request_of(tx.db, event.referral_id)
    before = await store.lock(tx, request_id) if request_id else None
    await replicas.save_end(tx, event.referral_id, ENDS[type(event)])
    if before is not None:
        await store.REQUESTS.stage_clock_changes(tx, before, await store.count_referrals(tx, before))


for _end in ENDS:
    reactions.to(_end)(remember_end)


async def remember_delivery(event: ActivityDelivered | ActivityCorrected, tx: Transaction) -> None:
    await replicas.save_delivered(tx, event.activity_id, event.request_id, event.learning_areas)


reactions.to(ActivityDelivered)(remember_delivery)
reactions.to(ActivityCorrected)(remember_delivery)


@reactions.to(ActivityRetracted)
async def forget_delivery(event: ActivityRetracted, tx: Transaction) -> None:
    await replicas.save_retracted(tx, event.activity_id)
