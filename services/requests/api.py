"""HTTP in: sites, groups and requests."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from contracts.requests import RequestDetails
from contracts.sites import GroupDetails, GroupRecorded, SiteDetails, SiteRecorded
from contracts.values import Identifier, calendar_day
from services.chassis.http.idempotency import CommandRoute
from services.chassis.http.lines import read_lines
from services.chassis.http.parameters import CommandTx, CurrentCaller, Limit, ReadPool, etag
from services.chassis.messaging import outbox
from services.chassis.problems import NotFound, WrongField
from services.requests import reasons, rules, store
from services.requests.views import (
    AnswerBody,
    ClosureBody,
    GroupLine,
    GroupView,
    Recorded,
    RequestPage,
    RequestView,
    SiteLine,
    SitePage,
    SiteView,
    view,
)

commands = APIRouter(route_class=CommandRoute)
queries = APIRouter()


class NoSuchRequest(NotFound):
    """There is no such request."""


class NoSuchSite(NotFound):
    """There is no such site."""


async def _load(tx: CommandTx, request_id: UUID) -> rules.Request:
    request = await store.lock(tx, request_id)
    if request is None:
        raise NoSuchRequest(None, WrongField("requestId", str(request_id), "a request that was raised"))
    return request


@commands.post("/v1/requests", status_code=201, tags=["requests"])
async def raise_request(body: RequestDetails, caller: CurrentCaller, tx: CommandTx, response: Response) -> RequestView:
    """A coordinator raises a request; it is routed to the brokers of its areas at once."""
    sites = await store.sites_on(tx.db, [body.site_id, *body.co_site_ids], calendar_day(tx.now))
    groups = await store.groups(tx.db, [group.group_id for group in body.groups])
    raised = rules.raise_request(
        outbox.new_id(),
        body,
        sites=sites,
        groups=groups,
        schemes=reasons.SCHEMES,
        by=caller.actor,
        at=tx.now,
    )
    request = rules.evolve(None, raised)
    await store.await_brokers(tx)
    covering = await store.covering(tx, body.learning_areas, calendar_day(tx.now))
    routed = rules.route(request, covering, at=tx.now)
    await store.save(tx, request := rules.evolve(request, routed))
    await outbox.add(tx, raised, routed, key=body.site_id, correlation=str(request.id))
    response.headers["Location"] = f"/v1/requests/{request.id}"
    etag(response, request.version)
    return view(request, caller, tuple(await store.likely_doubles(tx, request)))


@commands.post("/v1/requests/{request_id}/answers", status_code=201, tags=["requests"])
async def answer(
    request_id: UUID, body: AnswerBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> RequestView:
    """The consultant advises, or cannot help."""
    request = await _load(tx, request_id)
    answered = rules.answer(
        request,
        body.answer,
        body.reason,
        comment=body.comment,
        reasons=reasons.LISTS,
        by=caller.actor,
        at=tx.now,
    )
    await store.save(tx, request := rules.evolve(request, answered))
    await store.save_comment(tx, request, body.comment)
    await outbox.add(tx, answered)
    etag(response, request.version)
    return view(request, caller)


@commands.post("/v1/requests/{request_id}/closures", status_code=201, tags=["requests"])
async def close(
    request_id: UUID, body: ClosureBody, caller: CurrentCaller, tx: CommandTx, response: Response
) -> RequestView:
    """The consultant closes the request: what became of it, and what stays unmet."""
    request = await _load(tx, request_id)
    covering = await store.covering(tx, request.details.learning_areas, calendar_day(tx.now))
    closed = rules.close(
        request,
        body.outcome,
        body.reason,
        activity_ids=body.activity_ids,
        unmet_areas=body.unmet_areas,
        delivered=await store.delivered_among(tx, body.activity_ids),
        uncovered=[area for area in covering if not covering[area]],
        comment=body.comment,
        reasons=reasons.LISTS,
        by=caller.actor,
        at=tx.now,
    )
    await store.save(tx, request := rules.evolve(request, closed))
    await store.save_comment(tx, request, body.comment)
    await outbox.add(tx, closed)
    etag(response, request.version)
    return view(request, caller)


@queries.get("/v1/requests/{request_id}", tags=["requests"])
async def show_request(request_id: UUID, caller: CurrentCaller, db: ReadPool, response: Response) -> RequestView:
    """One request, and what the caller may do with it."""
    request = await store.find(db, request_id)
    if request is None:
        raise NoSuchRequest(None, WrongField("requestId", str(request_id), "a request that was raised"))
    etag(response, request.version)
    return view(request, caller)


@queries.get("/v1/requests", tags=["requests"])
async def list_requests(
    caller: CurrentCaller,
    db: ReadPool,
    *,
    site_id: Annotated[Identifier | None, Query(alias="siteId")] = None,
    status: rules.Status | None = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> RequestPage:
    """Requests in the order in which they were raised."""
    found = await store.page(db, site_id=site_id, status=status, after=cursor, limit=limit)
    items = tuple(view(request, caller) for request in found)
    return RequestPage(items=items, next_cursor=str(found[-1].id) if len(found) == limit else None)


async def _record_site(tx: CommandTx, site_id: str, details: SiteDetails) -> int:
    """Record a site unless it is recorded so already; returns its version."""
    rules.check_site(details)
    version = await store.lock_site(tx, site_id)
    if await store.site_record(tx, site_id, details.valid_from) == details:
        return version
    recorded = SiteRecorded(**dict(details), site_id=site_id)
    version = await outbox.add(tx, recorded, key=None if version else site_id)
    await store.save_site(tx, site_id, details, version)
    return version


async def _record_group(tx: CommandTx, group_id: str, details: GroupDetails) -> int:
    """Record a group unless it is recorded so already; returns its version."""
    recorded, version = await store.group(tx, group_id)
    if recorded == details:
        return version
    rules.check_group(recorded, details, await store.sites_on(tx.db, [details.site_id], calendar_day(tx.now)))
    version = await outbox.add(
        tx, GroupRecorded(**dict(details), group_id=group_id), key=None if version else details.site_id
    )
    await store.save_group(tx, group_id, details, version)
    return version


@commands.put("/v1/sites/{site_id}", tags=["reference data"])
async def record_site(
    site_id: Identifier, body: SiteDetails, caller: CurrentCaller, tx: CommandTx, response: Response
) -> SiteView:
    """Record what a site is from `validFrom` on. The same again changes nothing."""
    caller.must_be("coordinator", "operator", organisation=site_id)
    version = await _record_site(tx, site_id, body)
    etag(response, version)
    return SiteView(site_id=site_id, details=body, version=version)


@commands.put("/v1/groups/{group_id}", tags=["reference data"])
async def record_group(
    group_id: Identifier, body: GroupDetails, caller: CurrentCaller, tx: CommandTx, response: Response
) -> GroupView:
    """Record a group of children of one school year. The same again changes nothing."""
    caller.must_be("coordinator", "operator", organisation=body.site_id)
    version = await _record_group(tx, group_id, body)
    etag(response, version)
    return GroupView(group_id=group_id, details=body, version=version)


@commands.post("/v1/sites", tags=["reference data"])
async def record_sites(caller: CurrentCaller, tx: CommandTx, http: Request) -> Recorded:
    """Record many sites, one JSON object a line (`application/x-ndjson`): all or nothing."""
    caller.must_be("operator")
    lines = await read_lines(http, SiteLine)
    before = tx.staged
    for line in lines:
        await _record_site(tx, line.site_id, SiteDetails.model_validate(dict(line), extra="ignore"))
    return Recorded(recorded=tx.staged - before, unchanged=len(lines) - (tx.staged - before))


@commands.post("/v1/groups", tags=["reference data"])
async def record_groups(caller: CurrentCaller, tx: CommandTx, http: Request) -> Recorded:
    """Record many groups, one JSON object a line (`application/x-ndjson`): all or nothing."""
    caller.must_be("operator")
    lines = await read_lines(http, GroupLine)
    before = tx.staged
    for line in lines:
        await _record_group(tx, line.group_id, GroupDetails.model_validate(dict(line), extra="ignore"))
    return Recorded(recorded=tx.staged - before, unchanged=len(lines) - (tx.staged - before))


@queries.get("/v1/sites/{site_id}", tags=["reference data"])
async def show_site(site_id: Identifier, caller: CurrentCaller, db: ReadPool) -> SiteView:
    """A site as it is today."""
    sites = await store.sites_on(db, [site_id], calendar_day(caller.now))
    if site_id not in sites:
        raise NoSuchSite(None, WrongField("siteId", site_id, "a recorded site"))
    return SiteView(site_id=site_id, details=sites[site_id])


@queries.get("/v1/sites", tags=["reference data"])
async def list_sites(
    caller: CurrentCaller, db: ReadPool, cursor: Identifier | None = None, limit: Limit = 50
) -> SitePage:
    """Sites in the order of their ids."""
    found = await store.site_page(db, after=cursor, limit=limit, day=calendar_day(caller.now))
    items = tuple(SiteView(site_id=site_id, details=details) for site_id, details in found.items())
    return SitePage(items=items, next_cursor=items[-1].site_id if len(items) == limit else None)
