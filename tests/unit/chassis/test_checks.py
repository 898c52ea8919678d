"""What the doors refuse because a schema cannot say it: with the field, and without repeating what is private."""

from datetime import date

import pytest

from contracts.values import Interval, Name
from services.chassis.checks import (
    BoundsInWrongOrder,
    DatesInWrongOrder,
    NamedTwice,
    NothingVisible,
    PersonalData,
    check_bounds,
    check_name,
    check_order,
    check_personal_data,
    check_unique,
)
from services.chassis.problems import Malformed

MONDAY, TUESDAY = date(2026, 2, 16), date(2026, 2, 17)
MANY = 40_000  # compared each with each, these would take minutes


def test_a_period_may_end_on_the_day_on_which_it_begins_and_not_before() -> None:
    check_order(MONDAY, MONDAY, field="to", after="from")
    check_order(None, MONDAY, field="to", after="from")

    with pytest.raises(DatesInWrongOrder, match="before from") as refused:
        check_order(TUESDAY, MONDAY, field="to", after="from")

    assert (refused.value.errors[0].field, refused.value.errors[0].value) == ("to", "2026-02-16")


def test_bounds_may_be_equal_and_not_crossed() -> None:
    check_bounds(Interval(lower=3, upper=3), field="headcount")

    with pytest.raises(BoundsInWrongOrder) as refused:
        check_bounds(Interval(lower=4, upper=3), field="headcount")

    assert refused.value.errors[0].field == "headcount.upper"


def test_the_second_of_two_equal_things_is_named_also_in_a_very_long_list() -> None:
    names = [f"own:{number}" for number in range(MANY)]
    check_unique(names, field="coSiteIds")

    with pytest.raises(NamedTwice) as refused:
        check_unique([*names, "own:7"], field="coSiteIds")

    assert (refused.value.errors[0].field, refused.value.errors[0].value) == (f"coSiteIds[{MANY}]", "own:7")


@pytest.mark.parametrize(
    "name", ["\u200b", " \u00a0", "\u0301", "\ufeff", "\u3164", "\u115f\u1160", "\u2800", "\uffa0"]
)
def test_a_name_that_nobody_can_see_is_refused(name: str) -> None:
    with pytest.raises(NothingVisible):
        check_name(name, field="name.nl")


@pytest.mark.parametrize("name", ["A", "ö", "1", "★"])
def test_one_visible_character_is_a_name(name: str) -> None:
    check_name(name, field="name.nl")


def test_a_name_whose_composed_form_is_too_long_to_be_stored_is_refused() -> None:
    written = "\u0958" * 101  # a letter of Hindi that Unicode NFC writes as two
    name = Name(nl=written)

    with pytest.raises(Malformed) as refused:
        check_name(name.nl, field="name.nl")

    assert name.nl == written  # readers take it as it is
    assert (refused.value.errors[0].field, refused.value.errors[0].value) == ("name.nl", None)


def test_personal_data_is_refused_by_its_field_and_not_repeated() -> None:
    with pytest.raises(PersonalData) as refused:
        check_personal_data({"reason": {"code": "other"}, "comment": "bel 073-6123456"})

    problem = refused.value
    assert (problem.slug, problem.errors[0].field) == ("personal-data", "comment")
    assert "6123456" not in f"{problem.detail} {problem.errors}"
