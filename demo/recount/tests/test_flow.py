"""The way of a request counted by hand (rulings 2, 26, 27, 30, 31, 39)."""

import pytest

from demo.recount import Counted
from demo.recount.tests.story import ART, IN_ART, IN_SPORT, PROGRAMME, SPORT, Story, a_story

STEPS = ("assigned", "answered", "referred", "accepted", "delivered", "confirmed")


def requests(reached: int, raised: int, value: str) -> Counted:
    return Counted(measure="share", value=value, numerator=reached, denominator=(raised, raised))


def days(value: str, over: int = 1) -> Counted:
    return Counted(measure="days", value=value, denominator=(over, over))


def at(day: str, time: str = "10:00") -> str:
    return f"{day}T{time}:00.000Z"


def a_closed_loop() -> Story:
    """Raised on 1 September, assigned 1, answered and referred 4, accepted 9, delivered 23, confirmed 30."""
    story = a_story()
    story.raised("r", at("2025-09-01"), learningAreas=[ART, SPORT])
    story.moved("r", "Assigned", at("2025-09-01", "10:05"))
    story.referred("f", "r", at("2025-09-04"), at("2025-09-09"))
    story.moved("r", "Answered", at("2025-09-04"))
    story.delivered("a", on="2025-09-23", requestId="r", referralId="f")
    story.confirmed("a", "school", at("2025-09-30"))
    return story


@pytest.mark.parametrize(
    ("unit", "stratum"),
    [
        ("city", "all"),
        ("city", IN_ART),
        ("city", IN_SPORT),
        ("neighbourhood:5211", "all"),
        ("site:school", "all"),
    ],
)
def test_a_closed_loop_is_counted_in_each_unit_and_each_of_its_areas(unit: str, stratum: str) -> None:
    story = a_closed_loop()

    for step in ("raised", *STEPS):
        assert story.figure(f"requests-{step}", unit, stratum) == requests(1, 1, "1.000000")
    waited = [story.value(f"lead-time-{step}-median", unit, stratum) for step in STEPS]

    assert waited == ["0.000000", "3.000000", "0.000000", "5.000000", "14.000000", "7.000000"]
    assert story.figure("requests-without-broker", unit, stratum) == requests(0, 1, "0.000000")


def test_duplicates_and_another_order_change_nothing() -> None:
    story = a_closed_loop()
    told_once = story.figures()

    story.records += [record._replace(offset=record.offset + 100) for record in story.records]
    story.records.reverse()

    assert story.figures() == told_once


def test_median_is_the_mean_of_the_two_middle_values_and_p90_the_nearest_rank() -> None:
    story = a_story()
    for number, waited in enumerate([1, 2, 3, 4, 5, 6, 7, 8, 9, 20]):
        story.raised(f"r{number}", at("2025-09-01"))
        story.moved(f"r{number}", "Assigned", at(f"2025-09-{1 + waited:02d}"))
    story.raised("not-assigned", at("2025-09-01"))

    assert story.figure("lead-time-assigned-median") == days("5.500000", over=10)  # (5 + 6) / 2
    assert story.figure("lead-time-assigned-p90") == days("9.000000", over=10)  # the 9th of 10
    assert story.figure("requests-assigned") == requests(10, 11, "0.909091")
    assert story.figure("lead-time-answered-median") is None


def test_the_eleventh_value_moves_p90_to_the_tenth_and_the_median_to_the_sixth() -> None:
    story = a_story()
    for number, waited in enumerate([1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 28]):
        story.raised(f"r{number}", at("2025-09-01"))
        story.moved(f"r{number}", "Assigned", at(f"2025-09-{1 + waited:02d}"))

    assert story.value("lead-time-assigned-median") == "6.000000"
    assert story.value("lead-time-assigned-p90") == "20.000000"  # 9.9, so the 10th of 11


def test_days_are_those_of_amsterdam_and_never_below_zero() -> None:
    story = a_story()
    story.raised("r", at("2025-09-01", "21:59"))  # 23:59 in Amsterdam
    story.moved("r", "Assigned", at("2025-09-01", "22:00"))  # midnight, the next day
    story.referred("f", "r", at("2025-09-10"), at("2025-09-20"))
    story.delivered("a", on="2025-09-15", requestId="r")  # before it was accepted

    assert story.value("lead-time-assigned-median") == "1.000000"
    assert story.value("lead-time-delivered-median") == "0.000000"
    assert story.figure("lead-time-referred-median") is None  # not answered: nothing to count from


def test_a_request_belongs_to_the_school_year_in_which_it_was_raised() -> None:
    story = a_story()
    story.raised("r", at("2026-07-31", "21:59"))
    story.raised("s", at("2026-07-31", "22:00"))
    story.delivered("a", on="2026-09-10", requestId="r")

    assert story.figure("requests-delivered", period="2025-2026") == requests(1, 1, "1.000000")
    assert story.figure("requests-delivered", period="2026-2027") == requests(0, 1, "0.000000")


def test_the_asking_site_alone_confirms_and_a_confirmation_on_the_spot_counts_from_registration() -> None:
    story = a_story()
    story.site("kdv", "childcare")
    for request in ("r", "s"):
        story.raised(request, at("2025-09-01"))
    story.delivered("a", on="2025-09-23", siteIds=["school", "kdv"], requestId="r")
    story.confirmed("a", "kdv", at("2025-09-24"))
    story.delivered("b", on="2025-09-23", requestId="s", confirmedBySites=["school"], registeredAt=at("2025-09-26"))

    assert story.figure("requests-confirmed") == requests(1, 2, "0.500000")
    assert story.value("lead-time-confirmed-median") == "3.000000"


def test_the_first_of_several_activities_is_the_delivery_and_a_retracted_one_is_none() -> None:
    story = a_story()
    story.raised("r", at("2025-09-01"))
    story.referred("f", "r", at("2025-09-02"), at("2025-09-03"))
    story.delivered("retracted", on="2025-09-05", requestId="r")
    story.delivered("second", on="2025-10-03", requestId="r")
    story.delivered("first", on="2025-09-13", requestId="r", audience="parents")
    story.retracted("retracted")

    assert story.value("lead-time-delivered-median") == "10.000000"


def test_requests_without_broker_are_those_that_nobody_covers_now() -> None:
    story = a_story()
    for request in ("waits", "was-assigned", "was-closed", "was-reopened", "was-withdrawn"):
        story.raised(request, at("2025-09-01"))
        story.moved(request, "Unbrokered", at("2025-09-01"))
    story.moved("was-assigned", "Assigned", at("2025-10-01"))
    for request in ("was-closed", "was-reopened"):
        story.moved(request, "Closed", at("2025-10-01"))
    story.moved("was-reopened", "Reopened", at("2025-10-02"))
    story.moved("was-withdrawn", "Withdrawn", at("2025-10-01"))

    assert story.figure("requests-without-broker") == requests(2, 5, "0.400000")  # waits, was-reopened
    assert story.value("lead-time-assigned-p90") == "30.000000"


def test_a_referral_made_after_its_request_ended_is_no_step_of_it() -> None:
    story = a_story()
    for request in ("closed", "reopened", "withdrawn"):
        story.raised(request, at("2025-09-01"))
    story.moved("closed", "Closed", at("2025-09-10"))
    story.moved("reopened", "Closed", at("2025-09-10"))
    story.moved("reopened", "Reopened", at("2025-09-11"))
    story.moved("withdrawn", "Withdrawn", at("2025-09-12", "10:01"))

    for request in ("closed", "reopened", "withdrawn"):
        story.referred(f"f-{request}", request, at("2025-09-12"), at("2025-09-13"))

    assert story.figure("requests-referred") == requests(2, 3, "0.666667")
    assert story.figure("requests-accepted") == requests(2, 3, "0.666667")


def test_a_referral_at_the_moment_of_the_end_or_of_the_reopening_is_a_step() -> None:
    story = a_story()
    for request in ("closed", "reopened"):
        story.raised(request, at("2025-09-01"))
        story.moved(request, "Closed", at("2025-09-10"))
    story.moved("reopened", "Reopened", at("2025-09-11"))

    story.referred("f", "closed", at("2025-09-10"))
    story.referred("g", "reopened", at("2025-09-11"))

    assert story.figure("requests-referred") == requests(2, 2, "1.000000")


def test_a_voided_referral_is_no_step() -> None:
    story = a_story()
    story.raised("r", at("2025-09-01"))
    story.referred("f", "r", at("2025-09-03"), at("2025-09-04"))
    story.tell("ReferralVoided", "f", referralId="f")

    assert story.figure("requests-referred") == requests(0, 1, "0.000000")
    assert story.figure("requests-accepted") == requests(0, 1, "0.000000")


def test_a_request_of_a_site_that_is_not_there_counts_nowhere() -> None:
    story = a_story()
    story.site("later", since="2025-09-02")
    story.raised("r", at("2025-09-01"))
    story.raised("s", at("2025-09-01"), site="later")
    story.raised("t", at("2025-09-01"), site="nobody-knows")

    assert story.figure("requests-raised") == requests(1, 1, "1.000000")
    assert story.figure("requests-raised", "site:later") is None
    assert story.figure("requests-raised", "city", IN_ART) == requests(1, 1, "1.000000")


def test_an_activity_of_another_programme_delivers_no_request() -> None:
    story = a_story()
    story.raised("r", at("2025-09-01"))
    story.delivered("a", requestId="r", programme="lea-tilburg")

    assert story.figure("requests-delivered") == requests(0, 1, "0.000000")


def test_a_voided_request_leaves_every_figure_and_its_deliveries_stay() -> None:
    story = a_closed_loop()
    story.moved("r", "Voided", at("2025-10-01"))

    assert story.figure("requests-raised") is None
    assert story.value("replaced-share") == "1.000000"


def test_only_the_programmes_own_requests_count() -> None:
    story = a_story()
    story.raised("r", at("2025-09-01"))
    story.raised("s", at("2025-09-01"), programme="lea-tilburg")

    assert story.figure("requests-raised") == requests(1, 1, "1.000000")
    assert story.figure("requests-raised", programme="lea-tilburg") == requests(1, 1, "1.000000")
    assert {key.split("/")[2] for key in story.figures()} == {PROGRAMME, "lea-tilburg"}
