"""The given of tests: a school, a childcare, brokers and partners of one city, and objects in any status.

`…_details` and `activity_plan` make the body of a command; `a_…` makes an object that came to a status. Each is
valid as it stands; a test names only what it is about.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

from contracts.activities import (
    ActivityCancelled,
    ActivityDelivered,
    ActivityNotHeld,
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
    ReferralExpired,
    ReferralFailed,
    ReferralMade,
    ReferralStarted,
    ReferralVoided,
    ReferralWaitlisted,
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
    RequestVoided,
    RequestWithdrawn,
)
from contracts.sites import GroupDetails, SiteDetails
from contracts.topics import TOPICS
from contracts.values import Actor, Interval, LearningArea, Name, Reason, Role
from services.chassis.messaging.outbox import new_id
from services.referrals.reasons import SCHEMES
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import Activity, ActivityEvent
from services.referrals.rules.activity import Status as ActivityStatus
from services.referrals.rules.delivery import Known
from services.referrals.rules.referral import Referral, ReferralEvent
from services.referrals.rules.referral import Status as ReferralStatus
from services.requests.rules import request as request_rules
from services.requests.rules.request import Request, RequestEvent
from services.requests.rules.request import Status as RequestStatus

State = TypeVar("State")
_PRODUCERS = {topic.name: topic.producer for topic in TOPICS}
Event = TypeVar("Event")

SCHOOL, SECONDARY = "duo:99ZA00", "duo:99ZB00"
CHILDCARE = "lrk:990000017"
GROUP, CHILDCARE_GROUP = "own:99ZA00.2025.groep-5", "own:990000017.2025.vlinders"
BABEL, S_PORT = "own:babel", "own:s-port"
ATELIER, BAZUIN = "own:atelier", "own:bazuin"
PROGRAMME = "kansen-voor-kinderen"
NOW = datetime(2025, 10, 3, 9, 12, tzinfo=UTC)
TODAY = date(2025, 10, 3)
YESTERDAY_AT_ONE = datetime.fromisoformat("2025-10-02T13:00:00+02:00")

ORGANISATION_OF: dict[Role, str] = {
    "coordinator": SCHOOL,
    "consultant": BABEL,
    "broker_lead": BABEL,
    "partner": ATELIER,
    "board": "own:board",
    "analyst": "own:city",
    "operator": "own:city",
    "service": "own:samenspel",
}
"""The organisation for which each role may act on what the builders make."""
ROLES: tuple[Role, ...] = tuple(ORGANISATION_OF)


def source_of(topic: str) -> str:
    """The sender that every reader expects on a topic."""
    return f"urn:nld:oin:00000099000000001000:systeem:{_PRODUCERS[topic]}"


def an_area(code: str) -> LearningArea:
    assert code in SCHEMES["curriculum.nu"]
    return LearningArea(scheme="curriculum.nu", code=code)


ART, SPORT, NATURE = an_area("kunst-en-cultuur"), an_area("bewegen-en-sport"), an_area("mens-en-natuur")


def an_actor(role: Role, organisation: str | None = None) -> Actor:
    return Actor(role=role, organisation=organisation or ORGANISATION_OF[role], actor="a1")


def site_details(**other: Any) -> SiteDetails:
    usual = {
        "valid_from": date(2019, 8, 1),
        "kinds": ("primary",),
        "name": Name(nl="De Regenboog"),
        "board": "own:board",
        "municipality": "GM0796",
        "postcode4": "5211",
        "neighbourhood": "5211",
    }
    return SiteDetails.model_validate(usual | other)


def group_details(site_id: str = SCHOOL, *, headcount: int = 24) -> GroupDetails:
    exactly, year = Interval(lower=headcount, upper=headcount), "2025-2026"
    return GroupDetails(site_id=site_id, register_="school", school_year=year, age_from=8, age_to=9, headcount=exactly)


def partner_details(*areas: LearningArea, **other: Any) -> PartnerDetails:
    usual = {"valid_from": date(2019, 6, 27), "name": Name(nl="Atelier"), "learning_areas": areas or (ART,)}
    return PartnerDetails.model_validate(usual | other)


def request_details(**other: Any) -> RequestDetails:
    usual = {
        "site_id": SCHOOL,
        "programme": PROGRAMME,
        "learning_areas": (ART,),
        "groups": (AskedGroup(group_id=GROUP, headcount=24),),
        "wished_from": date(2025, 11, 1),
        "wished_to": date(2025, 12, 1),
        "intention": "replaces",
    }
    return RequestDetails.model_validate(usual | other)


def referral_details(request_id: UUID | None = None, **other: Any) -> ReferralDetails:
    usual = {
        "request_id": request_id or new_id(),
        "partner_id": ATELIER,
        "learning_areas": (ART,),
        "decide_by": date(2025, 10, 17),
    }
    return ReferralDetails.model_validate(usual | other)


def activity_plan(**other: Any) -> ActivityPlan:
    usual = {
        "site_ids": (SCHOOL,),
        "partner_ids": (ATELIER,),
        "programme": PROGRAMME,
        "learning_areas": (ART,),
        "planned_for": YESTERDAY_AT_ONE,
    }
    return ActivityPlan.model_validate(usual | other)


def delivery_details(**other: Any) -> DeliveryDetails:
    """What was delivered yesterday to a group of 24, of whom 22 were there."""
    usual = {
        "site_ids": (SCHOOL, CHILDCARE),
        "partner_ids": (ATELIER,),
        "programme": PROGRAMME,
        "learning_areas": (ART,),
        "occurred_at": YESTERDAY_AT_ONE,
        "duration_minutes": 90,
        "setting": "in_school",
        "groups": (TakingPart(group_id=GROUP, headcount=24, participants=22),),
        "substitution": "replaces",
    }
    return DeliveryDetails.model_validate(usual | other)


KNOWN = Known(
    sites={SCHOOL, CHILDCARE, SECONDARY},
    groups={GROUP: SCHOOL, CHILDCARE_GROUP: CHILDCARE},
    partners={ATELIER, BAZUIN},
    schemes=SCHEMES,
)
"""What the service `referrals` knows of the city."""


def a_request(status: RequestStatus = RequestStatus.ASSIGNED, **asked: Any) -> Request:
    """A request that came to this status; with Babel wherever it has a broker."""
    request_id, details, by = new_id(), request_details(**asked), an_actor("consultant")
    areas = details.learning_areas
    raised = RequestRaised(**dict(details), request_id=request_id, raised_by=an_actor("coordinator"), raised_at=NOW)
    assigned = RequestAssigned(request_id=request_id, broker_ids=(BABEL,), learning_areas=areas, assigned_at=NOW)
    unbrokered = RequestUnbrokered(request_id=request_id, learning_areas=areas, unbrokered_at=NOW)
    advised = RequestAnswered(request_id=request_id, answer="advise", answered_by=by, answered_at=NOW)
    closed = RequestClosed(request_id=request_id, outcome="advice_only", closed_by=by, closed_at=NOW)
    needless = Reason(list="withdraw-request", code="no_longer_needed")
    withdrawn = RequestWithdrawn(request_id=request_id, reason=needless, withdrawn_by=by, withdrawn_at=NOW)
    twice = Reason(list="void-request", code="duplicate")
    voided = RequestVoided(request_id=request_id, reason=twice, voided_by=by, voided_at=NOW)
    history: dict[RequestStatus, Sequence[RequestEvent]] = {
        RequestStatus.RAISED: (raised,),
        RequestStatus.ASSIGNED: (raised, assigned),
        RequestStatus.NO_BROKER: (raised, unbrokered),
        RequestStatus.ANSWERED: (raised, assigned, advised),
        RequestStatus.CLOSED: (raised, assigned, advised, closed),
        RequestStatus.WITHDRAWN: (raised, assigned, withdrawn),
        RequestStatus.VOIDED: (raised, assigned, voided),
    }
    return after(history[status], request_rules.evolve)


def a_referral(
    status: ReferralStatus = ReferralStatus.REQUESTED, *, attempt: int = 1, request_id: UUID | None = None, **other: Any
) -> Referral:
    """A referral by Babel to Atelier that came to this status."""
    made = a_referral_made(referral_details(request_id, **other), attempt=attempt)
    referral_id, by, sender = made.referral_id, an_actor("partner"), an_actor("consultant")
    full, silent = Reason(list="decline", code="no_capacity"), Reason(list="withdraw-referral", code="no_response")
    accepted = ReferralAccepted(referral_id=referral_id, partner_id=ATELIER, accepted_by=by, accepted_at=NOW)
    declined = ReferralDeclined(referral_id=referral_id, reason=full, late=False, declined_by=by, declined_at=NOW)
    started = ReferralStarted(referral_id=referral_id, started_at=NOW)
    completed = ReferralCompleted(referral_id=referral_id, outcome="delivered", completed_by=by, completed_at=NOW)
    withdrawn = ReferralWithdrawn(referral_id=referral_id, reason=silent, withdrawn_by=sender, withdrawn_at=NOW)
    staff, later = Reason(list="waitlist", code="awaiting_staff"), date(2025, 11, 1)
    waitlisted = ReferralWaitlisted(
        referral_id=referral_id, reason=staff, review_on=later, waitlisted_by=by, waitlisted_at=NOW
    )
    ill, twice = Reason(list="fail", code="staff_ill"), Reason(list="void-referral", code="duplicate")
    failed = ReferralFailed(referral_id=referral_id, reason=ill, failed_by=by, failed_at=NOW)
    voided = ReferralVoided(referral_id=referral_id, reason=twice, voided_by=sender, voided_at=NOW)
    history: dict[ReferralStatus, Sequence[ReferralEvent]] = {
        ReferralStatus.REQUESTED: (made,),
        ReferralStatus.ACCEPTED: (made, accepted),
        ReferralStatus.IN_PROGRESS: (made, accepted, started),
        ReferralStatus.COMPLETED: (made, accepted, started, completed),
        ReferralStatus.DECLINED: (made, declined),
        ReferralStatus.WITHDRAWN: (made, withdrawn),
        ReferralStatus.WAITLISTED: (made, waitlisted),
        ReferralStatus.FAILED: (made, accepted, failed),
        ReferralStatus.EXPIRED: (made, ReferralExpired(referral_id=referral_id, expired_at=NOW)),
        ReferralStatus.VOIDED: (made, voided),
    }
    return after(history[status], referral_rules.evolve)


def a_referral_made(details: ReferralDetails, *, attempt: int = 1) -> ReferralMade:
    """Announced by Babel, for the school."""
    where = {"referral_id": new_id(), "site_id": SCHOOL, "broker_id": BABEL, "attempt": attempt}
    made = {"made_by": an_actor("consultant"), "made_at": NOW}
    return ReferralMade.model_validate(dict(details) | where | made)


def an_activity(status: ActivityStatus = ActivityStatus.DELIVERED, **other: Any) -> Activity:
    """A direct activity of Atelier at the school and the childcare that came to this status."""
    details = dict(activity_plan(site_ids=(SCHOOL, CHILDCARE)))
    this, by, twice = new_id(), an_actor("partner"), Reason(list="activity-retraction", code="duplicate")
    planned = ActivityPlanned(**details, activity_id=this, origin="direct", planned_by=by, planned_at=NOW)
    body = dict(delivery_details(**other))
    delivered = ActivityDelivered(**body, activity_id=this, origin="direct", registered_at=NOW)
    retracted = ActivityRetracted(activity_id=this, reason=twice, retracted_at=NOW)
    cold = Reason(list="activity-cancellation", code="weather")
    cancelled = ActivityCancelled(activity_id=this, reason=cold, cancelled_by=by, cancelled_at=NOW)
    empty = Reason(list="activity-not-held", code="nobody_came")
    not_held = ActivityNotHeld(activity_id=this, reason=empty, reported_by=by, reported_at=NOW)
    history: dict[ActivityStatus, Sequence[ActivityEvent]] = {
        ActivityStatus.PLANNED: (planned,),
        ActivityStatus.DELIVERED: (planned, delivered),
        ActivityStatus.CANCELLED: (planned, cancelled),
        ActivityStatus.NOT_HELD: (planned, not_held),
        ActivityStatus.RETRACTED: (planned, retracted),
    }
    return after(history[status], activity_rules.evolve)


def after(events: Sequence[Event], evolve: Callable[[State | None, Event], State]) -> State:
    """What an object is after these events, of which there is at least one."""
    state: State | None = None
    for event in events:
        state = evolve(state, event)
    assert state is not None
    return state
