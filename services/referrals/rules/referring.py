"""How a referral is made: a request that may be referred, a partner that may get it, and what it replaces. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from contracts.offers import PartnerDetails
from contracts.referrals import ReferralDetails, ReferralMade
from contracts.requests import RequestDetails
from contracts.values import Actor, Identifier, LearningArea, calendar_day, holds_on
from services.chassis.checks import check_order
from services.chassis.life_cycle import EVERYONE, IllegalTransition, allow
from services.chassis.problems import Malformed, NotYetKnown, RuleSaysNo, WrongField
from services.chassis.schemes import check_areas_unique
from services.referrals.rules.referral import ENDED, LIFE_CYCLE, TAKEN_ON, Referral, UnknownPartner

RequestStatus = Literal["raised", "assigned", "no_broker", "answered", "closed", "withdrawn", "voided"]
"""Where a request stands at `requests`."""


class AreaNotCovered(Malformed):
    """A referral names learning areas that the request asks and a broker covers."""


class UnknownReferral(Malformed):
    """The request has no such referral."""


class PartnerNotActive(RuleSaysNo):
    """On this day the partner is not, or no longer, a partner."""


class AreaNotOffered(RuleSaysNo):
    """The partner delivers in none of these learning areas."""


class ReferralStillOpen(RuleSaysNo):
    """A referral is followed up when it has ended; this one has not."""


class ParallelSetDecided(RuleSaysNo):
    """A partner has already taken on a referral of this parallel set."""


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
    if not holds_on(day, partner.valid_from, partner.valid_to):
        raise PartnerNotActive(
            f"{details.partner_id} is a partner from {partner.valid_from} to {partner.valid_to}; today is {day}.",
            WrongField("partnerId", details.partner_id, "a partner of today"),
        )
    if not set(details.learning_areas) & set(partner.learning_areas):
        raise AreaNotOffered(
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
    if any(each.status in TAKEN_ON for each in parallel):
        raise ParallelSetDecided(None, WrongField("parallelSet", str(details.parallel_set), "a new set"))
    if parallel:
        return parallel[0].made.attempt
    return 1 + max((each.made.attempt for each in others), default=0)
