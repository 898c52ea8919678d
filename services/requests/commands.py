"""What others ask `requests` to do: each command loads, and lets a rule decide."""

from typing import Literal

from contracts.requests import ActivityIds, RequestDetails
from contracts.sites import GroupDetails, GroupRecorded, SiteDetails, SiteRecorded
from contracts.values import Identifier, LearningAreas, Reason, Text, Value
from services.chassis.commands import AggregateCommands, Events, NoBody, RecordCommands
from services.chassis.life_cycle import EVERYONE, check_actor
from services.chassis.messaging import outbox
from services.chassis.reasons import Why
from services.chassis.running.database import CommandTx
from services.requests import reasons, rules, store
from services.requests.rules import LIFE_CYCLE, Known, NoSuchRequest, Outcome, Request, RequestEvent, parties
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
        await store.SITES.on_day(tx.db, [asked.site_id, *asked.co_site_ids], tx.today),
        await store.groups(tx.db, [group.group_id for group in asked.groups]),
        reasons.SCHEMES,
    )


@requests.creates("raise", view=_with_likely_doubles)
async def raise_request(tx: CommandTx, body: RequestDetails) -> Events:
    """A coordinator raises a request; it is routed to the brokers of its areas at once."""
    raised = rules.raise_request(outbox.new_id(), body, known=await _known(tx, body), by=tx.by, at=tx.now)
    await store.hold_routing(tx)
    covering = await store.covering(tx, body.learning_areas)
    return raised, rules.route(rules.evolve(None, raised), covering, at=tx.now)


@requests.to("check-ins")
async def check_in(tx: CommandTx, request: Request, _: NoBody) -> Events:
    """The consultant is working on the answer: what is waited for counts anew."""
    return rules.check_in(request, by=tx.by, at=tx.now)


class AnswerBody(Value):
    """An answer without a referral (to refer is to POST a referral)."""

    answer: Literal["advise", "cannot_help"]
    reason: Reason | None = None
    comment: Text | None = None
    """For the people concerned; it stays in this service and never enters an event."""


@requests.to("answers")
async def answer(tx: CommandTx, request: Request, body: AnswerBody) -> Events:
    """The consultant advises, or cannot help."""
    return rules.answer(
        request, body.answer, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now
    )


class ClosureBody(Value):
    """How a request ends."""

    outcome: Outcome
    reason: Reason | None = None
    comment: Text | None = None
    """Stays in this service, as with an answer."""
    activity_ids: ActivityIds = ()
    unmet_areas: LearningAreas = ()


@requests.to("closures")
async def close(tx: CommandTx, request: Request, body: ClosureBody) -> Events:
    """The consultant closes the request: what became of it, and what stays unmet."""
    asked = request.details.learning_areas
    return rules.close(
        request,
        body.outcome,
        body.reason,
        activity_ids=body.activity_ids,
        unmet_areas=body.unmet_areas,
        delivered=await store.delivered_among(tx, body.activity_ids),
        uncovered=rules.routing_of(asked, await store.covering(tx, asked)).uncovered_areas,
        comment=body.comment,
        reasons=reasons.LISTS,
        by=tx.by,
        at=tx.now,
    )


@requests.to("amendments")
async def amend(tx: CommandTx, request: Request, body: RequestDetails) -> Events:
    """The asking side says anew what it asks, the whole of it; it is routed anew at once."""
    amended = rules.amend(request, body, known=await _known(tx, body), by=tx.by, at=tx.now)
    return amended, *await _routed_anew(tx, rules.evolve(request, amended))


@requests.to("withdrawals")
async def withdraw(tx: CommandTx, request: Request, body: Why) -> Events:
    """The asking side takes its request back; its open referrals are withdrawn."""
    return rules.withdraw(request, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)


@requests.to("reopenings")
async def reopen(tx: CommandTx, request: Request, body: Why) -> Events:
    """The closure is taken back, within 30 days; the request is routed anew at once."""
    reopened = rules.reopen(request, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)
    return reopened, *await _routed_anew(tx, rules.evolve(request, reopened))


async def _routed_anew(tx: CommandTx, request: Request) -> list[RequestEvent]:
    await store.hold_routing(tx)
    covering = await store.covering(tx, request.details.learning_areas)
    routed = rules.route_anew(request, covering, at=tx.now)
    return [routed] if routed else []


@requests.to("voidings")
async def void(tx: CommandTx, request: Request, body: Why) -> Events:
    """The request was a mistake: it leaves every figure, and its open referrals are withdrawn."""
    return rules.void(request, body.reason, comment=body.comment, reasons=reasons.LISTS, by=tx.by, at=tx.now)


@reference_data.records("site", event=SiteRecorded, shows=SiteView, line=SiteLine)
async def record_site(tx: CommandTx, site_id: Identifier, details: SiteDetails) -> int:
    """Record what a site is from `validFrom` on. An operator records a new one; its coordinator may amend it. The same
    again changes nothing."""
    is_known = tx.by.role == "operator" or await store.SITES.on_day(tx.db, [site_id], tx.today)
    rules.check_recorder(site_id, is_new=not is_known, by=tx.by)
    rules.check_site(details)
    return await store.SITES.record(tx, site_id, details, lambda: SiteRecorded(**dict(details), site_id=site_id))


@reference_data.records("group", event=GroupRecorded, shows=GroupView, line=GroupLine)
async def record_group(tx: CommandTx, group_id: Identifier, details: GroupDetails) -> int:
    """Record a group of children of one school year. The same again changes nothing."""
    check_actor("record the group", rules.SITE_OR_OPERATOR, tx.by, {"site": (details.site_id,), "city": EVERYONE})
    recorded, version = await store.group(tx, group_id)
    if recorded == details:
        return version
    rules.check_group(recorded, details, await store.SITES.on_day(tx.db, [details.site_id], tx.today))
    recorded_now, its_site = GroupRecorded(**dict(details), group_id=group_id), f"site:{details.site_id}"
    await outbox.add(tx, recorded_now, key=details.site_id, version=version + 1, parties=(its_site,))
    await store.save_group(tx, group_id, details, version + 1)
    return version + 1
