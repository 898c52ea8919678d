"""How referrals ended, attempts and unmet needs counted by hand (rulings 28 to 30)."""

from typing import Any

import pytest

from demo.recount import Counted
from demo.recount.tests.scenario import ART, IN_ART, IN_SPORT, SPORT, Scenario, a_scenario

RAISED, MADE, LATER, CLOSED = (f"2025-09-{day:02}T10:00:00.000Z" for day in (1, 2, 5, 20))


def share(part: int, whole: int, value: str) -> Counted:
    return Counted(measure="share", value=value, numerator=part, denominator=(whole, whole))


def because(code: str) -> dict[str, Any]:
    return {"reason": {"list": "any", "code": code}}


def asked(*referrals: str) -> Scenario:
    """A request for art and sport, and what became of its referrals, each a letter for what happened in its order."""
    scenario = a_scenario()
    scenario.raised("r", RAISED, learningAreas=[ART, SPORT])
    for number, history in enumerate(referrals, start=1):
        this = f"f{number}"
        scenario.referred(this, "r", MADE, LATER if history.startswith("A") else None, attempt=number)
        for event in history.removeprefix("A"):
            end = {"D": "Declined", "E": "Expired", "W": "Withdrawn", "O": "Withdrawn", "V": "Voided"}[event]
            why = because("other_partner_accepted" if event == "O" else "need_changed")
            scenario.event(f"Referral{end}", this, referralId=this, **why)
    return scenario


RATES = ("accepted", "declined-late", "expired", "withdrawn")


@pytest.mark.parametrize(
    ("histories", "of", "counted"),
    [
        (("A", "", "D", "E"), 4, (1, 0, 1, 0)),
        (("AD", "AD", "D"), 3, (2, 2, 0, 0)),
        (("AW", "W"), 2, (1, 0, 0, 2)),
        (("A", "O", "O"), 1, (1, 0, 0, 0)),
        (("AV", "E"), 1, (0, 0, 1, 0)),
    ],
    ids=str,
)
def test_rates_are_of_the_referrals_that_were_made(
    histories: tuple[str, ...], of: int, counted: tuple[int, ...]
) -> None:
    scenario = asked(*histories)

    for unit in ("city", "neighbourhood:5211", "site:school"):
        found = [scenario.figure(f"referrals-{rate}", unit, "all") for rate in RATES]
        assert [(each.numerator, each.denominator) for each in found if each] == [(n, (of, of)) for n in counted]
    assert scenario.figure("referrals-accepted", "city", IN_ART) == scenario.figure("referrals-accepted", "city", "all")
    assert scenario.figure("referrals-accepted", "city", IN_SPORT) is None  # none of them is about sport


def test_attempts_are_the_highest_of_each_fulfilled_request() -> None:
    scenario = asked("D", "E", "A")
    scenario.step("r", "Closed", CLOSED, outcome="fulfilled")
    scenario.raised("s", RAISED)
    scenario.referred("g1", "s", MADE, attempt=1)
    scenario.referred("g2", "s", MADE, attempt=1)
    scenario.step("s", "Closed", CLOSED, outcome="fulfilled")

    mean = scenario.figure("attempts-per-fulfilled-request", "city", "all")

    assert mean == Counted(measure="referrals", value="2.000000", numerator=4, denominator=(2, 2))


def test_what_was_fulfilled_is_not_when_it_is_reopened() -> None:
    scenario = asked("A")
    scenario.step("r", "Closed", CLOSED, outcome="fulfilled")
    scenario.step("r", "Reopened", CLOSED, returnsTo="answered")

    assert scenario.figure("attempts-per-fulfilled-request", "city", "all") is None


def test_the_closure_in_force_says_what_is_unmet() -> None:
    scenario = asked("A")
    scenario.step("r", "Closed", CLOSED, outcome="partly_fulfilled", unmetAreas=[SPORT], **because("no_funding"))
    scenario.raised("s", RAISED, learningAreas=[SPORT])

    assert scenario.figure("unmet-share", "site:school", "all") == share(1, 2, "0.500000")
    assert scenario.figure("unmet-share", "neighbourhood:5211", IN_SPORT) == share(1, 2, "0.500000")
    assert scenario.figure("unmet-share", "city", IN_ART) == share(0, 1, "0.000000")
    one = Counted(measure="requests", value="1.000000", numerator=1)
    assert scenario.figure("unmet-requests", "neighbourhood:5211", f"{IN_SPORT};no_funding") == one


def test_all_areas_of_a_request_without_broker_are_unmet() -> None:
    scenario = a_scenario()
    scenario.raised("r", RAISED, learningAreas=[ART, SPORT])
    scenario.step("r", "Unbrokered", RAISED)

    for area in (IN_ART, IN_SPORT):
        assert scenario.figure("unmet-requests", "city", f"{area};no_offer_in_area") is not None

    scenario.step("r", "Assigned", LATER)
    assert scenario.figure("unmet-requests", "city", f"{IN_ART};no_offer_in_area") is None
