"""Adoption counted by hand (rulings 16 to 20)."""

from typing import Any

import pytest

from demo.recount.tests.scenario import PROGRAMME, Scenario, a_scenario

SUMMER, NEW_YEAR = "2026-07-31", "2025-12-31"


def link(to: str, since: str = "2015-08-01", until: str | None = None) -> dict[str, Any]:
    ended = {"to": until} if until else {}
    return {"siteId": to, "kind": "child_centre", "from": since} | ended


def a_child_centre(*, holder: str = "school") -> Scenario:
    """A school with linked childcare and out-of-school care; the link is in one side's record only."""
    scenario = Scenario()
    ours = [link("kdv"), link("bso")] if holder == "school" else []
    theirs = [] if holder == "school" else [link("school")]
    scenario.site("school", "primary", links=ours)
    scenario.site("kdv", "childcare", links=theirs)
    scenario.site("bso", "out_of_school_care", links=theirs)
    return scenario


def strict_and_loose(scenario: Scenario, unit: str = "city", day: str = SUMMER) -> tuple[str | None, str | None]:
    return (
        scenario.value("adoption-strict", unit, period=day),
        scenario.value("adoption-loose", unit, period=day),
    )


def test_of_fifty_schools_forty_with_childcare_and_bso_are_80_percent_and_41_are_82() -> None:
    scenario = Scenario()
    scenario.site("kdv", "childcare", neighbourhood="5211")
    scenario.site("bso", "out_of_school_care", neighbourhood="5211")
    for number in range(50):
        scenario.site(f"s{number}", "primary", links=[link("kdv"), link("bso")], neighbourhood=f"N{number % 2}")

    for number in range(41):
        together = [f"s{number}"] if number == 40 else [f"s{number}", "kdv", "bso"]
        scenario.delivered(f"a{number}", siteIds=together)
        scenario.confirmed(f"a{number}", f"s{number}")

    strict, loose = scenario.figure("adoption-strict", period=SUMMER), scenario.figure("adoption-loose", period=SUMMER)
    assert strict is not None
    assert loose is not None
    assert (strict.value, strict.numerator, strict.denominator) == ("0.800000", 40, (50, 50))
    assert (loose.value, loose.numerator, loose.denominator) == ("0.820000", 41, (50, 50))
    # 25 schools in each neighbourhood; of the even ones s0, s2 … s38 are strict (20) and s40 is loose (21)
    assert strict_and_loose(scenario, "neighbourhood:N0") == ("0.800000", "0.840000")
    assert strict_and_loose(scenario, "neighbourhood:N1") == ("0.800000", "0.800000")
    assert strict_and_loose(scenario, "site:s40") == ("0.000000", "1.000000")
    assert strict_and_loose(scenario, "site:s41") == ("0.000000", "0.000000")
    assert scenario.figure("adoption-strict", "neighbourhood:5211", period=SUMMER) is None  # no school there


@pytest.mark.parametrize("holder", ["school", "childcare"])
def test_either_side_may_hold_the_link(holder: str) -> None:
    scenario = a_child_centre(holder=holder)

    scenario.delivered("a", siteIds=["school", "kdv", "bso"])
    scenario.confirmed("a")

    assert strict_and_loose(scenario) == ("1.000000", "1.000000")


def test_sites_that_asked_together_make_an_activity_joint() -> None:
    scenario = a_child_centre()

    scenario.raised("r", "2025-09-15T09:00:00.000Z", coSiteIds=["kdv", "bso"])
    scenario.delivered("a", requestId="r")
    scenario.confirmed("a")

    assert strict_and_loose(scenario) == ("1.000000", "1.000000")


def test_a_voided_request_takes_its_joint_sites_with_it() -> None:
    scenario = a_child_centre()

    scenario.raised("r", "2025-09-15T09:00:00.000Z", coSiteIds=["kdv", "bso"])
    scenario.delivered("a", requestId="r")
    scenario.confirmed("a")
    scenario.step("r", "Voided", "2026-01-15T09:00:00.000Z")

    assert strict_and_loose(scenario) == ("0.000000", "1.000000")


def test_a_school_that_is_childcare_itself_is_not_joint_with_itself() -> None:
    scenario = a_scenario("primary", "childcare", "out_of_school_care")

    scenario.delivered("a", confirmedBySites=["school"])

    assert strict_and_loose(scenario) == ("0.000000", "1.000000")


def test_a_request_of_another_programme_lends_no_sites() -> None:
    scenario = a_child_centre()

    scenario.raised("r", "2025-09-15T09:00:00.000Z", coSiteIds=["kdv", "bso"], programme="lea-tilburg")
    scenario.delivered("a", requestId="r", confirmedBySites=["school"])

    assert strict_and_loose(scenario) == ("0.000000", "1.000000")


def test_childcare_in_one_activity_and_bso_in_another_is_not_joint() -> None:
    scenario = a_child_centre()

    for activity, other in (("a", "kdv"), ("b", "bso")):
        scenario.delivered(activity, siteIds=["school", other])
        scenario.confirmed(activity)

    assert strict_and_loose(scenario) == ("0.000000", "1.000000")


@pytest.mark.parametrize(("until", "strict"), [("2025-11-10", "0.000000"), ("2025-11-11", "1.000000")])
def test_a_link_holds_up_to_and_not_including_its_last_day(until: str, strict: str) -> None:
    scenario = Scenario()
    scenario.site("school", "primary", links=[link("kdv", until=until), link("bso")])
    scenario.site("kdv", "childcare")
    scenario.site("bso", "out_of_school_care")

    scenario.delivered("a", on="2025-11-10", siteIds=["school", "kdv", "bso"])
    scenario.confirmed("a")

    assert strict_and_loose(scenario) == (strict, "1.000000")


def test_the_confirmation_must_be_that_very_schools() -> None:
    scenario = a_scenario()
    scenario.site("other")

    scenario.delivered("a", siteIds=["school", "other"], confirmedBySites=["other"])

    assert strict_and_loose(scenario, "site:school")[1] == "0.000000"
    assert strict_and_loose(scenario, "site:other")[1] == "1.000000"
    assert strict_and_loose(scenario)[1] == "0.500000"


def test_a_dispute_is_the_last_word_until_the_school_confirms_again() -> None:
    scenario = a_scenario()

    scenario.delivered("a", confirmedBySites=["school"])
    scenario.disputed("a")
    disputed = strict_and_loose(scenario)[1]
    scenario.confirmed("a")

    assert (disputed, strict_and_loose(scenario)[1]) == ("0.000000", "1.000000")
    assert scenario.value("replaced-share") == "1.000000"  # a dispute counts nowhere else


@pytest.mark.parametrize(
    ("correction", "loose"),
    [
        ({"substitution": "stacks"}, "0.000000"),
        ({"siteIds": ["school", "other"]}, "0.000000"),
        ({"on": "2025-11-11"}, "0.000000"),
        ({"on": "2025-11-10T15:00:00+01:00"}, "1.000000"),  # another hour of the same day
        ({"durationMinutes": 90}, "1.000000"),
    ],
)
def test_a_correction_of_what_was_confirmed_ends_the_confirmation(correction: dict[str, Any], loose: str) -> None:
    scenario = a_scenario()
    scenario.site("other", "childcare")

    scenario.delivered("a")
    scenario.confirmed("a")
    scenario.corrected("a", **correction)

    assert strict_and_loose(scenario)[1] == loose


def test_a_correction_back_does_not_revive_the_confirmation_and_a_new_one_counts() -> None:
    scenario = a_scenario()

    scenario.delivered("a", confirmedBySites=["school"])
    scenario.corrected("a", substitution="stacks")
    scenario.corrected("a", substitution="replaces")
    ended = strict_and_loose(scenario)[1]
    scenario.confirmed("a")

    assert (ended, strict_and_loose(scenario)[1]) == ("0.000000", "1.000000")


def test_a_retracted_activity_leaves_every_figure() -> None:
    scenario = a_scenario()

    scenario.delivered("stays", substitution="stacks")
    scenario.delivered("a", confirmedBySites=["school"])
    scenario.retracted("a")

    assert strict_and_loose(scenario)[1] == "0.000000"
    assert scenario.value("replaced-share") == "0.000000"


@pytest.mark.parametrize(
    ("on", "new_year", "summer"),
    [
        ("2024-12-31", "0.000000", "0.000000"),  # a year before the day is outside
        ("2025-01-01", "1.000000", "0.000000"),
        ("2025-07-31", "1.000000", "0.000000"),
        ("2025-08-01", "1.000000", "1.000000"),
        ("2025-12-31", "1.000000", "1.000000"),
        ("2026-01-01", "0.000000", "1.000000"),
    ],
)
def test_the_window_is_the_year_that_ends_on_the_day(on: str, new_year: str, summer: str) -> None:
    scenario = a_scenario()

    scenario.delivered("opens-the-year", substitution="unknown")
    scenario.delivered("a", on=on, confirmedBySites=["school"])

    assert strict_and_loose(scenario, day=NEW_YEAR)[1] == new_year
    assert strict_and_loose(scenario, day=SUMMER)[1] == summer


@pytest.mark.parametrize("what", ["an activity", "a request"])
def test_adoption_at_a_day_is_there_when_the_year_before_it_had_something(what: str) -> None:
    """Of March: at the end of that calendar year, though the next school year has not begun (ruling 49)."""
    scenario = a_scenario()

    if what == "a request":
        scenario.raised("r", "2026-03-10T09:00:00.000Z")
    else:
        scenario.delivered("a", on="2026-03-10")

    days = ["2025-12-31", "2026-07-31", "2026-12-31", "2027-07-31"]
    there = [day for day in days if scenario.figure("adoption-loose", period=day)]
    assert there == ["2026-07-31", "2026-12-31"]


@pytest.mark.parametrize(
    "unfit", [{"audience": "professionals"}, {"substitution": "unknown"}, {"programme": "lea-tilburg"}]
)
def test_only_replacing_activities_of_the_programme_for_children_qualify(unfit: dict[str, Any]) -> None:
    scenario = a_scenario()

    scenario.delivered("opens-the-year", substitution="unknown")
    scenario.delivered("a", confirmedBySites=["school"], **unfit)

    assert strict_and_loose(scenario)[1] == "0.000000"


def test_the_denominator_is_the_regular_primary_locations_open_on_the_day() -> None:
    scenario = a_scenario("primary", "childcare", "out_of_school_care")  # a child centre is in it
    scenario.site("special", "special")
    scenario.site("special-primary", "primary", "special")
    scenario.site("closes-that-day", "primary", closedOn=SUMMER)
    scenario.site("closes-the-day-after", "primary", closedOn="2026-08-01")
    scenario.site("opens-that-day", "primary", openedOn=SUMMER)
    scenario.site("opens-the-day-after", "primary", openedOn="2026-08-01")
    scenario.site("not-there-yet", "primary", since="2026-08-01")

    scenario.delivered("a")

    loose = scenario.figure("adoption-loose", period=SUMMER)
    assert loose is not None
    assert (loose.numerator, loose.denominator) == (0, (3, 3))
    assert scenario.figure("adoption-loose", "site:closes-that-day", period=SUMMER) is None


def test_a_moved_school_counts_where_it_lies_on_the_day() -> None:
    scenario = a_scenario()
    scenario.site("school", "primary", neighbourhood="5223", since="2026-01-01")

    scenario.delivered("a", confirmedBySites=["school"])

    assert strict_and_loose(scenario, "neighbourhood:5211", NEW_YEAR)[1] == "1.000000"
    assert strict_and_loose(scenario, "neighbourhood:5223", SUMMER)[1] == "1.000000"
    assert scenario.figure("adoption-loose", "neighbourhood:5211", period=SUMMER) is None


def test_declared_is_what_is_in_force_on_the_day() -> None:
    scenario = Scenario()
    for site, programme, since, until in (
        ("ends-that-day", PROGRAMME, "2024-08-01", SUMMER),
        ("ends-later", PROGRAMME, "2024-08-01", "2026-08-01"),
        ("goes-on", PROGRAMME, SUMMER, None),
        ("something-else", "lea-tilburg", "2024-08-01", None),
    ):
        declared = {"programme": programme, "from": since} | ({"to": until} if until else {})
        scenario.site(site, "primary", declaredAdoption=[declared])

    scenario.delivered("a", siteIds=["goes-on"])

    assert scenario.value("adoption-declared", period=SUMMER) == "0.500000"  # 2 of 4
    assert scenario.value("adoption-declared", period=NEW_YEAR) == "0.500000"  # ends-that-day and ends-later
