"""The simulated city: every school's numbers are DUO's own, and everything is as the contracts say."""

from collections import Counter

from contracts.sites import GroupDetails, SiteDetails
from contracts.values import Interval
from demo.simulation.city import City, city_of
from samenspel.registers import duo


def test_the_schools_have_the_pupils_that_duo_counts(city: City) -> None:
    assert len(city.schools) == 41
    assert city.pupils == Interval(lower=11_968, upper=11_968)
    assert all(1 <= len(school.groups) <= 8 for school in city.schools)


def test_a_masked_school_keeps_an_interval() -> None:
    location = duo.Location(
        id="duo:00AA00",
        brin4="00AA",
        name="De Kleinste",
        board="duo:40000",
        postcode4="5211",
        holiday_region="zuid",
        municipality="X",
        municipality_code="GM0796",
        kind="primary",
        pupils={2024: None, 2025: Interval(lower=1, upper=4)},
        line=2,
    )

    city = city_of("X", [location], seed=3)

    assert [group.headcount for group in city.schools[0].groups] == [Interval(lower=1, upper=4)]
    assert city.site_lines[0]["validFrom"] == "2025-08-01"


def test_everything_that_is_recorded_is_as_the_contracts_say(city: City) -> None:
    for line in city.site_lines:
        SiteDetails.model_validate({name: value for name, value in line.items() if name != "siteId"})
    for line in city.group_lines:
        GroupDetails.model_validate({name: value for name, value in line.items() if name != "groupId"})


def test_links_are_held_on_either_side(city: City) -> None:
    holders = Counter(line["siteId"].split(":")[0] for line in city.site_lines if line.get("links"))

    assert holders["duo"] > 0
    assert holders["own"] > 0
