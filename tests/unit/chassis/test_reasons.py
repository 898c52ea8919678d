"""A reason is one of the published list: for this action, by this role, on this day."""

from datetime import date
from typing import Any

import pytest

from contracts.reasons import ReasonListPublished
from contracts.requests import RequestClosed
from contracts.values import Reason
from services.chassis.life_cycle import SAME, Step
from services.chassis.problems import WrongField
from services.chassis.reasons import CommentMissing, UnknownReason, check_reason, reason_of, usable_reasons
from tests.builders import TODAY, an_actor

CLOSE: Step[Any] = Step("close", (), RequestClosed, SAME, {"consultant": "broker"}, "closing")
FIRST_DAY, LAST_DAY = date(2025, 8, 1), date(2025, 12, 31)


def a_reason(code: str, **other: Any) -> dict[str, Any]:
    usual = {
        "label": {"nl": code, "en": code},
        "transitions": ["close"],
        "roles": ["consultant"],
        "effectiveFrom": "2025-08-01",
    }
    return {"code": code, **usual, **other}


LIST = ReasonListPublished.model_validate(
    {
        "list": "closing",
        "listVersion": 1,
        "reasons": [
            a_reason("no_money"),
            a_reason("until_new_year", effectiveTo="2026-01-01"),
            a_reason("other", commentRequired=True),
            a_reason("of_the_lead", roles=["broker_lead"]),
            a_reason("for_answers", transitions=["answer"]),
        ],
        "publishedAt": "2025-08-01T09:00:00.000Z",
    }
)
LISTS = {"closing": LIST}


def check(code: str, *, list_: str = "closing", comment: str | None = None) -> None:
    reason = Reason(list=list_, code=code)
    check_reason(CLOSE, LISTS, reason, comment, by=an_actor("consultant"), day=TODAY)


@pytest.mark.parametrize(
    ("day", "usable"),
    [
        (date(2025, 7, 31), ()),
        (FIRST_DAY, ("no_money", "until_new_year", "other")),
        (LAST_DAY, ("no_money", "until_new_year", "other")),
        (date(2026, 1, 1), ("no_money", "other")),
    ],
)
def test_a_reason_is_usable_from_its_first_day_to_the_day_before_it_ends(day: date, usable: tuple[str, ...]) -> None:
    assert usable_reasons(CLOSE, LISTS, "consultant", day) == usable


def test_a_reason_that_the_list_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(UnknownReason, match="closing has: no_money, until_new_year, other") as refused:
        check("rain")

    usable = ("no_money", "until_new_year", "other")
    assert refused.value.errors == (WrongField("reason.code", "closing/rain", usable),)


def test_a_reason_of_another_list_is_refused_by_its_list() -> None:
    with pytest.raises(UnknownReason, match=r"reason\.list is decline/no_money") as refused:
        check("no_money", list_="decline")

    assert (refused.value.errors[0].field, refused.value.errors[0].value) == ("reason.list", "decline/no_money")


def test_a_reason_that_needs_a_comment_says_so() -> None:
    check("other", comment="De directeur belt terug")
    check("no_money")

    with pytest.raises(CommentMissing, match="the reason other needs one") as refused:
        check("other")

    assert refused.value.errors == (WrongField("comment", None, "a sentence without personal data"),)


def test_a_reason_that_we_give_ourselves_is_of_the_list_of_the_row() -> None:
    assert reason_of(CLOSE, "no_money") == Reason(list="closing", code="no_money")
