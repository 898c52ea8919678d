"""What `requests` tells over HTTP: requests, sites and groups. (Its commands have their routes from the registry.)"""

from itertools import islice
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from contracts.values import Identifier, RecordDay, SchoolYear, calendar_day
from services.chassis.http.parameters import WITH_ETAG, CurrentCaller, Limit, ReadPool, etag
from services.chassis.http.queries import query_routes
from services.chassis.problems import NotFound, WrongField
from services.chassis.visibility import Audience, audience_of, sees
from services.chassis.work_lists import Objects, work_list_of
from services.requests import store
from services.requests.rules import request as rules
from services.requests.rules.request import NoSuchRequest
from services.requests.views import GroupPage, GroupView, RequestPage, RequestView, SitePage, SiteView, view

queries = query_routes()
work = work_list_of({"request": Objects(store.find_many, rules.LIFE_CYCLE, rules.parties)})

OnDay = Annotated[RecordDay | None, Query(description="As it is on this day: by its newest record that has begun.")]
"""Today unless it is named. While no record has begun, the first one shows, whose `validFrom` is later."""


class NoSuchSite(NotFound):
    """There is no such site."""


class NoSuchGroup(NotFound):
    """There is no such group."""


async def _audience(db: ReadPool, caller: CurrentCaller) -> Audience:
    return await audience_of(db, caller.actor, store.SITES, calendar_day(caller.now))


@queries.get("/v1/requests/{requestId}", tags=["requests"], responses=WITH_ETAG)
async def show_request(
    request_id: Annotated[UUID, Path(alias="requestId")], caller: CurrentCaller, db: ReadPool, response: Response
) -> RequestView:
    """One request, and what the caller may do with it."""
    request, audience = await store.find(db, request_id), await _audience(db, caller)
    if request is None or not sees(audience, rules.parties(request)):
        raise NoSuchRequest(None, WrongField("requestId", str(request_id), "the id of a known request"))
    etag(response, request.version)
    return view(request, caller.actor, calendar_day(caller.now))


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
    """Those that the caller is a party to, in the order in which they were raised."""
    audience = await _audience(db, caller)
    found = await store.page(db, audience, site_id=site_id, status=status, after=cursor, limit=limit + 1)
    items = tuple(view(request, caller.actor, calendar_day(caller.now)) for request in found[:limit])
    return RequestPage(items=items, next_cursor=str(found[limit - 1].id) if len(found) > limit else None)


@queries.get("/v1/sites/{siteId}", tags=["reference data"], responses=WITH_ETAG)
async def show_site(
    site_id: Annotated[Identifier, Path(alias="siteId")],
    caller: CurrentCaller,
    db: ReadPool,
    response: Response,
    day: OnDay = None,
) -> SiteView:
    """A site as it is today, or on another day. `ETag` is the version of all that is recorded of it."""
    found = await store.SITES.shown(db, site_id, day or calendar_day(caller.now))
    if found is None:
        raise NoSuchSite(None, WrongField("siteId", site_id, "a recorded site"))
    details, version = found
    etag(response, version)
    return SiteView(site_id=site_id, details=details)


@queries.get("/v1/sites", tags=["reference data"])
async def list_sites(
    caller: CurrentCaller, db: ReadPool, cursor: Identifier | None = None, limit: Limit = 50, day: OnDay = None
) -> SitePage:
    """Sites in the order of their ids, as they are today or on another day."""
    found = await store.SITES.page(db, after=cursor, limit=limit + 1, day=day or calendar_day(caller.now))
    items = tuple(SiteView(site_id=site_id, details=details) for site_id, details in islice(found.items(), limit))
    return SitePage(items=items, next_cursor=items[-1].site_id if len(found) > limit else None)


@queries.get("/v1/groups/{groupId}", tags=["reference data"], responses=WITH_ETAG)
async def show_group(
    group_id: Annotated[Identifier, Path(alias="groupId")], caller: CurrentCaller, db: ReadPool, response: Response
) -> GroupView:
    """A group, for its site and for whoever is a party to a request that names it."""
    found = await store.group_page(db, await _audience(db, caller), group_id=group_id)
    if not found:
        raise NoSuchGroup(None, WrongField("groupId", group_id, "the id of a recorded group"))
    ((_, details, version),) = found
    etag(response, version)
    return GroupView(group_id=group_id, details=details, version=version)


@queries.get("/v1/groups", tags=["reference data"])
async def list_groups(
    caller: CurrentCaller,
    db: ReadPool,
    *,
    site_id: Annotated[Identifier | None, Query(alias="siteId")] = None,
    school_year: Annotated[SchoolYear | None, Query(alias="schoolYear")] = None,
    cursor: Identifier | None = None,
    limit: Limit = 50,
) -> GroupPage:
    """Those of the caller's sites and of the requests to which it is a party, in the order of their ids."""
    audience = await _audience(db, caller)
    found = await store.group_page(
        db, audience, site_id=site_id, school_year=school_year, after=cursor, limit=limit + 1
    )
    items = tuple(
        GroupView(group_id=group_id, details=details, version=version) for group_id, details, version in found[:limit]
    )
    return GroupPage(items=items, next_cursor=items[-1].group_id if len(found) > limit else None)
