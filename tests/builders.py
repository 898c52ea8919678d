"""The given of tests: a school, a childcare, brokers and partners of one city, and objects in any state.

Every builder makes something sound, in words of the contracts; a test names only what it is about.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from contracts.activities import (
    ActivityDelivered,
    ActivityPlan,
    ActivityPlanned,
    ActivityRetracted,
    DeliveryDetails,
    TakingPart,
)
from contracts.offers import PartnerDetails
from contracts.referrals import (
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralDetails,
    ReferralMade,
    ReferralStarted,
    ReferralWithdrawn,
)
from contracts.requests import (
    AskedGroup,
    RequestAnswered,
    RequestAssigned,
    RequestClosed,
    RequestDetails,
    RequestRaised,
    RequestUnbrokered,
)
from contracts.sites import GroupDetails, SiteDetails
from contracts.values import Actor, Interval, LearningArea, Name, Reason, Role
from services.referrals.reasons import SCHEMES
from services.chassis.messaging.outbox import new_id
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import Activity
from services.referrals.rules.activity import Status as ActivityStatus
from services.referrals.rules.body import Known
from services.referrals.rules.referral import Referral
from services.referrals.rules.referral import Status as ReferralStatus
from services.requests import rules as request_rules
from services.requests.rules import Request
from services.requests.rules import Status as RequestStatus

SCHOOL, SECONDARY = "duo:99ZA00", "duo:99ZB00"
CHILDCARE = "lrk:990000017"
GROUP, CHILDCARE_GROUP = "own:99ZA00.2025.groep-5", "own:990000017.2025.vlinders"
BABEL, S_PORT = "own:babel", "own:s-port"
ATELIER, BAZUIN = "own:atelier", "own:bazuin"
PROGRAMME = "kansen-voor-kinderen"
NOW = datetime(2025, 10, 3, 9, 12, tzinfo=UTC)
TODAY = date(2025, 10, 3)

ROLES: tuple[Role, ...] = (
    "coordinator",
    "consultant",
    "broker_lead",
    "partner",
    "board",
    "analyst",
    "operator",
    "service",
)
AT_HOME: dict[Role, str] = {
    "coordinator": SCHOOL,
    "consultant": BABEL,
    "broker_lead": BABEL,
    "partner": ATELIER,
    "board": "own:board",
    "analyst": "own:city",
    "operator": "own:city",
    "service": "own:samenspel",
}
"""The organisation at which each role is concerned with what the builders make."""


def an_area(code: str) -> LearningArea:
    assert code in SCHEMES["curriculum.nu"]
    return LearningArea(scheme="curriculum.nu", code=code)


ART, SPORT, NATURE = an_area("kunst-en-cultuur"), an_area("bewegen-en-sport"), an_area("mens-en-natuur")


def an_actor(role: Role, organisation: str | None = None) -> Actor:
    return Actor(role=role, organisation=organisation or AT_HOME[role], actor="a1")


def a_site(**other: Any) -> SiteDetails:
    usual = {
        "valid_from": date(2019, 8, 1),
        "kinds": ("primary",),
        "name": Name(nl="De Regenboog"),
        "board": "own:board",
        "municipality": "GM0796",
        "postcode4": "5211",
        "neighbourhood": "5211",
    }
    return SiteDetails(**{**usual, **other})


def a_group(site_id: str = SCHOOL, *, headcount: int = 24) -> GroupDetails:
    return GroupDetails(
        site_id=site_id,
        register_="school",
        school_year="2025-2026",
        age_from=8,
        age_to=9,
        headcount=Interval(lower=headcount, upper=headcount),
    )


def a_partner(
    *areas: LearningArea, valid_from: date = date(2019, 6, 27), valid_to: date | None = None
) -> PartnerDetails:
    return PartnerDetails(
        valid_from=valid_from, valid_to=valid_to, name=Name(nl="Atelier"), learning_areas=areas or (ART,)
    )


def a_question(**other: Any) -> RequestDetails:
    usual = {
        "site_id": SCHOOL,
        "programme": PROGRAMME,
        "learning_areas": (ART,),
        "groups": (AskedGroup(group_id=GROUP, headcount=24),),
        "wished_from": date(2025, 11, 1),
        "wished_to": date(2025, 12, 1),
        "intention": "replaces",
    }
    return RequestDetails(**{**usual, **other})


def a_request(status: RequestStatus = RequestStatus.ASSIGNED, **asked: Any) -> Request:
    """A request that came to this status; with Babel wherever it has a broker."""
    request_id, details = new_id(), a_question(**asked)
    areas = details.learning_areas
    by = an_actor("consultant")
    raised = RequestRaised(**dict(details), request_id=request_id, raised_by=an_actor("coordinator"), raised_at=NOW)
    assigned = RequestAssigned(request_id=request_id, broker_ids=(BABEL,), learning_areas=areas, assigned_at=NOW)
    nobody = RequestUnbrokered(request_id=request_id, learning_areas=areas, unbrokered_at=NOW)
    advised = RequestAnswered(request_id=request_id, answer="advise", answered_by=by, answered_at=NOW)
    closed = RequestClosed(request_id=request_id, outcome="advice_only", closed_by=by, closed_at=NOW)
    ways: dict[RequestStatus, Sequence[request_rules.RequestEvent]] = {
        RequestStatus.RAISED: (raised,),
        RequestStatus.ASSIGNED: (raised, assigned),
        RequestStatus.NO_BROKER: (raised, nobody),
        RequestStatus.ANSWERED: (raised, assigned, advised),
        RequestStatus.CLOSED: (raised, assigned, advised, closed),
    }
    request: Request | None = None
    for event in ways[status]:
        request = request_rules.evolve(request, event)
    assert request is not None
    return request


def a_hand_over(request_id: UUID | None = None, **other: Any) -> ReferralDetails:
    usual = {
        "request_id": request_id or new_id(),
        "partner_id": ATELIER,
        "learning_areas": (ART,),
        "decide_by": date(2025, 10, 17),
    }
    return ReferralDetails(**{**usual, **other})


def a_referral(
    status: ReferralStatus = ReferralStatus.REQUESTED, *, attempt: int = 1, request_id: UUID | None = None, **other: Any
) -> Referral:
    """A referral by Babel to Atelier that came to this status."""
    referral_id, by = new_id(), an_actor("partner")
    made = ReferralMade(
        **dict(a_hand_over(request_id, **other)),
        referral_id=referral_id,
        site_id=SCHOOL,
        broker_id=BABEL,
        attempt=attempt,
        made_by=an_actor("consultant"),
        made_at=NOW,
    )
    accepted = ReferralAccepted(referral_id=referral_id, partner_id=ATELIER, accepted_by=by, accepted_at=NOW)
    started = ReferralStarted(referral_id=referral_id, started_at=NOW)
    ways: dict[ReferralStatus, Sequence[referral_rules.ReferralEvent]] = {
        ReferralStatus.REQUESTED: (made,),
        ReferralStatus.ACCEPTED: (made, accepted),
        ReferralStatus.IN_PROGRESS: (made, accepted, started),
        ReferralStatus.COMPLETED: (
            made,
            accepted,
            started,
            ReferralCompleted(referral_id=referral_id, outcome="delivered", completed_by=by, completed_at=NOW),
        ),
        ReferralStatus.DECLINED: (
            made,
            ReferralDeclined(
                referral_id=referral_id,
                reason=Reason(list="decline", code="no_capacity"),
                late=False,
                declined_by=by,
                declined_at=NOW,
            ),
        ),
        ReferralStatus.WITHDRAWN: (
            made,
            ReferralWithdrawn(
                referral_id=referral_id,
                reason=Reason(list="withdraw-referral", code="no_response"),
                withdrawn_by=an_actor("consultant"),
                withdrawn_at=NOW,
            ),
        ),
    }
    referral: Referral | None = None
    for event in ways[status]:
        referral = referral_rules.evolve(referral, event)
    assert referral is not None
    return referral


def a_plan(**other: Any) -> ActivityPlan:
    usual = {
        "site_ids": (SCHOOL,),
        "partner_ids": (ATELIER,),
        "programme": PROGRAMME,
        "learning_areas": (ART,),
        "planned_for": datetime.fromisoformat("2025-10-02T13:00:00+02:00"),
    }
    return ActivityPlan(**{**usual, **other})


def a_body(**other: Any) -> DeliveryDetails:
    """What was delivered yesterday to a group of 24, of whom 22 were there."""
    usual = {
        "site_ids": (SCHOOL, CHILDCARE),
        "partner_ids": (ATELIER,),
        "programme": PROGRAMME,
        "learning_areas": (ART,),
        "occurred_at": datetime.fromisoformat("2025-10-02T13:00:00+02:00"),
        "duration_minutes": 90,
        "setting": "in_school",
        "groups": (TakingPart(group_id=GROUP, headcount=24, participants=22),),
        "substitution": "replaces",
    }
    return DeliveryDetails(**{**usual, **other})


KNOWN = Known(
    sites={SCHOOL, CHILDCARE, SECONDARY},
    groups={GROUP: SCHOOL, CHILDCARE_GROUP: CHILDCARE},
    partners={ATELIER, BAZUIN},
)
"""What the service `referrals` has heard of the city."""


def an_activity(status: ActivityStatus = ActivityStatus.DELIVERED, **other: Any) -> Activity:
    """A direct activity of Atelier at the school and the childcare that came to this status."""
    activity_id = new_id()
    planned = ActivityPlanned(
        **dict(a_plan(site_ids=(SCHOOL, CHILDCARE))),
        activity_id=activity_id,
        origin="direct",
        planned_by=an_actor("partner"),
        planned_at=NOW,
    )
    delivered = ActivityDelivered(**dict(a_body(**other)), activity_id=activity_id, origin="direct", registered_at=NOW)
    ways: dict[ActivityStatus, Sequence[activity_rules.ActivityEvent]] = {
        ActivityStatus.PLANNED: (planned,),
        ActivityStatus.DELIVERED: (planned, delivered),
        ActivityStatus.RETRACTED: (
            planned,
            ActivityRetracted(
                activity_id=activity_id, reason=Reason(list="activity-retraction", code="duplicate"), retracted_at=NOW
            ),
        ),
    }
    activity: Activity | None = None
    for event in ways[status]:
        activity = activity_rules.evolve(activity, event)
    assert activity is not None
    return activity
