"""What the service `requests` refuses at its door, and how it says so."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.messaging.outbox import new_id
from tests.builders import CHILDCARE, GROUP, SCHOOL, an_actor, group_details, request_details, site_details
from tests.integration.requests.commands import CLOSED_SITE, CONSULTANT, COORDINATOR, a_request, path_of
from tests.service_process import ServiceProcess, as_json, error_of, problem_type

PATH = "/v1/requests"
CLIENTS = 20  # twice the connections of the pool
DETAILS = as_json(request_details())
TWICE = [{"groupId": GROUP, "headcount": 24}] * 2
UNKNOWN_AREA = {"scheme": "curriculum.nu", "code": "zwemmen"}
BAD_INPUT: dict[str, tuple[dict[str, Any], int, str, Any]] = {
    "an unknown site": ({"coSiteIds": ["duo:00XX00"]}, 400, "coSiteIds[0]", "duo:00XX00"),
    "a closed site": ({"coSiteIds": [CLOSED_SITE]}, 409, "coSiteIds[0]", CLOSED_SITE),
    "an unknown group": ({"groups": [{"groupId": "own:no", "headcount": 1}]}, 400, "groups[0].groupId", "own:no"),
    "an unknown field": ({"priority": "high"}, 400, "priority", None),
    "a wrong enum": ({"intention": "adds"}, 400, "intention", "adds"),
    "a wrong type": ({"groups": [{"groupId": GROUP, "headcount": "many"}]}, 400, "groups[0].headcount", None),
    "a negative headcount": ({"groups": [{"groupId": GROUP, "headcount": -1}]}, 400, "groups[0].headcount", -1),
    "an unknown area": ({"learningAreas": [UNKNOWN_AREA]}, 400, "learningAreas[0].code", "zwemmen"),
    "no area": ({"learningAreas": []}, 400, "learningAreas", []),
    "dates in the wrong order": ({"wishedTo": "2025-10-31"}, 400, "wishedTo", "2025-10-31"),
    "the same group twice": ({"groups": TWICE}, 400, "groups[1]", GROUP),
    "the same site twice": ({"coSiteIds": [SCHOOL]}, 400, "coSiteIds[0]", SCHOOL),
    "a malformed id": ({"siteId": "16NV00"}, 400, "siteId", None),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused_by_field_value_and_what_is_allowed(requests: ServiceProcess, case: str) -> None:
    wrong, status, field, value = BAD_INPUT[case]

    response = requests.ask("POST", PATH, {**DETAILS, **wrong}, by=an_actor("operator"))

    error = error_of(response)
    assert (response.status_code, error["field"], error["value"]) == (status, field, value)
    assert error["allowed"]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["API-Version"]


def test_a_missing_field_is_named(requests: ServiceProcess) -> None:
    details = {name: value for name, value in DETAILS.items() if name != "programme"}

    response = requests.ask("POST", PATH, details, by=COORDINATOR)

    assert (response.status_code, error_of(response)["field"]) == (400, "programme")


def test_what_is_no_json_is_malformed(requests: ServiceProcess) -> None:
    response = requests.ask("POST", PATH, b'{"siteId": ', by=COORDINATOR, Content_Type="application/json")

    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("says_its_length", [True, False])
def test_a_body_over_128_kib_is_refused(requests: ServiceProcess, says_its_length: bool) -> None:
    body = b'{"siteId": "' + b"x" * 128 * 1024 + b'"}'
    headers = {"Samenspel-Actor": f"role=coordinator; organisation={SCHOOL}; actor=a1", "Idempotency-Key": str(uuid4())}

    content = body if says_its_length else (body[start : start + 8192] for start in range(0, len(body), 8192))
    response = requests.client.post(PATH, content=content, headers=headers)

    assert (response.status_code, error_of(response)["field"]) == (413, "body")


def test_no_header_makes_a_body_smaller(requests: ServiceProcess) -> None:
    body = b"[" + b",".join([b'"own:a"'] * 40_000) + b"]"

    response = requests.ask("POST", PATH, body, by=COORDINATOR, Content_Type="application/x-ndjson")

    assert (response.status_code, error_of(response)["field"]) == (413, "body")


@pytest.mark.parametrize("tag", ['W/"1"', '"7"', '"1", "7"', '"one"'])
def test_a_tag_that_is_not_that_of_the_version_is_a_conflict(requests: ServiceProcess, tag: str) -> None:
    answers = f"{path_of(a_request(requests))}/answers"

    response = requests.ask("POST", answers, {"answer": "advise"}, by=CONSULTANT, If_Match=tag)

    assert (response.status_code, problem_type(response)) == (412, "version-conflict")


@pytest.mark.parametrize("tag", ["*", 'W/"2", "2"', '"1", "2"'])
def test_one_tag_of_the_version_is_enough_and_a_star_is_any(requests: ServiceProcess, tag: str) -> None:
    request = a_request(requests)

    response = requests.ask("POST", f"{path_of(request)}/answers", {"answer": "advise"}, by=CONSULTANT, If_Match=tag)

    assert (request["version"], response.status_code) == (2, 201)


def test_a_site_that_was_read_can_be_recorded_anew_unless_it_changed_meanwhile(requests: ServiceProcess) -> None:
    path, by, site = "/v1/sites/own:versies", an_actor("operator"), as_json(site_details())
    requests.ask_ok("PUT", path, site, by=by)
    tag = requests.ask("GET", path, by=by).headers["ETag"]

    first = requests.ask("PUT", path, {**site, "name": {"nl": "Anders"}}, by=by, If_Match=tag)
    second = requests.ask("PUT", path, {**site, "name": {"nl": "Nog anders"}}, by=by, If_Match=tag)

    assert (first.status_code, second.status_code) == (200, 412)
    assert requests.ask("GET", path, by=by).headers["ETag"] == first.headers["ETag"] != tag


@pytest.mark.parametrize("path", ["/v1/groups/own:not-there", "/v1/sites/own:not-there"])
@pytest.mark.parametrize("tag", ["*", '"1"', '"0"'])
def test_what_is_not_there_has_no_version(requests: ServiceProcess, path: str, tag: str) -> None:
    details = as_json(group_details() if "groups" in path else site_details())

    response = requests.ask("PUT", path, details, by=an_actor("operator"), If_Match=tag)

    assert (response.status_code, problem_type(response)) == (412, "version-conflict")


def test_the_same_key_at_once_from_many_clients_is_one_command(requests: ServiceProcess) -> None:
    key, before = str(uuid4()), len(requests.rows("SELECT FROM requests"))

    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = [
            clients.submit(requests.ask, "POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key=key)
            for _ in range(CLIENTS)
        ]
    answers = [each.result() for each in asked]

    assert {(each.status_code, each.content) for each in answers} == {(201, answers[0].content)}
    assert [each.headers.get("Idempotency-Replayed") for each in answers].count("true") == CLIENTS - 1
    assert len(requests.rows("SELECT FROM requests")) == before + 1


def test_the_last_page_has_no_cursor_to_an_empty_one(requests: ServiceProcess) -> None:
    for _ in range(2):
        a_request(requests)
    everything = requests.ask("GET", f"{PATH}?limit=200", by=CONSULTANT).json()["items"]
    newest = [each["requestId"] for each in everything[-2:]]

    full = requests.ask("GET", f"{PATH}?limit=2&cursor={everything[-3]['requestId']}", by=CONSULTANT).json()
    first = requests.ask("GET", f"{PATH}?limit=1&cursor={everything[-3]['requestId']}", by=CONSULTANT).json()
    sites = requests.ask("GET", "/v1/sites", by=CONSULTANT).json()["items"]
    all_sites = requests.ask("GET", f"/v1/sites?limit={len(sites)}", by=CONSULTANT).json()

    assert ([each["requestId"] for each in full["items"]], full.get("nextCursor")) == (newest, None)
    assert ([each["requestId"] for each in first["items"]], first["nextCursor"]) == (newest[:1], newest[0])
    assert (all_sites["items"], all_sites.get("nextCursor")) == (sites, None)


def test_a_post_needs_an_idempotency_key(requests: ServiceProcess) -> None:
    response = requests.ask("POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key="")

    assert (response.status_code, error_of(response)["field"]) == (400, "Idempotency-Key")


def test_the_same_command_again_has_the_same_answer_and_no_second_effect(requests: ServiceProcess) -> None:
    key = str(uuid4())
    first = requests.ask("POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key=key)

    again = requests.ask("POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key=key)

    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert (again.headers["Idempotency-Replayed"], again.headers["Location"]) == ("true", first.headers["Location"])
    journal = requests.rows("SELECT FROM journal WHERE aggregate = $1", f"request:{first.json()['requestId']}")
    assert len(journal) == 2  # raised and assigned, once


def test_a_command_that_would_be_refused_by_now_still_has_the_answer_that_it_had(requests: ServiceProcess) -> None:
    request, key = a_request(requests), str(uuid4())
    answers, cannot = f"{path_of(request)}/answers", {"list": "not-fulfilled", "code": "no_funding"}
    with_key = partial(requests.ask, "POST", answers, by=CONSULTANT, Idempotency_Key=key, If_Match='"2"')
    first = with_key({"answer": "advise"})

    again = with_key({"answer": "advise"})
    another = with_key({"answer": "cannot_help", "reason": cannot})
    without = requests.ask("POST", answers, {"answer": "advise"}, by=CONSULTANT)

    assert (again.status_code, again.content, again.headers["ETag"]) == (201, first.content, first.headers["ETag"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (another.status_code, error_of(another)["field"]) == (409, "Idempotency-Key")
    assert without.status_code == 409


def test_a_key_is_not_used_for_another_command(requests: ServiceProcess) -> None:
    key = str(uuid4())
    requests.ask("POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key=key)

    other = requests.ask("POST", PATH, {**DETAILS, "intention": "stacks"}, by=COORDINATOR, Idempotency_Key=key)

    assert (other.status_code, error_of(other)["field"]) == (409, "Idempotency-Key")
    assert key not in other.text


def test_the_same_json_in_another_order_is_the_same_command(requests: ServiceProcess) -> None:
    key = str(uuid4())
    first = requests.ask("POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key=key)

    again = requests.ask("POST", PATH, dict(reversed(DETAILS.items())), by=COORDINATOR, Idempotency_Key=key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_belongs_to_whoever_sent_it(requests: ServiceProcess) -> None:
    key = str(uuid4())
    colleague = COORDINATOR.model_copy(update={"actor": "a2"})
    first = requests.ask("POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key=key)

    of_a_colleague = requests.ask("POST", PATH, DETAILS, by=colleague, Idempotency_Key=key)
    of_another_role = requests.ask(
        "POST", PATH, DETAILS, by=COORDINATOR.model_copy(update={"role": "analyst"}), Idempotency_Key=key
    )

    assert of_a_colleague.status_code == 201
    assert of_a_colleague.json()["requestId"] != first.json()["requestId"]
    assert of_another_role.status_code == 403  # not the stored answer


def test_a_body_that_is_nested_too_deep_is_malformed(requests: ServiceProcess) -> None:
    deep = b'{"siteId":' * 5_000 + b"{}" + b"}" * 5_000

    response = requests.ask("POST", PATH, deep, by=COORDINATOR, Content_Type="application/json")

    assert (response.status_code, error_of(response)["field"]) == (400, "body")


def test_personal_data_in_lines_is_refused_by_its_line(requests: ServiceProcess) -> None:
    sites = [as_json(site_details(), siteId=f"own:nieuw-{number}") for number in range(2)]
    sites[1]["name"] = {"nl": "bel 073-6123456"}
    lines = "\n".join(json.dumps(site) for site in sites).encode()

    response = requests.ask("POST", "/v1/sites", lines, by=an_actor("operator"), Content_Type="application/x-ndjson")

    assert (response.status_code, problem_type(response)) == (400, "personal-data")
    assert error_of(response)["field"] == "line 2: name.nl"
    assert "6123456" not in response.text


def test_a_refused_command_leaves_its_key_unused(requests: ServiceProcess) -> None:
    key = str(uuid4())
    refused = requests.ask("POST", PATH, {**DETAILS, "x": 1}, by=COORDINATOR, Idempotency_Key=key)

    corrected = requests.ask("POST", PATH, DETAILS, by=COORDINATOR, Idempotency_Key=key)

    assert (refused.status_code, corrected.status_code) == (400, 201)


def test_a_caller_with_an_old_version_is_told_of_the_conflict(requests: ServiceProcess) -> None:
    request = a_request(requests)
    answers = f"{path_of(request)}/answers"

    late = requests.ask("POST", answers, {"answer": "advise"}, by=CONSULTANT, If_Match='"1"')
    fresh = requests.ask("POST", answers, {"answer": "advise"}, by=CONSULTANT, If_Match=f'"{request["version"]}"')

    assert (late.status_code, problem_type(late)) == (412, "version-conflict")
    assert (fresh.status_code, fresh.headers["ETag"]) == (201, '"3"')


def test_without_a_caller_nothing_is_done_or_shown(requests: ServiceProcess) -> None:
    asked = requests.ask("POST", PATH, DETAILS, by=None)
    seen = requests.ask("GET", PATH, by=None)

    assert (asked.status_code, seen.status_code) == (401, 401)


def test_a_caller_acts_for_its_own_organisation_only(requests: ServiceProcess) -> None:
    answers = f"{path_of(a_request(requests))}/answers"

    refused = [
        requests.ask("POST", PATH, DETAILS, by=an_actor("coordinator", CHILDCARE)),
        requests.ask("POST", PATH, DETAILS, by=an_actor("partner", SCHOOL)),
        requests.ask("POST", answers, {"answer": "advise"}, by=COORDINATOR),
    ]

    assert [each.status_code for each in refused] == [403, 403, 403]
    wrong = [(error_of(each)["field"], error_of(each)["value"]) for each in refused]
    assert wrong == [("organisation", CHILDCARE), ("role", "partner"), ("role", "coordinator")]


def test_what_is_not_there_is_not_found(requests: ServiceProcess) -> None:
    unknown = requests.ask("GET", f"{PATH}/{new_id()}", by=CONSULTANT)
    nowhere = requests.ask("GET", f"{PATH}/", by=CONSULTANT)

    assert (unknown.status_code, nowhere.status_code) == (404, 404)
    assert nowhere.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("wrong", "slug", "field"),
    [
        ({"name": {"nl": "bel 073-6123456"}}, "personal-data", "name.nl"),
        ({"board": "own:bel-0612345678"}, "personal-data", "board"),
        ({"name": {"nl": "\u200b"}}, "name-not-visible", "name.nl"),
        ({"openedOn": "2020-08-01", "closedOn": "2019-08-01"}, "dates-in-wrong-order", "closedOn"),
        ({"kinds": ["primary", "primary"]}, "duplicate-item", "kinds[1]"),
        ({"neighbourhood": "5211/1"}, "malformed", "neighbourhood"),
    ],
)
def test_what_a_site_may_not_say_has_a_problem_type_of_its_own(
    requests: ServiceProcess, wrong: dict[str, Any], slug: str, field: str
) -> None:
    response = requests.ask("PUT", "/v1/sites/own:nieuw", as_json(site_details(), **wrong), by=an_actor("operator"))

    assert (response.status_code, problem_type(response)) == (400, slug)
    assert error_of(response)["field"] == field
    assert "6123456" not in response.text


def test_the_service_describes_its_operations_and_its_problems(requests: ServiceProcess) -> None:
    described = requests.client.get("/v1/openapi.json").json()

    operations = [operation for path in described["paths"].values() for operation in path.values()]
    types = described["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert all("default" in operation["responses"] for operation in operations)
    assert not any("422" in operation["responses"] for operation in operations)
    assert {"https://samenspel.nl/problems/unknown-site", "https://samenspel.nl/problems/personal-data"} <= set(types)
    assert "https://samenspel.nl/problems/no-such-activity" not in types  # another service's
