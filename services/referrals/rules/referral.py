"""Life of a referral: how it is made, what may happen next, and what we announce when it does.

Pure: no clock, no database, no broker. Time arrives as an argument. `LIFE_CYCLE` is the one table of who may
do what when: the rules, `availableActions`, the documentation and the tests read it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from contracts.referrals import (
    CompletionOutcome,
    OutcomeConfirmed,
    OutcomeDisputed,
    ReferralAccepted,
    ReferralAcknowledged,
    ReferralCheckedIn,
    ReferralCompleted,
    ReferralDeclined,
    ReferralExpired,
    ReferralFailed,
    ReferralMade,
    ReferralStarted,
    ReferralVoided,
    ReferralWaitlisted,
    ReferralWithdrawn,
    WithdrawalRequested,
)
from contracts.values import Actor, Day, Identifier, Reason, Role, Text, Value, calendar_day
from services.chassis.checks import check_order
from services.chassis.life_cycle import (
    SAME,
    Condition,
    Parties,
    Step,
    allow,
    allow_actor,
    available_actions,
    status_after,
    step_of,
)
from services.chassis.problems import Malformed, NotFound, RuleSaysNo, WrongField
from services.chassis.reasons import CommentMissing, Why, check_reason, reason_of
from services.referrals.reasons import LISTS

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
TAKEN_ON = (Status.ACCEPTED, Status.IN_PROGRESS, Status.COMPLETED)
"""A partner has said yes, and has not taken it back."""
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


class WaitlistBody(Why):
    """Why a partner cannot begin yet, and when it looks again."""

    review_on: Day


class DeclineBody(Why):
    """Why a partner says no, and who might say yes."""

    better_partner_id: Identifier | None = None


class CompletionBody(Value):
    """How a referral came to its end."""

    outcome: CompletionOutcome
    comment: Text | None = None
    """Where, when it was delivered elsewhere; it stays in this service and never enters an event."""


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral as the rules see it."""

    made: ReferralMade
    status: Status
    version: int
    reason: Reason | None = None
    """Why it waits, or was declined, withdrawn or voided, or failed."""
    better_partner_id: Identifier | None = None
    outcome: CompletionOutcome | None = None
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


def _allow(referral: Referral, action: str, by: Actor, at: datetime, why: Why | None = None) -> Step[Status]:
    step = allow(LIFE_CYCLE, action, referral, by, parties(referral), calendar_day(at))
    if why is not None:
        check_reason(step, LISTS, why.reason, why.comment, by=by, day=calendar_day(at))
    return step


def acknowledge(referral: Referral, *, by: Actor, at: datetime) -> ReferralAcknowledged:
    """The partner has seen it, and has not decided yet."""
    _allow(referral, "acknowledge", by, at)
    return ReferralAcknowledged(referral_id=referral.id, acknowledged_by=by, acknowledged_at=at)


def check_in(referral: Referral, *, by: Actor, at: datetime) -> ReferralCheckedIn:
    """The partner is still working on it: what is waited for counts anew."""
    _allow(referral, "check-in", by, at)
    return ReferralCheckedIn(referral_id=referral.id, checked_in_by=by, checked_in_at=at)


def waitlist(referral: Referral, body: WaitlistBody, *, by: Actor, at: datetime) -> ReferralWaitlisted:
    """The partner would take it on later."""
    _allow(referral, "waitlist", by, at, body)
    check_order(calendar_day(at) + timedelta(days=1), body.review_on, field="reviewOn", after="tomorrow")
    return ReferralWaitlisted(
        referral_id=referral.id, reason=body.reason, review_on=body.review_on, waitlisted_by=by, waitlisted_at=at
    )


def accept(referral: Referral, *, by: Actor, at: datetime) -> ReferralAccepted:
    _allow(referral, "accept", by, at)
    return ReferralAccepted(
        referral_id=referral.id, partner_id=referral.made.partner_id, accepted_by=by, accepted_at=at
    )


def decline(
    referral: Referral, body: DeclineBody, *, partners: Collection[Identifier] = (), by: Actor, at: datetime
) -> ReferralDeclined:
    """The partner says no, perhaps late. `partners` are the recorded ones among those that it names."""
    _allow(referral, "decline", by, at, body)
    better = body.better_partner_id
    if body.reason.code == "better_partner_suggested" and better is None:
        raise BetterPartnerMissing(None, WrongField("betterPartnerId", None, "a recorded partner"))
    if better is not None and better not in {*partners} - {referral.made.partner_id}:
        raise UnknownPartner(
            f"betterPartnerId is {better}: no such other partner is recorded.",
            WrongField("betterPartnerId", better, "another recorded partner"),
        )
    return ReferralDeclined(
        referral_id=referral.id,
        reason=body.reason,
        better_partner_id=better,
        late=referral.was_accepted,
        declined_by=by,
        declined_at=at,
    )


def expire(referral: Referral, *, at: datetime) -> ReferralExpired:
    """The partner did not decide in time."""
    _allow(referral, "expire", OURSELVES, at)
    return ReferralExpired(referral_id=referral.id, expired_at=at)


def start(referral: Referral, *, by: Actor, at: datetime) -> ReferralStarted:
    """The partner begins (planning the first activity says so as well)."""
    _allow(referral, "start", by, at)
    return ReferralStarted(referral_id=referral.id, started_at=at)


def start_by_planning(referral: Referral, *, by: Actor, at: datetime) -> ReferralStarted | None:
    """The first planned activity starts an accepted referral; later ones change nothing."""
    if referral.status is Status.IN_PROGRESS:
        allow_actor(step_of(LIFE_CYCLE, "start"), by, parties(referral))
        return None
    return start(referral, by=by, at=at)


def withdraw(referral: Referral, why: Why, *, by: Actor, at: datetime) -> ReferralWithdrawn:
    """The consultant takes it back."""
    _allow(referral, "withdraw", by, at, why)
    return ReferralWithdrawn(referral_id=referral.id, reason=why.reason, withdrawn_by=by, withdrawn_at=at)


def withdrawn_by_acceptance(accepted: Referral, referrals: Iterable[Referral], *, day: date) -> list[Referral]:
    """What the first acceptance withdraws: the other open referrals of its parallel set."""
    parallel = accepted.made.parallel_set
    return [
        each
        for each in referrals
        if parallel and each.made.parallel_set == parallel and each.id != accepted.id
        if "withdraw" in available_actions(LIFE_CYCLE, each, OURSELVES, parties(each), day)
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


def request_withdrawal(referral: Referral, why: Why, *, by: Actor, at: datetime) -> WithdrawalRequested:
    """The consultant wants to take back what has begun; the partner confirms that, or still completes it."""
    _allow(referral, "request-withdrawal", by, at, why)
    return WithdrawalRequested(referral_id=referral.id, reason=why.reason, requested_by=by, requested_at=at)


def confirm_withdrawal(referral: Referral, *, by: Actor, at: datetime) -> ReferralWithdrawn:
    """The partner agrees to the withdrawal that was asked for."""
    _allow(referral, "confirm-withdrawal", by, at)
    assert referral.withdrawal is not None, "the row's condition says so"
    return ReferralWithdrawn(referral_id=referral.id, reason=referral.withdrawal, withdrawn_by=by, withdrawn_at=at)


def fail(referral: Referral, why: Why, *, by: Actor, at: datetime) -> ReferralFailed:
    """Nothing came of what was accepted; the partner or the consultant says why."""
    _allow(referral, "fail", by, at, why)
    return ReferralFailed(referral_id=referral.id, reason=why.reason, failed_by=by, failed_at=at)


def void(referral: Referral, why: Why, *, by: Actor, at: datetime) -> ReferralVoided:
    """The referral was a mistake: it leaves every figure."""
    _allow(referral, "void", by, at, why)
    return ReferralVoided(referral_id=referral.id, reason=why.reason, voided_by=by, voided_at=at)


def confirm_outcome(referral: Referral, *, by: Actor, at: datetime) -> OutcomeConfirmed:
    """An asking site says that it is as the partner says."""
    _allow(referral, "confirm-outcome", by, at)
    return OutcomeConfirmed(referral_id=referral.id, site_id=by.organisation, confirmed_by=by, confirmed_at=at)


def dispute_outcome(referral: Referral, why: Why, *, by: Actor, at: datetime) -> OutcomeDisputed:
    """An asking site says that it is not so."""
    _allow(referral, "dispute-outcome", by, at, why)
    return OutcomeDisputed(
        referral_id=referral.id, site_id=by.organisation, reason=why.reason, disputed_by=by, disputed_at=at
    )


def complete(referral: Referral, body: CompletionBody, *, delivered: int, by: Actor, at: datetime) -> ReferralCompleted:
    """The partner is done. `delivered` is the number of the referral's activities that stand as delivered."""
    _allow(referral, "complete", by, at)
    if body.outcome == "delivered" and not delivered:
        raise NothingDelivered(
            None, WrongField("outcome", body.outcome, "delivered_elsewhere, or deliver an activity first")
        )
    if body.outcome == "delivered_elsewhere" and body.comment is None:
        raise CommentMissing(
            "What was delivered elsewhere needs a comment that says where.",
            WrongField("comment", None, "a sentence without personal data"),
        )
    return ReferralCompleted(referral_id=referral.id, outcome=body.outcome, completed_by=by, completed_at=at)


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
