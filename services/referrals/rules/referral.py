"""Life of a referral: how it is made, what may happen next, and what we announce when it does.

Pure: no clock, no database, no broker. Time arrives as an argument. `LIFE_CYCLE` is the one table of who may
do what when: the rules, `availableActions`, the documentation and the tests read it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from contracts.offers import PartnerDetails
from contracts.referrals import (
    OutcomeConfirmed,
    OutcomeDisputed,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralCheckedIn,
    ReferralCompleted,
    ReferralDeclined,
    ReferralDetails,
    ReferralExpired,
    ReferralFailed,
    ReferralMade,
    ReferralStarted,
    ReferralVoided,
    ReferralWaitlisted,
    ReferralWithdrawn,
    WithdrawalRequested,
)
from contracts.requests import RequestDetails
from contracts.values import Actor, Identifier, LearningArea, Reason, Role, calendar_day
from services.chassis.checks import check_order
from services.chassis.life_cycle import (
    EVERYONE,
    SAME,
    Condition,
    IllegalTransition,
    Parties,
    Step,
    allow,
    allow_actor,
    available_actions,
    status_after,
    step_of,
)
from services.chassis.problems import Malformed, NotFound, NotYetKnown, RuleSaysNo, WrongField
from services.chassis.reasons import CommentMissing, ReasonLists, check_reason, reason_of
from services.chassis.schemes import check_areas_unique

ReferralEvent = (
    ReferralMade
    | ReferralAcknowledged
    | ReferralCheckedIn
    | ReferralAccepted
    | ReferralWaitlisted
    | ReferralDeclined
    | ReferralExpired
    | ReferralStarted
    | WithdrawalRequested
    | ReferralWithdrawn
    | ReferralCompleted
    | ReferralFailed
    | ReferralVoided
    | OutcomeConfirmed
    | OutcomeDisputed
)
Outcome = Literal["delivered", "delivered_elsewhere"]

RequestStatus = Literal["raised", "assigned", "no_broker", "answered", "closed", "withdrawn", "voided"]
"""Where a request stands at `requests`."""

OURSELVES = Actor(role="service", organisation="own:samenspel", actor="referrals")
"""Who acts when something follows by itself."""


class Status(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    WAITLISTED = "waitlisted"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    FAILED = "failed"
    VOIDED = "voided"


NOT_STARTED = (Status.REQUESTED, Status.ACCEPTED, Status.WAITLISTED)
OPEN = (*NOT_STARTED, Status.IN_PROGRESS)
ENDED = (
    Status.COMPLETED,
    Status.DECLINED,
    Status.WITHDRAWN,
    Status.EXPIRED,
    Status.FAILED,
    Status.VOIDED,
)
UNDECIDED = (Status.REQUESTED, Status.WAITLISTED)
NOT_VOIDED = tuple(status for status in Status if status is not Status.VOIDED)

BROKER: Mapping[Role, str] = {"consultant": "broker", "broker_lead": "broker"}
SAMENSPEL: Mapping[Role, str] = {"service": "samenspel"}
SENDER: Mapping[Role, str] = {**BROKER, **SAMENSPEL}
PARTNER: Mapping[Role, str] = {"partner": "partner"}
PARTNER_OR_CLOCK: Mapping[Role, str] = {**PARTNER, **SAMENSPEL}
SITE: Mapping[Role, str] = {"coordinator": "site"}


class WithdrawalNotRequested(RuleSaysNo):
    """Nobody asked to take it back."""


class WithdrawalAlreadyRequested(RuleSaysNo):
    """It was asked already to take it back; the partner confirms that, or completes it."""


_ASKED_BACK = Condition(lambda referral, _: referral.withdrawal is not None, WithdrawalNotRequested)
_NOT_ASKED_BACK = Condition(lambda referral, _: referral.withdrawal is None, WithdrawalAlreadyRequested)

LIFE_CYCLE = (
    Step("refer", (), ReferralMade, Status.REQUESTED, BROKER),
    Step("acknowledge", (Status.REQUESTED,), ReferralAcknowledged, SAME, PARTNER),
    Step("check-in", (Status.ACCEPTED, Status.IN_PROGRESS), ReferralCheckedIn, SAME, PARTNER, when=_NOT_ASKED_BACK),
    Step("accept", UNDECIDED, ReferralAccepted, Status.ACCEPTED, PARTNER),
    Step("waitlist", (Status.REQUESTED, Status.ACCEPTED), ReferralWaitlisted, Status.WAITLISTED, PARTNER, "waitlist"),
    Step("decline", NOT_STARTED, ReferralDeclined, Status.DECLINED, PARTNER, "decline"),
    Step("expire", UNDECIDED, ReferralExpired, Status.EXPIRED, SAMENSPEL),
    Step("start", (Status.ACCEPTED,), ReferralStarted, Status.IN_PROGRESS, PARTNER),
    Step("withdraw", NOT_STARTED, ReferralWithdrawn, Status.WITHDRAWN, SENDER, "withdraw-referral"),
    Step(
        "request-withdrawal",
        (Status.IN_PROGRESS,),
        WithdrawalRequested,
        SAME,
        SENDER,
        "withdraw-referral",
        when=_NOT_ASKED_BACK,
    ),
    Step(
        "confirm-withdrawal",
        (Status.IN_PROGRESS,),
        ReferralWithdrawn,
        Status.WITHDRAWN,
        PARTNER_OR_CLOCK,
        when=_ASKED_BACK,
    ),
    Step("complete", (Status.ACCEPTED, Status.IN_PROGRESS), ReferralCompleted, Status.COMPLETED, PARTNER),
    Step(
        "fail",
        (Status.ACCEPTED, Status.WAITLISTED, Status.IN_PROGRESS),
        ReferralFailed,
        Status.FAILED,
        {**PARTNER, **BROKER},
        "fail",
    ),
    Step("void", NOT_VOIDED, ReferralVoided, Status.VOIDED, BROKER, "void-referral"),
    Step("confirm-outcome", (Status.COMPLETED,), OutcomeConfirmed, SAME, SITE),
    Step("dispute-outcome", (Status.COMPLETED,), OutcomeDisputed, SAME, SITE, "outcome-dispute"),
)


class NoSuchReferral(NotFound):
    """There is no such referral."""


class UnknownPartner(Malformed):
    """No such partner is recorded; record it first with PUT /v1/partners/{partnerId}."""


class BetterPartnerMissing(Malformed):
    """Who suggests a better partner names it."""


class NothingDelivered(RuleSaysNo):
    """A referral is completed as delivered when at least one of its activities was delivered."""


class AreaNotCovered(Malformed):
    """A referral names learning areas that the request asks and a broker covers."""


class UnknownReferral(Malformed):
    """The request has no such referral."""


class PartnerNotActive(RuleSaysNo):
    """On this day the partner is not, or no longer, a partner."""


class NotInOffer(RuleSaysNo):
    """The partner delivers in none of these learning areas."""


class ReferralStillOpen(RuleSaysNo):
    """A referral is followed up when it has ended; this one has not."""


class ParallelSetDecided(RuleSaysNo):
    """A partner has already taken on a referral of this parallel set."""


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral as the rules see it."""

    made: ReferralMade
    status: Status
    version: int
    reason: Reason | None = None
    """Why it waits, or was declined, withdrawn or voided, or failed."""
    better_partner_id: Identifier | None = None
    outcome: Outcome | None = None
    broker_ids: tuple[Identifier, ...] = ()
    """The brokers named last for its request; none while only the one that made it is known."""
    was_accepted: bool = False
    """Also when it is not accepted any more: what is declined then is declined late."""
    acknowledged: bool = False
    review_on: date | None = None
    """When the partner looks again at what is on its waiting list."""
    withdrawal: Reason | None = None
    """Why the sender wants to take back what has begun; none while nobody asked."""
    confirmed_by: frozenset[Identifier] = frozenset()
    """The asking sites whose last word is that the outcome is as the partner says."""
    disputed_by: frozenset[Identifier] = frozenset()
    checked_in_on: date | None = None
    """When the partner said last that it is still working on it."""
    planned_up_to: date | None = None
    """The last day for which an activity of it is planned, or was before it was delivered."""

    @property
    def id(self) -> UUID:
        return self.made.referral_id


def parties(referral: Referral) -> Parties:
    """Who is concerned: the sites that ask, the brokers of the request, and the partner to which it was made."""
    return {
        "site": (referral.made.site_id, *(referral.made.co_site_ids or ())),
        "broker": referral.broker_ids or (referral.made.broker_id,),
        "partner": (referral.made.partner_id,),
        "samenspel": (OURSELVES.organisation,),
    }


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """A request of another service, as far as our rules need it."""

    id: UUID
    status: RequestStatus
    answer: str | None = None
    site_id: Identifier | None = None
    """The site that asks; none while `RequestRaised` has not come."""
    broker_ids: tuple[Identifier, ...] = ()
    covered_areas: tuple[LearningArea, ...] = ()
    """The areas that were asked and that a broker covers."""
    asked: RequestDetails | None = None
    """What was asked; none while `RequestRaised` has not come."""

    @property
    def is_open(self) -> bool:
        """Whether it can be referred."""
        return self.status == "assigned" or (self.status == "answered" and self.answer == "refer")


def _is_broker(by: Actor, request: AskedRequest) -> bool:
    """Of the brokers to which it is assigned; while none is known here, every broker."""
    return not request.broker_ids or by.organisation in request.broker_ids


def refer(
    referral_id: UUID,
    details: ReferralDetails,
    *,
    request: AskedRequest | None,
    partner: PartnerDetails | None,
    others: Sequence[Referral],
    by: Actor,
    at: datetime,
) -> ReferralMade:
    """A consultant refers a request to a partner. `others` are the request's referrals so far."""
    allow(LIFE_CYCLE, "refer", None, by, {"broker": EVERYONE}, calendar_day(at))
    if request is None or request.site_id is None or request.status == "raised" or not _is_broker(by, request):
        raise NotYetKnown(
            f"requestId is {details.request_id}: this service has not heard of its assignment to {by.organisation} yet;"
            " ask again shortly.",
            WrongField("requestId", str(details.request_id), "a request that was raised and assigned to your broker"),
        )
    if not request.is_open:
        raise IllegalTransition(
            f"The request is {request.status} ({request.answer or 'without an answer'}); it cannot be referred.",
            WrongField("requestId", str(request.id), "a request that is assigned, or answered with refer"),
        )
    _check_areas(details, request)
    _check_partner(details, partner, calendar_day(at))
    check_order(calendar_day(at), details.decide_by, field="decideBy", after="today")
    _check_replaced(details, others)
    return ReferralMade(
        **dict(details),
        **_asked(request),
        referral_id=referral_id,
        site_id=request.site_id,
        broker_id=by.organisation,
        attempt=_attempt(details, others),
        made_by=by,
        made_at=at,
    )


ASKED = (
    "co_site_ids",
    "programme",
    "audience",
    "groups",
    "headcount",
    "wished_from",
    "wished_to",
    "intention",
    "self_referral",
)
"""What a partner needs to know of a request, by its name in both events."""


def _asked(request: AskedRequest) -> dict[str, Any]:
    return {name: getattr(request.asked, name) for name in ASKED} if request.asked else {}


def _check_areas(details: ReferralDetails, request: AskedRequest) -> None:
    check_areas_unique(details.learning_areas)
    for index, area in enumerate(details.learning_areas):
        if area not in request.covered_areas:
            raise AreaNotCovered(
                None,
                WrongField(f"learningAreas[{index}].code", area.code, [each.code for each in request.covered_areas]),
            )


def _check_partner(details: ReferralDetails, partner: PartnerDetails | None, day: date) -> None:
    if partner is None:
        raise UnknownPartner(
            f"partnerId is {details.partner_id}: no such partner is recorded.",
            WrongField("partnerId", details.partner_id, "a recorded partner"),
        )
    if day < partner.valid_from or (partner.valid_to is not None and partner.valid_to <= day):
        raise PartnerNotActive(
            f"{details.partner_id} is a partner from {partner.valid_from} to {partner.valid_to}; today is {day}.",
            WrongField("partnerId", details.partner_id, "a partner of today"),
        )
    if not set(details.learning_areas) & set(partner.learning_areas):
        raise NotInOffer(
            None, WrongField("learningAreas", [area.code for area in details.learning_areas], _codes(partner))
        )


def _codes(partner: PartnerDetails) -> list[str]:
    return [area.code for area in partner.learning_areas]


def _check_replaced(details: ReferralDetails, others: Sequence[Referral]) -> None:
    if details.replaces is None:
        return
    replaced = next((each for each in others if each.id == details.replaces), None)
    if replaced is None:
        raise UnknownReferral(None, WrongField("replaces", str(details.replaces), [str(each.id) for each in others]))
    if replaced.status not in ENDED:
        raise ReferralStillOpen(
            f"The referral that it replaces is {replaced.status}.",
            WrongField("replaces", str(details.replaces), f"a referral that is {' or '.join(ENDED)}"),
        )


def _attempt(details: ReferralDetails, others: Sequence[Referral]) -> int:
    """The next attempt; parallel referrals share one."""
    parallel = [each for each in others if details.parallel_set and each.made.parallel_set == details.parallel_set]
    if any(each.status in {Status.ACCEPTED, Status.IN_PROGRESS, Status.COMPLETED} for each in parallel):
        raise ParallelSetDecided(None, WrongField("parallelSet", str(details.parallel_set), "a new set"))
    if parallel:
        return parallel[0].made.attempt
    return 1 + max((each.made.attempt for each in others), default=0)


def _allow(referral: Referral, action: str, by: Actor, at: datetime) -> Step[Status]:
    return allow(LIFE_CYCLE, action, referral, by, parties(referral), calendar_day(at))


def acknowledge(referral: Referral, *, by: Actor, at: datetime) -> ReferralAcknowledged:
    """The partner has seen it."""
    _allow(referral, "acknowledge", by, at)
    return ReferralAcknowledged(referral_id=referral.id, acknowledged_by=by, acknowledged_at=at)


def check_in(referral: Referral, *, by: Actor, at: datetime) -> ReferralCheckedIn:
    """The partner is still working on it."""
    _allow(referral, "check-in", by, at)
    return ReferralCheckedIn(referral_id=referral.id, checked_in_by=by, checked_in_at=at)


def waitlist(
    referral: Referral,
    reason: Reason,
    review_on: date,
    *,
    comment: str | None = None,
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> ReferralWaitlisted:
    """The partner would take it on later."""
    step = _allow(referral, "waitlist", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    check_order(calendar_day(at) + timedelta(days=1), review_on, field="reviewOn", after="tomorrow")
    return ReferralWaitlisted(
        referral_id=referral.id, reason=reason, review_on=review_on, waitlisted_by=by, waitlisted_at=at
    )


def accept(referral: Referral, *, by: Actor, at: datetime) -> ReferralAccepted:
    _allow(referral, "accept", by, at)
    return ReferralAccepted(
        referral_id=referral.id, partner_id=referral.made.partner_id, accepted_by=by, accepted_at=at
    )


def decline(
    referral: Referral,
    reason: Reason,
    *,
    comment: str | None = None,
    better_partner_id: Identifier | None = None,
    partners: Collection[Identifier] = (),
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> ReferralDeclined:
    """The partner says no, perhaps late. `partners` are the recorded ones among those that it names."""
    step = _allow(referral, "decline", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    if reason.code == "better_partner_suggested" and better_partner_id is None:
        raise BetterPartnerMissing(None, WrongField("betterPartnerId", None, "a recorded partner"))
    if better_partner_id is not None and better_partner_id not in {*partners} - {referral.made.partner_id}:
        raise UnknownPartner(
            f"betterPartnerId is {better_partner_id}: no such other partner is recorded.",
            WrongField("betterPartnerId", better_partner_id, "another recorded partner"),
        )
    return ReferralDeclined(
        referral_id=referral.id,
        reason=reason,
        better_partner_id=better_partner_id,
        late=referral.was_accepted,
        declined_by=by,
        declined_at=at,
    )


def expire(referral: Referral, *, at: datetime) -> ReferralExpired:
    """The partner did not decide in time."""
    _allow(referral, "expire", OURSELVES, at)
    return ReferralExpired(referral_id=referral.id, expired_at=at)


def start(referral: Referral, *, by: Actor, at: datetime) -> ReferralStarted:
    _allow(referral, "start", by, at)
    return ReferralStarted(referral_id=referral.id, started_at=at)


def start_by_planning(referral: Referral, *, by: Actor, at: datetime) -> ReferralStarted | None:
    """The first planned activity starts an accepted referral; later ones change nothing."""
    if referral.status is Status.IN_PROGRESS:
        allow_actor(step_of(LIFE_CYCLE, "start"), by, parties(referral))
        return None
    return start(referral, by=by, at=at)


def withdraw(
    referral: Referral,
    reason: Reason,
    *,
    comment: str | None = None,
    reasons: ReasonLists,
    by: Actor,
    at: datetime,
) -> ReferralWithdrawn:
    """The sender takes it back."""
    step = _allow(referral, "withdraw", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ReferralWithdrawn(referral_id=referral.id, reason=reason, withdrawn_by=by, withdrawn_at=at)


def withdrawn_by_acceptance(accepted: Referral, referrals: Iterable[Referral]) -> list[Referral]:
    """What the first acceptance withdraws: the other open referrals of its parallel set."""
    parallel = accepted.made.parallel_set
    return [
        each
        for each in referrals
        if parallel and each.made.parallel_set == parallel and each.id != accepted.id and each.status in NOT_STARTED
    ]


def withdraw_by_itself(
    referral: Referral,
    why: Literal["other_partner_accepted", "request_closed", "request_withdrawn", "request_voided"],
    *,
    at: datetime,
) -> ReferralWithdrawn:
    """It ends because of something else that happened."""
    reason = reason_of(_allow(referral, "withdraw", OURSELVES, at), why)
    return ReferralWithdrawn(referral_id=referral.id, reason=reason, withdrawn_by=OURSELVES, withdrawn_at=at)


EndOfRequest = Literal["closed", "withdrawn", "voided"]
_WHY: Mapping[EndOfRequest, Literal["request_closed", "request_withdrawn", "request_voided"]] = {
    "closed": "request_closed",
    "withdrawn": "request_withdrawn",
    "voided": "request_voided",
}


def end_with_request(
    referral: Referral, request: EndOfRequest, *, at: datetime
) -> ReferralWithdrawn | WithdrawalRequested | None:
    """What the end of its request makes of a referral. What has begun goes on after a closure; else it is asked back
    from its partner."""
    possible = available_actions(LIFE_CYCLE, referral, OURSELVES, parties(referral), calendar_day(at))
    if "withdraw" in possible:
        return withdraw_by_itself(referral, _WHY[request], at=at)
    if "request-withdrawal" in possible and request != "closed":
        reason = reason_of(step_of(LIFE_CYCLE, "request-withdrawal"), _WHY[request])
        return WithdrawalRequested(referral_id=referral.id, reason=reason, requested_by=OURSELVES, requested_at=at)
    return None


def request_withdrawal(
    referral: Referral, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> WithdrawalRequested:
    """The sender wants to take back what has begun."""
    step = _allow(referral, "request-withdrawal", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return WithdrawalRequested(referral_id=referral.id, reason=reason, requested_by=by, requested_at=at)


def confirm_withdrawal(referral: Referral, *, by: Actor, at: datetime) -> ReferralWithdrawn:
    """The partner agrees to the withdrawal that was asked for; its reason is the sender's."""
    _allow(referral, "confirm-withdrawal", by, at)
    assert referral.withdrawal is not None, "the row's condition says so"
    return ReferralWithdrawn(referral_id=referral.id, reason=referral.withdrawal, withdrawn_by=by, withdrawn_at=at)


def fail(
    referral: Referral, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> ReferralFailed:
    """Nothing came of what was accepted."""
    step = _allow(referral, "fail", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ReferralFailed(referral_id=referral.id, reason=reason, failed_by=by, failed_at=at)


def void(
    referral: Referral, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> ReferralVoided:
    """It was a mistake."""
    step = _allow(referral, "void", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ReferralVoided(referral_id=referral.id, reason=reason, voided_by=by, voided_at=at)


def confirm_outcome(referral: Referral, *, by: Actor, at: datetime) -> OutcomeConfirmed:
    """An asking site says that it is as the partner says."""
    _allow(referral, "confirm-outcome", by, at)
    return OutcomeConfirmed(referral_id=referral.id, site_id=by.organisation, confirmed_by=by, confirmed_at=at)


def dispute_outcome(
    referral: Referral, reason: Reason, *, comment: str | None = None, reasons: ReasonLists, by: Actor, at: datetime
) -> OutcomeDisputed:
    """An asking site says that it is not so."""
    step = _allow(referral, "dispute-outcome", by, at)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return OutcomeDisputed(
        referral_id=referral.id, site_id=by.organisation, reason=reason, disputed_by=by, disputed_at=at
    )


def complete(
    referral: Referral, outcome: Outcome, *, comment: str | None = None, delivered: int, by: Actor, at: datetime
) -> ReferralCompleted:
    """The partner is done. `delivered` is the number of the referral's activities that stand as delivered."""
    _allow(referral, "complete", by, at)
    if outcome == "delivered" and not delivered:
        raise NothingDelivered(
            None, WrongField("outcome", outcome, "delivered_elsewhere, or deliver an activity first")
        )
    if outcome == "delivered_elsewhere" and comment is None:
        raise CommentMissing(
            "What was delivered elsewhere needs a comment that says where.",
            WrongField("comment", None, "a sentence without personal data"),
        )
    return ReferralCompleted(referral_id=referral.id, outcome=outcome, completed_by=by, completed_at=at)


def evolve(referral: Referral | None, event: ReferralEvent) -> Referral:
    """The referral after the event: the only place where its state changes. The table gives the status; an event that
    has no case below sets nothing else."""
    status = status_after(LIFE_CYCLE, referral.status if referral else None, event)
    if isinstance(event, ReferralMade):
        return Referral(event, status, version=1)
    assert referral is not None, "every other event follows ReferralMade"
    return replace(referral, status=status, version=referral.version + 1, **_also_changed_by(event, referral))


def _also_changed_by(event: ReferralEvent, referral: Referral) -> dict[str, Any]:  # noqa: C901, PLR0911 - a case each
    """What an event sets besides the state."""
    match event:
        case ReferralAcknowledged():
            return {"acknowledged": True}
        case ReferralCheckedIn():
            return {"checked_in_on": calendar_day(event.checked_in_at)}
        case ReferralAccepted():
            return {"reason": None, "review_on": None, "was_accepted": True}
        case ReferralWaitlisted():
            return {"reason": event.reason, "review_on": event.review_on}
        case ReferralDeclined():
            return {"reason": event.reason, "review_on": None, "better_partner_id": event.better_partner_id}
        case ReferralExpired():
            return {"reason": None, "review_on": None}
        case WithdrawalRequested():
            return {"withdrawal": event.reason}
        case ReferralWithdrawn() | ReferralFailed() | ReferralVoided():
            return {"reason": event.reason, "review_on": None, "withdrawal": None, "outcome": None}
        case ReferralCompleted():
            return {"outcome": event.outcome, "withdrawal": None}
        case OutcomeConfirmed(site_id=site):
            return {"confirmed_by": referral.confirmed_by | {site}, "disputed_by": referral.disputed_by - {site}}
        case OutcomeDisputed(site_id=site):
            return {"confirmed_by": referral.confirmed_by - {site}, "disputed_by": referral.disputed_by | {site}}
    return {}
