"""What `requests` does when `referrals` announces something."""

from contracts.activities import ActivityDelivered, ActivityRetracted
from contracts.offers import BrokerRecorded
from contracts.referrals import ReferralMade
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
    request = await store.add_partner(tx, request, event.partner_id)
    if answered := rules.answer_by_referring(request, event):
        await store.REQUESTS.announce(tx, request, answered)


@reactions.to(ActivityDelivered)
async def remember_delivery(event: ActivityDelivered, tx: Transaction) -> None:
    await store.save_delivered(tx, event.activity_id, event.request_id)


@reactions.to(ActivityRetracted)
async def forget_delivery(event: ActivityRetracted, tx: Transaction) -> None:
    await store.save_retracted(tx, event.activity_id)
