"""What may be asked."""

import re
from datetime import date
from typing import Any

import pytest

from contracts.requests import (
    AskedGroup,
    RequestAmended,
)
from contracts.values import LearningArea
from services.chassis.checks import DatesInWrongOrder, DuplicateItem, HeadcountOfZero
from services.chassis.problems import Problem, WrongField
from services.chassis.schemes import UnknownLearningArea
from services.requests.rules import request as rules
from services.requests.rules.asking import GroupsOrHeadcount, NothingAmended, SiteCannotChange, SiteClosed
from services.requests.rules.request import Status
from tests.builders import (
    ART,
    CHILDCARE,
    GROUP,
    SCHOOL,
    SPORT,
    TODAY,
    a_request,
    an_actor,
    request_details,
    site_details,
)
from tests.unit.requests.acts import amend, raise_request


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"site_id": CHILDCARE}, WrongField("siteId", CHILDCARE, "a recorded site")),
        ({"co_site_ids": (CHILDCARE,)}, WrongField("coSiteIds[0]", CHILDCARE, "a recorded site")),
        (
            {"groups": (AskedGroup(group_id="own:nobody", headcount=1),)},
            WrongField("groups[0].groupId", "own:nobody", "a recorded group of these sites"),
        ),
    ],
)
def test_what_is_not_recorded_cannot_ask_or_be_asked_for(asked: dict[str, Any], wrong: WrongField) -> None:
    with pytest.raises(Problem, match=f"{re.escape(wrong.field)} is {wrong.value}: no such (site|group)") as refused:
        raise_request(**asked)

    assert (refused.value.status, refused.value.errors) == (400, (wrong,))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"groups": (), "headcount": 0}, "headcount"),
        ({"groups": (AskedGroup(group_id=GROUP, headcount=0),)}, "groups[0].headcount"),
    ],
)
def test_nothing_is_asked_for_nobody(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(HeadcountOfZero) as refused:
        raise_request(**asked)

    assert refused.value.errors == (WrongField(field, 0, "at least 1"),)


TWICE: list[tuple[dict[str, Any], str]] = [
    ({"groups": (AskedGroup(group_id=GROUP, headcount=24),) * 2}, "groups[1]"),
    ({"learning_areas": (ART, ART)}, "learningAreas[1]"),
    ({"co_site_ids": (CHILDCARE, CHILDCARE)}, "coSiteIds[1]"),
    ({"co_site_ids": (SCHOOL,)}, "coSiteIds[0]"),  # the site that asks is not asked again
]


@pytest.mark.parametrize(("asked", "field"), TWICE)
def test_a_request_names_each_thing_once(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(DuplicateItem) as refused:
        raise_request(**asked)

    assert refused.value.errors[0].field == field


def test_what_is_wished_does_not_end_before_it_begins() -> None:
    day = date(2025, 11, 1)
    assert raise_request(wished_from=day, wished_to=day).wished_to == day

    with pytest.raises(DatesInWrongOrder) as refused:
        raise_request(wished_from=day, wished_to=date(2025, 10, 31))

    assert refused.value.errors == (WrongField("wishedTo", "2025-10-31", "wishedFrom or later"),)


@pytest.mark.parametrize(
    ("asked", "is_sound"),
    [
        ({"audience": "children", "headcount": None}, True),  # its groups
        ({"audience": "children", "groups": (), "headcount": 24}, True),
        ({"audience": "children", "headcount": 24}, False),
        ({"audience": "children", "groups": (), "headcount": None}, False),
        ({"audience": "parents", "groups": (), "headcount": None}, True),
        ({"audience": "parents", "headcount": 24}, True),
    ],
)
def test_children_are_counted_by_their_groups_or_by_a_headcount(asked: dict[str, Any], is_sound: bool) -> None:
    if is_sound:
        assert raise_request(**asked).audience == asked["audience"]
    else:
        with pytest.raises(GroupsOrHeadcount) as refused:
            raise_request(**asked)
        assert refused.value.errors == (WrongField("groups", None, "groups or headcount"),)


def test_a_learning_area_that_its_list_does_not_have_is_refused() -> None:
    unknown = LearningArea(scheme="curriculum.nu", code="zwemmen")

    with pytest.raises(UnknownLearningArea, match="zwemmen") as refused:
        raise_request(learning_areas=(ART, unknown))

    assert refused.value.errors[0].field == "learningAreas[1].code"


def test_a_learning_area_of_a_scheme_that_is_not_known_is_refused() -> None:
    """Red: it was not checked, and a typing error in the scheme let any code pass."""
    with pytest.raises(UnknownLearningArea, match=r"known are: curriculum\.nu") as refused:
        raise_request(learning_areas=(ART, LearningArea(scheme="curriculum-nu", code="kunst-en-cultuur")))

    assert refused.value.errors[0] == WrongField("learningAreas[1].scheme", "curriculum-nu", ("curriculum.nu",))


@pytest.mark.parametrize("closed_on", [date(2025, 10, 1), TODAY])
def test_a_site_that_has_closed_cannot_ask(closed_on: date) -> None:
    with pytest.raises(SiteClosed, match=f"siteId is {SCHOOL}, which is not open on 2025-10-03") as refused:
        raise_request(site_details(closed_on=closed_on))

    assert refused.value.errors == (WrongField("siteId", SCHOOL, "a site that is open"),)


def test_a_site_can_ask_up_to_the_day_before_it_closes() -> None:
    raised = raise_request(site_details(closed_on=date(2025, 10, 4)))

    assert raised.site_id == SCHOOL


def test_a_site_can_ask_from_the_day_on_which_it_opens() -> None:
    assert raise_request(site_details(opened_on=TODAY)).site_id == SCHOOL

    with pytest.raises(SiteClosed):
        raise_request(site_details(opened_on=date(2025, 10, 4)))


def test_an_amendment_says_the_whole_of_what_is_asked_and_what_changed() -> None:
    request = a_request(Status.ANSWERED)

    amended = amend(request, an_actor("coordinator"), learning_areas=(ART, SPORT), wished_to=date(2026, 1, 1))

    assert isinstance(amended, RequestAmended)
    assert amended.changed == ("learningAreas", "wishedTo")
    assert rules.evolve(request, amended).details == request_details(
        learning_areas=(ART, SPORT), wished_to=date(2026, 1, 1)
    )


def test_an_amendment_changes_something_but_not_the_site() -> None:
    request, by = a_request(Status.ASSIGNED), an_actor("coordinator")

    with pytest.raises(NothingAmended) as nothing:
        amend(request, by, learning_areas=request.details.learning_areas)
    assert nothing.value.errors == (WrongField("body", None, "a body that differs from what is asked"),)
    with pytest.raises(SiteCannotChange) as refused:
        amend(request, by, site_id=CHILDCARE)

    assert refused.value.errors == (WrongField("siteId", CHILDCARE, SCHOOL),)


@pytest.mark.parametrize(("asked", "field"), TWICE)
def test_what_an_amendment_asks_is_checked_as_what_is_raised(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(DuplicateItem) as refused:
        amend(a_request(Status.ASSIGNED), an_actor("coordinator"), **asked)

    assert refused.value.errors[0].field == field
