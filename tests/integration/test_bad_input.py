"""Bad input to a city's coordination: a problem of its own that names field, value and what is allowed; nothing
changes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest

from contracts.values import Actor
from local import RealParts
from services.referrals.commands import activities
from services.referrals.commands import referrals as referral_commands
from services.referrals.rules.referral import Status
from services.requests import commands as request_commands
from tests.builders import (
    CHILDCARE,
    GROUP,
    SCHOOL,
    activity_plan,
    delivery_details,
    group_details,
    referral_details,
    request_details,
    site_details,
)
from tests.http_door import a_client, post, problem_of
from tests.partnership import (
    CONSULTANT,
    COORDINATOR,
    OPERATOR,
    PARTNER,
    Partnership,
    a_partnership,
    because,
)
from tests.service_process import as_json

UNKNOWN = "019ab532-d9c0-7808-a684-83bd7c7f95dc"
MILLION = 1_000_000
ENOUGH = 5_000  # bytes of an answer, whatever was sent


@dataclass(slots=True)
class City:
    """Two services with a request that was referred, and an activity that is planned."""

    partnership: Partnership
    requests: httpx.AsyncClient
    referrals: httpx.AsyncClient
    activity_id: str = ""

    async def journals(self) -> list[int]:
        sides = self.partnership.requests, self.partnership.referrals
        return [await side.sandbox.database.pool.fetchval("SELECT count(*) FROM journal") for side in sides]


@pytest.fixture
async def city(stack: RealParts, time_file: Any) -> AsyncIterator[City]:
    time_file.write_text("2025-10-03T09:12:00+00:00")
    async with AsyncExitStack() as around:
        partnership = await around.enter_async_context(a_partnership(stack))
        await partnership.requests.give("recordGroup", group_details(), by=OPERATOR, subject=GROUP)
        await partnership.requests.give("recordSite", site_details(), by=OPERATOR, subject=CHILDCARE)
        await partnership.settle()
        await partnership.begins(Status.IN_PROGRESS)
        mine = a_client(partnership.requests.sandbox, request_commands.requests, request_commands.reference_data)
        theirs = a_client(partnership.referrals.sandbox, referral_commands.commands, activities.commands)
        city = City(partnership, await around.enter_async_context(mine), await around.enter_async_context(theirs))
        plan = as_json(activity_plan(), referralId=str(partnership.referral_id))
        city.activity_id = (await post(city.referrals, "/v1/activities", plan, by=PARTNER)).json()["activityId"]
        yield city


class Bad(NamedTuple):
    path: str
    """With `{referral}` and `{activity}` in the places of their ids, as `{request}` in a body."""
    body: Any
    by: Actor
    problem: str
    """Status and type."""
    field: str


ASKED = as_json(request_details(groups=(), headcount=20))
MADE = as_json(referral_details(UUID(UNKNOWN)))
HELD = as_json(delivery_details(site_ids=(SCHOOL,)))
TAKING_PART = {"groupId": GROUP, "headcount": 24, "participants": 22}
FAIL = "/v1/referrals/{referral}/failures"
REFER, RAISE = "/v1/referrals", "/v1/requests"
DELIVER, MOVE = "/v1/activities/{activity}/deliveries", "/v1/activities/{activity}/reschedulings"
TAKEN_BACK = because("withdraw-request", "no_longer_needed")
OTHER_SITE = {**HELD, "siteIds": [CHILDCARE], "groups": [TAKING_PART]}
OF_NOBODY = {**HELD, "groups": [{**TAKING_PART, "headcount": 0, "participants": 0}]}
TOO_MANY = {**HELD, "groups": [{**TAKING_PART, "participants": 25}]}
UNKNOWN_GROUP = {**ASKED, "headcount": None, "groups": [{"groupId": "own:none", "headcount": 3}]}
LONG, TOO_LONG = ({**because("fail", "other"), "comment": length * "x"} for length in (201, MILLION))
IN_PAST, IN_FUTURE = "2025-10-01T13:00:00+02:00", "2025-10-04T13:00:00+02:00"
BAD = {
    "unknown reason": Bad(FAIL, because("fail", "bored"), PARTNER, "400 unknown-reason", "reason.code"),
    "another list": Bad(FAIL, because("decline", "no_capacity"), PARTNER, "400 unknown-reason", "reason.list"),
    "missing comment": Bad(FAIL, because("fail", "other"), PARTNER, "400 comment-missing", "comment"),
    "no reason": Bad(FAIL, {}, PARTNER, "400 malformed", "reason"),
    "unknown request": Bad(
        f"/v1/requests/{UNKNOWN}/withdrawals", TAKEN_BACK, COORDINATOR, "404 no-such-request", "requestId"
    ),
    "unknown activity": Bad(
        f"/v1/activities/{UNKNOWN}/deliveries", HELD, PARTNER, "404 no-such-activity", "activityId"
    ),
    "unknown request in a body": Bad(REFER, MADE, CONSULTANT, "409 not-yet-known", "requestId"),
    "unknown site": Bad(
        RAISE, {**ASKED, "coSiteIds": ["own:nowhere"]}, COORDINATOR, "400 unknown-site", "coSiteIds[0]"
    ),
    "unknown group": Bad(RAISE, UNKNOWN_GROUP, COORDINATOR, "400 unknown-group", "groups[0].groupId"),
    "moved to the past": Bad(MOVE, {"plannedFor": IN_PAST}, PARTNER, "400 occurrence-in-past", "plannedFor"),
    "delivered in the future": Bad(
        DELIVER, {**HELD, "occurredAt": IN_FUTURE}, PARTNER, "400 occurrence-in-future", "occurredAt"
    ),
    "decided in the past": Bad(
        REFER,
        {**MADE, "requestId": "{request}", "decideBy": "2025-10-02"},
        CONSULTANT,
        "400 dates-in-wrong-order",
        "decideBy",
    ),
    "wished backwards": Bad(
        RAISE,
        {**ASKED, "wishedFrom": "2025-12-01", "wishedTo": "2025-11-01"},
        COORDINATOR,
        "400 dates-in-wrong-order",
        "wishedTo",
    ),
    "a million characters": Bad(FAIL, TOO_LONG, PARTNER, "413 body-too-large", "body"),
    "a long note": Bad(FAIL, LONG, PARTNER, "400 malformed", "comment"),
    "a group of another site": Bad(DELIVER, OTHER_SITE, PARTNER, "409 not-yet-known", "groups[0].groupId"),
    "asked for nobody": Bad(RAISE, {**ASKED, "headcount": 0}, COORDINATOR, "409 headcount-of-zero", "headcount"),
    "held for nobody": Bad(DELIVER, OF_NOBODY, PARTNER, "409 headcount-of-zero", "groups[0].headcount"),
    "more than there are": Bad(
        DELIVER, TOO_MANY, PARTNER, "400 participants-exceed-headcount", "groups[0].participants"
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_input_is_refused_in_words_and_changes_nothing(city: City, what: str) -> None:
    bad = BAD[what]
    ids = {
        "request": str(city.partnership.request_id),
        "referral": str(city.partnership.referral_id),
        "activity": city.activity_id,
    }
    body = {name: ids["request"] if value == "{request}" else value for name, value in bad.body.items()}
    before = await city.journals()

    client = city.requests if bad.path.startswith(RAISE) else city.referrals
    answer = await post(client, bad.path.format(**ids), body, by=bad.by)

    problem = answer.json()
    assert f"{answer.status_code} {problem_of(answer)}" == bad.problem, answer.text
    assert bad.field in {each["field"] for each in problem["errors"]}
    assert all(each["allowed"] for each in problem["errors"])
    assert problem["detail"]
    assert len(answer.content) < ENOUGH
    assert await city.journals() == before
