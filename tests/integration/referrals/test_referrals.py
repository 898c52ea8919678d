"""From a referral to its confirmed activity, and what happens to a referral because of something else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from contracts.activities import ACTIVITIES
from contracts.envelope import Message
from contracts.referrals import REFERRALS
from contracts.requests import RequestAnswered
from services.chassis.messaging.outbox import new_id
from tests.builders import (
    ATELIER,
    BABEL,
    BAZUIN,
    CHILDCARE,
    NOW,
    SCHOOL,
    an_actor,
    delivery_details,
    referral_details,
)
from tests.integration.referrals.commands import (
    CONSULTANT,
    COORDINATOR,
    LATER,
    OTHER_PARTNER,
    PARTNER,
    a_delivered_activity,
    a_known_request,
    a_planned_activity,
    a_referral,
    an_accepted_referral,
    because,
    events_of,
    path_of,
    request_assigned,
    request_closed,
    request_raised,
    status_of,
)
from tests.service_process import ServiceProcess, as_json, error_of, problem_type
from tests.waiting import wait_until


def test_the_loop_from_referral_to_confirmation(referrals: ServiceProcess) -> None:
    request_id = a_known_request(referrals)

    referral = a_referral(referrals, request_id)
    referrals.ask_ok("POST", f"{path_of(referral)}/acceptances", by=PARTNER)
    activity = a_planned_activity(referrals, referralId=referral["referralId"])
    in_progress = referrals.ask_ok("GET", path_of(referral), by=PARTNER)
    referrals.ask_ok("POST", f"{path_of(activity)}/deliveries", as_json(delivery_details()), by=PARTNER)
    for site, by in ((SCHOOL, COORDINATOR), (CHILDCARE, an_actor("coordinator", CHILDCARE))):
        referrals.ask_ok("POST", f"{path_of(activity)}/confirmations", {"siteId": site}, by=by)
    fewer = as_json(delivery_details(groups=()), **because("activity-correction", "wrong_group"))
    corrected = referrals.ask_ok("POST", f"{path_of(activity)}/corrections", fewer, by=PARTNER)
    completed = referrals.ask_ok("POST", f"{path_of(referral)}/completions", {"outcome": "delivered"}, by=PARTNER)

    assert (referral["attempt"], referral["availableActions"]) == (1, ["withdraw", "void"])
    assert (in_progress["status"], in_progress["availableActions"]) == ("in_progress", ["check-in", "complete", "fail"])
    assert (activity["origin"], activity["requestId"]) == ("referral", str(request_id))
    assert corrected["confirmedBySites"] == [SCHOOL, CHILDCARE]
    assert corrected["body"]["groups"] == []
    assert (completed["status"], completed["version"]) == ("completed", 4)
    of_referral = "ReferralMade ReferralAccepted ReferralStarted ReferralCompleted"
    of_activity = "ActivityPlanned ActivityDelivered ActivityConfirmed ActivityConfirmed ActivityCorrected"
    assert events_of(referrals, "referral", referral["referralId"]) == of_referral.split()
    assert events_of(referrals, "activity", activity["activityId"]) == of_activity.split()


@pytest.mark.parametrize(("topic", "kind"), [(REFERRALS, "referral"), (ACTIVITIES, "activity")])
def test_events_are_on_their_topic_in_order_under_the_key_that_they_began_with(
    referrals: ServiceProcess, topic: str, kind: str
) -> None:
    referral = an_accepted_referral(referrals)
    activity = a_planned_activity(referrals, referralId=referral["referralId"])
    delivery = as_json(delivery_details(site_ids=(CHILDCARE, SCHOOL)))  # another site leads than was planned
    referrals.ask_ok("POST", f"{path_of(activity)}/deliveries", delivery, by=PARTNER)
    subject = {"referral": referral["referralId"], "activity": activity["activityId"]}[kind]
    count = len(events_of(referrals, kind, subject))

    def all_of_them() -> list[Message] | None:
        messages = [each for each in referrals.published(topic) if each.envelope.subject == subject]
        return messages if len(messages) == count else None

    envelopes = [each.envelope for each in wait_until(all_of_them)]
    assert [each.aggregateversion for each in envelopes] == list(range(1, count + 1))
    assert {each.partitionkey for each in envelopes} == {SCHOOL}
    assert {each.correlationid for each in envelopes} == {referral["details"]["requestId"]}


def test_the_first_acceptance_withdraws_the_others_of_its_set(referrals: ServiceProcess) -> None:
    request_id, parallel = a_known_request(referrals), str(uuid4())
    first = a_referral(referrals, request_id, parallelSet=parallel)
    second = a_referral(referrals, request_id, parallelSet=parallel, partnerId=BAZUIN)
    later = a_referral(referrals, request_id)

    referrals.ask_ok("POST", f"{path_of(first)}/acceptances", by=PARTNER)

    assert [first["attempt"], second["attempt"], later["attempt"]] == [1, 1, 2]
    assert [status_of(referrals, each) for each in (first, second, later)] == ["accepted", "withdrawn", "requested"]


def test_of_two_partners_who_accept_at_once_one_wins(referrals: ServiceProcess) -> None:
    request_id, parallel = a_known_request(referrals), str(uuid4())
    both = [a_referral(referrals, request_id, parallelSet=parallel, partnerId=each) for each in (ATELIER, BAZUIN)]
    paths = [f"{path_of(each)}/acceptances" for each in both]

    with ThreadPoolExecutor(2) as threads:
        answers = threads.map(lambda path, by: referrals.ask("POST", path, by=by), paths, (PARTNER, OTHER_PARTNER))

    assert sorted(each.status_code for each in answers) == [201, 409]


def test_referrals_that_are_made_at_once_are_different_attempts(referrals: ServiceProcess) -> None:
    request_id = a_known_request(referrals)

    with ThreadPoolExecutor(4) as threads:
        attempts = list(threads.map(lambda _: a_referral(referrals, request_id)["attempt"], range(4)))

    assert sorted(attempts) == [1, 2, 3, 4]


def test_the_end_of_a_request_withdraws_its_open_referrals_once_and_dated_as_the_end(
    referrals: ServiceProcess,
) -> None:
    request_id = a_known_request(referrals)
    still_open, begun = a_referral(referrals, request_id), a_referral(referrals, request_id)
    referrals.ask_ok("POST", f"{path_of(begun)}/acceptances", by=PARTNER)
    referrals.ask_ok("POST", f"{path_of(begun)}/starts", by=PARTNER)

    referrals.receives(request_closed(request_id), key=SCHOOL, copies=3, at=LATER)

    def withdrawals() -> list[Message]:
        of_it = [each for each in referrals.published(REFERRALS) if each.envelope.subject == still_open["referralId"]]
        return [each for each in of_it if each.envelope.aggregateversion == 2]

    wait_until(lambda: status_of(referrals, still_open) == "withdrawn")
    assert events_of(referrals, "referral", still_open["referralId"]) == ["ReferralMade", "ReferralWithdrawn"]
    assert status_of(referrals, begun) == "in_progress"
    (withdrawal,) = wait_until(withdrawals)
    withdrawn = as_json(withdrawal.event)
    assert withdrawn["reason"] == {"list": "withdraw-referral", "code": "request_closed"}
    assert withdrawn["withdrawnBy"] == {"role": "service", "organisation": "own:samenspel", "actor": "referrals"}
    assert withdrawn["withdrawnAt"] == "2025-10-20T07:45:00.000Z"
    refused = referrals.ask("POST", "/v1/referrals", as_json(referral_details(request_id)), by=CONSULTANT)
    assert (refused.status_code, problem_type(refused)) == (409, "illegal-transition")


def test_an_earlier_event_that_comes_late_undoes_nothing(referrals: ServiceProcess) -> None:
    request_id = new_id()
    answered = RequestAnswered(request_id=request_id, answer="refer", answered_by=CONSULTANT, answered_at=NOW)

    referrals.receives(answered, key=SCHOOL, version=3)
    referrals.receives(request_assigned(request_id), key=SCHOOL, version=2)
    referrals.receives(request_raised(request_id), key=SCHOOL, version=1)

    assert a_referral(referrals, request_id)["siteId"] == SCHOOL
    (known,) = referrals.rows("SELECT status, answer, broker_ids FROM requests WHERE request_id = $1", request_id)
    assert known == {"status": "answered", "answer": "refer", "broker_ids": [BABEL]}


def test_a_decline_may_name_a_better_partner_and_a_comment_stays_here(referrals: ServiceProcess) -> None:
    referral = a_referral(referrals)
    declines, body = f"{path_of(referral)}/declines", because("decline", "other", betterPartnerId=BAZUIN)

    without = referrals.ask("POST", declines, body, by=PARTNER)
    declined = referrals.ask_ok("POST", declines, {**body, "comment": "Zij hebben een orkest"}, by=PARTNER)

    assert (without.status_code, error_of(without)["field"]) == (400, "comment")
    assert (declined["status"], declined["betterPartnerId"]) == ("declined", BAZUIN)
    (kept,) = referrals.rows("SELECT version, comment FROM comments WHERE subject::text = $1", referral["referralId"])
    assert kept == {"version": 2, "comment": "Zij hebben een orkest"}
    journal = referrals.rows("SELECT value FROM journal WHERE aggregate = $1", f"referral:{referral['referralId']}")
    assert len(journal) == 2
    assert not any(b"orkest" in each["value"] for each in journal)


def test_an_activity_without_a_referral_has_no_request(referrals: ServiceProcess) -> None:
    activity = a_delivered_activity(referrals)

    assert (activity["origin"], activity["status"]) == ("direct", "delivered")
    assert "requestId" not in activity


def test_a_retracted_activity_no_longer_completes_its_referral(referrals: ServiceProcess) -> None:
    referral = an_accepted_referral(referrals)
    activity = a_delivered_activity(referrals, referralId=referral["referralId"])
    duplicate = because("activity-retraction", "duplicate")

    retracted = referrals.ask_ok("POST", f"{path_of(activity)}/retractions", duplicate, by=PARTNER)

    completions = f"{path_of(referral)}/completions"
    refused = referrals.ask("POST", completions, {"outcome": "delivered"}, by=PARTNER)
    elsewhere = {"outcome": "delivered_elsewhere", "comment": "In het stadspark"}
    assert (retracted["status"], retracted["availableActions"]) == ("retracted", [])
    assert (refused.status_code, problem_type(refused)) == (409, "nothing-delivered")
    assert referrals.ask_ok("POST", completions, elsewhere, by=PARTNER)["status"] == "completed"


def test_lists_are_paged_and_filtered(referrals: ServiceProcess) -> None:
    request_id = a_known_request(referrals)
    mine = [a_referral(referrals, request_id)["referralId"] for _ in range(3)]
    activity = a_delivered_activity(referrals, siteIds=[CHILDCARE])

    def page(query: str) -> dict[str, Any]:
        path = f"/v1/referrals?requestId={request_id}&partnerId={ATELIER}&{query}"
        return referrals.ask_ok("GET", path, by=CONSULTANT)

    first = page("limit=2&status=requested")
    second = page(f"limit=2&status=requested&cursor={first['nextCursor']}")
    assert [each["referralId"] for each in first["items"] + second["items"]] == mine
    assert (page("status=declined")["items"], second.get("nextCursor")) == ([], None)
    at_site = referrals.ask_ok("GET", f"/v1/activities?siteId={SCHOOL}&limit=200", by=COORDINATOR)
    assert activity["activityId"] in [each["activityId"] for each in at_site["items"]]
    partners = referrals.ask_ok("GET", "/v1/partners?limit=1", by=COORDINATOR)
    assert (partners["items"][0]["partnerId"], partners["nextCursor"]) == (ATELIER, ATELIER)
