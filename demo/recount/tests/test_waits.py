"""How long clocks ran, counted by hand."""

from typing import Any

from demo.recount.tests.scenario import Scenario, a_scenario


def day(number: int) -> str:
    return f"2025-09-{number:02}T10:00:00.000Z"


def waits(clock: str, *history: tuple[str, int]) -> Scenario:
    scenario = a_scenario()
    scenario.raised("r", day(1))
    scenario.referred("f", "r", day(1))
    for event, on in history:
        about: dict[str, Any] = {"objectKind": "referral", "objectId": "f", "requestId": "r", "siteId": "school"}
        scenario.event(f"Clock{event}", "c", clockId="c", clock=clock, **about | {f"{event.lower()}At": day(on)})
    return scenario


def median_of(scenario: Scenario, clock: str = "decide") -> str | None:
    figure = scenario.figure(f"wait-{clock}-median")
    return figure.value if figure else None


def test_a_wait_lasts_from_the_start_to_the_pause() -> None:
    scenario = waits("decide", ("Started", 2), ("Paused", 9))

    assert median_of(scenario) == "7.000000"
    assert scenario.value("wait-decide-breached", "neighbourhood:5211", "all") == "0.000000"


def test_counting_anew_is_the_same_wait_and_running_again_another() -> None:
    scenario = waits(
        "decide", ("Started", 2), ("Breached", 5), ("Started", 6), ("Paused", 9), ("Started", 10), ("Paused", 11)
    )

    assert median_of(scenario) == "4.000000"
    assert scenario.value("wait-decide-breached", "city", "all") == "0.500000"


def test_what_still_waits_has_no_days_yet_and_may_have_waited_too_long() -> None:
    scenario = waits("decide", ("Started", 2), ("Breached", 5))

    assert scenario.figure("wait-decide-median", "city", "all") is None
    assert scenario.value("wait-decide-breached", "city", "all") == "1.000000"


def test_of_a_voided_referral_and_of_a_voided_request_nothing_counts() -> None:
    scenario = waits("decide", ("Started", 2), ("Paused", 9))
    scenario.event("ReferralVoided", "f", referralId="f")
    assert median_of(scenario) is None

    scenario = waits("decide", ("Started", 2), ("Paused", 9))
    scenario.event("RequestVoided", "r", requestId="r")
    assert median_of(scenario) is None


def test_a_grace_period_is_no_wait() -> None:
    scenario = waits("close", ("Started", 2), ("Paused", 9))

    assert scenario.figure("wait-close-median", "city", "all") is None


def test_a_wait_of_which_no_site_was_said_counts_nowhere_and_the_next_of_its_clock_does() -> None:
    """As clocks were announced before there were work lists."""
    scenario = a_scenario()
    scenario.raised("r", day(1))
    scenario.referred("f", "r", day(1))
    of_f: dict[str, Any] = {"clockId": "c", "clock": "decide", "objectKind": "referral", "objectId": "f"}
    scenario.event("ClockStarted", "c", **of_f, startedAt=day(2))
    scenario.event("ClockPaused", "c", **of_f, pausedAt=day(9))
    scenario.event("ClockStarted", "c", **of_f, requestId="r", siteId="school", startedAt=day(10))
    scenario.event("ClockPaused", "c", **of_f, pausedAt=day(13))

    assert median_of(scenario) == "3.000000"
