"""What referrals and activities wait for, and from which day: what their clocks read of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contracts.values import Reason
from services.chassis.clocks import Clock
from services.referrals.rules.activity import Status as ActivityStatus
from services.referrals.rules.clocks import OF_ACTIVITIES, OF_REFERRALS
from services.referrals.rules.referral import Status
from tests.builders import a_referral, an_activity

IN_NOVEMBER, IN_DECEMBER = date(2025, 11, 3), date(2025, 12, 1)
ASKED_BACK = Reason(list="withdraw-referral", code="no_response")
WAITED_FOR = {
    Status.REQUESTED: ["see", "decide"],
    Status.WAITLISTED: ["review"],
    Status.ACCEPTED: ["plan"],
    Status.IN_PROGRESS: ["finish"],
}


def running(clocks: Sequence[Clock], thing: Any) -> list[str]:
    return [clock.name for clock in clocks if clock.runs(thing)]


def clock(name: str) -> Clock:
    return next(each for each in (*OF_REFERRALS, *OF_ACTIVITIES) if each.name == name)


@pytest.mark.parametrize("status", Status)
def test_what_a_referral_waits_for_follows_from_where_it_stands(status: Status) -> None:
    assert running(OF_REFERRALS, a_referral(status)) == WAITED_FOR.get(status, [])


def test_what_the_partner_has_seen_waits_for_its_decision_only() -> None:
    assert running(OF_REFERRALS, replace(a_referral(), acknowledged=True)) == ["decide"]


def test_what_is_asked_back_waits_for_that_and_for_nothing_else() -> None:
    assert running(OF_REFERRALS, replace(a_referral(Status.IN_PROGRESS), withdrawal=ASKED_BACK)) == ["take-back"]


@pytest.mark.parametrize("status", ActivityStatus)
def test_only_what_is_planned_waits_for_its_report(status: ActivityStatus) -> None:
    assert running(OF_ACTIVITIES, an_activity(status)) == (["report"] if status is ActivityStatus.PLANNED else [])


def test_an_undecided_referral_expires_after_the_day_it_says() -> None:
    referral = a_referral()

    assert clock("decide").days(referral) == (None, referral.made.decide_by)


def test_what_is_on_the_waiting_list_is_looked_at_on_the_day_of_its_review() -> None:
    waiting = replace(a_referral(Status.WAITLISTED), review_on=IN_NOVEMBER)

    assert clock("review").days(waiting) == (IN_NOVEMBER, IN_NOVEMBER)


@pytest.mark.parametrize(
    ("planned", "checked_in", "last"),
    [
        (IN_NOVEMBER, IN_DECEMBER, IN_DECEMBER),
        (IN_DECEMBER, IN_NOVEMBER, IN_DECEMBER),
        (IN_NOVEMBER, None, IN_NOVEMBER),
        (None, IN_DECEMBER, IN_DECEMBER),
        (None, None, None),
    ],
)
def test_what_has_begun_is_waited_for_from_the_last_news_of_it(
    planned: date | None, checked_in: date | None, last: date | None
) -> None:
    begun = replace(a_referral(Status.IN_PROGRESS), planned_up_to=planned, checked_in_on=checked_in)

    assert clock("finish").days(begun) == (last,)
