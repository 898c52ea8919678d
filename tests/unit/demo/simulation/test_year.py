"""The simulated year: the same seed plays the same year, and every command is one that the services may accept."""

import re
from datetime import date
from itertools import pairwise
from typing import Any

from contracts.activities import ActivityPlan, DeliveryDetails
from contracts.referrals import ReferralDetails
from contracts.requests import RequestDetails
from contracts.values import calendar_day
from demo.simulation.calendar import LAST_DAY, end_of_part
from demo.simulation.city import City
from demo.simulation.organisations import APPOINTED_ON, NATURE
from demo.simulation.plan import Plan, PlannedCommand
from demo.simulation.year import plan
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as referral_rules
from services.requests.rules import request as request_rules
from tests.unit.demo.simulation.conftest import ACTIVITIES, SEED

SOME_ID = "01a1fee9-0cb5-7d4a-b2d4-0242ac120002"


def steps(year: Plan) -> list[PlannedCommand]:
    return [step for scenario in year.scenarios for step in scenario.steps]


def test_the_same_seed_plays_the_same_year(city: City, year: Plan) -> None:
    assert plan(city, ACTIVITIES, SEED) == year
    assert plan(city, ACTIVITIES, SEED + 1) != year


def test_as_many_activities_are_delivered_as_were_asked_for(year: Plan) -> None:
    assert year.count("ActivityDelivered") == ACTIVITIES


def test_a_year_has_every_command_of_the_life_cycles(city: City) -> None:
    announced = {step.command.event for step in steps(plan(city, 900, 7))}

    tables = (request_rules.LIFE_CYCLE, referral_rules.LIFE_CYCLE, activity_rules.LIFE_CYCLE)
    by_people = {step.event.__name__ for table in tables for step in table if set(step.who) != {"service"}}
    assert announced == by_people


def test_even_a_small_year_has_every_ending(city: City) -> None:
    announced = {step.command.event for step in steps(plan(city, 10, 7))}

    assert announced >= {"RequestWithdrawn", "RequestVoided", "RequestReopened", "WithdrawalRequested"}
    assert announced >= {"ReferralWaitlisted", "ReferralFailed", "ActivityCancelled", "ActivityNotHeld"}


def test_a_scenario_goes_forward_within_the_school_year_and_names_only_what_it_has_made(year: Plan) -> None:
    for scenario in year.scenarios:
        assert all(earlier.at <= later.at for earlier, later in pairwise(scenario.steps))
        assert all(calendar_day(step.at) <= LAST_DAY for step in scenario.steps)
        assert all(step.at == end_of_part(step.at) for step in scenario.steps)
        made: set[str] = set()
        for step in scenario.steps:
            used = set(re.findall(r"\$(\w+)", str(step.body)))
            if step.command.creates:
                assert step.name not in made
            else:
                used.add(step.name)
            assert used <= made
            made.add(step.name)


def test_every_command_is_as_the_contracts_say(year: Plan) -> None:
    models: dict[str, Any] = {
        "RequestRaised": RequestDetails,
        "ReferralMade": ReferralDetails,
        "ActivityPlanned": ActivityPlan,
        "ActivityDelivered": DeliveryDetails,
        "ActivityCorrected": DeliveryDetails,
    }
    for step in steps(year):
        if model := models.get(step.command.event):
            body = {name: _with_id(value) for name, value in step.body.items()}
            model.model_validate(body, extra="ignore")


def _with_id(value: object) -> object:
    return SOME_ID if isinstance(value, str) and value.startswith("$") else value


def test_nobody_registers_what_has_not_happened_yet(year: Plan) -> None:
    for step in steps(year):
        if step.command.event in {"ActivityDelivered", "ActivityCorrected"}:
            assert date.fromisoformat(step.body["occurredAt"][:10]) <= calendar_day(step.at)


def test_a_request_waits_for_the_broker_that_is_appointed_in_january(year: Plan) -> None:
    raised = year.scenarios[0].steps[0]

    assert [area["code"] for area in raised.body["learningAreas"]] == [NATURE]
    assert calendar_day(raised.at) < APPOINTED_ON == year.appointment.on
