"""HTTP in: brokers and partners."""

from typing import TypeVar

from fastapi import APIRouter, Response

from contracts.offers import BrokerDetails, BrokerRecorded, PartnerDetails, PartnerRecorded
from contracts.values import Identifier, calendar_day
from services.chassis.http.idempotency import CommandRoute
from services.chassis.http.parameters import CommandTx, CurrentCaller, Limit, ReadPool, etag
from services.chassis.messaging import outbox
from services.chassis.problems import NotFound, WrongField
from services.referrals import reasons
from services.referrals.rules.organisation import check_organisation
from services.referrals.store import organisations
from services.referrals.views import BrokerPage, BrokerView, PartnerPage, PartnerView

commands = APIRouter(route_class=CommandRoute)
queries = APIRouter()

Details = TypeVar("Details", BrokerDetails, PartnerDetails)


class NoSuchBroker(NotFound):
    """There is no such broker."""


class NoSuchPartner(NotFound):
    """There is no such partner."""


async def _record(tx: CommandTx, details: Details, event: BrokerRecorded | PartnerRecorded, response: Response) -> int:
    """Record an organisation unless it is recorded so already; returns its version."""
    check_organisation(details, reasons.SCHEMES)
    version = await organisations.lock(tx, type(details), event.subject)
    if await organisations.record(tx, type(details), event.subject, details.valid_from) != details:
        version = await outbox.add(tx, event, key=None if version else event.subject)
        await organisations.save(tx, event.subject, details, version)
    etag(response, version)
    return version


@commands.put("/v1/brokers/{broker_id}", tags=["reference data"])
async def record_broker(
    broker_id: Identifier, body: BrokerDetails, caller: CurrentCaller, tx: CommandTx, response: Response
) -> BrokerView:
    """Record what a broker covers from `validFrom` on. The same again changes nothing."""
    caller.must_be("broker_lead", "operator", organisation=broker_id)
    version = await _record(tx, body, BrokerRecorded(**dict(body), broker_id=broker_id), response)
    return BrokerView(broker_id=broker_id, details=body, version=version)


@commands.put("/v1/partners/{partner_id}", tags=["reference data"])
async def record_partner(
    partner_id: Identifier, body: PartnerDetails, caller: CurrentCaller, tx: CommandTx, response: Response
) -> PartnerView:
    """Record what a partner delivers from `validFrom` on. The same again changes nothing."""
    caller.must_be("partner", "operator", organisation=partner_id)
    version = await _record(tx, body, PartnerRecorded(**dict(body), partner_id=partner_id), response)
    return PartnerView(partner_id=partner_id, details=body, version=version)


@queries.get("/v1/brokers/{broker_id}", tags=["reference data"])
async def show_broker(broker_id: Identifier, caller: CurrentCaller, db: ReadPool) -> BrokerView:
    """A broker as it is today."""
    found = await organisations.on_day(db, BrokerDetails, [broker_id], calendar_day(caller.now))
    if broker_id not in found:
        raise NoSuchBroker(None, WrongField("brokerId", broker_id, "a recorded broker"))
    return BrokerView(broker_id=broker_id, details=found[broker_id])


@queries.get("/v1/partners/{partner_id}", tags=["reference data"])
async def show_partner(partner_id: Identifier, caller: CurrentCaller, db: ReadPool) -> PartnerView:
    """A partner as it is today."""
    found = await organisations.on_day(db, PartnerDetails, [partner_id], calendar_day(caller.now))
    if partner_id not in found:
        raise NoSuchPartner(None, WrongField("partnerId", partner_id, "a recorded partner"))
    return PartnerView(partner_id=partner_id, details=found[partner_id])


@queries.get("/v1/brokers", tags=["reference data"])
async def list_brokers(
    caller: CurrentCaller, db: ReadPool, cursor: Identifier | None = None, limit: Limit = 50
) -> BrokerPage:
    """Brokers in the order of their ids."""
    found = await organisations.page(db, BrokerDetails, after=cursor, limit=limit, day=calendar_day(caller.now))
    items = tuple(BrokerView(broker_id=broker_id, details=details) for broker_id, details in found.items())
    return BrokerPage(items=items, next_cursor=items[-1].broker_id if len(items) == limit else None)


@queries.get("/v1/partners", tags=["reference data"])
async def list_partners(
    caller: CurrentCaller, db: ReadPool, cursor: Identifier | None = None, limit: Limit = 50
) -> PartnerPage:
    """Partners in the order of their ids."""
    found = await organisations.page(db, PartnerDetails, after=cursor, limit=limit, day=calendar_day(caller.now))
    items = tuple(PartnerView(partner_id=partner_id, details=details) for partner_id, details in found.items())
    return PartnerPage(items=items, next_cursor=items[-1].partner_id if len(items) == limit else None)
