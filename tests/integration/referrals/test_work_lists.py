"""What is up to partners, up to when, and what a site has not confirmed yet."""

from typing import Any

import pytest

from tests.builders import ATELIER, BABEL, BAZUIN, CHILDCARE, SCHOOL, an_actor
from tests.integration.referrals.commands import (
    CONSULTANT,
    OPERATOR,
    OTHER_PARTNER,
    PARTNER,
    a_delivered_activity,
    a_planned_activity,
    a_referral,
    an_accepted_referral,
    because,
    path_of,
)
from tests.service_process import ServiceProcess, problem_type


def the_list(referrals: ServiceProcess, *, by: Any = PARTNER, query: str = "limit=200") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = referrals.ask_ok("GET", f"/v1/work?{query}", by=by)["items"]
    return found


def item(referrals: ServiceProcess, object_id: str, *, by: Any = PARTNER) -> dict[str, Any] | None:
    return next((each for each in the_list(referrals, by=by) if each["objectId"] == object_id), None)


def turn(referrals: ServiceProcess, object_id: str) -> tuple[str, str] | None:
    found = item(referrals, object_id)
    return (found["clock"], found["actBy"]) if found else None


def test_a_referral_stays_on_the_partners_list_until_it_ends(referrals: ServiceProcess) -> None:
    referral = a_referral(referrals)
    path, this = path_of(referral), referral["referralId"]

    assert turn(referrals, this) == ("decide", referral["details"]["decideBy"])

    later = because("waitlist", "awaiting_staff", reviewOn="2025-11-10")
    referrals.ask_ok("POST", f"{path}/waitlistings", later, by=PARTNER)
    assert turn(referrals, this) == ("review", "2025-11-10")

    referrals.ask_ok("POST", f"{path}/acceptances", by=PARTNER)
    clock, accepted_until = turn(referrals, this) or ("", "")
    assert clock == "plan"

    plan = a_planned_activity(referrals, referralId=this, plannedFor="2025-12-01T13:00:00+01:00")
    assert turn(referrals, this) == ("finish", "2025-12-08")
    assert turn(referrals, plan["activityId"]) == ("report", "2025-12-08")
    assert accepted_until < "2025-12-01"

    referrals.ask_ok("POST", f"{path}/failures", because("fail", "staff_ill"), by=PARTNER)
    assert turn(referrals, this) is None


def test_what_has_begun_is_due_after_the_last_day_that_still_stands(referrals: ServiceProcess) -> None:
    this = an_accepted_referral(referrals)["referralId"]
    first = a_planned_activity(referrals, referralId=this, plannedFor="2025-12-01T13:00:00+01:00")
    last = a_planned_activity(referrals, referralId=this, plannedFor="2025-12-08T13:00:00+01:00")
    assert turn(referrals, this) == ("finish", "2025-12-15")

    off = because("activity-cancellation", "weather")
    referrals.ask_ok("POST", f"{path_of(last)}/cancellations", off, by=PARTNER)
    assert turn(referrals, this) == ("finish", "2025-12-08")

    moved = {"plannedFor": "2025-12-03T13:00:00+01:00"}
    referrals.ask_ok("POST", f"{path_of(first)}/reschedulings", moved, by=PARTNER)
    assert turn(referrals, this) == ("finish", "2025-12-10")


def test_what_the_sender_asks_back_is_up_to_the_partner(referrals: ServiceProcess) -> None:
    referral = an_accepted_referral(referrals)
    a_planned_activity(referrals, referralId=referral["referralId"])

    referrals.ask_ok(
        "POST", f"{path_of(referral)}/withdrawal-requests", because("withdraw-referral", "need_changed"), by=CONSULTANT
    )

    clock, _ = turn(referrals, referral["referralId"]) or ("", "")
    assert clock == "take-back"


def test_each_comes_with_what_its_caller_may_do_and_the_most_urgent_first(referrals: ServiceProcess) -> None:
    referral = a_referral(referrals)

    own = item(referrals, referral["referralId"])
    operators = next(
        each
        for each in the_list(referrals, by=OPERATOR, query=f"role=partner&organisation={ATELIER}&limit=200")
        if each["objectId"] == referral["referralId"]
    )

    assert own is not None
    assert "accept" in own["availableActions"]
    assert operators["availableActions"] == []
    assert own | {"availableActions": []} == operators
    days = [each["actBy"] for each in the_list(referrals)]
    assert days == sorted(days)


def test_pages_follow_each_other(referrals: ServiceProcess) -> None:
    for _ in range(3):
        a_referral(referrals)
    whole = [each["objectId"] for each in the_list(referrals)]

    paged, cursor = [], ""
    for _ in whole:
        page = referrals.ask_ok("GET", f"/v1/work?limit=1{cursor}", by=PARTNER)
        paged += [each["objectId"] for each in page["items"]]
        if "nextCursor" not in page:
            break
        cursor = f"&cursor={page['nextCursor']}"

    assert paged == whole


def test_another_list_is_for_operators_alone(referrals: ServiceProcess) -> None:
    referral = a_referral(referrals)

    for by, query in [
        (PARTNER, f"organisation={BAZUIN}"),
        (PARTNER, "role=consultant"),
        (PARTNER, "role=operator"),
        (CONSULTANT, f"role=partner&organisation={ATELIER}"),
        (an_actor("coordinator"), f"role=partner&organisation={ATELIER}"),
    ]:
        refused = referrals.ask("GET", f"/v1/work?{query}", by=by)
        assert (refused.status_code, problem_type(refused)) == (403, "not-allowed"), query
    others = the_list(referrals, by=OTHER_PARTNER)  # another test may have left it something
    assert referral["referralId"] not in [each["objectId"] for each in others]
    assert the_list(referrals, by=an_actor("consultant", BABEL)) == []
    assert the_list(referrals, by=an_actor("analyst"), query=f"role=partner&organisation={ATELIER}")


@pytest.mark.parametrize("cursor", ["739162~" + 36 * "-", "0~01a21ae4-d82b-77c1-8128-9d24b9fda3a2", "yesterday"])
def test_a_cursor_that_no_page_named_is_refused(referrals: ServiceProcess, cursor: str) -> None:
    refused = referrals.ask("GET", f"/v1/work?cursor={cursor}", by=PARTNER)

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "cursor"


def test_what_a_site_has_not_confirmed_stands_on_a_list_of_its_own(referrals: ServiceProcess) -> None:
    coordinator, other = an_actor("coordinator", SCHOOL), an_actor("coordinator", CHILDCARE)
    activity = a_delivered_activity(referrals)

    def unconfirmed(site: str, by: Any) -> bool:
        page = referrals.ask_ok("GET", f"/v1/activities?unconfirmedBy={site}&limit=200", by=by)
        return activity["activityId"] in {each["activityId"] for each in page["items"]}

    assert unconfirmed(SCHOOL, coordinator)
    assert unconfirmed(CHILDCARE, other)
    referrals.ask_ok("POST", f"{path_of(activity)}/confirmations", {"siteId": SCHOOL}, by=coordinator)
    assert not unconfirmed(SCHOOL, coordinator)
    assert unconfirmed(CHILDCARE, other)


def test_an_outcome_that_a_site_has_not_confirmed_is_found_too(referrals: ServiceProcess) -> None:
    coordinator = an_actor("coordinator", SCHOOL)
    referral = an_accepted_referral(referrals)
    elsewhere = {"outcome": "delivered_elsewhere", "comment": "In het park"}
    referrals.ask_ok("POST", f"{path_of(referral)}/completions", elsewhere, by=PARTNER)

    def unconfirmed() -> bool:
        page = referrals.ask_ok("GET", f"/v1/referrals?unconfirmedBy={SCHOOL}&limit=200", by=coordinator)
        return referral["referralId"] in {each["referralId"] for each in page["items"]}

    assert unconfirmed()
    referrals.ask_ok("POST", f"{path_of(referral)}/outcome-confirmations", by=coordinator)
    assert not unconfirmed()
