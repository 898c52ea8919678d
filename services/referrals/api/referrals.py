"""HTTP in: referrals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from contracts.offers import PartnerDetails
from contracts.referrals import ReferralDetails
from contracts.values import Identifier, calendar_day
from services.chassis.http.idempotency import CommandRoute
from services.chassis.http.parameters import CommandTx, CurrentCaller, Limit, ReadPool, etag
from services.chassis.messaging import outbox
from services.chassis.problems import NotFound, WrongField
from services.referrals import reasons
from services.referrals.rules import referral as rules
from services.referrals.rules import referring
from services.referrals.rules.referral import Referral, Status
from services.referrals.store import activities, comments, organisations, referrals, replicas
from services.referrals.views import (
    CompletionBody,
    DeclineBody,
    Nothing,
    ReferralPage,
    ReferralView,
    WhyBody,
    referral_view,
)

commands = APIRouter(route_class=CommandRoute)
queries = APIRouter()


class NoSuchReferral(NotFound):
    """There is no such referral."""


def _found(referral: Referral | None, referral_id: UUID) -> Referral:
    if referral is None:
        raise NoSuchReferral(None, WrongField("referralId", str(referral_id), "a referral that was made"))
    return referral


async def _load(tx: CommandTx, referral_id: UUID) -> Referral:
    referral = _found(await referrals.lock(tx, referral_id), referral_id)
    tx.check_version(referral.version)
    return referral


async def _announce(tx: CommandTx, referral: Referral, event: rules.ReferralEvent) -> Referral:
    """Evolve, save, stage."""
    await referrals.save(tx, referral := rules.evolve(referral, event))
    await outbox.add(tx, event)
    return referral


@commands.post("/v1/referrals", status_code=201, tags=["referrals"])
async def refer(body: ReferralDetails, caller: CurrentCaller, tx: CommandTx, response: Response) -> ReferralView:
    """A consultant refers a request to a partner. The first referral is the answer `refer`."""
    request = await replicas.lock_request(tx, body.request_id)
    partners = await organisations.on_day(tx.db, PartnerDetails, [body.partner_id], calendar_day(tx.now))
    others = await referrals.of_request(tx, body.request_id)
    made = referring.refer(
        outbox.new_id(),
        body,
        request=request,
        partner=partners.get(body.partner_id),
        others=others,
        by=caller.actor,
        at=tx.now,
    )
    await referrals.save(tx, referral := rules.evolve(None, made))
    await outbox.add(tx, made, key=made.site_id, correlation=str(made.request_id))
    response.headers["Location"] = f"/v1/referrals/{referral.id}"
    etag(response, referral.version)
    return referral_view(referral, caller)


@commands.post("/v1/referrals/{referral_id}/acceptances", status_code=201, tags=["referrals"])
async def accept(
    referral_id: UUID, caller: CurrentCaller, tx: CommandTx, response: Response, _: Nothing | None = None
) -> ReferralView:
    """The partner takes it on; the other open referrals of its parallel set are withdrawn."""
    referral = await _load(tx, referral_id)
    accepted = rules.accept(referral, by=caller.actor, at=tx.now)
    referral = await _announce(tx, referral, accepted)
    for other in rules.withdrawn_by_acceptance(referral, await referrals.of_request(tx, referral.made.request_id)):
        await _announce(tx, other, rules.withdraw_by_itself(other, "other_partner_accepted", at=tx.now))
    etag(response, referral.version)
    return referral_view(referral, caller)


@commands.post("/v1/referrals/{referral_id}/declines", status_code=201, tags=["referrals"])
async def decline(
    referral_id: UUID, body: DeclineBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ReferralView:
    """The partner says no, and may name a better partner."""
    referral = await _load(tx, referral_id)
    named = [body.better_partner_id] if body.better_partner_id else []
    partners = await organisations.on_day(tx.db, PartnerDetails, named, calendar_day(tx.now))
    declined = rules.decline(
        referral,
        body.reason,
        comment=body.comment,
        better_partner_id=body.better_partner_id,
        partners=partners,
        reasons=reasons.LISTS,
        by=caller.actor,
        at=tx.now,
    )
    referral = await _announce(tx, referral, declined)
    await comments.save(tx, referral.id, referral.version, body.comment)
    etag(response, referral.version)
    return referral_view(referral, caller)


@commands.post("/v1/referrals/{referral_id}/starts", status_code=201, tags=["referrals"])
async def start(
    referral_id: UUID, caller: CurrentCaller, tx: CommandTx, response: Response, _: Nothing | None = None
) -> ReferralView:
    """The partner begins (planning the first activity says so as well)."""
    referral = await _load(tx, referral_id)
    started = rules.start(referral, by=caller.actor, at=tx.now)
    referral = await _announce(tx, referral, started)
    etag(response, referral.version)
    return referral_view(referral, caller)


@commands.post("/v1/referrals/{referral_id}/withdrawals", status_code=201, tags=["referrals"])
async def withdraw(
    referral_id: UUID, body: WhyBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ReferralView:
    """The consultant takes it back."""
    referral = await _load(tx, referral_id)
    withdrawn = rules.withdraw(
        referral, body.reason, comment=body.comment, reasons=reasons.LISTS, by=caller.actor, at=tx.now
    )
    referral = await _announce(tx, referral, withdrawn)
    await comments.save(tx, referral.id, referral.version, body.comment)
    etag(response, referral.version)
    return referral_view(referral, caller)


@commands.post("/v1/referrals/{referral_id}/completions", status_code=201, tags=["referrals"])
async def complete(
    referral_id: UUID, body: CompletionBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ReferralView:
    """The partner is done."""
    referral = await _load(tx, referral_id)
    delivered = await activities.delivered_of(tx, referral_id)
    completed = rules.complete(
        referral, body.outcome, comment=body.comment, delivered=delivered, by=caller.actor, at=tx.now
    )
    referral = await _announce(tx, referral, completed)
    await comments.save(tx, referral.id, referral.version, body.comment)
    etag(response, referral.version)
    return referral_view(referral, caller)


@queries.get("/v1/referrals/{referral_id}", tags=["referrals"])
async def show_referral(referral_id: UUID, caller: CurrentCaller, db: ReadPool, response: Response) -> ReferralView:
    """One referral, and what the caller may do with it."""
    referral = _found(await referrals.find(db, referral_id), referral_id)
    etag(response, referral.version)
    return referral_view(referral, caller)


@queries.get("/v1/referrals", tags=["referrals"])
async def list_referrals(
    caller: CurrentCaller,
    db: ReadPool,
    *,
    request_id: Annotated[UUID | None, Query(alias="requestId")] = None,
    partner_id: Annotated[Identifier | None, Query(alias="partnerId")] = None,
    status: Status | None = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> ReferralPage:
    """Referrals in the order in which they were made."""
    found = await referrals.page(
        db, request_id=request_id, partner_id=partner_id, status=status, after=cursor, limit=limit
    )
    items = tuple(referral_view(referral, caller) for referral in found)
    return ReferralPage(items=items, next_cursor=str(found[-1].id) if len(found) == limit else None)
