"""A command that names what a service has not heard of yet waits for it, and holds up only what must be behind."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from contracts.activities import ActivityDelivered
from contracts.outcomes import CommandAccepted
from services.chassis.messaging.outbox import new_id
from tests.builders import ATELIER, NOW, SCHOOL, delivery_details, referral_details, request_details
from tests.integration.clients.outside import CONSULTANT, COORDINATOR, PARTNER, City, Outside, slug
from tests.integration.referrals.commands import request_assigned, request_raised
from tests.service_process import ServiceProcess, as_json
from tests.waiting import wait_until

DETAILS = as_json(request_details())
LATER = NOW + timedelta(seconds=30)


@pytest.fixture(autouse=True)
def now_again(city: City) -> Iterator[None]:
    """The time stands still until a test moves it."""
    city.requests.time.set(NOW)
    yield
    city.requests.time.set(NOW)


def waiting(service: ServiceProcess) -> list[str]:
    """The commands that wait there."""
    rows = service.rows("SELECT command_id FROM client_commands WHERE waits_until IS NOT NULL ORDER BY position")
    return [str(row["command_id"]) for row in rows]


def test_it_is_carried_out_once_the_event_was_heard(city: City, client: Outside) -> None:
    request_id = new_id()
    early = client.command("referrals.Refer", as_json(referral_details(request_id)), by=CONSULTANT)
    behind = client.command("referrals.RecordPartner", partner_as_recorded(city), by=PARTNER, subject=ATELIER)
    client.send(early, behind)
    wait_until(lambda: waiting(city.referrals) == [early["id"]])
    assert isinstance(client.outcome(behind), CommandAccepted)
    assert client.outcomes(early) == []

    city.referrals.receives(request_raised(request_id), request_assigned(request_id), key=SCHOOL)

    assert isinstance(client.outcome(early), CommandAccepted)
    assert waiting(city.referrals) == []


def partner_as_recorded(city: City) -> dict[str, object]:
    details: dict[str, object] = city.referrals.ask_ok("GET", f"/v1/partners/{ATELIER}", by=PARTNER)["details"]
    return details


def test_it_is_refused_after_half_a_minute(city: City, client: Outside) -> None:
    late = client.command("referrals.Refer", as_json(referral_details(new_id())), by=CONSULTANT)
    client.send(late)
    wait_until(lambda: waiting(city.referrals) == [late["id"]])

    city.referrals.time.set(LATER)

    assert slug(client.outcome(late)) == "not-yet-known"
    assert waiting(city.referrals) == []


def test_it_is_not_too_late_after_a_stop_before_what_it_waits_for_was_read(city: City, client: Outside) -> None:
    """Red where only the time counts: whoever looked first after the stop refused it."""
    request_id = new_id()
    early = client.command("referrals.Refer", as_json(referral_details(request_id)), by=CONSULTANT)
    client.send(early)
    wait_until(lambda: waiting(city.referrals) == [early["id"]])

    an_hour_passes_without_a_leader(city.referrals)
    wait_until(lambda: leaders(city.referrals))
    city.referrals.receives(request_raised(request_id), request_assigned(request_id), key=SCHOOL)

    assert isinstance(client.outcome(early), CommandAccepted)


LEADERS = """
FROM pg_locks JOIN pg_database ON pg_database.oid = database AND datname = current_database()
WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = hashtextextended('lead waiting commands', 0)
"""


def an_hour_passes_without_a_leader(service: ServiceProcess) -> None:
    """Its connection ends, in the same moment in which half a minute is over."""
    passed = "WITH passed AS (UPDATE client_commands SET waits_until = waits_until - interval '1 hour')"
    assert service.rows(f"{passed} SELECT pg_terminate_backend(pid) AS ended {LEADERS}") == [{"ended": True}]


def leaders(service: ServiceProcess) -> list[dict[str, object]]:
    return service.rows(f"SELECT pid {LEADERS}")


def test_the_same_command_again_waits_with_the_first(city: City, client: Outside) -> None:
    request_id = new_id()
    early = client.command("referrals.Refer", as_json(referral_details(request_id)), by=CONSULTANT)
    client.send(early)
    wait_until(lambda: waiting(city.referrals) == [early["id"]])

    client.send(early)
    client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR)
    city.referrals.receives(request_raised(request_id), request_assigned(request_id), key=SCHOOL)

    assert isinstance(client.outcome(early), CommandAccepted)
    assert len(city.referrals.rows("SELECT FROM referrals WHERE request_id = $1", request_id)) == 1


def test_a_command_about_the_same_does_not_overtake_it(city: City, client: Outside) -> None:
    request_id = client.gave("requests.RaiseRequest", DETAILS, by=COORDINATOR).aggregate_id
    client.gave("requests.AnswerRequest", {"answer": "advise"}, by=CONSULTANT, subject=request_id)
    activity_id = new_id()
    fulfilled = {"outcome": "fulfilled", "activityIds": [str(activity_id)]}
    early = client.command("requests.CloseRequest", fulfilled, by=CONSULTANT, subject=request_id)
    behind = client.command("requests.CloseRequest", {"outcome": "advice_only"}, by=CONSULTANT, subject=request_id)

    client.send(early, behind)
    wait_until(lambda: waiting(city.requests) == [early["id"], behind["id"]])
    body = dict(delivery_details())
    delivered = ActivityDelivered(
        **body, activity_id=activity_id, origin="referral", request_id=UUID(request_id), registered_at=NOW
    )
    city.requests.receives(delivered, key=SCHOOL)

    assert isinstance(client.outcome(early), CommandAccepted)
    assert slug(client.outcome(behind)) == "illegal-transition"
    assert waiting(city.requests) == []
