"""What `referrals` does when `requests` announces something."""

from contracts.requests import RequestAnswered, RequestAssigned, RequestClosed, RequestRaised, RequestUnbrokered
from contracts.sites import GroupRecorded, SiteRecorded
from services.chassis.messaging.inbox import Reactions
from services.chassis.running.database import Transaction
from services.referrals import store
from services.referrals.rules import referral as rules

reactions = Reactions()


@reactions.to(SiteRecorded)
async def remember_site(event: SiteRecorded, tx: Transaction) -> None:
    await store.save_site(tx, event)


@reactions.to(GroupRecorded)
async def remember_group(event: GroupRecorded, tx: Transaction) -> None:
    await store.save_group(tx, event)


@reactions.to(RequestRaised)
async def remember_who_asks(event: RequestRaised, tx: Transaction) -> None:
    await store.save_raised(tx, event)


@reactions.to(RequestAssigned)
async def remember_brokers(event: RequestAssigned, tx: Transaction) -> None:
    await store.save_routing(tx, event.request_id, "assigned", event.broker_ids, event.learning_areas)


@reactions.to(RequestUnbrokered)
async def remember_that_nobody_brokers(event: RequestUnbrokered, tx: Transaction) -> None:
    await store.save_routing(tx, event.request_id, "no_broker")


@reactions.to(RequestAnswered)
async def remember_answer(event: RequestAnswered, tx: Transaction) -> None:
    await store.save_status(tx, event.request_id, "answered", event.answer)


@reactions.to(RequestClosed)
async def withdraw_what_is_open(event: RequestClosed, tx: Transaction) -> None:
    await store.save_status(tx, event.request_id, "closed")
    request = await store.lock_request(tx, event.request_id)
    if request is None or request.status != "closed":
        return  # something newer was heard before
    for referral in rules.withdrawn_with_request(await store.referrals_of(tx, event.request_id)):
        withdrawn = rules.withdraw_by_itself(referral, "request_closed", at=tx.now)
        await store.REFERRALS.announce(tx, referral, withdrawn)
