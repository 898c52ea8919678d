"""The steps of requests counted by hand (rulings 2, 26, 27, 30, 31, 39)."""

import pytest

from demo.recount import Counted
from demo.recount.tests.scenario import ART, IN_ART, IN_SPORT, PROGRAMME, SPORT, Scenario, a_scenario

STEPS = ("assigned", "answered", "referred", "accepted", "delivered", "confirmed")


def requests(reached: int, raised: int, value: str) -> Counted:
    return Counted(measure="share", value=value, numerator=reached, denominator=(raised, raised))


def days(value: str, over: int = 1) -> Counted:
    return Counted(measure="days", value=value, denominator=(over, over))


def at(day: str, time: str = "10:00") -> str:
    return f"{day}T{time}:00.000Z"


def a_closed_loop() -> Scenario:
    """Raised on 1 September, assigned 1, answered and referred 4, accepted 9, delivered 23, confirmed 30."""
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01"), learningAreas=[ART, SPORT])
    scenario.step("r", "Assigned", at("2025-09-01", "10:05"))
    scenario.referred("f", "r", at("2025-09-04"), at("2025-09-09"))
    scenario.step("r", "Answered", at("2025-09-04"))
    scenario.delivered("a", on="2025-09-23", requestId="r", referralId="f")
    scenario.confirmed("a", "school", at("2025-09-30"))
    return scenario


@pytest.mark.parametrize(
    ("unit", "stratum"),
    [("city", "all"), ("city", IN_ART), ("city", IN_SPORT), ("neighbourhood:5211", "all"), ("site:school", "all")],
)
def test_a_closed_loop_is_counted_in_each_unit_and_each_of_its_areas(unit: str, stratum: str) -> None:
    scenario = a_closed_loop()

    for step in ("raised", *STEPS):
        assert scenario.figure(f"requests-{step}", unit, stratum) == requests(1, 1, "1.000000")
    waited = [scenario.value(f"lead-time-{step}-median", unit, stratum) for step in STEPS]

    assert waited == ["0.000000", "3.000000", "0.000000", "5.000000", "14.000000", "7.000000"]
    assert scenario.figure("requests-without-broker", unit, stratum) == requests(0, 1, "0.000000")


def test_duplicates_and_another_order_change_nothing() -> None:
    scenario = a_closed_loop()
    once = scenario.figures()

    scenario.records += [record._replace(offset=record.offset + 100) for record in scenario.records]
    scenario.records.reverse()

    assert scenario.figures() == once


def test_median_is_the_mean_of_the_two_middle_values_and_p90_the_nearest_rank() -> None:
    scenario = a_scenario()
    for number, waited in enumerate([1, 2, 3, 4, 5, 6, 7, 8, 9, 20]):
        scenario.raised(f"r{number}", at("2025-09-01"))
        scenario.step(f"r{number}", "Assigned", at(f"2025-09-{1 + waited:02d}"))
    scenario.raised("not-assigned", at("2025-09-01"))

    assert scenario.figure("lead-time-assigned-median") == days("5.500000", over=10)  # (5 + 6) / 2
    assert scenario.figure("lead-time-assigned-p90") == days("9.000000", over=10)  # the 9th of 10
    assert scenario.figure("requests-assigned") == requests(10, 11, "0.909091")
    assert scenario.figure("lead-time-answered-median") is None


def test_the_eleventh_value_moves_p90_to_the_tenth_and_the_median_to_the_sixth() -> None:
    scenario = a_scenario()
    for number, waited in enumerate([1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 28]):
        scenario.raised(f"r{number}", at("2025-09-01"))
        scenario.step(f"r{number}", "Assigned", at(f"2025-09-{1 + waited:02d}"))

    assert scenario.value("lead-time-assigned-median") == "6.000000"
    assert scenario.value("lead-time-assigned-p90") == "20.000000"  # 9.9, so the 10th of 11


def test_days_are_those_of_amsterdam_and_never_below_zero() -> None:
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01", "21:59"))  # 23:59 in Amsterdam
    scenario.step("r", "Assigned", at("2025-09-01", "22:00"))  # midnight, the next day
    scenario.referred("f", "r", at("2025-09-10"), at("2025-09-20"))
    scenario.delivered("a", on="2025-09-15", requestId="r")  # before it was accepted

    assert scenario.value("lead-time-assigned-median") == "1.000000"
    assert scenario.value("lead-time-delivered-median") == "0.000000"
    assert scenario.figure("lead-time-referred-median") is None  # not answered: nothing to count from


def test_a_request_belongs_to_the_school_year_in_which_it_was_raised() -> None:
    scenario = a_scenario()
    scenario.raised("r", at("2026-07-31", "21:59"))
    scenario.raised("s", at("2026-07-31", "22:00"))
    scenario.delivered("a", on="2026-09-10", requestId="r")

    assert scenario.figure("requests-delivered", period="2025-2026") == requests(1, 1, "1.000000")
    assert scenario.figure("requests-delivered", period="2026-2027") == requests(0, 1, "0.000000")


def test_the_asking_site_alone_confirms_and_a_confirmation_on_the_spot_counts_from_registration() -> None:
    scenario = a_scenario()
    scenario.site("kdv", "childcare")
    for request in ("r", "s"):
        scenario.raised(request, at("2025-09-01"))
    scenario.delivered("a", on="2025-09-23", siteIds=["school", "kdv"], requestId="r")
    scenario.confirmed("a", "kdv", at("2025-09-24"))
    scenario.delivered("b", on="2025-09-23", requestId="s", confirmedBySites=["school"], registeredAt=at("2025-09-26"))

    assert scenario.figure("requests-confirmed") == requests(1, 2, "0.500000")
    assert scenario.value("lead-time-confirmed-median") == "3.000000"


def test_the_first_of_several_activities_is_the_delivery_and_a_retracted_one_is_none() -> None:
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01"))
    scenario.referred("f", "r", at("2025-09-02"), at("2025-09-03"))
    scenario.delivered("retracted", on="2025-09-05", requestId="r")
    scenario.delivered("second", on="2025-10-03", requestId="r")
    scenario.delivered("first", on="2025-09-13", requestId="r", audience="parents")
    scenario.retracted("retracted")

    assert scenario.value("lead-time-delivered-median") == "10.000000"


def test_requests_without_broker_are_those_that_nobody_covers_now() -> None:
    scenario = a_scenario()
    for request in ("waits", "was-assigned", "was-closed", "was-reopened", "was-withdrawn"):
        scenario.raised(request, at("2025-09-01"))
        scenario.step(request, "Unbrokered", at("2025-09-01"))
    scenario.step("was-assigned", "Assigned", at("2025-10-01"))
    for request in ("was-closed", "was-reopened"):
        scenario.step(request, "Closed", at("2025-10-01"))
    scenario.step("was-reopened", "Reopened", at("2025-10-02"))
    scenario.step("was-withdrawn", "Withdrawn", at("2025-10-01"))

    assert scenario.figure("requests-without-broker") == requests(2, 5, "0.400000")  # waits, was-reopened
    assert scenario.value("lead-time-assigned-p90") == "30.000000"


def test_who_brokers_an_answered_request_says_nothing_of_a_request_that_waits_for_a_broker() -> None:
    scenario = a_scenario()
    for request in ("left-before", "left-after", "referred-without", "found-again"):
        scenario.raised(request, at("2025-09-01"))
    for request, *steps in (
        ("left-before", "Assigned", "Unbrokered"),
        ("left-after", "Assigned", "Answered", "Unbrokered"),
        ("referred-without", "Unbrokered", "Answered"),
        ("found-again", "Assigned", "Unbrokered", "Assigned"),
    ):
        for day, step in enumerate(steps, start=2):
            scenario.step(request, step, at(f"2025-09-{day:02}"))

    assert scenario.figure("requests-without-broker") == requests(1, 4, "0.250000")  # left-before


def test_a_request_that_is_routed_again_was_assigned_when_it_was_first() -> None:
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01"))
    scenario.step("r", "Assigned", at("2025-09-03"))
    scenario.step("r", "Answered", at("2025-09-08"))
    scenario.step("r", "Unbrokered", at("2025-09-20"))
    scenario.step("r", "Assigned", at("2025-09-25"))

    assert scenario.value("lead-time-assigned-median") == "2.000000"
    assert scenario.value("lead-time-answered-median") == "5.000000"
    assert scenario.figure("requests-assigned") == requests(1, 1, "1.000000")


def test_a_request_that_gets_a_broker_only_after_its_answer_waited_no_days_for_the_answer() -> None:
    """It was referred while nobody brokered it any more: no step takes less than no time (2)."""
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01"))
    scenario.step("r", "Unbrokered", at("2025-09-01"))
    scenario.step("r", "Answered", at("2025-09-03"))
    scenario.step("r", "Assigned", at("2025-09-10"))

    assert scenario.value("lead-time-assigned-median") == "9.000000"
    assert scenario.value("lead-time-answered-median") == "0.000000"


def test_a_referral_made_after_its_request_ended_is_no_step_of_it() -> None:
    scenario = a_scenario()
    for request in ("closed", "reopened", "withdrawn"):
        scenario.raised(request, at("2025-09-01"))
    scenario.step("closed", "Closed", at("2025-09-10"))
    scenario.step("reopened", "Closed", at("2025-09-10"))
    scenario.step("reopened", "Reopened", at("2025-09-11"))
    scenario.step("withdrawn", "Withdrawn", at("2025-09-12", "10:01"))

    for request in ("closed", "reopened", "withdrawn"):
        scenario.referred(f"f-{request}", request, at("2025-09-12"), at("2025-09-13"))

    assert scenario.figure("requests-referred") == requests(2, 3, "0.666667")
    assert scenario.figure("requests-accepted") == requests(2, 3, "0.666667")


def test_a_referral_at_the_moment_of_the_end_or_of_the_reopening_is_a_step() -> None:
    scenario = a_scenario()
    for request in ("closed", "reopened"):
        scenario.raised(request, at("2025-09-01"))
        scenario.step(request, "Closed", at("2025-09-10"))
    scenario.step("reopened", "Reopened", at("2025-09-11"))

    scenario.referred("f", "closed", at("2025-09-10"))
    scenario.referred("g", "reopened", at("2025-09-11"))

    assert scenario.figure("requests-referred") == requests(2, 2, "1.000000")


def test_a_voided_referral_is_no_step() -> None:
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01"))
    scenario.referred("f", "r", at("2025-09-03"), at("2025-09-04"))
    scenario.event("ReferralVoided", "f", referralId="f")

    assert scenario.figure("requests-referred") == requests(0, 1, "0.000000")
    assert scenario.figure("requests-accepted") == requests(0, 1, "0.000000")


def test_a_request_of_a_site_that_is_not_there_counts_nowhere() -> None:
    scenario = a_scenario()
    scenario.site("later", since="2025-09-02")
    scenario.raised("r", at("2025-09-01"))
    scenario.raised("s", at("2025-09-01"), site="later")
    scenario.raised("t", at("2025-09-01"), site="unknown")

    assert scenario.figure("requests-raised") == requests(1, 1, "1.000000")
    assert scenario.figure("requests-raised", "site:later") is None
    assert scenario.figure("requests-raised", "city", IN_ART) == requests(1, 1, "1.000000")


def test_an_activity_of_another_programme_delivers_no_request() -> None:
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01"))
    scenario.delivered("a", requestId="r", programme="lea-tilburg")

    assert scenario.figure("requests-delivered") == requests(0, 1, "0.000000")


def test_a_voided_request_leaves_every_figure_and_its_deliveries_stay() -> None:
    scenario = a_closed_loop()
    scenario.step("r", "Voided", at("2025-10-01"))

    assert scenario.figure("requests-raised") is None
    assert scenario.value("replaced-share") == "1.000000"


def test_only_the_programmes_own_requests_count() -> None:
    scenario = a_scenario()
    scenario.raised("r", at("2025-09-01"))
    scenario.raised("s", at("2025-09-01"), programme="lea-tilburg")

    assert scenario.figure("requests-raised") == requests(1, 1, "1.000000")
    assert scenario.figure("requests-raised", programme="lea-tilburg") == requests(1, 1, "1.000000")
    assert {key.split("/")[2] for key in scenario.figures()} == {PROGRAMME, "lea-tilburg"}
