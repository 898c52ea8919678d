"""Who sees a request, and who is told that there is none; who records what a site is."""

import pytest

from contracts.values import Actor
from services.requests import commands
from tests.builders import ATELIER, CHILDCARE, SCHOOL, a_referral_made, an_actor, referral_details, site_details
from tests.integration.requests.commands import COORDINATOR, OPERATOR, a_request, path_of
from tests.service_process import ServiceProcess, as_json, problem_type
from tests.waiting import wait_until
from tests.who_sees_what import OTHER_ROLE_AT_A_PARTY, PARTIES, STRANGERS, answers, listed

PARTNER = an_actor("partner")


@pytest.fixture(scope="module")
def referred(requests: ServiceProcess) -> str:
    """The path of a request that was referred to the Atelier."""
    request = a_request(requests, coSiteIds=[CHILDCARE])
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
