"""The callers of the service `referrals`, and the commands that make the given of its tests."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.requests import RequestAssigned, RequestClosed, RequestRaised
from services.chassis.messaging.outbox import new_id
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    BAZUIN,
    NOW,
    SCHOOL,
    activity_plan,
    an_actor,
    delivery_details,
    referral_details,
    request_details,
)
from tests.service_process import ServiceProcess, as_json

PARTNER, OTHER_PARTNER = an_actor("partner", ATELIER), an_actor("partner", BAZUIN)
CONSULTANT, COORDINATOR, OPERATOR = an_actor("consultant"), an_actor("coordinator"), an_actor("operator")
LATER = datetime(2025, 10, 20, 7, 45, tzinfo=UTC)


def request_raised(request_id: UUID) -> RequestRaised:
    return RequestRaised(**dict(request_details()), request_id=request_id, raised_by=COORDINATOR, raised_at=NOW)


def request_assigned(request_id: UUID) -> RequestAssigned:
    return RequestAssigned(request_id=request_id, broker_ids=(BABEL,), learning_areas=(ART,), assigned_at=NOW)


def request_closed(request_id: UUID) -> RequestClosed:
    return RequestClosed(request_id=request_id, outcome="advice_only", closed_by=CONSULTANT, closed_at=LATER)


def a_known_request(referrals: ServiceProcess) -> UUID:
    """A request of the school that `requests` assigned to Babel."""
    request_id = new_id()
    referrals.receives(request_raised(request_id), request_assigned(request_id), key=SCHOOL)
    return request_id


def a_referral(referrals: ServiceProcess, request_id: UUID | None = None, **other: Any) -> dict[str, Any]:
    details = referral_details(request_id or a_known_request(referrals))
    return referrals.ask_ok("POST", "/v1/referrals", as_json(details, **other), by=CONSULTANT)


def an_accepted_referral(referrals: ServiceProcess) -> dict[str, Any]:
    return referrals.ask_ok("POST", f"{path_of(a_referral(referrals))}/acceptances", by=PARTNER)


def a_planned_activity(referrals: ServiceProcess, **other: Any) -> dict[str, Any]:
    return referrals.ask_ok("POST", "/v1/activities", as_json(activity_plan(), **other), by=PARTNER)


def a_delivered_activity(referrals: ServiceProcess, **other: Any) -> dict[str, Any]:
    deliveries = f"{path_of(a_planned_activity(referrals, **other))}/deliveries"
    return referrals.ask_ok("POST", deliveries, as_json(delivery_details()), by=PARTNER)


def path_of(shown: dict[str, Any]) -> str:
    """The path of an activity or a referral, by its view; an activity's view may name its referral too."""
    if "activityId" in shown:
        return f"/v1/activities/{shown['activityId']}"
    return f"/v1/referrals/{shown['referralId']}"


def because(reasons: str, code: str, **other: Any) -> dict[str, Any]:
    """A body with a reason of this list."""
    return {"reason": {"list": reasons, "code": code}, **other}


def status_of(referrals: ServiceProcess, referral: dict[str, Any]) -> str:
    return str(referrals.ask_ok("GET", path_of(referral), by=OPERATOR)["status"])


def events_of(referrals: ServiceProcess, kind: str, subject: str) -> list[str]:
    """The names of the events in the journal of one aggregate, in order."""
    rows = referrals.rows(
        "SELECT convert_from(value, 'UTF8')::json->>'type' AS type FROM journal WHERE aggregate = $1 ORDER BY version",
        f"{kind}:{subject}",
    )
    return [row["type"].removeprefix("nl.samenspel.").removesuffix(".v1") for row in rows]
