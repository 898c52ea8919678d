"""Who sees a request, and who is told that there is none; who records what a site is."""

import pytest

from contracts.values import Actor
from services.requests import commands
from tests.builders import (
    ATELIER,
    CHILDCARE,
    SCHOOL,
    a_referral_made,
    an_actor,
    group_details,
    referral_details,
    site_details,
)
from tests.integration.requests.commands import COORDINATOR, OPERATOR, a_request, path_of
from tests.service_process import ServiceProcess, as_json, problem_type
from tests.waiting import wait_until
from tests.who_sees_what import OTHER_ROLE_AT_A_PARTY, PARTIES, STRANGERS, answers, listed

PARTNER = an_actor("partner")


@pytest.fixture(scope="module")
def referred(requests: ServiceProcess) -> str:
    """The path of a request that was referred to the Atelier, for a group that no other request names."""
    requests.ask_ok("PUT", "/v1/groups/own:alleen-hier", as_json(group_details()), by=OPERATOR)
    groups = [{"groupId": "own:alleen-hier", "headcount": 24}]
    request = a_request(requests, coSiteIds=[CHILDCARE], groups=groups)
    made = a_referral_made(referral_details(request["requestId"], partner_id=ATELIER))
    requests.receives(made, key=SCHOOL)
    wait_until(lambda: requests.ask("GET", path_of(request), by=PARTNER).is_success)
    return path_of(request)


@pytest.mark.parametrize(
    "by", [*PARTIES, an_actor("coordinator", CHILDCARE)], ids=lambda by: f"{by.role}-{by.organisation}"
)
def test_a_party_sees_it(requests: ServiceProcess, referred: str, by: Actor) -> None:
    told = answers(requests, referred, by, commands.requests)

    assert [route for route, answer in told.items() if answer.status_code == 404] == []
    assert referred.rsplit("/", maxsplit=1)[-1] in listed(requests, referred, by)


@pytest.mark.parametrize("by", [*STRANGERS, *OTHER_ROLE_AT_A_PARTY], ids=lambda by: f"{by.role}-{by.organisation}")
def test_to_a_stranger_it_is_not_there(requests: ServiceProcess, referred: str, by: Actor) -> None:
    told = answers(requests, referred, by, commands.requests)

    assert {route: answer.status_code for route, answer in told.items()} == dict.fromkeys(told, 404)
    assert referred.rsplit("/", maxsplit=1)[-1] not in listed(requests, referred, by)


def test_a_partner_sees_it_once_it_was_referred_to_it(requests: ServiceProcess) -> None:
    request = a_request(requests)

    assert requests.ask("GET", path_of(request), by=PARTNER).status_code == 404


def test_an_operator_records_a_new_site_and_its_coordinator_may_amend_it(requests: ServiceProcess) -> None:
    path, by = "/v1/sites/own:nieuw", an_actor("coordinator", "own:nieuw")

    refused = requests.ask("PUT", path, as_json(site_details()), by=by)
    recorded = requests.ask("PUT", path, as_json(site_details()), by=OPERATOR)
    amended = requests.ask("PUT", path, as_json(site_details(), name={"nl": "Nieuw"}), by=by)
    by_another = requests.ask("PUT", path, as_json(site_details()), by=COORDINATOR)

    assert [each.status_code for each in (refused, recorded, amended, by_another)] == [403, 200, 200, 403]
    assert problem_type(refused) == "not-allowed"


@pytest.fixture(scope="module")
def asked_group(requests: ServiceProcess, referred: str) -> str:
    """A group of the school that the referred request names."""
    (group,) = requests.ask_ok("GET", referred, by=OPERATOR)["details"]["groups"]
    return str(group["groupId"])


def groups_seen(requests: ServiceProcess, by: Actor, query: str = "") -> list[str]:
    return [each["groupId"] for each in requests.ask_ok("GET", f"/v1/groups?limit=200{query}", by=by)["items"]]


@pytest.mark.parametrize("by", PARTIES, ids=lambda by: by.role)
def test_a_party_to_a_request_sees_its_groups(requests: ServiceProcess, asked_group: str, by: Actor) -> None:
    shown = requests.ask("GET", f"/v1/groups/{asked_group}", by=by)

    assert (shown.status_code, shown.json()["details"]["siteId"]) == (200, SCHOOL)
    assert shown.headers["ETag"] == f'"{shown.json()["version"]}"'
    assert asked_group in groups_seen(requests, by)


@pytest.mark.parametrize("by", [*STRANGERS, *OTHER_ROLE_AT_A_PARTY], ids=lambda by: f"{by.role}-{by.organisation}")
def test_to_a_stranger_a_group_is_not_there(requests: ServiceProcess, asked_group: str, by: Actor) -> None:
    shown = requests.ask("GET", f"/v1/groups/{asked_group}", by=by)

    assert (shown.status_code, problem_type(shown)) == (404, "no-such-group")
    assert asked_group not in groups_seen(requests, by)


def test_groups_are_listed_by_site_and_school_year_in_pages(requests: ServiceProcess) -> None:
    mine = [f"own:bladeren-{number}" for number in range(3)]
    for group_id in mine:
        requests.ask_ok("PUT", f"/v1/groups/{group_id}", as_json(group_details(CHILDCARE)), by=OPERATOR)
    query = f"&siteId={CHILDCARE}&schoolYear=2025-2026"

    first = requests.ask_ok("GET", f"/v1/groups?limit=2{query}", by=OPERATOR)
    last = requests.ask_ok("GET", f"/v1/groups?limit=2{query}&cursor={first['nextCursor']}", by=OPERATOR)
    of_another_year = groups_seen(requests, OPERATOR, f"&siteId={CHILDCARE}&schoolYear=2024-2025")

    assert [each["groupId"] for each in (*first["items"], *last["items"])] == mine
    assert "nextCursor" not in last
    assert of_another_year == []


def test_what_is_absent_is_left_out_of_every_answer(requests: ServiceProcess) -> None:
    raised = a_request(requests)

    shown = requests.ask_ok("GET", path_of(raised), by=OPERATOR)
    listed_last = requests.ask_ok("GET", "/v1/requests?limit=200", by=OPERATOR)["items"][-1]

    for answer in (raised, shown, listed_last):
        assert {"answer", "outcome"}.isdisjoint(answer)
        assert None not in answer.values()
