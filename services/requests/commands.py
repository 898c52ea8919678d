"""What others ask `requests` to do: each command loads, and lets a rule decide."""

from contracts.requests import RequestDetails
from contracts.sites import GroupDetails, GroupRecorded, SiteDetails, SiteRecorded
from contracts.values import Identifier
from services.chassis.commands import AggregateCommands, Events, RecordCommands
from services.chassis.life_cycle import EVERYONE, check_actor
from services.chassis.messaging import outbox
from services.chassis.reasons import Why
from services.chassis.running.database import CommandTx
from services.requests import reasons, replicas, store
from services.requests.rules import asking, records
from services.requests.rules import request as rules
from services.requests.rules.asking import Known
from services.requests.rules.closing import ClosureBody
from services.requests.rules.closing import close as close_request
from services.requests.rules.request import LIFE_CYCLE, NoSuchRequest, Request, RequestEvent, parties
from services.requests.rules.routing import route, route_anew, routing_of
from services.requests.views import GroupLine, GroupView, RequestView, SiteLine, SiteView, view

requests = AggregateCommands(
    aggregate=store.REQUESTS,
    steps=LIFE_CYCLE,
    collection="requests",
    view=view,
    shows=RequestView,
    missing=NoSuchRequest,
    parties=parties,
    sites=store.SITES,
)
reference_data = RecordCommands()


async def _with_likely_doubles(tx: CommandTx, request: Request) -> RequestView:
    return view(request, tx.by, tx.today, tuple(await store.likely_doubles(tx, request)))


async def _known(tx: CommandTx, asked: RequestDetails) -> Known:
    """What is recorded of what a request names."""
    return Known(
        await store.SITES.today(tx, [asked.site_id, *asked.co_site_ids]),
        await store.groups(tx.db, [group.group_id for group in asked.groups]),
        reasons.SCHEMES,
    )


@requests.creates("raise", view=_with_likely_doubles)
async def raise_request(tx: CommandTx, body: RequestDetails) -> Events:
    """A coordinator raises a request; it is routed to the brokers of its areas at once."""
    raised = asking.raise_request(outbox.new_id(), body, known=await _known(tx, body), by=tx.by, at=tx.now)
    await replicas.hold_routing(tx)
    covering = await replicas.covering(tx, body.learning_areas)
    return raised, route(rules.evolve(None, raised), covering, at=tx.now)


requests.by_rule("check-ins", rules.check_in)
requests.by_rule("answers", rules.answer)
requests.by_rule("withdrawals", rules.withdraw)
requests.by_rule("voidings", rules.void)


@requests.to("closures")
async def close(tx: CommandTx, request: Request, body: ClosureBody) -> Events:
    """The consultant closes the request: what became of it, and what stays unmet."""
    asked = request.details.learning_areas
    return close_request(
        request,
        body,
        delivered=await replicas.delivered_among(tx, body.activity_ids),
        uncovered=routing_of(asked, await replicas.covering(tx, asked)).uncovered_areas,
        by=tx.by,
        at=tx.now,
    )


@requests.to("amendments")
async def amend(tx: CommandTx, request: Request, body: RequestDetails) -> Events:
    """The asking side says anew what it asks, the whole of it; it is routed anew at once."""
    amended = asking.amend(request, body, known=await _known(tx, body), by=tx.by, at=tx.now)
    return amended, *await _routed_anew(tx, rules.evolve(request, amended))


@requests.to("reopenings")
async def reopen(tx: CommandTx, request: Request, body: Why) -> Events:
    """The closure is taken back, within 30 days; the request is routed anew at once."""
    reopened = rules.reopen(request, body, by=tx.by, at=tx.now)
    return reopened, *await _routed_anew(tx, rules.evolve(request, reopened))


async def _routed_anew(tx: CommandTx, request: Request) -> list[RequestEvent]:
    await replicas.hold_routing(tx)
    covering = await replicas.covering(tx, request.details.learning_areas)
    routed = route_anew(request, covering, at=tx.now)
    return [routed] if routed else []


@reference_data.records("site", event=SiteRecorded, shows=SiteView, line=SiteLine)
async def record_site(tx: CommandTx, site_id: Identifier, details: SiteDetails) -> int:
    """Record what a site is from `validFrom` on. An operator records a new one; its coordinator may amend it. The same
    again changes nothing."""
    is_known = tx.by.role == "operator" or await store.SITES.today(tx, [site_id])
    records.check_recorder(site_id, is_new=not is_known, by=tx.by)
    records.check_site(site_id, details)
    return await store.SITES.record(tx, site_id, details, lambda: SiteRecorded(**dict(details), site_id=site_id))


@reference_data.records("group", event=GroupRecorded, shows=GroupView, line=GroupLine)
async def record_group(tx: CommandTx, group_id: Identifier, details: GroupDetails) -> int:
    """Record a group of children of one school year. The same again changes nothing."""
    check_actor("record the group", records.RECORDERS, tx.by, {"site": (details.site_id,), "city": EVERYONE})
    recorded, version = await store.group(tx, group_id)
    if recorded == details:
        return version
    records.check_group(recorded, details, await store.SITES.today(tx, [details.site_id]))
    recorded_now, its_site = GroupRecorded(**dict(details), group_id=group_id), f"site:{details.site_id}"
    await outbox.add(tx, recorded_now, key=details.site_id, version=version + 1, parties=(its_site,))
    await store.save_group(tx, group_id, details, version + 1)
    return version + 1
