"""Where the services answer, and which file says what time it is for them."""

from dataclasses import replace
from pathlib import Path

from samenspel.endpoints import choose_endpoints, usual_endpoints

RUNNING = replace(usual_endpoints(), time=Path("/stack/time"))
ELSEWHERE = "http://127.0.0.1:9001"


def test_what_nobody_names_is_as_known() -> None:
    assert choose_endpoints(RUNNING, {"requests": None}, {}) == RUNNING


def test_an_option_comes_before_the_environment() -> None:
    environment = {"SAMENSPEL_REQUESTS": "http://127.0.0.1:9000", "SAMENSPEL_KAFKA": "127.0.0.1:9000"}

    chosen = choose_endpoints(RUNNING, {"requests": ELSEWHERE}, environment)

    assert (chosen.urls["requests"], chosen.kafka) == (ELSEWHERE, "127.0.0.1:9000")
    assert chosen.urls["reporting"] == RUNNING.urls["reporting"]


def test_the_time_of_another_stack_is_never_taken_for_that_of_these_services() -> None:
    assert choose_endpoints(RUNNING, {}, {"SAMENSPEL_REQUESTS": ELSEWHERE}).time is None


def test_the_environment_names_the_file_of_the_time() -> None:
    environment = {"SAMENSPEL_REQUESTS": ELSEWHERE, "SAMENSPEL_DEVELOPMENT_TIME": "/other/time"}

    assert choose_endpoints(RUNNING, {}, environment).time == Path("/other/time")
