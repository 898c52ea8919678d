"""The service `requests` as a real process: what it takes, what it refuses and how it says so, what it announces."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from contracts.activities import ActivityDelivered
from contracts.envelope import Message
from contracts.offers import BrokerRecorded
from contracts.referrals import ReferralMade
from contracts.requests import REQUESTS
from contracts.values import LearningArea, Name, Value
from local import RealParts
from local.waiting import completed
from services.chassis.messaging.outbox import new_id
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    CHILDCARE,
    GROUP,
    NATURE,
    NOW,
    S_PORT,
    SCHOOL,
    SECONDARY,
    SPORT,
    TODAY,
    a_body,
    a_group,
    a_question,
    a_site,
    an_actor,
)
from tests.running import Running, eventually, running

OPERATOR = an_actor("operator")
COORDINATOR = an_actor("coordinator")
CONSULTANT = an_actor("consultant")
CLOSED_SITE = SECONDARY


def wire(term: Value, **other: Any) -> dict[str, Any]:
    """A body as it is sent."""
    return {**term.model_dump(mode="json", by_alias=True, exclude_none=True), **other}


def a_broker(broker_id: str, *areas: LearningArea) -> BrokerRecorded:
    return BrokerRecorded(broker_id=broker_id, valid_from=TODAY, name=Name(nl=broker_id), learning_areas=areas)


@pytest.fixture(scope="module")
def requests(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service in a city with a school, a childcare, a closed site, a group, and Babel for art."""
    with running(stack, "requests", prefix="requests-", folder=tmp_path_factory.mktemp("requests")) as service:
        for site_id in (SCHOOL, CHILDCARE):
            service.done("PUT", f"/v1/sites/{site_id}", wire(a_site()), by=OPERATOR)
        service.done("PUT", f"/v1/sites/{CLOSED_SITE}", wire(a_site(closed_on=TODAY)), by=OPERATOR)
        service.done("PUT", f"/v1/groups/{GROUP}", wire(a_group()), by=OPERATOR)
        service.hears(a_broker(BABEL, ART), key=BABEL)
        eventually(lambda: raised(service)["status"] == "assigned")
        yield service


def raised(service: Running, **other: Any) -> dict[str, Any]:
    return service.done("POST", "/v1/requests", wire(a_question(), **other), by=COORDINATOR)


def shown(service: Running, request: dict[str, Any]) -> dict[str, Any]:
    return service.done("GET", f"/v1/requests/{request['requestId']}", by=CONSULTANT)


def test_a_request_is_routed_at_once_and_announced_in_order(requests: Running) -> None:
    request = raised(requests)

    def both() -> list[Message] | None:
        mine = [each for each in requests.announced(REQUESTS) if each.envelope.subject == request["requestId"]]
        return mine if len(mine) == 2 else None

    first, second = eventually(both)
    assert (request["status"], request["brokerIds"]) == ("assigned", [BABEL])
    assert [type(each.event).__name__ for each in (first, second)] == ["RequestRaised", "RequestAssigned"]
    assert [each.envelope.aggregateversion for each in (first, second)] == [1, 2]
    assert {each.envelope.partitionkey for each in (first, second)} == {SCHOOL}
    assert {each.envelope.correlationid for each in (first, second)} == {request["requestId"]}
    assert all(each.envelope.traceparent for each in (first, second))


def test_a_likely_double_is_a_warning_never_a_block(requests: Running) -> None:
    first = raised(requests)

    second = raised(requests)

    assert first["requestId"] in second["likelyDoubles"]


def test_a_request_that_nobody_covers_is_assigned_when_a_broker_comes(requests: Running) -> None:
    waiting = raised(requests, learningAreas=[wire(SPORT)])

    requests.hears(a_broker(S_PORT, SPORT), key=S_PORT)

    assert waiting["status"] == "no_broker"
    eventually(lambda: shown(requests, waiting)["status"] == "assigned")
    assert shown(requests, waiting)["brokerIds"] == [S_PORT]


def test_the_first_referral_is_the_answer_however_often_it_arrives(requests: Running) -> None:
    request = raised(requests)
    made = ReferralMade(
        request_id=request["requestId"],
        partner_id=ATELIER,
        learning_areas=(ART,),
        decide_by=TODAY,
        referral_id=new_id(),
        site_id=SCHOOL,
        broker_id=BABEL,
        attempt=1,
        made_by=CONSULTANT,
        made_at=NOW,
    )

    requests.hears(made, key=SCHOOL, copies=3)

    eventually(lambda: shown(requests, request)["status"] == "answered")
    assert (shown(requests, request)["answer"], shown(requests, request)["version"]) == ("refer", 3)


def test_a_fulfilled_request_waits_until_its_delivery_is_heard_of(requests: Running) -> None:
    request, activity_id = raised(requests), new_id()
    closures = f"/v1/requests/{request['requestId']}/closures"
    closure = {"outcome": "fulfilled", "activityIds": [str(activity_id)]}
    requests.done("POST", f"/v1/requests/{request['requestId']}/answers", {"answer": "advise"}, by=CONSULTANT)
    early = requests.ask("POST", closures, closure, by=CONSULTANT)
    delivered = ActivityDelivered(
        **dict(a_body()), activity_id=activity_id, request_id=request["requestId"], origin="referral", registered_at=NOW
    )

    requests.hears(delivered, key=SCHOOL)

    assert (early.status_code, early.headers["Retry-After"]) == (409, "1")
    assert early.json()["type"].endswith("/not-yet-known")
    assert early.json()["errors"][0]["field"] == "activityIds[0]"
    assert requests.done("POST", closures, closure, by=CONSULTANT)["status"] == "closed"


def test_the_same_record_again_is_no_news(requests: Running) -> None:
    first = requests.done("PUT", f"/v1/sites/{SCHOOL}", wire(a_site(name=Name(nl="De Brug"))), by=OPERATOR)

    again = requests.done("PUT", f"/v1/sites/{SCHOOL}", wire(a_site(name=Name(nl="De Brug"))), by=OPERATOR)

    assert again["version"] == first["version"] == 2
    told = requests.rows("SELECT version FROM journal WHERE aggregate = $1 ORDER BY version", f"site:{SCHOOL}")
    assert [each["version"] for each in told] == [1, 2]


def test_sites_in_bulk_are_recorded_all_or_none(requests: Running) -> None:
    sites = [wire(a_site(), siteId=f"duo:99ZC0{number}") for number in range(3)]
    lines = "\n".join(str(site).replace("'", '"') for site in sites)
    wrong = lines.replace("GM0796", "0796", 1)
    kind = "application/x-ndjson"

    refused = requests.ask("POST", "/v1/sites", wrong.encode(), by=OPERATOR, Content_Type=kind)
    taken = requests.ask("POST", "/v1/sites", lines.encode(), by=OPERATOR, Content_Type=kind)

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "line 1: municipality"
    assert taken.json() == {"recorded": 3, "unchanged": 0}


QUESTION = wire(a_question())
TWICE = [{"groupId": GROUP, "headcount": 24}] * 2
BAD_INPUT: dict[str, tuple[dict[str, Any], int, str, Any]] = {
    "an unknown site": ({"coSiteIds": ["duo:00XX00"]}, 400, "coSiteIds[0]", "duo:00XX00"),
    "a closed site": ({"coSiteIds": [CLOSED_SITE]}, 409, "coSiteIds[0]", CLOSED_SITE),
    "an unknown group": ({"groups": [{"groupId": "own:no", "headcount": 1}]}, 400, "groups[0].groupId", "own:no"),
    "an unknown field": ({"priority": "high"}, 400, "priority", "high"),
    "a wrong enum": ({"intention": "adds"}, 400, "intention", "adds"),
    "a wrong type": ({"groups": [{"groupId": GROUP, "headcount": "many"}]}, 400, "groups[0].headcount", "many"),
    "a negative headcount": ({"groups": [{"groupId": GROUP, "headcount": -1}]}, 400, "groups[0].headcount", -1),
    "an unknown area": (
        {"learningAreas": [{"scheme": "curriculum.nu", "code": "zwemmen"}]},
        400,
        "learningAreas[0].code",
        "zwemmen",
    ),
    "no area": ({"learningAreas": []}, 400, "learningAreas", []),
    "dates in the wrong order": ({"wishedTo": "2025-10-31"}, 400, "wishedTo", "2025-10-31"),
    "the same group twice": ({"groups": TWICE}, 400, "groups", GROUP),
    "the same site twice": ({"coSiteIds": [SCHOOL]}, 400, "coSiteIds", SCHOOL),
    "a malformed id": ({"siteId": "16NV00"}, 400, "siteId", "16NV00"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused_by_field_value_and_what_is_allowed(requests: Running, case: str) -> None:
    wrong, status, field, value = BAD_INPUT[case]

    response = requests.ask("POST", "/v1/requests", {**QUESTION, **wrong}, by=an_actor("operator"))

    error = response.json()["errors"][0]
    assert (response.status_code, error["field"], error["value"]) == (status, field, value)
    assert error["allowed"]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["API-Version"]


def test_a_missing_field_is_named(requests: Running) -> None:
    question = {name: value for name, value in QUESTION.items() if name != "programme"}

    response = requests.ask("POST", "/v1/requests", question, by=COORDINATOR)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "programme")


def test_what_is_no_json_is_malformed(requests: Running) -> None:
    response = requests.ask("POST", "/v1/requests", b'{"siteId": ', by=COORDINATOR, Content_Type="application/json")

    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")


def test_a_post_needs_an_idempotency_key(requests: Running) -> None:
    response = requests.ask("POST", "/v1/requests", QUESTION, by=COORDINATOR, Idempotency_Key="")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "Idempotency-Key")


def test_the_same_command_again_has_the_same_answer_and_no_second_effect(requests: Running) -> None:
    key = str(uuid4())
    first = requests.ask("POST", "/v1/requests", QUESTION, by=COORDINATOR, Idempotency_Key=key)

    again = requests.ask("POST", "/v1/requests", QUESTION, by=COORDINATOR, Idempotency_Key=key)

    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert (again.headers["Idempotency-Replayed"], again.headers["Location"]) == ("true", first.headers["Location"])
    told = requests.rows("SELECT FROM journal WHERE aggregate = $1", f"request:{first.json()['requestId']}")
    assert len(told) == 2  # raised and assigned, once


def test_a_key_is_not_used_for_another_command(requests: Running) -> None:
    key = str(uuid4())
    requests.ask("POST", "/v1/requests", QUESTION, by=COORDINATOR, Idempotency_Key=key)

    other = requests.ask(
        "POST", "/v1/requests", {**QUESTION, "intention": "stacks"}, by=COORDINATOR, Idempotency_Key=key
    )

    assert (other.status_code, other.json()["errors"][0]["field"]) == (409, "Idempotency-Key")
    assert other.json()["errors"][0]["value"] == key


def test_a_refused_command_leaves_its_key_unused(requests: Running) -> None:
    key = str(uuid4())
    refused = requests.ask("POST", "/v1/requests", {**QUESTION, "x": 1}, by=COORDINATOR, Idempotency_Key=key)

    mended = requests.ask("POST", "/v1/requests", QUESTION, by=COORDINATOR, Idempotency_Key=key)

    assert (refused.status_code, mended.status_code) == (400, 201)


@pytest.mark.parametrize("says_its_length", [True, False])
def test_a_body_over_64_kib_is_refused(requests: Running, says_its_length: bool) -> None:
    body = b'{"siteId": "' + b"x" * 64 * 1024 + b'"}'
    headers = {"Samenspel-Actor": f"role=coordinator; organisation={SCHOOL}; actor=a1", "Idempotency-Key": str(uuid4())}

    content = body if says_its_length else (body[start : start + 8192] for start in range(0, len(body), 8192))
    response = requests.client.post("/v1/requests", content=content, headers=headers)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "body")


def test_whoever_lost_the_race_is_told(requests: Running) -> None:
    request = raised(requests)
    answers = f"/v1/requests/{request['requestId']}/answers"

    late = requests.ask("POST", answers, {"answer": "advise"}, by=CONSULTANT, If_Match='"1"')
    fresh = requests.ask("POST", answers, {"answer": "advise"}, by=CONSULTANT, If_Match=f'"{request["version"]}"')

    assert (late.status_code, late.json()["type"].rpartition("/")[2]) == (412, "race-lost")
    assert (fresh.status_code, fresh.headers["ETag"]) == (201, '"3"')


def test_without_a_caller_nothing_is_done_or_shown(requests: Running) -> None:
    asked = requests.ask("POST", "/v1/requests", QUESTION, by=None)
    seen = requests.ask("GET", "/v1/requests", by=None)

    assert (asked.status_code, seen.status_code) == (401, 401)


def test_a_caller_acts_for_its_own_organisation_only(requests: Running) -> None:
    other_school = requests.ask("POST", "/v1/requests", QUESTION, by=an_actor("coordinator", CHILDCARE))
    other_role = requests.ask("POST", "/v1/requests", QUESTION, by=an_actor("partner", SCHOOL))
    request = raised(requests)
    other_broker = requests.ask(
        "POST", f"/v1/requests/{request['requestId']}/answers", {"answer": "advise"}, by=an_actor("consultant", S_PORT)
    )

    said = [
        (each.status_code, each.json()["errors"][0]["field"], each.json()["errors"][0]["value"])
        for each in (other_school, other_role, other_broker)
    ]
    assert said == [(403, "organisation", CHILDCARE), (403, "role", "partner"), (403, "organisation", S_PORT)]


def test_what_is_not_there_is_not_found(requests: Running) -> None:
    unknown = requests.ask("GET", f"/v1/requests/{new_id()}", by=CONSULTANT)
    nowhere = requests.ask("GET", "/v1/requests/", by=CONSULTANT)

    assert (unknown.status_code, nowhere.status_code) == (404, 404)
    assert nowhere.headers["Content-Type"] == "application/problem+json"


def test_a_comment_stays_in_the_service(requests: Running) -> None:
    request = raised(requests)
    answer = {"answer": "cannot_help", "reason": {"list": "not-fulfilled", "code": "other"}}
    answers = f"/v1/requests/{request['requestId']}/answers"

    silent = requests.ask("POST", answers, answer, by=CONSULTANT)
    requests.done("POST", answers, {**answer, "comment": "Bel na de herfstvakantie"}, by=CONSULTANT)

    assert (silent.status_code, silent.json()["errors"][0]["field"]) == (400, "comment")
    kept = requests.rows("SELECT version, comment FROM comments WHERE request_id::text = $1", request["requestId"])
    assert kept == [{"version": 3, "comment": "Bel na de herfstvakantie"}]
    told = requests.rows("SELECT value FROM journal WHERE aggregate = $1", f"request:{request['requestId']}")
    assert not any(b"herfstvakantie" in each["value"] for each in told)


def test_a_comment_with_somebodys_address_is_refused_without_repeating_it(requests: Running) -> None:
    answer = {"answer": "advise", "comment": "Mail jan@voorbeeld.nl"}

    response = requests.ask("POST", f"/v1/requests/{new_id()}/answers", answer, by=CONSULTANT)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "comment")
    assert "voorbeeld" not in response.text


def test_lists_are_paged_and_filtered(requests: Running) -> None:
    mine = [raised(requests, learningAreas=[wire(NATURE)])["requestId"] for _ in range(3)]

    def page(cursor: str = "") -> dict[str, Any]:
        return requests.done("GET", f"/v1/requests?siteId={SCHOOL}&status=no_broker&limit=2{cursor}", by=CONSULTANT)

    first = page()
    second = page(f"&cursor={first['nextCursor']}")
    assert [each["requestId"] for each in first["items"] + second["items"]] == mine
    assert second["nextCursor"] is None
    assert all("close" in each["availableActions"] for each in first["items"])


def test_a_service_cannot_enter_anothers_database(stack: RealParts, requests: Running) -> None:
    other = urlsplit(stack.create_database("requests-other", "requests-other"))
    mine = urlsplit(requests.database_url)
    as_another = urlunsplit(other._replace(path=mine.path))

    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidAuthorizationSpecificationError)):
        completed(_enter(as_another))

    assert requests.rows("SELECT current_user") == [{"current_user": mine.username}]


async def _enter(url: str) -> None:
    await (await asyncpg.connect(url)).close()
