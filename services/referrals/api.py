"""What `referrals` tells over HTTP: referrals, activities, brokers and partners. (Its commands have their routes from
the registry.)"""

from itertools import islice
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from contracts.values import Identifier, calendar_day
from services.chassis.http.parameters import WITH_ETAG, CurrentCaller, Limit, ReadPool, etag
from services.chassis.http.queries import query_routes
from services.chassis.problems import NotFound, WrongField
from services.chassis.visibility import Audience, audience_of, sees
from services.chassis.work_lists import Objects, work_list_of
from services.referrals import replicas, store
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import NoSuchActivity
from services.referrals.rules.referral import NoSuchReferral, Status
from services.referrals.views import (
    ActivityPage,
    ActivityView,
    BrokerPage,
    BrokerView,
    PartnerPage,
    PartnerView,
    ReferralPage,
    ReferralView,
    activity_view,
    referral_view,
)

queries = query_routes()
work = work_list_of(
    {
        "referral": Objects(store.find_referrals, referral_rules.LIFE_CYCLE, referral_rules.parties),
        "activity": Objects(store.find_activities, activity_rules.LIFE_CYCLE, activity_rules.parties),
    }
)

UnconfirmedBy = Annotated[
    Identifier | None,
    Query(alias="unconfirmedBy", description="Only what this site has neither confirmed nor disputed yet."),
]


class NoSuchBroker(NotFound):
    """There is no such broker."""


class NoSuchPartner(NotFound):
    """There is no such partner."""


async def _audience(db: ReadPool, caller: CurrentCaller) -> Audience:
    return await audience_of(db, caller.actor, replicas.SITES, calendar_day(caller.now))


@queries.get("/v1/referrals/{referralId}", tags=["referrals"], responses=WITH_ETAG)
async def show_referral(
    referral_id: Annotated[UUID, Path(alias="referralId")], caller: CurrentCaller, db: ReadPool, response: Response
) -> ReferralView:
    """One referral, and what the caller may do with it."""
    referral, audience = await store.find_referral(db, referral_id), await _audience(db, caller)
    if referral is None or not sees(audience, referral_rules.parties(referral)):
        raise NoSuchReferral(None, WrongField("referralId", str(referral_id), "the id of a known referral"))
    etag(response, referral.version)
    return referral_view(referral, caller.actor, calendar_day(caller.now))


@queries.get("/v1/referrals", tags=["referrals"])
async def list_referrals(
    caller: CurrentCaller,
    db: ReadPool,
    *,
    request_id: Annotated[UUID | None, Query(alias="requestId")] = None,
    partner_id: Annotated[Identifier | None, Query(alias="partnerId")] = None,
    status: Status | None = None,
    unconfirmed_by: UnconfirmedBy = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> ReferralPage:
    """Those that the caller is a party to, in the order in which they were made."""
    audience = await _audience(db, caller)
    found = await store.referral_page(
        db,
        audience,
        request_id=request_id,
        partner_id=partner_id,
        status=status,
        unconfirmed_by=unconfirmed_by,
        after=cursor,
        limit=limit + 1,
    )
    items = tuple(referral_view(referral, caller.actor, calendar_day(caller.now)) for referral in found[:limit])
    return ReferralPage(items=items, next_cursor=str(found[limit - 1].id) if len(found) > limit else None)


@queries.get("/v1/activities/{activityId}", tags=["activities"], responses=WITH_ETAG)
async def show_activity(
    activity_id: Annotated[UUID, Path(alias="activityId")], caller: CurrentCaller, db: ReadPool, response: Response
) -> ActivityView:
    """One activity, and what the caller may do with it."""
    activity, audience = await store.find_activity(db, activity_id), await _audience(db, caller)
    if activity is None or not sees(audience, activity_rules.parties(activity)):
        raise NoSuchActivity(None, WrongField("activityId", str(activity_id), "the id of a known activity"))
    etag(response, activity.version)
    return activity_view(activity, caller.actor, calendar_day(caller.now))


@queries.get("/v1/activities", tags=["activities"])
async def list_activities(
    caller: CurrentCaller,
    db: ReadPool,
    *,
    site_id: Annotated[Identifier | None, Query(alias="siteId")] = None,
    referral_id: Annotated[UUID | None, Query(alias="referralId")] = None,
    unconfirmed_by: UnconfirmedBy = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> ActivityPage:
    """Those that the caller is a party to, in the order in which they were planned; of a site: those in which it is
    involved."""
    audience = await _audience(db, caller)
    found = await store.activity_page(
        db,
        audience,
        site_id=site_id,
        referral_id=referral_id,
        unconfirmed_by=unconfirmed_by,
        after=cursor,
        limit=limit + 1,
    )
    items = tuple(activity_view(activity, caller.actor, calendar_day(caller.now)) for activity in found[:limit])
    return ActivityPage(items=items, next_cursor=str(found[limit - 1].id) if len(found) > limit else None)


@queries.get("/v1/brokers/{brokerId}", tags=["reference data"], responses=WITH_ETAG)
async def show_broker(
    broker_id: Annotated[Identifier, Path(alias="brokerId")], caller: CurrentCaller, db: ReadPool, response: Response
) -> BrokerView:
    """A broker as it is today. `ETag` is the version of all that is recorded of it."""
    found = await store.BROKERS.shown(db, broker_id, calendar_day(caller.now))
    if found is None:
        raise NoSuchBroker(None, WrongField("brokerId", broker_id, "a recorded broker"))
    details, version = found
    etag(response, version)
    return BrokerView(broker_id=broker_id, details=details)


@queries.get("/v1/partners/{partnerId}", tags=["reference data"], responses=WITH_ETAG)
async def show_partner(
    partner_id: Annotated[Identifier, Path(alias="partnerId")], caller: CurrentCaller, db: ReadPool, response: Response
) -> PartnerView:
    """A partner as it is today. `ETag` is the version of all that is recorded of it."""
    found = await store.PARTNERS.shown(db, partner_id, calendar_day(caller.now))
    if found is None:
        raise NoSuchPartner(None, WrongField("partnerId", partner_id, "a recorded partner"))
    details, version = found
    etag(response, version)
    return PartnerView(partner_id=partner_id, details=details)


@queries.get("/v1/brokers", tags=["reference data"])
async def list_brokers(
    caller: CurrentCaller, db: ReadPool, cursor: Identifier | None = None, limit: Limit = 50
) -> BrokerPage:
    """Brokers in the order of their ids."""
    found = await store.BROKERS.page(db, after=cursor, limit=limit + 1, day=calendar_day(caller.now))
    items = tuple(
        BrokerView(broker_id=broker_id, details=details) for broker_id, details in islice(found.items(), limit)
    )
    return BrokerPage(items=items, next_cursor=items[-1].broker_id if len(found) > limit else None)


@queries.get("/v1/partners", tags=["reference data"])
async def list_partners(
    caller: CurrentCaller, db: ReadPool, cursor: Identifier | None = None, limit: Limit = 50
) -> PartnerPage:
    """Partners in the order of their ids."""
    found = await store.PARTNERS.page(db, after=cursor, limit=limit + 1, day=calendar_day(caller.now))
    items = tuple(
        PartnerView(partner_id=partner_id, details=details) for partner_id, details in islice(found.items(), limit)
    )
    return PartnerPage(items=items, next_cursor=items[-1].partner_id if len(found) > limit else None)
