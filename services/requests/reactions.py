"""What `requests` does when `referrals` announces something."""

from contracts.activities import ActivityDelivered, ActivityRetracted
from contracts.offers import BrokerRecorded
from contracts.referrals import ReferralMade
from contracts.values import calendar_day
from services.chassis.messaging import outbox
from services.chassis.messaging.inbox import Reactions
from services.chassis.running.database import Transaction
from services.requests import rules, store

reactions = Reactions()


@reactions.to(BrokerRecorded)
async def assign_what_waited_for_a_broker(event: BrokerRecorded, tx: Transaction) -> None:
    await store.save_broker(tx, event)
    for request in await store.lock_without_broker(tx):
        covering = await store.covering(tx, request.details.learning_areas, calendar_day(tx.now))
        if any(covering.values()):
            routed = rules.route(request, covering, at=tx.now)
            await store.save(tx, rules.evolve(request, routed))
            await outbox.add(tx, routed)


@reactions.to(ReferralMade)
async def answer_by_referring(event: ReferralMade, tx: Transaction) -> None:
    request = await store.lock(tx, event.request_id)
    if request and (answered := rules.answer_by_referring(request, event)):
        await store.save(tx, rules.evolve(request, answered))
        await outbox.add(tx, answered)


@reactions.to(ActivityDelivered)
async def remember_delivery(event: ActivityDelivered, tx: Transaction) -> None:
    await store.save_delivered(tx, event.activity_id, event.request_id)


@reactions.to(ActivityRetracted)
async def forget_delivery(event: ActivityRetracted, tx: Transaction) -> None:
    await store.save_retracted(tx, event.activity_id)
