"""Life of a request: what may happen next, and what we announce when it does.

Pure: no clock, no database, no broker. Time arrives as an argument. `LIFE_CYCLE` is the one table of who may
do what when: the rules, `availableActions`, the documentation and the tests read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from contracts.referrals import ReferralMade
from contracts.requests import (
    Answer,
    ClosureOutcome,
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
from contracts.values import Actor, Identifier, LearningArea, Reason, Role, Text, Value, calendar_day
from services.chassis.life_cycle import (
    EVERYONE,
    PREVIOUS,
    SAME,
    Condition,
    Parties,
    Step,
    allow,
    available_actions,
    status_after,
)
from services.chassis.problems import NotFound, RuleSaysNo, WrongField
from services.chassis.reasons import ReasonMissing, Why, check_reason, usable_reasons
from services.requests.reasons import LISTS

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


class ReopenedTooLate(RuleSaysNo):
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
        when=Condition(_is_just_closed, ReopenedTooLate),
    ),
    Step("void", NOT_VOIDED, RequestVoided, Status.VOIDED, {**SITE, "broker_lead": "broker"}, "void-request"),
)


class NoSuchRequest(NotFound):
    """There is no such request."""


class AnswerBody(Value):
    """An answer without a referral (to refer is to POST a referral)."""

    answer: Literal["advise", "cannot_help"]
    reason: Reason | None = None
    comment: Text | None = None
    """For the people concerned; it stays in this service and never enters an event."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the rules see it."""

    id: UUID
    details: RequestDetails
    status: Status
    broker_ids: tuple[Identifier, ...] = ()
    """As it was routed last, as `covered_areas`."""
    answer: Answer | None = None
    outcome: ClosureOutcome | None = None
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


def parties(request: Request) -> Parties:
    """Who is concerned: the sites that ask, its brokers (while there are none, every broker), and its partners."""
    return {
        "site": (request.details.site_id, *request.details.co_site_ids),
        "broker": request.broker_ids or EVERYONE,
        "partner": request.partner_ids,
        "samenspel": (ROUTER.organisation,),
    }


def check_allowed(request: Request, action: str, by: Actor, at: datetime, why: Why | None = None) -> Step[Status]:
    """The row of the action; raises what says why not, as `allow` and `check_reason`."""
    step = allow(LIFE_CYCLE, action, request, by, parties(request), calendar_day(at))
    if why is not None:
        check_reason(step, LISTS, why.reason, why.comment, by=by, day=calendar_day(at))
    return step


def check_in(request: Request, *, by: Actor, at: datetime) -> RequestCheckedIn:
    """The consultant is working on the answer: what is waited for counts anew."""
    check_allowed(request, "check-in", by, at)
    return RequestCheckedIn(request_id=request.id, checked_in_by=by, checked_in_at=at)


def answer(request: Request, body: AnswerBody, *, by: Actor, at: datetime) -> RequestAnswered:
    """The consultant advises, or cannot help."""
    step, reason = check_allowed(request, "answer", by, at), body.reason
    if body.answer == "cannot_help" and reason is None:
        raise ReasonMissing(None, WrongField("reason", None, usable_reasons(step, LISTS, by.role, calendar_day(at))))
    if reason is not None:
        check_reason(step, LISTS, reason, body.comment, by=by, day=calendar_day(at))
    return RequestAnswered(request_id=request.id, answer=body.answer, reason=reason, answered_by=by, answered_at=at)


def answer_by_referring(request: Request, referral: ReferralMade) -> RequestAnswered | None:
    """The first referral is the answer `refer`, dated as the referral; later ones change nothing."""
    if "refer" not in available_actions(LIFE_CYCLE, request, ROUTER, parties(request), calendar_day(referral.made_at)):
        return None
    return RequestAnswered(
        request_id=request.id, answer="refer", answered_by=referral.made_by, answered_at=referral.made_at
    )


def withdraw(request: Request, why: Why, *, by: Actor, at: datetime) -> RequestWithdrawn:
    """The asking side takes its request back; its open referrals are withdrawn."""
    check_allowed(request, "withdraw", by, at, why)
    return RequestWithdrawn(request_id=request.id, reason=why.reason, withdrawn_by=by, withdrawn_at=at)


def reopen(request: Request, why: Why, *, by: Actor, at: datetime) -> RequestReopened:
    """The closure is taken back."""
    check_allowed(request, "reopen", by, at, why)
    returns_to: Literal["answered", "no_broker"] = (
        "no_broker" if request.closed_from is Status.NO_BROKER else "answered"
    )
    return RequestReopened(
        request_id=request.id, returns_to=returns_to, reason=why.reason, reopened_by=by, reopened_at=at
    )


def void(request: Request, why: Why, *, by: Actor, at: datetime) -> RequestVoided:
    """The request was a mistake: it leaves every figure, and its open referrals are withdrawn."""
    check_allowed(request, "void", by, at, why)
    return RequestVoided(request_id=request.id, reason=why.reason, voided_by=by, voided_at=at)


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
