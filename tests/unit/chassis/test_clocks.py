"""Which clocks run of an object, and when something follows."""

from dataclasses import dataclass, replace
from datetime import date

from services.chassis.clocks import Breach, Clock, Due, changed, dues

FRIDAY, TUESDAY = date(2025, 10, 3), date(2025, 10, 7)
NUMBERS = {"default": {"answer.remind": 1, "answer.escalate": 2}, "pilot": {"answer.remind": 5}}


@dataclass(frozen=True)
class Question:
    is_open: bool = True
    asked_on: date | None = None
    last_day: date = FRIDAY


ANSWER = Clock("answer", "", lambda question: question.is_open, (Breach("remind"), Breach("escalate")))
HOLD = Clock("hold", "", lambda question: question.is_open, (Breach("drop", lambda question: question.last_day),))
SINCE = Clock("since", "", lambda question: question.is_open, (), since=lambda question: question.asked_on)


def test_what_follows_is_so_many_working_days_away_and_in_the_order_of_days() -> None:
    crossed = replace(ANSWER, breaches=ANSWER.breaches[::-1])

    found = dues(crossed, Question(), today=FRIDAY, programme=None, region="zuid", numbers=NUMBERS)

    assert found == [Due("remind", date(2025, 10, 6)), Due("escalate", TUESDAY)]


def test_a_programme_has_numbers_of_its_own_and_the_default_for_the_others() -> None:
    found = dues(ANSWER, Question(), today=FRIDAY, programme="pilot", region="zuid", numbers=NUMBERS)

    assert [(due.breach, due.on) for due in found] == [("escalate", TUESDAY), ("remind", date(2025, 10, 10))]


def test_an_object_may_say_the_day_itself() -> None:
    found = dues(HOLD, Question(last_day=TUESDAY), today=FRIDAY, programme=None, region=None, numbers=NUMBERS)

    assert found == [Due("drop", TUESDAY)]


def test_years_of_which_no_holidays_are_known_are_said() -> None:
    found = dues(ANSWER, Question(), today=FRIDAY, programme=None, region=None, numbers=NUMBERS)

    assert [due.unknown_years for due in found] == [("2025-2026",)] * 2


def test_a_clock_starts_and_pauses_with_the_object_and_starts_anew_when_its_day_changes() -> None:
    clocks, still = (ANSWER, SINCE), Question(asked_on=FRIDAY)

    assert changed(clocks, None, still) == ([ANSWER, SINCE], [])
    assert changed(clocks, still, still) == ([], [])
    assert changed(clocks, still, replace(still, asked_on=TUESDAY)) == ([SINCE], [])
    assert changed(clocks, still, replace(still, is_open=False)) == ([], [ANSWER, SINCE])
    assert changed(clocks, replace(still, is_open=False), still) == ([ANSWER, SINCE], [])
