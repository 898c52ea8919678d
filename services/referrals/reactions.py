"""What `referrals` does when `requests` announces something."""

from collections.abc import Mapping

from contracts.requests import (
    RequestAmended,
    RequestAnswered,
    RequestAssigned,
    RequestClosed,
    RequestRaised,
    RequestReopened,
    RequestUnbrokered,
    RequestVoided,
    RequestWithdrawn,
)
from contracts.sites import GroupRecorded, SiteRecorded
from services.chassis.messaging.inbox import Reactions
from services.chassis.running.database import Transaction
from services.referrals import replicas, store
from services.referrals.rules import referral as rules
from services.referrals.rules.referral import EndOfRequest

reactions = Reactions()


@reactions.to(SiteRecorded)
async def remember_site(event: SiteRecorded, tx: Transaction) -> None:
    await replicas.save_site(tx, event)


@reactions.to(GroupRecorded)
async def remember_group(event: GroupRecorded, tx: Transaction) -> None:
    await replicas.save_group(tx, event)


@reactions.to(RequestRaised)
async def remember_who_asks(event: RequestRaised, tx: Transaction) -> None:
    await replicas.save_raised(tx, event)


@reactions.to(RequestAssigned)
async def remember_brokers(event: RequestAssigned, tx: Transaction) -> None:
    await replicas.save_routing(tx, event.request_id, "assigned", event.broker_ids, event.learning_areas)


@reactions.to(RequestUnbrokered)
async def remember_that_nobody_brokers(event: RequestUnbrokered, tx: Transaction) -> None:
    await replicas.save_routing(tx, event.request_id, "no_broker")


@reactions.to(RequestAnswered)
async def remember_answer(event: RequestAnswered, tx: Transaction) -> None:
    await replicas.save_answer(tx, event.request_id, event.answer)


@reactions.to(RequestAmended)
async def remember_what_is_asked_now(event: RequestAmended, tx: Transaction) -> None:
    await replicas.save_asked(tx, event.request_id, event)


@reactions.to(RequestReopened)
async def remember_that_it_is_open_again(event: RequestReopened, tx: Transaction) -> None:
    await replicas.save_status(tx, event.request_id, "answered" if event.returns_to == "answered" else "raised")


AnEnd = RequestClosed | RequestWithdrawn | RequestVoided
ENDS: Mapping[type[AnEnd], EndOfRequest] = {
    RequestClosed: "closed",
    RequestWithdrawn: "withdrawn",
    RequestVoided: "voided",
}


async def end_its_referrals(event: AnEnd, tx: Transaction) -> None:
    status = ENDS[type(event)]
    await replicas.save_status(tx, event.request_id, status)
    request = await replicas.lock_request(tx, event.request_id)
    if request is None or request.status != status:
        return  # something newer was heard before
    for referral in await store.referrals_of(tx, event.request_id):
        if ended := rules.end_with_request(referral, status, at=tx.now):
            await store.REFERRALS.announce(tx, referral, ended)


for _end in ENDS:
    reactions.to(_end)(end_its_referrals)
