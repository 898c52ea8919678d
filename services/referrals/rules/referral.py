"""Life of a referral: what may happen next, and what we announce when it does (how one is made: `referring`).

Pure: no clock, no database, no broker. Time arrives as an argument. `LIFE_CYCLE` is the one table of who may
do what when: the rules, `availableActions`, the documentation and the tests read it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from contracts.referrals import (
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralMade,
    ReferralStarted,
    ReferralWithdrawn,
)
from contracts.values import Actor, Identifier, Reason, Role, calendar_day
from services.chassis.life_cycle import Parties, Step, allow, allow_actor, available_actions, status_after, step_of
from services.chassis.problems import Malformed, RuleSaysNo, WrongField
from services.chassis.reasons import CommentMissing, ReasonLists, check_reason, reason_of

ReferralEvent = (
    ReferralMade | ReferralAccepted | ReferralDeclined | ReferralStarted | ReferralWithdrawn | ReferralCompleted
)
Outcome = Literal["delivered", "delivered_elsewhere"]

OURSELVES = Actor(role="service", organisation="own:samenspel", actor="referrals")
"""Who acts when something follows by itself."""


class Status(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


ENDED = (Status.COMPLETED, Status.DECLINED, Status.WITHDRAWN)
NOT_STARTED = (Status.REQUESTED, Status.ACCEPTED)

BROKER: Mapping[Role, str] = {"consultant": "broker", "broker_lead": "broker"}
SENDER: Mapping[Role, str] = {**BROKER, "service": "samenspel"}
PARTNER: Mapping[Role, str] = {"partner": "partner"}

LIFE_CYCLE = (
    Step("refer", (), ReferralMade, Status.REQUESTED, BROKER),
    Step("accept", (Status.REQUESTED,), ReferralAccepted, Status.ACCEPTED, PARTNER),
    Step("decline", NOT_STARTED, ReferralDeclined, Status.DECLINED, PARTNER, "decline"),
    Step("start", (Status.ACCEPTED,), ReferralStarted, Status.IN_PROGRESS, PARTNER),
    Step("withdraw", NOT_STARTED, ReferralWithdrawn, Status.WITHDRAWN, SENDER, "withdraw-referral"),
    Step("complete", (Status.ACCEPTED, Status.IN_PROGRESS), ReferralCompleted, Status.COMPLETED, PARTNER),
)


class UnknownPartner(Malformed):
    """No such partner is recorded; record it first with PUT /v1/partners/{partnerId}."""


class BetterPartnerMissing(Malformed):
    """Who suggests a better partner names it."""


class NothingDelivered(RuleSaysNo):
    """A referral is completed as delivered when at least one of its activities was delivered."""


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral as the rules see it."""

    made: ReferralMade
    status: Status
    version: int
    reason: Reason | None = None
    """Why it was declined or withdrawn."""
    better_partner_id: Identifier | None = None
    outcome: Outcome | None = None

    @property
    def id(self) -> UUID:
        return self.made.referral_id


def parties(referral: Referral) -> Parties:
    """Who is concerned: the broker that made it, and the partner to which it was made."""
    return {
        "broker": (referral.made.broker_id,),
        "partner": (referral.made.partner_id,),
        "samenspel": (OURSELVES.organisation,),
    }


def _allow(referral: Referral, action: str, by: Actor) -> Step[Status]:
    return allow(LIFE_CYCLE, action, referral.status, by, parties(referral))


def accept(referral: Referral, *, by: Actor, at: datetime) -> ReferralAccepted:
    _allow(referral, "accept", by)
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
    step = _allow(referral, "decline", by)
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
        late=referral.status is Status.ACCEPTED,
        declined_by=by,
        declined_at=at,
    )


def start(referral: Referral, *, by: Actor, at: datetime) -> ReferralStarted:
    _allow(referral, "start", by)
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
    step = _allow(referral, "withdraw", by)
    check_reason(step, reasons, reason, comment, by=by, day=calendar_day(at))
    return ReferralWithdrawn(referral_id=referral.id, reason=reason, withdrawn_by=by, withdrawn_at=at)


def withdrawn_by_acceptance(accepted: Referral, referrals: Iterable[Referral]) -> list[Referral]:
    """What the first acceptance withdraws: the other open referrals of its parallel set."""
    parallel = accepted.made.parallel_set
    others = [each for each in referrals if parallel and each.made.parallel_set == parallel and each.id != accepted.id]
    return withdrawn_with_request(others)


def withdrawn_with_request(referrals: Iterable[Referral]) -> list[Referral]:
    """What the end of a request withdraws: its open referrals; what is in progress goes on."""
    return [
        each for each in referrals if "withdraw" in available_actions(LIFE_CYCLE, each.status, OURSELVES, parties(each))
    ]


def withdraw_by_itself(
    referral: Referral, why: Literal["other_partner_accepted", "request_closed"], *, at: datetime
) -> ReferralWithdrawn:
    """It ends because of something else that happened."""
    reason = reason_of(_allow(referral, "withdraw", OURSELVES), why)
    return ReferralWithdrawn(referral_id=referral.id, reason=reason, withdrawn_by=OURSELVES, withdrawn_at=at)


def complete(
    referral: Referral, outcome: Outcome, *, comment: str | None = None, delivered: int, by: Actor, at: datetime
) -> ReferralCompleted:
    """The partner is done. `delivered` is the number of the referral's activities that stand as delivered."""
    _allow(referral, "complete", by)
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
    referral = replace(referral, status=status, version=referral.version + 1)
    match event:
        case ReferralDeclined():
            return replace(referral, reason=event.reason, better_partner_id=event.better_partner_id)
        case ReferralWithdrawn():
            return replace(referral, reason=event.reason)
        case ReferralCompleted():
            return replace(referral, outcome=event.outcome)
    return referral
