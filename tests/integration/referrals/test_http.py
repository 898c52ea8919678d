"""What the service `referrals` refuses at its door, and how it says so."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.activities import TakingPart
from contracts.sites import GroupRecorded
from contracts.values import Actor
from tests.builders import (
    ATELIER,
    BAZUIN,
    CHILDCARE,
    CHILDCARE_GROUP,
    GROUP,
    SCHOOL,
    SECONDARY,
    SPORT,
    activity_plan,
    delivery_details,
    group_details,
    partner_details,
    referral_details,
)
from tests.integration.referrals.commands import (
    CONSULTANT,
    COORDINATOR,
    OTHER_PARTNER,
    PARTNER,
    a_delivered_activity,
    a_planned_activity,
    a_referral,
    an_accepted_referral,
    because,
    events_of,
    path_of,
    status_of,
)
from tests.service_process import ServiceProcess, as_json, error_of, problem_type
from tests.waiting import wait_until

NOTHING = "01890000-0000-7000-8000-000000000000"  # an id that nothing has
Case = tuple[dict[str, Any], int, str, Any]
"""What is wrong in the body; the status, and the field and value that the problem names."""

BAD_REFERRALS: dict[str, Case] = {
    "an unknown partner": ({"partnerId": "own:nobody"}, 400, "partnerId", "own:nobody"),
    "an area that was not asked": ({"learningAreas": [as_json(SPORT)]}, 400, "learningAreas[0].code", SPORT.code),
    "an unknown field": ({"urgent": True}, 400, "urgent", None),
    "a day that has passed": ({"decideBy": "2025-10-02"}, 400, "decideBy", "2025-10-02"),
    "what is no day": ({"decideBy": 20251017}, 400, "decideBy", None),
    "an unknown referral to replace": ({"replaces": NOTHING}, 400, "replaces", NOTHING),
}
LAST_YEARS = "own:groep-van-vorig-jaar"


@pytest.mark.parametrize("case", BAD_REFERRALS)
def test_a_bad_referral_is_refused_by_field_value_and_what_is_allowed(referrals: ServiceProcess, case: str) -> None:
    wrong, status, field, value = BAD_REFERRALS[case]
    request_id = UUID(a_referral(referrals)["details"]["requestId"])  # is known by now

    body = as_json(referral_details(request_id), **wrong)
    response = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT)

    error = error_of(response)
    assert (response.status_code, error["field"], error["value"]) == (status, field, value)
    assert error["allowed"]


TWICE = [{"groupId": GROUP, "headcount": 24}] * 2
ELSEWHERE = [{"groupId": CHILDCARE_GROUP, "headcount": 8}]
TOO_MANY = [{"groupId": GROUP, "headcount": 24, "participants": 25}]
TOMORROW, WITHOUT_ZONE = "2025-10-04T00:30:00+02:00", "2025-10-02T13:00:00"
UNKNOWN_AREA = {"scheme": "curriculum.nu", "code": "zwemmen"}
BAD_DELIVERIES: dict[str, Case] = {
    "a headcount below participants": ({"groups": TOO_MANY}, 400, "groups[0].participants", 25),
    "the same group twice": ({"groups": TWICE}, 400, "groups[1]", GROUP),
    "a group of another site": ({"groups": ELSEWHERE, "siteIds": [SCHOOL]}, 409, "groups[0].groupId", CHILDCARE_GROUP),
    "a day to come": ({"occurredAt": TOMORROW}, 400, "occurredAt", TOMORROW),
    "a time without a zone": ({"occurredAt": WITHOUT_ZONE}, 400, "occurredAt", WITHOUT_ZONE),
    "a wrong enum": ({"setting": "at_home"}, 400, "setting", "at_home"),
    "an unknown field": ({"children": 20}, 400, "children", None),
    "an unknown area": ({"learningAreas": [UNKNOWN_AREA]}, 400, "learningAreas[0].code", "zwemmen"),
    "an unknown partner": ({"partnerIds": [ATELIER, "own:nobody"]}, 400, "partnerIds[1]", "own:nobody"),
    "a day of 25 hours": ({"durationMinutes": 1500}, 400, "durationMinutes", 1500),
    "a confirmation in a site's name": ({"confirmedBySites": [SCHOOL]}, 400, "confirmedBySites", None),
    "a partner without the caller": ({"partnerIds": [BAZUIN]}, 403, "organisation", ATELIER),
}


@pytest.mark.parametrize("case", BAD_DELIVERIES)
def test_a_bad_delivery_is_refused_by_field_value_and_what_is_allowed(referrals: ServiceProcess, case: str) -> None:
    wrong, status, field, value = BAD_DELIVERIES[case]
    activity = a_planned_activity(referrals)

    body = as_json(delivery_details(), **wrong)
    response = referrals.ask("POST", f"{path_of(activity)}/deliveries", body, by=PARTNER)

    error = error_of(response)
    assert (response.status_code, error["field"], error["value"]) == (status, field, value)
    assert error["allowed"]
    assert status_of(referrals, activity) == "planned"


@pytest.mark.parametrize(
    ("path", "body", "by"),
    [
        ("declines", because("decline", "no_such_reason"), PARTNER),
        ("declines", because("withdraw-referral", "no_response"), PARTNER),
        ("withdrawals", because("withdraw-referral", "request_closed"), CONSULTANT),
    ],
)
def test_a_reason_is_one_of_the_list_and_the_list_is_shown(
    referrals: ServiceProcess, path: str, body: dict[str, Any], by: Actor
) -> None:
    referral = a_referral(referrals)

    response = referrals.ask("POST", f"{path_of(referral)}/{path}", body, by=by)

    error = error_of(response)
    assert (response.status_code, error["field"].partition(".")[0]) == (400, "reason")
    assert error["allowed"][-1] == "other"


def test_what_is_not_yet_known_here_is_to_be_asked_again_later(referrals: ServiceProcess) -> None:
    deliveries = f"{path_of(a_planned_activity(referrals))}/deliveries"
    strangers = [{"groupId": "own:99ZA00.2025.groep-9", "headcount": 20}]
    at_another_site = as_json(activity_plan(), siteIds=[SECONDARY])
    with_another_site = as_json(delivery_details(), siteIds=[SCHOOL, SECONDARY])
    with_strangers = as_json(delivery_details(), groups=strangers)

    asked = {
        "requestId": referrals.ask("POST", "/v1/referrals", as_json(referral_details()), by=CONSULTANT),
        "siteIds[0]": referrals.ask("POST", "/v1/activities", at_another_site, by=PARTNER),
        "siteIds[1]": referrals.ask("POST", deliveries, with_another_site, by=PARTNER),
        "groups[0].groupId": referrals.ask("POST", deliveries, with_strangers, by=PARTNER),
    }

    for field, response in asked.items():
        assert (response.status_code, response.headers["Retry-After"]) == (409, "1")
        assert (problem_type(response), error_of(response)["field"]) == ("not-yet-known", field)


def test_the_same_command_again_has_the_same_answer_and_no_second_effect(referrals: ServiceProcess) -> None:
    body, key = as_json(referral_details(UUID(a_referral(referrals)["details"]["requestId"]))), str(uuid4())
    first = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT, Idempotency_Key=key)

    again = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT, Idempotency_Key=key)
    other = referrals.ask("POST", "/v1/referrals", {**body, "partnerId": BAZUIN}, by=CONSULTANT, Idempotency_Key=key)
    without = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT, Idempotency_Key="")

    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert events_of(referrals, "referral", first.json()["referralId"]) == ["ReferralMade"]
    assert (other.status_code, error_of(other)["field"]) == (409, "Idempotency-Key")
    assert (without.status_code, error_of(without)["field"]) == (400, "Idempotency-Key")


def test_a_group_of_another_year_is_warned_of_each_time_and_counts_as_delivered(referrals: ServiceProcess) -> None:
    last_year = group_details().model_copy(update={"school_year": "2024-2025"})
    referrals.receives(GroupRecorded(**dict(last_year), group_id=LAST_YEARS), key=SCHOOL)
    wait_until(lambda: referrals.rows("SELECT FROM groups WHERE group_id = $1", LAST_YEARS))
    path, key = f"{path_of(a_planned_activity(referrals))}/deliveries", str(uuid4())
    body = as_json(delivery_details(groups=(TakingPart(group_id=LAST_YEARS, headcount=24),)))

    answers = [referrals.ask("POST", path, body, by=PARTNER, Idempotency_Key=key) for _ in range(2)]

    (warned,) = answers[0].json()["warnings"]
    assert (warned["field"], warned["value"]) == ("groups[0].groupId", LAST_YEARS)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content


def test_a_caller_with_an_old_version_is_told_of_the_conflict(referrals: ServiceProcess) -> None:
    starts = f"{path_of(an_accepted_referral(referrals))}/starts"

    late = referrals.ask("POST", starts, by=PARTNER, If_Match='"1"')
    fresh = referrals.ask("POST", starts, by=PARTNER, If_Match='"2"')

    assert (late.status_code, problem_type(late)) == (412, "version-conflict")
    assert (fresh.status_code, fresh.headers["ETag"]) == (201, '"3"')


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/referrals", as_json(referral_details())),
        ("/v1/activities", as_json(activity_plan())),
        (f"/v1/activities/{NOTHING}/confirmations", {"siteId": SCHOOL}),
    ],
)
def test_without_a_caller_nothing_is_done(referrals: ServiceProcess, path: str, body: dict[str, Any]) -> None:
    assert referrals.ask("POST", path, body, by=None).status_code == 401


def test_a_caller_acts_for_its_own_organisation_only(referrals: ServiceProcess) -> None:
    referral, activity = a_referral(referrals), a_delivered_activity(referrals)
    confirmations = f"{path_of(activity)}/confirmations"
    details = as_json(referral_details(UUID(referral["details"]["requestId"])))

    refused = [
        referrals.ask("PUT", f"/v1/partners/{ATELIER}", as_json(partner_details()), by=OTHER_PARTNER),
        referrals.ask("POST", "/v1/referrals", details, by=PARTNER),
        referrals.ask("POST", f"{path_of(referral)}/acceptances", by=CONSULTANT),
        referrals.ask("POST", "/v1/activities", as_json(activity_plan()), by=OTHER_PARTNER),
        referrals.ask("POST", confirmations, {"siteId": CHILDCARE}, by=COORDINATOR),
    ]

    assert [each.status_code for each in refused] == [403] * len(refused)
    assert {error_of(each)["field"] for each in refused} == {"organisation", "role"}


@pytest.mark.parametrize("path", [f"/v1/referrals/{NOTHING}", f"/v1/activities/{NOTHING}", "/v1/partners/own:nobody"])
def test_what_is_not_there_is_not_found(referrals: ServiceProcess, path: str) -> None:
    assert referrals.ask("GET", path, by=CONSULTANT).status_code == 404
