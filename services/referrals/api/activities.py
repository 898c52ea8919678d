"""HTTP in: activities."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from contracts.activities import ActivityPlan, DeliveryDetails
from contracts.offers import PartnerDetails
from contracts.values import Identifier, calendar_day
from services.chassis.http.idempotency import CommandRoute
from services.chassis.http.parameters import CommandTx, CurrentCaller, Limit, ReadPool, etag
from services.chassis.messaging import outbox
from services.chassis.problems import NotFound, WrongField
from services.referrals import reasons
from services.referrals.rules import activity as rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import Activity
from services.referrals.rules.body import Known
from services.referrals.rules.referral import Referral
from services.referrals.rules.referring import UnknownReferral
from services.referrals.store import activities, comments, organisations, referrals, replicas
from services.referrals.views import (
    ActivityPage,
    ActivityView,
    ConfirmationBody,
    CorrectionBody,
    DeliveryBody,
    DisputeBody,
    WhyBody,
    activity_view,
)

commands = APIRouter(route_class=CommandRoute)
queries = APIRouter()


class NoSuchActivity(NotFound):
    """There is no such activity."""


def _found(activity: Activity | None, activity_id: UUID) -> Activity:
    if activity is None:
        raise NoSuchActivity(None, WrongField("activityId", str(activity_id), "an activity that was planned"))
    return activity


async def _load(tx: CommandTx, activity_id: UUID) -> Activity:
    activity = _found(await activities.lock(tx, activity_id), activity_id)
    tx.check_version(activity.version)
    return activity


async def _known(tx: CommandTx, named: ActivityPlan | DeliveryDetails) -> Known:
    """What is known here of what a plan or a body names."""
    groups = [group.group_id for group in named.groups] if isinstance(named, DeliveryDetails) else []
    return Known(
        await replicas.sites_among(tx, named.site_ids),
        await replicas.groups_among(tx, groups),
        await organisations.on_day(tx.db, PartnerDetails, named.partner_ids, calendar_day(tx.now)),
        reasons.SCHEMES,
    )


async def _referral_of(tx: CommandTx, plan: ActivityPlan) -> Referral | None:
    if plan.referral_id is None:
        return None
    referral = await referrals.lock(tx, plan.referral_id)
    if referral is None:
        raise UnknownReferral(
            f"referralId is {plan.referral_id}: no such referral was made.",
            WrongField("referralId", str(plan.referral_id), "a referral that was made"),
        )
    return referral


async def _announce(
    tx: CommandTx, activity: Activity, event: rules.ActivityEvent, comment: str | None = None
) -> Activity:
    """Evolve, save, stage; and keep the comment."""
    await activities.save(tx, activity := rules.evolve(activity, event))
    await comments.save(tx, activity.id, activity.version, comment)
    await outbox.add(tx, event)
    return activity


@commands.post("/v1/activities", status_code=201, tags=["activities"])
async def plan(body: ActivityPlan, caller: CurrentCaller, tx: CommandTx, response: Response) -> ActivityView:
    """A partner plans an activity; the first one of an accepted referral starts it."""
    referral = await _referral_of(tx, body)
    planned = rules.plan(
        outbox.new_id(), body, referral=referral, known=await _known(tx, body), by=caller.actor, at=tx.now
    )
    await activities.save(tx, activity := rules.evolve(None, planned))
    correlation = str(planned.request_id) if planned.request_id else None
    await outbox.add(tx, planned, key=body.site_ids[0], correlation=correlation)
    if referral and (started := referral_rules.start_by_planning(referral, by=caller.actor, at=tx.now)):
        await referrals.save(tx, referral_rules.evolve(referral, started))
        await outbox.add(tx, started)
    response.headers["Location"] = f"/v1/activities/{activity.id}"
    etag(response, activity.version)
    return activity_view(activity, caller)


@commands.post("/v1/activities/{activity_id}/deliveries", status_code=201, tags=["activities"])
async def deliver(
    activity_id: UUID, body: DeliveryBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ActivityView:
    """A partner registers that it was delivered: one occurrence on one date."""
    activity = await _load(tx, activity_id)
    delivered = rules.deliver(
        activity,
        rules.body_of(body),
        body.confirmed_by_sites,
        known=await _known(tx, body),
        by=caller.actor,
        at=tx.now,
    )
    activity = await _announce(tx, activity, delivered)
    etag(response, activity.version)
    return activity_view(activity, caller)


@commands.post("/v1/activities/{activity_id}/corrections", status_code=201, tags=["activities"])
async def correct(
    activity_id: UUID, body: CorrectionBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ActivityView:
    """A partner registers the whole body again, as it should have been."""
    activity = await _load(tx, activity_id)
    corrected = rules.correct(
        activity,
        rules.body_of(body),
        body.reason,
        comment=body.comment,
        known=await _known(tx, body),
        reasons=reasons.LISTS,
        by=caller.actor,
        at=tx.now,
    )
    activity = await _announce(tx, activity, corrected, body.comment)
    etag(response, activity.version)
    return activity_view(activity, caller)


@commands.post("/v1/activities/{activity_id}/retractions", status_code=201, tags=["activities"])
async def retract(
    activity_id: UUID, body: WhyBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ActivityView:
    """A partner takes it back, for good."""
    activity = await _load(tx, activity_id)
    retracted = rules.retract(
        activity, body.reason, comment=body.comment, reasons=reasons.LISTS, by=caller.actor, at=tx.now
    )
    activity = await _announce(tx, activity, retracted, body.comment)
    etag(response, activity.version)
    return activity_view(activity, caller)


@commands.post("/v1/activities/{activity_id}/confirmations", status_code=201, tags=["activities"])
async def confirm(
    activity_id: UUID, body: ConfirmationBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ActivityView:
    """A site says that it was so. Its last word holds."""
    activity = await _load(tx, activity_id)
    confirmed = rules.confirm(activity, body.site_id, by=caller.actor, at=tx.now)
    activity = await _announce(tx, activity, confirmed)
    etag(response, activity.version)
    return activity_view(activity, caller)


@commands.post("/v1/activities/{activity_id}/disputes", status_code=201, tags=["activities"])
async def dispute(
    activity_id: UUID, body: DisputeBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> ActivityView:
    """A site says that it was not so. Its last word holds."""
    activity = await _load(tx, activity_id)
    disputed = rules.dispute(
        activity, body.site_id, body.reason, comment=body.comment, reasons=reasons.LISTS, by=caller.actor, at=tx.now
    )
    activity = await _announce(tx, activity, disputed, body.comment)
    etag(response, activity.version)
    return activity_view(activity, caller)


@queries.get("/v1/activities/{activity_id}", tags=["activities"])
async def show_activity(activity_id: UUID, caller: CurrentCaller, db: ReadPool, response: Response) -> ActivityView:
    """One activity, and what the caller may do with it."""
    activity = _found(await activities.find(db, activity_id), activity_id)
    etag(response, activity.version)
    return activity_view(activity, caller)


@queries.get("/v1/activities", tags=["activities"])
async def list_activities(
    caller: CurrentCaller,
    db: ReadPool,
    *,
    site_id: Annotated[Identifier | None, Query(alias="siteId")] = None,
    referral_id: Annotated[UUID | None, Query(alias="referralId")] = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> ActivityPage:
    """Activities in the order in which they were planned; of a site: those in which it is involved."""
    found = await activities.page(db, site_id=site_id, referral_id=referral_id, after=cursor, limit=limit)
    items = tuple(activity_view(activity, caller) for activity in found)
    return ActivityPage(items=items, next_cursor=str(found[-1].id) if len(found) == limit else None)
