"""What a request waits for, and up to which day: what its clocks read of it."""

from dataclasses import replace
from datetime import date

import pytest

from services.requests.rules.clocks import CLOCKS
from services.requests.rules.request import Request, Status
from tests.builders import TODAY, a_request

IN_DECEMBER = date(2025, 12, 1)
WAITED_FOR = {Status.ASSIGNED: ["answer"], Status.ANSWERED: ["close"], Status.NO_BROKER: ["wish"]}


def running(request: Request) -> dict[str, tuple[date | None, ...]]:
    """The clocks that run, each with the days that the request itself says."""
    return {clock.name: clock.days(request) for clock in CLOCKS if clock.runs(request)}


@pytest.mark.parametrize("status", Status)
def test_what_a_request_waits_for_follows_from_where_it_stands(status: Status) -> None:
    assert [*running(a_request(status))] == WAITED_FOR.get(status, [])


def test_an_answer_is_waited_for_from_the_day_of_the_last_check_in() -> None:
    assert running(replace(a_request(Status.ASSIGNED), checked_in_on=TODAY)) == {"answer": (TODAY,)}


def test_while_a_referral_is_open_the_latest_of_them_is_waited_for() -> None:
    request = replace(a_request(Status.ANSWERED), open_referrals=2, referrals_due_on=IN_DECEMBER)

    assert running(request) == {"follow": (None, IN_DECEMBER)}


def test_without_a_broker_the_days_that_are_wished_are_waited_for() -> None:
    request = a_request(Status.NO_BROKER)

    assert running(request) == {"wish": (None, request.details.wished_from, request.details.wished_to)}
