"""What the doors refuse because a schema cannot say it: with the field, and without repeating what is private."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from contracts.values import Interval, Name
from services.chassis.checks import (
    BoundsInWrongOrder,
    DatesInWrongOrder,
    DuplicateItem,
    NameNotVisible,
    PersonalData,
    check_bounds,
    check_name,
    check_order,
    check_personal_data,
    check_unique,
    half_character_in,
    malformed,
    wrong_fields,
)
from services.chassis.problems import Malformed, WrongField

MONDAY, TUESDAY = date(2026, 2, 16), date(2026, 2, 17)
MANY = 40_000  # compared each with each, these would take minutes


def test_a_period_may_end_on_the_day_on_which_it_begins_and_not_before() -> None:
    check_order(MONDAY, MONDAY, field="to", after="from")
    check_order(None, MONDAY, field="to", after="from")

    with pytest.raises(DatesInWrongOrder, match="before from") as refused:
        check_order(TUESDAY, MONDAY, field="to", after="from")

    assert refused.value.errors == (WrongField("to", "2026-02-16", "from or later"),)


def test_bounds_may_be_equal_and_not_crossed() -> None:
    check_bounds(Interval(lower=3, upper=3), field="headcount")

    with pytest.raises(BoundsInWrongOrder, match=r"headcount\.upper is 3, below headcount\.lower \(4\)") as refused:
        check_bounds(Interval(lower=4, upper=3), field="headcount")

    assert refused.value.errors == (WrongField("headcount.upper", 3, "at least 4"),)


def test_the_second_of_two_equal_things_is_named_also_in_a_very_long_list() -> None:
    names = [f"own:{number}" for number in range(MANY)]
    check_unique(names, field="coSiteIds")

    with pytest.raises(DuplicateItem, match="names own:7, which is named before") as refused:
        check_unique([*names, "own:7"], field="coSiteIds")

    assert refused.value.errors == (WrongField(f"coSiteIds[{MANY}]", "own:7", "each thing once"),)


@pytest.mark.parametrize(
    "name", ["\u200b", " \u00a0", "\u0301", "\ufeff", "\u3164", "\u115f\u1160", "\u2800", "\uffa0"]
)
def test_a_name_that_nobody_can_see_is_refused(name: str) -> None:
    with pytest.raises(NameNotVisible) as refused:
        check_name(name, field="name.nl")

    assert refused.value.errors == (WrongField("name.nl", None, "at least one visible character"),)


@pytest.mark.parametrize("name", ["A", "ö", "1", "★"])
def test_one_visible_character_is_a_name(name: str) -> None:
    check_name(name, field="name.nl")


def test_a_name_whose_composed_form_is_too_long_to_be_stored_is_refused() -> None:
    written = "\u0958" * 101  # a letter of Hindi that Unicode NFC writes as two
    name = Name(nl=written)

    with pytest.raises(Malformed) as refused:
        check_name(name.nl, field="name.nl")

    assert name.nl == written  # readers take it as it is
    assert refused.value.errors == (WrongField("name.nl", None, "at most 200 characters in Unicode NFC"),)
    assert refused.value.detail == "name.nl is longer than 200 characters in Unicode NFC, in which it is stored."


def test_personal_data_is_refused_by_its_field_and_not_repeated() -> None:
    with pytest.raises(PersonalData, match="comment seems to hold a telephone number; leave it out") as refused:
        check_personal_data({"reason": {"code": "other"}, "comment": "bel 073-6123456"})

    problem = refused.value
    assert problem.slug == "personal-data"
    assert problem.errors == (WrongField("comment", None, "not a telephone number"),)
    assert "6123456" not in f"{problem.detail} {problem.errors}"


class Part(BaseModel):
    kind: Literal["school", "childcare"] = "school"
    places: Annotated[int, Field(ge=1, le=9)] = 1
    name: str = ""


class Whole(BaseModel, extra="forbid"):
    parts: list[Part]


def what_pydantic_found(body: object) -> Sequence[Any]:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Whole).validate_python(body)
    return refused.value.errors()


@pytest.mark.parametrize(
    "body",
    [
        {"parts": [], "telephone": 612345678},
        {"parts": [], "telephone": "sixtwelve"},
        {"parts": 612345678},
        {"parts": [612345678]},
        {"parts": [{"name": 612345678}]},
    ],
)
def test_what_stands_where_it_does_not_belong_is_not_repeated(body: object) -> None:
    assert {wrong.value for wrong in wrong_fields(list(what_pydantic_found(body)))} == {None}


@pytest.mark.parametrize("name", ["zoe quist", "Zoë", "a.b", "a[x]", "x" * 65])
def test_the_name_that_a_caller_gave_to_a_field_is_not_repeated(name: str) -> None:
    (wrong,) = wrong_fields(list(what_pydantic_found({"parts": [], name: 1})))

    assert (wrong.field, wrong.value) == ("a.b" if name == "a.b" else "body", None)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"parts": [{}, {"places": 0}]}, WrongField("parts[1].places", 0, {"ge": "1"})),
        ({"parts": [{"places": 10}]}, WrongField("parts[0].places", 10, {"le": "9"})),
        ({"parts": [{"kind": "pub"}]}, WrongField("parts[0].kind", "pub", {"expected": "'school' or 'childcare'"})),
        ({"parts": [{"name": 1}]}, WrongField("parts[0].name", None, "Input should be a valid string")),
        ({}, WrongField("parts", None, "Field required")),
    ],
)
def test_a_wrong_field_is_told_by_its_path_its_value_and_what_is_allowed(body: object, wrong: WrongField) -> None:
    assert wrong_fields(list(what_pydantic_found(body))) == [wrong]


@pytest.mark.parametrize("where", ["body", "query", "path", "header"])
def test_where_a_request_carries_a_field_is_no_part_of_its_name(where: str) -> None:
    found = {"type": "value_error", "loc": (where, "groups", 0, "groupId"), "msg": "is wrong", "input": "x"}

    assert wrong_fields([found], within="data.") == [WrongField("data.groups[0].groupId", "x", "is wrong")]


def test_a_field_of_that_name_elsewhere_is_a_part_of_it() -> None:
    found = {"type": "value_error", "loc": ("site", "path"), "msg": "is wrong", "input": "x"}

    assert wrong_fields([found]) == [WrongField("site.path", "x", "is wrong")]


def test_a_validator_of_ours_names_the_field_the_value_and_the_list_of_what_is_allowed() -> None:
    told = {"field": "to", "value": 7, "expected": ["a", "b"]}
    found = {"type": "ours", "loc": ("body", "period"), "msg": "is wrong", "input": {"from": 8, "to": 7}, "ctx": told}

    assert wrong_fields([found]) == [WrongField("period.to", 7, {"expected": ["a", "b"]})]


def test_a_malformed_body_is_told_by_its_first_field_and_every_other() -> None:
    problem = malformed(what_pydantic_found({"parts": [{"places": 0}, {"kind": "pub"}]}), within="data.")

    assert problem.detail == "data.parts[0].places: Input should be greater than or equal to 1"
    assert [wrong.field for wrong in problem.errors] == ["data.parts[0].places", "data.parts[1].kind"]


def test_what_is_no_object_at_all_is_told_of_the_body() -> None:
    found = {"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error", "input": {}}

    assert malformed([found]).detail == "the body: JSON decode error"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (rb'{"name": {"nl": "\ud83d"}}', "name.nl"),
        (rb'{"groups": [{"groupId": "a"}, {"groupId": "\udc00b"}]}', "groups[1].groupId"),
        (rb'{"\ud83d": 1}', "body"),
        (rb'{"name": "\ud83d\ude00"}', None),
        (b"{", None),
        (b'{"a":' * 100_000, None),
    ],
)
def test_half_a_character_is_found_by_its_field(text: bytes, field: str | None) -> None:
    assert half_character_in(text) == field


def test_what_is_wrong_of_a_list_is_not_repeated_as_a_whole() -> None:
    problem = ({"type": "too_long", "loc": ("siteIds",), "msg": "too long", "input": ["own:a", "own:b"]},)

    assert [wrong.value for wrong in wrong_fields([*problem])] == [None]
