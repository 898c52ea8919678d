"""The service `referrals` as a real process: the loop from referral to confirmation, and what it refuses and how."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.activities import ACTIVITIES
from contracts.offers import OFFERS
from contracts.referrals import REFERRALS
from contracts.requests import RequestAnswered, RequestAssigned, RequestClosed, RequestRaised
from contracts.sites import GroupRecorded, SiteRecorded
from contracts.values import Actor, LearningArea, Name, Value
from local import RealParts
from services.chassis.messaging.outbox import new_id
from tests.builders import (
    ART,
    ATELIER,
    BABEL,
    BAZUIN,
    CHILDCARE,
    CHILDCARE_GROUP,
    GROUP,
    NOW,
    S_PORT,
    SCHOOL,
    SECONDARY,
    SPORT,
    a_body,
    a_group,
    a_hand_over,
    a_partner,
    a_plan,
    a_question,
    a_site,
    an_actor,
)
from tests.running import Running, eventually, running

PARTNER, OTHER_PARTNER = an_actor("partner", ATELIER), an_actor("partner", BAZUIN)
CONSULTANT, COORDINATOR = an_actor("consultant"), an_actor("coordinator")
NOTHING = "01890000-0000-7000-8000-000000000000"  # an id that nothing has
LATER = datetime(2025, 10, 20, 7, 45, tzinfo=UTC)


def wire(term: Value, **other: Any) -> dict[str, Any]:
    """A body as it is sent."""
    return {**term.model_dump(mode="json", by_alias=True, exclude_none=True), **other}


def why(name: str, code: str, **other: Any) -> dict[str, Any]:
    return {"reason": {"list": name, "code": code}, **other}


@pytest.fixture(scope="module")
def referrals(stack: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service in a city of which it has heard a school and a childcare with their groups; two partners."""
    with running(stack, "referrals", prefix="referrals-", folder=tmp_path_factory.mktemp("referrals")) as service:
        for site_id, group_id in ((SCHOOL, GROUP), (CHILDCARE, CHILDCARE_GROUP)):
            service.hears(SiteRecorded(**dict(a_site()), site_id=site_id), key=site_id)
            service.hears(GroupRecorded(**dict(a_group(site_id)), group_id=group_id), key=site_id)
        for partner_id in (ATELIER, BAZUIN):
            service.done("PUT", f"/v1/partners/{partner_id}", wire(a_partner(ART)), by=an_actor("partner", partner_id))
        eventually(lambda: len(service.rows("SELECT FROM groups")) == 2)
        yield service


def raised(request_id: UUID) -> RequestRaised:
    return RequestRaised(**dict(a_question()), request_id=request_id, raised_by=COORDINATOR, raised_at=NOW)


def assigned(request_id: UUID, *areas: LearningArea) -> RequestAssigned:
    return RequestAssigned(request_id=request_id, broker_ids=(BABEL,), learning_areas=areas or (ART,), assigned_at=NOW)


def closed(request_id: UUID) -> RequestClosed:
    return RequestClosed(request_id=request_id, outcome="advice_only", closed_by=CONSULTANT, closed_at=LATER)


def a_heard_request(service: Running) -> UUID:
    """A request of the school that `requests` assigned to Babel."""
    request_id = new_id()
    service.hears(raised(request_id), assigned(request_id), key=SCHOOL)
    return request_id


def made(service: Running, request_id: UUID | None = None, **other: Any) -> dict[str, Any]:
    details = a_hand_over(request_id or a_heard_request(service))
    return service.done("POST", "/v1/referrals", wire(details, **other), by=CONSULTANT)


def accepted(service: Running) -> dict[str, Any]:
    referral = made(service)
    return service.done("POST", f"/v1/referrals/{referral['referralId']}/acceptances", by=PARTNER)


def planned(service: Running, **other: Any) -> dict[str, Any]:
    return service.done("POST", "/v1/activities", wire(a_plan(), **other), by=PARTNER)


def delivered(service: Running, **other: Any) -> dict[str, Any]:
    activity = planned(service, **other)
    path = f"/v1/activities/{activity['activityId']}/deliveries"
    return service.done("POST", path, wire(a_body()), by=PARTNER)


def status_of(service: Running, referral: dict[str, Any]) -> str:
    shown = service.done("GET", f"/v1/referrals/{referral['referralId']}", by=CONSULTANT)
    return str(shown["status"])


def told_of(service: Running, kind: str, subject: str) -> list[str]:
    """The events that the service announced about one thing, in order."""
    rows = service.rows(
        "SELECT convert_from(value, 'UTF8')::json->>'type' AS type FROM journal WHERE aggregate = $1 ORDER BY version",
        f"{kind}:{subject}",
    )
    return [row["type"].removeprefix("nl.samenspel.").removesuffix(".v1") for row in rows]


def test_the_loop_from_referral_to_confirmation(referrals: Running) -> None:
    request_id = a_heard_request(referrals)

    referral = made(referrals, request_id)
    path = f"/v1/referrals/{referral['referralId']}"
    referrals.done("POST", f"{path}/acceptances", by=PARTNER)
    activity = planned(referrals, referralId=referral["referralId"])
    in_progress = referrals.done("GET", path, by=PARTNER)
    act = f"/v1/activities/{activity['activityId']}"
    referrals.done("POST", f"{act}/deliveries", wire(a_body(), confirmedBySites=[CHILDCARE]), by=PARTNER)
    referrals.done("POST", f"{act}/confirmations", {"siteId": SCHOOL}, by=COORDINATOR)
    fewer = wire(a_body(groups=()), **why("activity-correction", "wrong_group"))
    corrected = referrals.done("POST", f"{act}/corrections", fewer, by=PARTNER)
    completed = referrals.done("POST", f"{path}/completions", {"outcome": "delivered"}, by=PARTNER)

    assert (referral["attempt"], referral["availableActions"]) == (1, ["withdraw"])
    assert (in_progress["status"], in_progress["availableActions"]) == ("in_progress", ["complete"])
    assert (activity["origin"], activity["requestId"]) == ("referral", str(request_id))
    assert corrected["confirmedBySites"] == [SCHOOL, CHILDCARE]
    assert corrected["body"]["groups"] == []
    assert (completed["status"], completed["version"]) == ("completed", 4)
    assert told_of(referrals, "referral", referral["referralId"]) == [
        "ReferralMade",
        "ReferralAccepted",
        "ReferralStarted",
        "ReferralCompleted",
    ]
    assert told_of(referrals, "activity", activity["activityId"]) == [
        "ActivityPlanned",
        "ActivityDelivered",
        "ActivityConfirmed",
        "ActivityCorrected",
    ]


@pytest.mark.parametrize(("topic", "kind"), [(REFERRALS, "referral"), (ACTIVITIES, "activity")])
def test_what_is_announced_stands_on_its_topic_in_order_under_the_key_it_began_with(
    referrals: Running, topic: str, kind: str
) -> None:
    referral = accepted(referrals)
    activity = planned(referrals, referralId=referral["referralId"])
    body = wire(a_body(site_ids=(CHILDCARE, SCHOOL)))  # another site leads than was planned
    referrals.done("POST", f"/v1/activities/{activity['activityId']}/deliveries", body, by=PARTNER)
    subject = {"referral": referral["referralId"], "activity": activity["activityId"]}[kind]
    count = len(told_of(referrals, kind, subject))

    def all_of_it() -> list[Any] | None:
        messages = [each for each in referrals.announced(topic) if each.envelope.subject == subject]
        return messages if len(messages) == count else None

    envelopes = [each.envelope for each in eventually(all_of_it)]
    assert [each.aggregateversion for each in envelopes] == list(range(1, count + 1))
    assert {each.partitionkey for each in envelopes} == {SCHOOL}
    assert {each.correlationid for each in envelopes} == {referral["details"]["requestId"]}


def test_an_activity_without_a_referral_has_no_request(referrals: Running) -> None:
    activity = delivered(referrals)

    assert (activity["origin"], activity["requestId"], activity["status"]) == ("direct", None, "delivered")


def test_the_first_acceptance_withdraws_the_others_of_its_set(referrals: Running) -> None:
    request_id, parallel = a_heard_request(referrals), str(uuid4())
    first = made(referrals, request_id, parallelSet=parallel)
    second = made(referrals, request_id, parallelSet=parallel, partnerId=BAZUIN)
    later = made(referrals, request_id)

    referrals.done("POST", f"/v1/referrals/{first['referralId']}/acceptances", by=PARTNER)

    assert [first["attempt"], second["attempt"], later["attempt"]] == [1, 1, 2]
    assert [status_of(referrals, each) for each in (first, second, later)] == ["accepted", "withdrawn", "requested"]


def test_of_two_partners_who_accept_at_once_one_wins(referrals: Running) -> None:
    request_id, parallel = a_heard_request(referrals), str(uuid4())
    both = [made(referrals, request_id, parallelSet=parallel, partnerId=partner) for partner in (ATELIER, BAZUIN)]
    paths = [f"/v1/referrals/{each['referralId']}/acceptances" for each in both]

    with ThreadPoolExecutor(2) as threads:
        answers = list(
            threads.map(lambda path, by: referrals.ask("POST", path, by=by), paths, (PARTNER, OTHER_PARTNER))
        )

    assert sorted(each.status_code for each in answers) == [201, 409]


def test_referrals_that_are_made_at_once_are_different_attempts(referrals: Running) -> None:
    request_id = a_heard_request(referrals)

    with ThreadPoolExecutor(4) as threads:
        attempts = list(threads.map(lambda _: made(referrals, request_id)["attempt"], range(4)))

    assert sorted(attempts) == [1, 2, 3, 4]


def test_the_end_of_a_request_withdraws_its_open_referrals_once_and_dated_as_the_end(referrals: Running) -> None:
    request_id = a_heard_request(referrals)
    still_open, begun = made(referrals, request_id), made(referrals, request_id)
    referrals.done("POST", f"/v1/referrals/{begun['referralId']}/acceptances", by=PARTNER)
    referrals.done("POST", f"/v1/referrals/{begun['referralId']}/starts", by=PARTNER)

    referrals.hears(closed(request_id), key=SCHOOL, copies=3, at=LATER)

    eventually(lambda: status_of(referrals, still_open) == "withdrawn")
    assert told_of(referrals, "referral", still_open["referralId"]) == ["ReferralMade", "ReferralWithdrawn"]
    assert status_of(referrals, begun) == "in_progress"
    (end,) = eventually(
        lambda: [
            each
            for each in referrals.announced(REFERRALS)
            if each.envelope.subject == still_open["referralId"] and each.envelope.aggregateversion == 2
        ]
    )
    told = wire(end.event)
    assert told["reason"] == {"list": "withdraw-referral", "code": "request_closed"}
    assert told["withdrawnBy"] == {"role": "service", "organisation": "own:samenspel", "actor": "referrals"}
    assert told["withdrawnAt"] == "2025-10-20T07:45:00.000Z"
    refused = referrals.ask("POST", "/v1/referrals", wire(a_hand_over(request_id)), by=CONSULTANT)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "not-now")


def test_an_earlier_word_that_comes_late_undoes_nothing(referrals: Running) -> None:
    request_id = new_id()
    answered = RequestAnswered(request_id=request_id, answer="refer", answered_by=CONSULTANT, answered_at=NOW)

    referrals.hears(answered, key=SCHOOL, version=3)
    referrals.hears(assigned(request_id), key=SCHOOL, version=2)
    referrals.hears(raised(request_id), key=SCHOOL, version=1)

    assert made(referrals, request_id)["siteId"] == SCHOOL
    (heard,) = referrals.rows("SELECT status, answer, broker_ids FROM requests WHERE request_id = $1", request_id)
    assert heard == {"status": "answered", "answer": "refer", "broker_ids": [BABEL]}


def test_what_was_not_heard_of_is_asked_for_again_later(referrals: Running) -> None:
    activity, strangers = planned(referrals), [{"groupId": "own:99ZA00.2025.groep-9", "headcount": 20}]
    deliveries = f"/v1/activities/{activity['activityId']}/deliveries"
    asked = [
        (referrals.ask("POST", "/v1/referrals", wire(a_hand_over()), by=CONSULTANT), "requestId"),
        (referrals.ask("POST", "/v1/activities", wire(a_plan(), siteIds=[SECONDARY]), by=PARTNER), "siteIds[0]"),
        (referrals.ask("POST", deliveries, wire(a_body(), siteIds=[SCHOOL, SECONDARY]), by=PARTNER), "siteIds[1]"),
        (referrals.ask("POST", deliveries, wire(a_body(), groups=strangers), by=PARTNER), "groups[0].groupId"),
    ]

    for response, field in asked:
        problem = response.json()
        assert (response.status_code, response.headers["Retry-After"]) == (409, "1")
        assert problem["type"].endswith("/not-yet-known")
        assert problem["errors"][0]["field"] == field


def test_the_same_record_again_is_no_news(referrals: Running) -> None:
    broker = {"validFrom": "2019-06-27", "name": {"nl": "Babel"}, "learningAreas": [wire(ART)]}
    by = an_actor("broker_lead")
    first = referrals.done("PUT", f"/v1/brokers/{BABEL}", broker, by=by)

    again = referrals.done("PUT", f"/v1/brokers/{BABEL}", broker, by=by)
    wider = referrals.done("PUT", f"/v1/brokers/{BABEL}", {**broker, "learningAreas": [wire(ART), wire(SPORT)]}, by=by)

    assert [each["version"] for each in (first, again, wider)] == [1, 1, 2]
    assert told_of(referrals, "broker", BABEL) == ["BrokerRecorded", "BrokerRecorded"]
    shown = referrals.done("GET", f"/v1/brokers/{BABEL}", by=CONSULTANT)
    assert [area["code"] for area in shown["details"]["learningAreas"]] == [ART.code, SPORT.code]


def test_an_organisation_may_be_broker_and_partner_and_a_record_begins_on_its_day(referrals: Running) -> None:
    both = "own:ggd"
    name = Name(nl="GGD")
    referrals.done(
        "PUT",
        f"/v1/brokers/{both}",
        {"validFrom": "2019-06-27", "name": wire(name), "learningAreas": []},
        by=an_actor("operator"),
    )
    referrals.done("PUT", f"/v1/partners/{both}", wire(a_partner(SPORT)), by=an_actor("operator"))
    future = wire(a_partner(ART), validFrom="2026-01-01")

    referrals.done("PUT", f"/v1/partners/{both}", future, by=an_actor("operator"))

    today = referrals.done("GET", f"/v1/partners/{both}", by=CONSULTANT)
    next_year = referrals.done("GET", f"/v1/partners/{both}", by=CONSULTANT, at=datetime(2026, 1, 1, tzinfo=UTC))
    assert today["details"]["learningAreas"] == [wire(SPORT)]
    assert next_year["details"]["learningAreas"] == [wire(ART)]


def test_the_lists_of_reasons_are_published_once(referrals: Running) -> None:
    def lists() -> set[str]:
        return {each.envelope.subject for each in referrals.announced(OFFERS) if each.event.aggregate == "reason-list"}

    expected = {"decline", "withdraw-referral", "activity-correction", "activity-retraction", "activity-dispute"}
    eventually(lambda: lists() == expected)


REFERRAL_INPUT: dict[str, tuple[dict[str, Any], int, str, Any]] = {
    "an unknown partner": ({"partnerId": "own:nobody"}, 400, "partnerId", "own:nobody"),
    "an area that was not asked": ({"learningAreas": [wire(SPORT)]}, 400, "learningAreas[0].code", SPORT.code),
    "an unknown field": ({"urgent": True}, 400, "urgent", True),
    "a day that has passed": ({"decideBy": "2025-10-02"}, 400, "decideBy", "2025-10-02"),
    "what is no day": ({"decideBy": 20251017}, 400, "decideBy", 20251017),
    "an unknown referral to replace": (
        {"replaces": NOTHING},
        400,
        "replaces",
        NOTHING,
    ),
}


@pytest.mark.parametrize("case", REFERRAL_INPUT)
def test_a_bad_referral_is_refused_by_field_value_and_what_is_allowed(referrals: Running, case: str) -> None:
    wrong, status, field, value = REFERRAL_INPUT[case]
    referral = made(referrals)  # its request is heard of

    body = wire(a_hand_over(UUID(referral["details"]["requestId"])), **wrong)
    response = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT)

    error = response.json()["errors"][0]
    assert (response.status_code, error["field"], error["value"]) == (status, field, value)
    assert error["allowed"]


TWICE = [{"groupId": GROUP, "headcount": 24}] * 2
ELSEWHERE = [{"groupId": CHILDCARE_GROUP, "headcount": 8}]
TOO_MANY = [{"groupId": GROUP, "headcount": 24, "participants": 25}]
ACTIVITY_INPUT: dict[str, tuple[dict[str, Any], int, str, Any]] = {
    "a headcount below participants": ({"groups": TOO_MANY}, 400, "groups[0].participants", 25),
    "the same group twice": ({"groups": TWICE}, 400, "groups", GROUP),
    "a group of another site": ({"groups": ELSEWHERE, "siteIds": [SCHOOL]}, 400, "groups[0].groupId", CHILDCARE_GROUP),
    "a day to come": ({"occurredAt": "2025-10-04T00:30:00+02:00"}, 400, "occurredAt", "2025-10-04T00:30:00+02:00"),
    "a time without a zone": ({"occurredAt": "2025-10-02T13:00:00"}, 400, "occurredAt", "2025-10-02T13:00:00"),
    "a wrong enum": ({"setting": "at_home"}, 400, "setting", "at_home"),
    "an unknown field": ({"children": 20}, 400, "children", 20),
    "an unknown area": (
        {"learningAreas": [{"scheme": "curriculum.nu", "code": "zwemmen"}]},
        400,
        "learningAreas[0].code",
        "zwemmen",
    ),
    "an unknown partner": ({"partnerIds": [ATELIER, "own:nobody"]}, 400, "partnerIds[1]", "own:nobody"),
    "a day of 25 hours": ({"durationMinutes": 1500}, 400, "durationMinutes", 1500),
    "a site that is not involved": ({"confirmedBySites": [SECONDARY]}, 400, "confirmedBySites[0]", SECONDARY),
    "a partner without the caller": ({"partnerIds": [BAZUIN]}, 403, "organisation", ATELIER),
}


@pytest.mark.parametrize("case", ACTIVITY_INPUT)
def test_a_bad_delivery_is_refused_by_field_value_and_what_is_allowed(referrals: Running, case: str) -> None:
    wrong, status, field, value = ACTIVITY_INPUT[case]
    activity = planned(referrals)

    path = f"/v1/activities/{activity['activityId']}/deliveries"
    response = referrals.ask("POST", path, wire(a_body(), **wrong), by=PARTNER)

    error = response.json()["errors"][0]
    assert (response.status_code, error["field"], error["value"]) == (status, field, value)
    assert error["allowed"]
    assert referrals.done("GET", f"/v1/activities/{activity['activityId']}", by=PARTNER)["status"] == "planned"


@pytest.mark.parametrize(
    ("path", "body", "by"),
    [
        ("declines", why("decline", "no_such_reason"), PARTNER),
        ("declines", why("withdraw-referral", "no_response"), PARTNER),
        ("withdrawals", why("withdraw-referral", "request_closed"), CONSULTANT),
    ],
)
def test_a_reason_is_one_of_the_list_and_the_list_is_shown(
    referrals: Running, path: str, body: dict[str, Any], by: Actor
) -> None:
    referral = made(referrals)

    response = referrals.ask("POST", f"/v1/referrals/{referral['referralId']}/{path}", body, by=by)

    error = response.json()["errors"][0]
    assert (response.status_code, error["field"].partition(".")[0]) == (400, "reason")
    assert error["allowed"]["expected"][-1] == "other"


def test_a_decline_may_name_a_better_partner_and_a_comment_stays_here(referrals: Running) -> None:
    referral = made(referrals)
    declines = f"/v1/referrals/{referral['referralId']}/declines"
    body = why("decline", "other", betterPartnerId=BAZUIN)

    silent = referrals.ask("POST", declines, body, by=PARTNER)
    declined = referrals.done("POST", declines, {**body, "comment": "Zij hebben een orkest"}, by=PARTNER)

    assert (silent.status_code, silent.json()["errors"][0]["field"]) == (400, "comment")
    assert (declined["status"], declined["betterPartnerId"]) == ("declined", BAZUIN)
    (kept,) = referrals.rows("SELECT version, comment FROM comments WHERE subject::text = $1", referral["referralId"])
    assert kept == {"version": 2, "comment": "Zij hebben een orkest"}
    told = referrals.rows("SELECT value FROM journal WHERE aggregate = $1", f"referral:{referral['referralId']}")
    assert not any(b"orkest" in each["value"] for each in told)


def test_a_retracted_activity_no_longer_completes_its_referral(referrals: Running) -> None:
    referral = accepted(referrals)
    activity = delivered(referrals, referralId=referral["referralId"])
    retractions = f"/v1/activities/{activity['activityId']}/retractions"

    retracted = referrals.done("POST", retractions, why("activity-retraction", "duplicate"), by=PARTNER)

    completions = f"/v1/referrals/{referral['referralId']}/completions"
    refused = referrals.ask("POST", completions, {"outcome": "delivered"}, by=PARTNER)
    elsewhere = {"outcome": "delivered_elsewhere", "comment": "In het stadspark"}
    assert (retracted["status"], retracted["availableActions"]) == ("retracted", [])
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "nothing-delivered")
    assert referrals.done("POST", completions, elsewhere, by=PARTNER)["status"] == "completed"


def test_the_same_command_again_has_the_same_answer_and_no_second_effect(referrals: Running) -> None:
    body, key = wire(a_hand_over(UUID(made(referrals)["details"]["requestId"]))), str(uuid4())
    first = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT, Idempotency_Key=key)

    again = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT, Idempotency_Key=key)
    other = referrals.ask("POST", "/v1/referrals", {**body, "partnerId": BAZUIN}, by=CONSULTANT, Idempotency_Key=key)
    without = referrals.ask("POST", "/v1/referrals", body, by=CONSULTANT, Idempotency_Key="")

    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert told_of(referrals, "referral", first.json()["referralId"]) == ["ReferralMade"]
    said = [(each.status_code, each.json()["errors"][0]["field"]) for each in (other, without)]
    assert said == [(409, "Idempotency-Key"), (400, "Idempotency-Key")]


def test_whoever_lost_the_race_is_told(referrals: Running) -> None:
    referral = accepted(referrals)
    starts = f"/v1/referrals/{referral['referralId']}/starts"

    late = referrals.ask("POST", starts, by=PARTNER, If_Match='"1"')
    fresh = referrals.ask("POST", starts, by=PARTNER, If_Match='"2"')

    assert (late.status_code, late.json()["type"].rpartition("/")[2]) == (412, "race-lost")
    assert (fresh.status_code, fresh.headers["ETag"]) == (201, '"3"')


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/referrals", wire(a_hand_over())),
        ("/v1/activities", wire(a_plan())),
        (f"/v1/activities/{NOTHING}/confirmations", {"siteId": SCHOOL}),
    ],
)
def test_without_a_caller_nothing_is_done(referrals: Running, path: str, body: dict[str, Any]) -> None:
    assert referrals.ask("POST", path, body, by=None).status_code == 401


def test_a_caller_acts_for_its_own_organisation_only(referrals: Running) -> None:
    referral, activity = made(referrals), delivered(referrals)
    path, act = f"/v1/referrals/{referral['referralId']}", f"/v1/activities/{activity['activityId']}"
    hand_over = wire(a_hand_over(UUID(referral["details"]["requestId"])))

    refused = [
        referrals.ask("PUT", f"/v1/partners/{ATELIER}", wire(a_partner()), by=OTHER_PARTNER),
        referrals.ask("POST", "/v1/referrals", hand_over, by=an_actor("consultant", S_PORT)),
        referrals.ask("POST", f"{path}/acceptances", by=OTHER_PARTNER),
        referrals.ask("POST", "/v1/activities", wire(a_plan()), by=OTHER_PARTNER),
        referrals.ask("POST", f"{act}/confirmations", {"siteId": CHILDCARE}, by=COORDINATOR),
        referrals.ask("POST", f"{act}/confirmations", {"siteId": SECONDARY}, by=an_actor("coordinator", SECONDARY)),
    ]

    assert [each.status_code for each in refused] == [403] * len(refused)
    assert {each.json()["errors"][0]["field"] for each in refused} == {"organisation"}


@pytest.mark.parametrize("path", [f"/v1/referrals/{NOTHING}", f"/v1/activities/{NOTHING}", "/v1/partners/own:nobody"])
def test_what_is_not_there_is_not_found(referrals: Running, path: str) -> None:
    assert referrals.ask("GET", path, by=CONSULTANT).status_code == 404


def test_lists_are_paged_and_filtered(referrals: Running) -> None:
    request_id = a_heard_request(referrals)
    mine = [made(referrals, request_id)["referralId"] for _ in range(3)]
    activity = delivered(referrals, siteIds=[CHILDCARE])

    def page(query: str) -> dict[str, Any]:
        return referrals.done("GET", f"/v1/referrals?requestId={request_id}&partnerId={ATELIER}&{query}", by=CONSULTANT)

    first = page("limit=2&status=requested")
    second = page(f"limit=2&status=requested&cursor={first['nextCursor']}")
    assert [each["referralId"] for each in first["items"] + second["items"]] == mine
    assert (page("status=declined")["items"], second["nextCursor"]) == ([], None)
    at_site = referrals.done("GET", f"/v1/activities?siteId={SCHOOL}&limit=200", by=COORDINATOR)
    assert activity["activityId"] in [each["activityId"] for each in at_site["items"]]
    partners = referrals.done("GET", "/v1/partners?limit=1", by=COORDINATOR)
    assert (partners["items"][0]["partnerId"], partners["nextCursor"]) == (ATELIER, ATELIER)
