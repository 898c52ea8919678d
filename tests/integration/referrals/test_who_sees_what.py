"""Who sees a referral and an activity, and who is told that there is none."""

from uuid import UUID

import pytest

from contracts.values import Actor
from services.referrals.commands import activities
from services.referrals.commands import referrals as referral_commands
from tests.builders import activity_plan, an_actor, referral_details
from tests.integration.referrals.commands import (
    OTHER_PARTNER,
    PARTNER,
    a_planned_activity,
    a_referral,
    an_accepted_referral,
    path_of,
)
from tests.life_cycles import STRANGER
from tests.service_process import ServiceProcess, as_json, error_of, problem_type
from tests.who_sees_what import OTHER_ROLE_AT_A_PARTY, PARTIES, STRANGERS, answers, listed

REGISTRIES = activities.commands, referral_commands.commands


def made(referrals: ServiceProcess, kind: str) -> str:
    if kind == "referral":
        return path_of(a_referral(referrals))
    return path_of(a_planned_activity(referrals, referralId=an_accepted_referral(referrals)["referralId"]))


@pytest.mark.parametrize("kind", ["referral", "activity"])
@pytest.mark.parametrize("by", PARTIES, ids=lambda by: by.role)
def test_a_party_sees_it(referrals: ServiceProcess, kind: str, by: Actor) -> None:
    path = made(referrals, kind)

    told = answers(referrals, path, by, *REGISTRIES)

    assert [route for route, answer in told.items() if answer.status_code == 404] == []
    assert path.split("/")[-1] in listed(referrals, path, by)


@pytest.mark.parametrize("kind", ["referral", "activity"])
@pytest.mark.parametrize("by", [*STRANGERS, *OTHER_ROLE_AT_A_PARTY], ids=lambda by: f"{by.role}-{by.organisation}")
def test_to_a_stranger_it_is_not_there(referrals: ServiceProcess, kind: str, by: Actor) -> None:
    path = made(referrals, kind)

    told = answers(referrals, path, by, *REGISTRIES)

    assert {route: answer.status_code for route, answer in told.items()} == dict.fromkeys(told, 404)
    assert path.split("/")[-1] not in listed(referrals, path, by)


def test_the_last_page_does_not_tell_that_others_have_more(referrals: ServiceProcess) -> None:
    for _ in range(2):
        a_referral(referrals)

    page = referrals.ask("GET", "/v1/referrals?limit=1", by=an_actor("partner", STRANGER)).json()

    assert (page["items"], page.get("nextCursor")) == ([], None)


def test_a_request_of_another_broker_and_a_referral_to_another_partner_are_not_yet_known(
    referrals: ServiceProcess,
) -> None:
    referral = an_accepted_referral(referrals)
    again = as_json(referral_details(UUID(referral["details"]["requestId"])))
    plan = as_json(activity_plan(), partnerIds=[OTHER_PARTNER.organisation], referralId=referral["referralId"])

    by_another_broker = referrals.ask("POST", "/v1/referrals", again, by=an_actor("consultant", "own:other"))
    by_another_partner = referrals.ask("POST", "/v1/activities", plan, by=OTHER_PARTNER)

    told = [(problem_type(each), error_of(each)["field"]) for each in (by_another_broker, by_another_partner)]
    assert told == [("not-yet-known", "requestId"), ("not-yet-known", "referralId")]


@pytest.mark.parametrize(
    ("other", "field"), [({"siteIds": ["lrk:990000017"]}, "siteIds"), ({"programme": "another"}, "programme")]
)
def test_what_is_planned_from_a_referral_fits_it(
    referrals: ServiceProcess, other: dict[str, object], field: str
) -> None:
    referral = an_accepted_referral(referrals)

    plan = as_json(activity_plan(), referralId=referral["referralId"], **other)
    refused = referrals.ask("POST", "/v1/activities", plan, by=PARTNER)

    assert (problem_type(refused), error_of(refused)["field"]) == ("not-as-referred", field)


def test_nobody_acts_as_the_service_itself(referrals: ServiceProcess) -> None:
    referral = a_referral(referrals)

    withdrawn = referrals.ask("POST", f"{path_of(referral)}/withdrawals", {}, by=an_actor("service"))

    assert withdrawn.status_code == 401
