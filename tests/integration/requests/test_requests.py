"""Requests and what they are about: what the service takes, publishes and keeps to itself."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from contracts.activities import ActivityDelivered
from contracts.envelope import Message
from contracts.requests import REQUESTS, RequestAssigned
from contracts.values import Name
from local import RealParts
from local.waiting import completed
from services.chassis.messaging.outbox import new_id
from tests.builders import (
    ART,
    BABEL,
    NATURE,
    NOW,
    S_PORT,
    SCHOOL,
    SPORT,
    TODAY,
    a_referral_made,
    an_area,
    delivery_details,
    referral_details,
    request_details,
    site_details,
)
from tests.integration.requests.commands import CONSULTANT, COORDINATOR, OPERATOR, a_broker, a_request, current, path_of
from tests.service_process import ServiceProcess, as_json, error_of, problem_type
from tests.waiting import wait_until

CITIZENSHIP = an_area("burgerschap")


def test_a_request_is_routed_at_once_and_published_in_order(requests: ServiceProcess) -> None:
    request = a_request(requests)

    def both() -> list[Message] | None:
        mine = [each for each in requests.published(REQUESTS) if each.envelope.subject == request["requestId"]]
        return mine if len(mine) == 2 else None

    first, second = wait_until(both)
    assert (request["status"], request["brokerIds"]) == ("assigned", [BABEL])
    assert [type(each.event).__name__ for each in (first, second)] == ["RequestRaised", "RequestAssigned"]
    assert [each.envelope.aggregateversion for each in (first, second)] == [1, 2]
    assert {each.envelope.partitionkey for each in (first, second)} == {SCHOOL}
    assert {each.envelope.correlationid for each in (first, second)} == {request["requestId"]}
    assert all(each.envelope.traceparent for each in (first, second))


def test_what_a_caller_wrote_into_a_key_is_never_published(requests: ServiceProcess) -> None:
    key = "jansen@school.example"

    body = as_json(request_details())
    response = requests.ask("POST", "/v1/requests", body, by=COORDINATOR, Idempotency_Key=key)

    about = f"request:{response.json()['requestId']}"
    rows = requests.rows("SELECT convert_from(value, 'UTF8') AS text FROM journal WHERE aggregate = $1", about)
    causes = {json.loads(row["text"])["causationid"] for row in rows}
    assert key not in "".join(row["text"] for row in rows)
    assert len(causes) == 1
    assert re.fullmatch("[0-9a-f]{64}", causes.pop())


def test_a_likely_double_is_a_warning_never_a_block(requests: ServiceProcess) -> None:
    first = a_request(requests)

    second = a_request(requests)

    assert first["requestId"] in second["likelyDoubles"]


def test_a_request_that_nobody_covers_is_assigned_when_a_broker_comes(requests: ServiceProcess) -> None:
    waiting = a_request(requests, learningAreas=[as_json(SPORT)])

    requests.receives(a_broker(S_PORT, SPORT), key=S_PORT)

    assert waiting["status"] == "no_broker"
    wait_until(lambda: current(requests, waiting)["status"] == "assigned")
    assert current(requests, waiting)["brokerIds"] == [S_PORT]


def test_when_the_time_of_a_stack_is_set_a_broker_recorded_ahead_takes_over_without_any_other_event(
    requests: ServiceProcess,
) -> None:
    areas, day = [as_json(ART), as_json(CITIZENSHIP)], TODAY + timedelta(days=30)
    half = a_request(requests, learningAreas=areas)
    ahead = a_broker("own:burger", CITIZENSHIP).model_copy(update={"valid_from": day})
    requests.receives(ahead, key="own:burger")
    wait_until(lambda: requests.rows("SELECT FROM records WHERE entity_id = 'own:burger'"))

    requests.time.set(NOW + timedelta(days=30))

    def routed() -> list[Message] | None:
        mine = [each for each in requests.published(REQUESTS) if each.envelope.subject == half["requestId"]]
        return mine if len(mine) == 3 else None

    *_, last = wait_until(routed)
    assert (half["brokerIds"], half["uncoveredAreas"]) == ([BABEL], [as_json(CITIZENSHIP)])
    assert isinstance(last.event, RequestAssigned)
    assert (last.event.broker_ids, last.event.assigned_at) == ((BABEL, "own:burger"), NOW + timedelta(days=30))


def test_the_first_referral_is_the_answer_however_often_it_arrives(requests: ServiceProcess) -> None:
    request = a_request(requests)
    made = a_referral_made(referral_details(request["requestId"]))

    requests.receives(made, key=SCHOOL, copies=3)

    wait_until(lambda: current(requests, request)["status"] == "answered")
    assert (current(requests, request)["answer"], current(requests, request)["version"]) == ("refer", 3)


def test_a_request_is_fulfilled_once_its_delivery_is_known_here(requests: ServiceProcess) -> None:
    request, activity_id = a_request(requests), new_id()
    closures, closure = f"{path_of(request)}/closures", {"outcome": "fulfilled", "activityIds": [str(activity_id)]}
    requests.ask_ok("POST", f"{path_of(request)}/answers", {"answer": "advise"}, by=CONSULTANT)
    early = requests.ask("POST", closures, closure, by=CONSULTANT)
    of_request = {"activity_id": activity_id, "request_id": request["requestId"], "origin": "referral"}
    delivered = dict(delivery_details()) | of_request | {"registered_at": NOW}

    requests.receives(ActivityDelivered.model_validate(delivered), key=SCHOOL)

    assert (early.status_code, early.headers["Retry-After"]) == (409, "1")
    assert problem_type(early) == "not-yet-known"
    assert error_of(early)["field"] == "activityIds[0]"
    assert requests.ask_ok("POST", closures, closure, by=CONSULTANT)["status"] == "closed"


def test_the_same_record_again_is_no_news(requests: ServiceProcess) -> None:
    site = as_json(site_details(name=Name(nl="De Brug")))
    first = requests.ask_ok("PUT", f"/v1/sites/{SCHOOL}", site, by=OPERATOR)

    again = requests.ask_ok("PUT", f"/v1/sites/{SCHOOL}", site, by=OPERATOR)

    assert again["version"] == first["version"] == 2
    journal = requests.rows("SELECT version FROM journal WHERE aggregate = $1 ORDER BY version", f"site:{SCHOOL}")
    assert [each["version"] for each in journal] == [1, 2]


def test_sites_in_bulk_are_recorded_all_or_none(requests: ServiceProcess) -> None:
    lines = "\n".join(json.dumps(as_json(site_details(), siteId=f"duo:99ZC0{number}")) for number in range(3))
    wrong = lines.replace("GM0796", "0796", 1)
    kind = "application/x-ndjson"

    refused = requests.ask("POST", "/v1/sites", wrong.encode(), by=OPERATOR, Content_Type=kind)
    taken = requests.ask("POST", "/v1/sites", lines.encode(), by=OPERATOR, Content_Type=kind)

    assert (refused.status_code, error_of(refused)["field"]) == (400, "line 1: municipality")
    assert taken.json() == {"recorded": 3, "unchanged": 0}


def test_a_comment_stays_in_the_service(requests: ServiceProcess) -> None:
    request = a_request(requests)
    answer = {"answer": "cannot_help", "reason": {"list": "not-fulfilled", "code": "other"}}
    answers = f"{path_of(request)}/answers"

    without = requests.ask("POST", answers, answer, by=CONSULTANT)
    requests.ask_ok("POST", answers, {**answer, "comment": "Bel na de herfstvakantie"}, by=CONSULTANT)

    assert (without.status_code, error_of(without)["field"]) == (400, "comment")
    kept = requests.rows("SELECT version, comment FROM comments WHERE request_id::text = $1", request["requestId"])
    assert kept == [{"version": 3, "comment": "Bel na de herfstvakantie"}]
    journal = requests.rows("SELECT value FROM journal WHERE aggregate = $1", f"request:{request['requestId']}")
    assert len(journal) == 3
    assert not any(b"herfstvakantie" in each["value"] for each in journal)


def test_a_comment_with_somebodys_address_is_refused_without_repeating_it(requests: ServiceProcess) -> None:
    answer = {"answer": "advise", "comment": "Mail jan@voorbeeld.nl"}

    response = requests.ask("POST", f"/v1/requests/{new_id()}/answers", answer, by=CONSULTANT)

    assert (response.status_code, error_of(response)["field"]) == (400, "comment")
    assert "voorbeeld" not in response.text


def test_lists_are_paged_and_filtered(requests: ServiceProcess) -> None:
    mine = [a_request(requests, learningAreas=[as_json(NATURE)])["requestId"] for _ in range(3)]

    def page(cursor: str = "") -> dict[str, Any]:
        query = f"siteId={SCHOOL}&status=no_broker&limit=2{cursor}"
        return requests.ask_ok("GET", f"/v1/requests?{query}", by=CONSULTANT)

    first = page()
    second = page(f"&cursor={first['nextCursor']}")
    assert [each["requestId"] for each in first["items"] + second["items"]] == mine
    assert "nextCursor" not in second
    assert all("close" in each["availableActions"] for each in first["items"])


def test_a_service_cannot_enter_anothers_database(stack: RealParts, requests: ServiceProcess) -> None:
    other = urlsplit(stack.create_database("requests-other", "requests-other"))
    mine = urlsplit(requests.database_url)
    as_another = urlunsplit(other._replace(path=mine.path))

    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidAuthorizationSpecificationError)):
        completed(_enter(as_another))

    assert requests.rows("SELECT current_user") == [{"current_user": mine.username}]


async def _enter(url: str) -> None:
    await (await asyncpg.connect(url)).close()
