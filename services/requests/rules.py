"""Life of a request: what may happen next, and what we announce when it does.

Pure: no clock, no database, no broker. Time arrives as an argument. `LIFE_CYCLE` is the one table of who may
do what when: the rules, `availableActions`, the documentation and the tests read it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from contracts.referrals import ReferralMade
from contracts.requests import (
    RequestAmended,
    RequestAnswered,
    RequestAssigned,
    RequestCheckedIn,
    RequestClosed,
    RequestDetails,
    RequestRaised,
    RequestReopened,
    RequestUnbrokered,
    RequestVoided,
    RequestWithdrawn,
)
from contracts.sites import DeclaredAdoption, GroupDetails, Link, SiteDetails
from contracts.values import Actor, Identifier, LearningArea, Reason, Role, calendar_day
from services.chassis.checks import (
    BoundsInWrongOrder,
    check_bounds,
    check_headcount,
    check_name,
    check_order,
    check_unique,
)
from services.chassis.life_cycle import (
    EVERYONE,
    PREVIOUS,
    SAME,
    Condition,
    Parties,
    Step,
    allow,
    available_actions,
    check_actor,
    check_operator,
    status_after,
)
from services.chassis.problems import Malformed, NotFound, NotYetKnown, RuleSaysNo, WrongField
from services.chassis.reasons import ReasonLists, ReasonMissing, check_reason, reason_of, usable_reasons
from services.chassis.schemes import Schemes, check_areas_unique, check_learning_areas

RequestEvent = (
    RequestRaised
    | RequestAssigned
    | RequestUnbrokered
    | RequestCheckedIn
    | RequestAnswered
    | RequestClosed
    | RequestWithdrawn
    | RequestReopened
    | RequestVoided
    | RequestAmended
)
Outcome = Literal["fulfilled", "partly_fulfilled", "advice_only", "not_fulfilled"]


MAX_DOUBLES = 10
"""Requests that look like another are counted no further."""


class Status(StrEnum):
    """Where a request stands."""

    RAISED = "raised"
    ASSIGNED = "assigned"
    NO_BROKER = "no_broker"
    ANSWERED = "answered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"


ROUTER = Actor(role="service", organisation="own:samenspel", actor="requests")
"""Who acts when something follows by itself."""

SITE: Mapping[Role, str] = {"coordinator": "site"}
SITE_OR_OPERATOR: Mapping[Role, str] = {**SITE, "operator": "city"}
BROKER: Mapping[Role, str] = {"consultant": "broker", "broker_lead": "broker"}
SAMENSPEL: Mapping[Role, str] = {"service": "samenspel"}

COVERED = (Status.RAISED, Status.ASSIGNED, Status.ANSWERED)
"""From these a request can lose its last broker, or turn out to have none."""
OPEN = (*COVERED, Status.NO_BROKER)
"""As long as a request is in one of these, it is routed anew on every day on which its brokers change."""
NOT_VOIDED = (*OPEN, Status.CLOSED, Status.WITHDRAWN)
REOPEN_WITHIN = timedelta(days=30)  # calendar days, from lifecycles.md


class ClosedTooLongAgo(RuleSaysNo):
    """A closed request can be reopened for 30 days; after that, raise a new one."""


def _is_just_closed(request: "Request", day: date) -> bool:
    return request.closed_on is not None and day <= request.closed_on + REOPEN_WITHIN


LIFE_CYCLE = (
    Step("raise", (), RequestRaised, Status.RAISED, SITE_OR_OPERATOR),
    Step("assign", OPEN, RequestAssigned, Status.ASSIGNED, SAMENSPEL, keeps=(Status.ANSWERED,)),
    Step("unbroker", COVERED, RequestUnbrokered, Status.NO_BROKER, SAMENSPEL, keeps=(Status.ANSWERED,)),
    Step("check-in", (Status.ASSIGNED,), RequestCheckedIn, SAME, BROKER),
    Step("answer", (Status.ASSIGNED,), RequestAnswered, Status.ANSWERED, BROKER, "not-fulfilled"),
    Step("refer", (Status.ASSIGNED, Status.NO_BROKER), RequestAnswered, Status.ANSWERED, SAMENSPEL),
    Step(
        "close",
        (Status.ANSWERED, Status.NO_BROKER),
        RequestClosed,
        Status.CLOSED,
        {**BROKER, **SAMENSPEL},
        "not-fulfilled",
    ),
    Step("amend", OPEN, RequestAmended, SAME, SITE),
    Step("withdraw", OPEN, RequestWithdrawn, Status.WITHDRAWN, SITE, "withdraw-request"),
    Step(
        "reopen",
        (Status.CLOSED,),
        RequestReopened,
        PREVIOUS,
        {**SITE, **BROKER},
        "reopen-request",
        when=Condition(_is_just_closed, ClosedTooLongAgo),
    ),
    Step("void", NOT_VOIDED, RequestVoided, Status.VOIDED, {**SITE, "broker_lead": "broker"}, "void-request"),
)


class NoSuchRequest(NotFound):
    """There is no such request."""


class UnknownSite(Malformed):
    """No such site is recorded; record it first with PUT /v1/sites/{siteId}."""


class UnknownGroup(Malformed):
    """No such group is recorded at the sites that ask."""


class GroupsOrHeadcount(Malformed):
    """A request for children names its groups or a headcount, one of the two."""


class SiteClosed(RuleSaysNo):
    """A site that is not open cannot raise a request."""


class GroupMoved(RuleSaysNo):
    """A group does not move to another site; record a new group there."""


class GroupOfAnotherYear(RuleSaysNo):
    """A group belongs to one school year for good; record a new group."""


class DeliveryMissing(RuleSaysNo):
    """A fulfilled request cites at least one delivered activity of its own."""


class SiteStays(RuleSaysNo):
    """Another site cannot ask the same request: withdraw it, and raise one there."""


class NothingAmended(RuleSaysNo):
    """An amendment changes something; this is what is asked already."""


class AreaNotAsked(Malformed):
    """An unmet area must be one that was asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the rules see it."""

    id: UUID
    details: RequestDetails
    status: Status
    broker_ids: tuple[Identifier, ...] = ()
    """As it was routed last, as `covered_areas`."""
    answer: str | None = None
    outcome: Outcome | None = None
    version: int = 0
    partner_ids: tuple[Identifier, ...] = ()
    """To whom it was referred, as far as this service has heard."""
    covered_areas: tuple[LearningArea, ...] = ()
    """The asked areas that one of its brokers covers."""
    answer_reason: Reason | None = None
    """Why nobody can help."""
    open_referrals: int = 0
    """How many of its referrals have not ended, as far as this service has heard."""
    last_end: str | None = None
    """How the referral ended that ended last, such as `declined`."""
    referrals_due_on: date | None = None
    """The latest day on which one of its open referrals is due; none while none is open."""
    closed_from: Status | None = None
    """Where it stood when it was closed last; none while it is not closed."""
    closed_on: date | None = None
    checked_in_on: date | None = None
    """When a consultant said last that it is working on the answer."""

    @property
    def uncovered_areas(self) -> tuple[LearningArea, ...]:
        """The asked areas that nobody covers; while it is open, they show in the gap report."""
        return tuple(area for area in self.details.learning_areas if area not in self.covered_areas)


@dataclass(frozen=True, slots=True)
class Routing:
    """Who brokers a request on a day, which of its areas, and which of them nobody does."""

    broker_ids: tuple[Identifier, ...]
    covered_areas: tuple[LearningArea, ...]
    uncovered_areas: tuple[LearningArea, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is recorded of the sites and groups that a request names, and the codes that there are."""

    sites: Mapping[str, SiteDetails]
    groups: Mapping[str, GroupDetails]
    schemes: Schemes


def parties(request: Request) -> Parties:
    """Who is concerned: the sites that ask, its brokers (while there are none, every broker), and its partners."""
    return {
        "site": (request.details.site_id, *request.details.co_site_ids),
        "broker": request.broker_ids or EVERYONE,
        "partner": request.partner_ids,
        "samenspel": (ROUTER.organisation,),
    }


def raise_request(
    request_id: UUID,
    details: RequestDetails,
    *,
    known: Known,
    by: Actor,
    at: datetime,
) -> RequestRaised:
    """A coordinator asks."""
    allow(LIFE_CYCLE, "raise", None, by, {"site": (details.site_id,), "city": EVERYONE}, calendar_day(at))
    _check_asked(details, known, at)
    return RequestRaised(**dict(details), request_id=request_id, raised_by=by, raised_at=at)


def amend(request: Request, details: RequestDetails, *, known: Known, by: Actor, at: datetime) -> RequestAmended:
    """The asking side says anew what it asks."""
    _allow(request, "amend", by, at)
    if details.site_id != request.details.site_id:
        raise SiteStays(None, WrongField("siteId", details.site_id, request.details.site_id))
    _check_asked(details, known, at)
    changed = tuple(
        str(field.alias)
        for name, field in RequestDetails.model_fields.items()
        if getattr(details, name) != getattr(request.details, name)
    )
    if not changed:
        raise NothingAmended(None, WrongField("body", None, "a body that differs from what is asked"))
    return RequestAmended(**dict(details), request_id=request.id, changed=changed, amended_by=by, amended_at=at)


def _allow(request: Request, action: str, by: Actor, at: datetime) -> Step[Status]:
    return allow(LIFE_CYCLE, action, request, by, parties(request), calendar_day(at))


def _check_asked(details: RequestDetails, known: Known, at: datetime) -> None:
    """What is asked names what is recorded and open, and is what the schema of a request cannot say."""
    check_learning_areas(details.learning_areas, known.schemes)
    check_order(details.wished_from, details.wished_to, field="wishedTo", after="wishedFrom")
    check_unique([group.group_id for group in details.groups], field="groups")
    check_areas_unique(details.learning_areas)
    check_unique(details.co_site_ids, field="coSiteIds", beside=(details.site_id,))
    if details.audience == "children" and bool(details.groups) == (details.headcount is not None):
        raise GroupsOrHeadcount(None, WrongField("groups", None, "groups or headcount"))
    check_headcount(details.headcount, field="headcount")
    for index, group in enumerate(details.groups):
        check_headcount(group.headcount, field=f"groups[{index}].headcount")
    named = [("siteId", details.site_id)]
    named += [(f"coSiteIds[{index}]", site_id) for index, site_id in enumerate(details.co_site_ids)]
    for field, site_id in named:
        _check_open(field, site_id, known.sites.get(site_id), at)
    for index, group in enumerate(details.groups):
        recorded = known.groups.get(group.group_id)
        if recorded is None or recorded.site_id not in known.sites:
            raise UnknownGroup(
                f"groups[{index}].groupId is {group.group_id}: no such group is recorded at the sites that ask.",
                WrongField(f"groups[{index}].groupId", group.group_id, "a recorded group of these sites"),
            )


def check_recorder(site_id: Identifier, *, is_new: bool, by: Actor) -> None:
    """An operator records a new site; the site's coordinator may amend what is recorded of it."""
    if is_new:
        check_operator("record a new site", by)
    else:
        check_actor("amend the site", SITE_OR_OPERATOR, by, {"site": (site_id,), "city": EVERYONE})


def check_site(site: SiteDetails) -> None:
    """What the schema of a site cannot say."""
    check_name(site.name.nl, field="name.nl")
    check_order(site.opened_on, site.closed_on, field="closedOn", after="openedOn")
    check_unique(site.kinds, field="kinds")
    for index, link in enumerate(site.links):
        _check_period(f"links[{index}]", link)
    for index, declared in enumerate(site.declared_adoption):
        _check_period(f"declaredAdoption[{index}]", declared)


def _check_period(field: str, period: Link | DeclaredAdoption) -> None:
    check_order(period.starts_on, period.ends_on, field=f"{field}.to", after=f"{field}.from")


def check_group(recorded: GroupDetails | None, group: GroupDetails, sites: Mapping[str, SiteDetails]) -> None:
    """A group belongs to a recorded site and a school year, and stays there: its events are ordered under that site,
    and another year would take its children from the figures of the first (ruling 40)."""
    check_bounds(group.headcount, field="headcount")
    if group.age_to < group.age_from:
        raise BoundsInWrongOrder(
            f"ageTo is {group.age_to}, below ageFrom ({group.age_from}).",
            WrongField("ageTo", group.age_to, f"at least {group.age_from}"),
        )
    if group.site_id not in sites:
        raise UnknownSite(
            f"siteId is {group.site_id}: no such site is recorded.",
            WrongField("siteId", group.site_id, "a recorded site"),
        )
    if recorded is not None and recorded.site_id != group.site_id:
        raise GroupMoved(None, WrongField("siteId", group.site_id, recorded.site_id))
    if recorded is not None and recorded.school_year != group.school_year:
        raise GroupOfAnotherYear(
            f"schoolYear is {group.school_year}; this group is recorded for {recorded.school_year}.",
            WrongField("schoolYear", group.school_year, recorded.school_year),
        )


def _check_open(field: str, site_id: str, site: SiteDetails | None, at: datetime) -> None:
    if site is None:
        raise UnknownSite(
            f"{field} is {site_id}: no such site is recorded.", WrongField(field, site_id, "a recorded site")
        )
    day = calendar_day(at)
    is_closed = site.closed_on is not None and site.closed_on <= day
    if is_closed or (site.opened_on is not None and day < site.opened_on):
        raise SiteClosed(
            f"{field} is {site_id}, which is not open on {day} (opened {site.opened_on}, closed {site.closed_on}).",
            WrongField(field, site_id, "a site that is open"),
        )


Covering = Mapping[LearningArea, Collection[Identifier]]
"""For every area that was asked, the brokers that cover it on a day."""


def routing_of(areas: Iterable[LearningArea], covering: Covering) -> Routing:
    """Where a request for these areas goes: what its brokers, the gap report and the unmet areas follow from."""
    asked = tuple(areas)
    return Routing(
        broker_ids=tuple(sorted({broker for area in asked for broker in covering[area]})),
        covered_areas=tuple(area for area in asked if covering[area]),
        uncovered_areas=tuple(area for area in asked if not covering[area]),
    )


def route(request: Request, covering: Covering, *, at: datetime) -> RequestAssigned | RequestUnbrokered:
    """The router: to the brokers that cover an area of it, or visibly to nobody."""
    routing = routing_of(request.details.learning_areas, covering)
    _allow(request, "assign" if routing.broker_ids else "unbroker", ROUTER, at)
    if not routing.broker_ids:
        return RequestUnbrokered(request_id=request.id, learning_areas=request.details.learning_areas, unbrokered_at=at)
    return RequestAssigned(
        request_id=request.id,
        broker_ids=routing.broker_ids,
        learning_areas=routing.covered_areas,
        uncovered_areas=routing.uncovered_areas,
        assigned_at=at,
    )


def route_anew(request: Request, covering: Covering, *, at: datetime) -> RequestAssigned | RequestUnbrokered | None:
    """`route` on another day, or with other brokers; None where it goes to the same brokers for the same areas."""
    routing = routing_of(request.details.learning_areas, covering)
    is_same = (request.broker_ids, request.covered_areas) == (routing.broker_ids, routing.covered_areas)
    return None if is_same and request.status is not Status.RAISED else route(request, covering, at=at)


def check_in(request: Request, *, by: Actor, at: datetime) -> RequestCheckedIn:
    """The consultant is working on the answer."""
    _allow(request, "check-in", by, at)
    return RequestCheckedIn(request_id=request.id, checked_in_by=by, checked_in_at=at)


def answer(
    request: Request,
    how: Literal["advise", "cannot_help"],
    reason: Reason | None,
    *,
    comment: str | None = None,
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> RequestAnswered:
    """The consultant answers without a referral."""
    step = _allow(request, "answer", by, at)
    if how == "cannot_help" and reason is None:
        raise ReasonMissing(None, WrongField("reason", None, usable_reasons(step, reasons, by.role, calendar_day(at))))
    if reason is not None:
        check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return RequestAnswered(request_id=request.id, answer=how, reason=reason, answered_by=by, answered_at=at)


def answer_by_referring(request: Request, referral: ReferralMade) -> RequestAnswered | None:
    """The first referral is the answer `refer`, dated as the referral; later ones change nothing."""
    if "refer" not in available_actions(LIFE_CYCLE, request, ROUTER, parties(request), calendar_day(referral.made_at)):
        return None
    return RequestAnswered(
        request_id=request.id, answer="refer", answered_by=referral.made_by, answered_at=referral.made_at
    )


def close(
    request: Request,
    outcome: Outcome,
    reason: Reason | None,
    *,
    activity_ids: Sequence[UUID],
    unmet_areas: Sequence[LearningArea],
    delivered: Mapping[UUID, UUID | None],
    uncovered: Collection[LearningArea],
    comment: str | None = None,
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> RequestClosed:
    """The consultant closes. `delivered` are those of the named activities that were delivered, each with its
    request (none when it was retracted since); `uncovered` are the asked areas that no broker covers now: they
    are unmet, whoever forgets to say so."""
    step = _allow(request, "close", by, at)
    if reason is not None:
        check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    check_unique([str(activity_id) for activity_id in activity_ids], field="activityIds")
    _check_fulfilment(request, outcome, activity_ids, delivered)
    for index, area in enumerate(unmet_areas):
        if area not in request.details.learning_areas:
            raise AreaNotAsked(
                None,
                WrongField(f"unmetAreas[{index}]", area.code, [each.code for each in request.details.learning_areas]),
            )
    unmet = tuple(area for area in request.details.learning_areas if area in unmet_areas or area in uncovered)
    if reason is None and uncovered and not unmet_areas:
        reason = reason_of(step, "no_offer_in_area")
    if reason is None and (unmet or outcome == "not_fulfilled"):
        raise ReasonMissing(
            "What was not fulfilled needs a reason.",
            WrongField("reason", None, usable_reasons(step, reasons, by.role, calendar_day(at))),
        )
    return RequestClosed(
        request_id=request.id,
        outcome=outcome,
        reason=reason,
        activity_ids=tuple(activity_ids),
        unmet_areas=unmet,
        closed_by=by,
        closed_at=at,
    )


_WHY_NOT: Mapping[str | None, str] = {"declined": "all_declined", "expired": "expired"}
"""Why nothing came of a request, by how its last referral ended (ruling 47)."""


def close_by_itself(
    request: Request, delivered: Mapping[UUID, Collection[LearningArea]], *, at: datetime
) -> RequestClosed:
    """The grace period has passed, or what was wished found no broker. `delivered` are its delivered activities, each
    with its learning areas: these are met (ruling 47)."""
    step = _allow(request, "close", ROUTER, at)
    asked = request.details.learning_areas
    met = {area for areas in delivered.values() for area in areas}
    unmet = tuple(area for area in asked if area not in met)
    if request.answer == "advise" and not delivered:
        uncovered = request.uncovered_areas
        return RequestClosed(
            request_id=request.id,
            outcome="advice_only",
            reason=reason_of(step, "no_offer_in_area") if uncovered else None,
            unmet_areas=uncovered,
            closed_by=ROUTER,
            closed_at=at,
        )
    outcome: Outcome = "not_fulfilled" if len(unmet) == len(asked) else "partly_fulfilled" if unmet else "fulfilled"
    if request.status is Status.NO_BROKER:
        why = reason_of(step, "no_offer_in_area")
    else:
        why = request.answer_reason or reason_of(step, _WHY_NOT.get(request.last_end, "other"))
    return RequestClosed(
        request_id=request.id,
        outcome=outcome,
        reason=why if unmet else None,
        activity_ids=() if outcome == "not_fulfilled" else tuple(sorted(delivered)),
        unmet_areas=unmet,
        closed_by=ROUTER,
        closed_at=at,
    )


def _check_fulfilment(
    request: Request, outcome: Outcome, activity_ids: Sequence[UUID], delivered: Mapping[UUID, UUID | None]
) -> None:
    for index, activity_id in enumerate(activity_ids):
        if activity_id not in delivered:
            raise NotYetKnown(
                f"activityIds[{index}] is {activity_id}: its delivery is not known here yet; ask again shortly.",
                WrongField(f"activityIds[{index}]", str(activity_id), "a delivered activity"),
            )
        if delivered[activity_id] != request.id:
            raise DeliveryMissing(
                f"activityIds[{index}] is {activity_id}, which is not a delivered activity of this request.",
                WrongField(f"activityIds[{index}]", str(activity_id), "a delivered activity of this request"),
            )
    if outcome in {"fulfilled", "partly_fulfilled"} and not activity_ids:
        raise DeliveryMissing(None, WrongField("activityIds", [], "at least one delivered activity of this request"))


def withdraw(
    request: Request, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> RequestWithdrawn:
    """The asking side takes it back."""
    step = _allow(request, "withdraw", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return RequestWithdrawn(request_id=request.id, reason=reason, withdrawn_by=by, withdrawn_at=at)


def reopen(
    request: Request, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> RequestReopened:
    """The closure is taken back."""
    step = _allow(request, "reopen", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    returns_to: Literal["answered", "no_broker"] = (
        "no_broker" if request.closed_from is Status.NO_BROKER else "answered"
    )
    return RequestReopened(request_id=request.id, returns_to=returns_to, reason=reason, reopened_by=by, reopened_at=at)


def void(
    request: Request, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> RequestVoided:
    """It was a mistake."""
    step = _allow(request, "void", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return RequestVoided(request_id=request.id, reason=reason, voided_by=by, voided_at=at)


def evolve(request: Request | None, event: RequestEvent) -> Request:
    """The request after the event: the only place where its state changes. The table gives the status; an event that
    has no case below sets nothing else."""
    status = status_after(
        LIFE_CYCLE,
        request.status if request else None,
        event,
        previous=request.closed_from if request else None,
    )
    if isinstance(event, RequestRaised):
        return Request(event.request_id, _details_of(event), status, version=1)
    assert request is not None, "every other event follows RequestRaised"
    said: dict[str, Any] = {}
    match event:
        case RequestAssigned():
            said = {"broker_ids": event.broker_ids, "covered_areas": event.learning_areas}
        case RequestUnbrokered():
            said = {"broker_ids": (), "covered_areas": ()}
        case RequestCheckedIn():
            said = {"checked_in_on": calendar_day(event.checked_in_at)}
        case RequestAnswered():
            said = {"answer": event.answer, "answer_reason": event.reason}
        case RequestClosed():
            closed_on = calendar_day(event.closed_at)
            said = {"outcome": event.outcome, "closed_from": request.status, "closed_on": closed_on}
        case RequestReopened() | RequestVoided():
            said = {"outcome": None, "closed_from": None, "closed_on": None}
        case RequestAmended():
            said = {"details": _details_of(event)}
    return replace(request, status=status, version=request.version + 1, **said)


def _details_of(event: RequestDetails) -> RequestDetails:
    """What is asked, without what else the event says. It was checked when the event was made or read."""
    said = dict(event)
    return RequestDetails.model_construct(**{name: said[name] for name in RequestDetails.model_fields})
