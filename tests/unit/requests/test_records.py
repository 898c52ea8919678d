"""What is recorded of sites and groups."""

from datetime import date
from typing import Any

import pytest

from contracts.values import Interval, Name
from services.chassis.checks import BoundsInWrongOrder, PersonalData
from services.chassis.problems import NotAllowed, Problem, WrongField
from services.requests import commands
from services.requests.rules import records
from services.requests.rules.records import GroupCannotMove, GroupOfAnotherYear, UnknownSite, WrongKindOfId
from tests.builders import (
    CHILDCARE,
    SCHOOL,
    an_actor,
    group_details,
    site_details,
)


def test_a_group_stays_at_its_site() -> None:
    records.check_group(group_details(SCHOOL), group_details(SCHOOL, headcount=25), {SCHOOL: site_details()})

    with pytest.raises(GroupCannotMove) as refused:
        records.check_group(group_details(SCHOOL), group_details(CHILDCARE), {CHILDCARE: site_details()})

    assert refused.value.errors == (WrongField("siteId", CHILDCARE, "the site at which it was recorded"),)


def test_a_group_of_children_of_one_age_is_possible_and_none_whose_ages_are_crossed() -> None:
    sites = {SCHOOL: site_details()}
    records.check_group(None, group_details().model_copy(update={"age_from": 8, "age_to": 8}), sites)

    with pytest.raises(BoundsInWrongOrder) as refused:
        records.check_group(None, group_details().model_copy(update={"age_from": 9, "age_to": 8}), sites)

    assert refused.value.errors == (WrongField("ageTo", 8, "at least 9"),)
    assert refused.value.detail == "ageTo is 8, below ageFrom (9)."


def test_a_group_belongs_to_one_school_year() -> None:
    of_next_year = group_details().model_copy(update={"school_year": "2026-2027"})

    with pytest.raises(GroupOfAnotherYear) as refused:
        records.check_group(group_details(), of_next_year, {SCHOOL: site_details()})

    (wrong,) = refused.value.errors
    assert (refused.value.slug, wrong.field) == ("group-of-another-year", "schoolYear")
    assert (wrong.value, wrong.allowed) == ("2026-2027", "2025-2026")
    assert refused.value.detail == "schoolYear is 2026-2027; this group is recorded for 2025-2026."


def test_an_identifier_in_an_address_holds_no_personal_data_either() -> None:
    record_site = commands.reference_data.by_name["recordSite"]

    with pytest.raises(PersonalData) as refused:
        record_site.read_subject("own:bel-0612345678")

    assert refused.value.errors[0].field == "siteId"
    assert "12345678" not in f"{refused.value.detail} {refused.value.errors}"


def test_a_group_belongs_to_a_recorded_site() -> None:
    with pytest.raises(UnknownSite, match=f"siteId is {SCHOOL}: no such site") as refused:
        records.check_group(None, group_details(SCHOOL), {})

    assert refused.value.errors == (WrongField("siteId", SCHOOL, "a recorded site"),)


def test_the_bounds_of_a_group_are_not_crossed() -> None:
    crossed = group_details().model_copy(update={"headcount": Interval(lower=2, upper=1)})

    with pytest.raises(BoundsInWrongOrder) as refused:
        records.check_group(None, crossed, {SCHOOL: site_details()})

    assert refused.value.errors[0].field == "headcount.upper"


AUGUST, JULY = date(2025, 8, 1), date(2025, 7, 31)


LINK = {"site_id": CHILDCARE, "kind": "child_centre", "starts_on": AUGUST}


ADOPTION = {"programme": "kansen", "starts_on": AUGUST}


UNSOUND_SITES: list[tuple[dict[str, Any], WrongField]] = [
    ({"name": Name(nl="\u200b")}, WrongField("name.nl", None, "at least one visible character")),
    ({"opened_on": AUGUST, "closed_on": JULY}, WrongField("closedOn", "2025-07-31", "openedOn or later")),
    ({"kinds": ("primary", "primary")}, WrongField("kinds[1]", "primary", "each thing once")),
    ({"links": (LINK, {**LINK, "ends_on": JULY})}, WrongField("links[1].to", "2025-07-31", "links[1].from or later")),
    (
        {"declared_adoption": ({**ADOPTION, "ends_on": JULY},)},
        WrongField("declaredAdoption[0].to", "2025-07-31", "declaredAdoption[0].from or later"),
    ),
]


@pytest.mark.parametrize(("recorded", "wrong"), UNSOUND_SITES)
def test_an_unsound_site_is_not_recorded(recorded: dict[str, Any], wrong: WrongField) -> None:
    records.check_site(SCHOOL, site_details(links=(LINK,), declared_adoption=(ADOPTION,)))

    with pytest.raises(Problem) as refused:
        records.check_site(SCHOOL, site_details(**recorded))

    assert refused.value.errors == (wrong,)


@pytest.mark.parametrize("site_id", ["duo:16NV00", "lrk:212423455", "own:de-bron"])
@pytest.mark.parametrize("board", ["duo:30650", "lrk:212423455", "own:board"])
def test_a_site_and_its_board_have_ids_of_their_kind(site_id: str, board: str) -> None:
    records.check_site(site_id, site_details(board=board))


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"site_id": "duo:16NV"}, "siteId"),
        ({"site_id": "duo:30650"}, "siteId"),
        ({"site_id": "lrk:0212423455"}, "siteId"),
        ({"board": "duo:16NV00"}, "board"),
        ({"board": "duo:16NV"}, "board"),
        ({"links": ({**LINK, "site_id": "duo:30650"},)}, "links[0].siteId"),
    ],
)
def test_the_id_of_another_kind_of_thing_makes_no_second_site(said: dict[str, Any], field: str) -> None:
    recorded = {"site_id": SCHOOL} | said

    with pytest.raises(WrongKindOfId) as refused:
        records.check_site(recorded.pop("site_id"), site_details(**recorded))

    (wrong,) = refused.value.errors
    value = said.get("site_id", said.get("board", "duo:30650"))
    kind, example = ("board", "duo:30650") if field == "board" else ("site", "duo:16NV00")
    assert (wrong.field, wrong.value) == (field, value)
    assert example in str(wrong.allowed)
    assert refused.value.detail == f"{field} is {value}, which is no {kind}'s."


def test_an_operator_records_a_new_site_and_its_coordinator_may_amend_it() -> None:
    operator, coordinator, stranger = an_actor("operator"), an_actor("coordinator"), an_actor("coordinator", CHILDCARE)

    records.check_recorder(SCHOOL, is_new=True, by=operator)
    for by in (operator, coordinator):
        records.check_recorder(SCHOOL, is_new=False, by=by)
    with pytest.raises(NotAllowed, match="record a new site"):
        records.check_recorder(SCHOOL, is_new=True, by=coordinator)
    with pytest.raises(NotAllowed, match=f"amend the site is up to {SCHOOL}"):
        records.check_recorder(SCHOOL, is_new=False, by=stranger)
    with pytest.raises(NotAllowed, match="amend the site"):
        records.check_recorder(SCHOOL, is_new=False, by=an_actor("consultant"))
