"""The simulated year: the same seed plays the same year, and every school's numbers are DUO's own."""

import re
from collections import Counter
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from contracts.activities import ActivityPlan, DeliveryDetails
from contracts.referrals import ReferralDetails
from contracts.requests import RequestDetails
from contracts.sites import GroupDetails, SiteDetails
from contracts.values import Interval, calendar_day
from demo.calendar import LAST_DAY
from demo.city import City, city_of
from demo.organisations import APPOINTED_ON, NATURE
from demo.story import Plan, Step
from demo.year import plan
from samenspel.programmes import PROGRAMMES
from samenspel.registers import duo

SEED, ACTIVITIES = 3, 250
NOBODY = "01a1fee9-0cb5-7d4a-b2d4-0242ac120002"


@pytest.fixture(scope="module")
def city() -> City:
    locations = duo.read(PROGRAMMES / "kansen-voor-kinderen" / "duo")
    return city_of("'s-Hertogenbosch", locations, SEED)


@pytest.fixture(scope="module")
def year(city: City) -> Plan:
    return plan(city, ACTIVITIES, SEED)


def steps(year: Plan) -> list[Step]:
    return [step for story in year.stories for step in story.steps]


def test_the_schools_have_the_pupils_that_duo_counts(city: City) -> None:
    assert len(city.schools) == 41
    assert city.pupils == Interval(lower=11_968, upper=11_968)
    assert all(1 <= len(school.groups) <= 8 for school in city.schools)


def test_a_masked_school_keeps_an_interval() -> None:
    location = duo.Location(
        id="duo:00AA00",
        brin4="00AA",
        name="De Kleinste",
        board="duo:40000",
        postcode4="5211",
        municipality="X",
        municipality_code="GM0796",
        kind="primary",
        pupils={2024: None, 2025: Interval(lower=1, upper=4)},
    )

    city = city_of("X", [location], SEED)

    assert [group.headcount for group in city.schools[0].groups] == [Interval(lower=1, upper=4)]
    assert city.site_lines[0]["validFrom"] == "2025-08-01"


def test_everything_that_is_recorded_is_as_the_contracts_say(city: City) -> None:
    for line in city.site_lines:
        SiteDetails.model_validate({name: value for name, value in line.items() if name != "siteId"})
    for line in city.group_lines:
        GroupDetails.model_validate({name: value for name, value in line.items() if name != "groupId"})


def test_links_are_held_on_either_side(city: City) -> None:
    holders = Counter(line["siteId"].split(":")[0] for line in city.site_lines if line.get("links"))

    assert holders["duo"] > 0
    assert holders["own"] > 0


def test_the_same_seed_plays_the_same_year(city: City, year: Plan) -> None:
    assert plan(city, ACTIVITIES, SEED) == year
    assert plan(city, ACTIVITIES, SEED + 1) != year


def test_as_many_activities_are_delivered_as_were_asked_for(year: Plan) -> None:
    assert year.count("ActivityDelivered") == ACTIVITIES


def test_every_kind_of_answer_and_afterthought_occurs(city: City) -> None:
    announced = {step.announces for step in steps(plan(city, 900, 7))}

    assert announced == {
        "RequestRaised",
        "RequestAnswered",
        "RequestClosed",
        "ReferralMade",
        "ReferralAccepted",
        "ReferralDeclined",
        "ReferralCompleted",
        "ActivityPlanned",
        "ActivityDelivered",
        "ActivityCorrected",
        "ActivityRetracted",
        "ActivityConfirmed",
        "ActivityDisputed",
    }


def test_a_story_goes_forward_within_the_school_year_and_names_only_what_it_has_made(year: Plan) -> None:
    for story in year.stories:
        assert all(earlier.at <= later.at for earlier, later in pairwise(story.steps))
        assert all(calendar_day(step.at) <= LAST_DAY for step in story.steps)
        made: set[str] = set()
        for step in story.steps:
            assert set(re.findall(r"\$(\w+)", f"{step.path} {step.body}")) <= made
            made.add(step.keeps)


def test_every_command_is_as_the_contracts_say(year: Plan) -> None:
    models: dict[str, Any] = {
        "RequestRaised": RequestDetails,
        "ReferralMade": ReferralDetails,
        "ActivityPlanned": ActivityPlan,
        "ActivityDelivered": DeliveryDetails,
        "ActivityCorrected": DeliveryDetails,
    }
    for step in steps(year):
        if model := models.get(step.announces):
            body = {name: _known(value) for name, value in step.body.items()}
            model.model_validate(body, extra="ignore")


def _known(value: object) -> object:
    return NOBODY if isinstance(value, str) and value.startswith("$") else value


def test_nobody_registers_what_has_not_happened_yet(year: Plan) -> None:
    for step in steps(year):
        if step.announces in {"ActivityDelivered", "ActivityCorrected"}:
            assert date.fromisoformat(step.body["occurredAt"][:10]) <= calendar_day(step.at)


def test_a_request_waits_for_the_broker_that_is_appointed_in_january(year: Plan) -> None:
    raised = year.stories[0].steps[0]

    assert [area["code"] for area in raised.body["learningAreas"]] == [NATURE]
    assert calendar_day(raised.at) < APPOINTED_ON == year.appointment.on
