"""Replaced, stacked, unknown counted by hand (rulings 6, 7, 21, 39)."""

from demo.recount import Counted
from demo.recount.tests.scenario import Scenario, a_scenario


def share(numerator: int, *, of: int, value: str) -> Counted:
    return Counted(measure="share", value=value, numerator=numerator, denominator=(of, of))


def test_what_replaces_is_divided_by_what_replaces_or_stacks_and_the_unknown_is_a_figure_of_its_own() -> None:
    scenario = a_scenario()

    sessions = [("replaces", 60), ("replaces", 30), ("stacks", 45), ("unknown", 120), ("unknown", 15)]
    for number, (substitution, minutes) in enumerate(sessions):
        scenario.delivered(f"a{number}", substitution=substitution, durationMinutes=minutes)

    assert scenario.figure("replaced-share") == share(2, of=3, value="0.666667")
    assert scenario.figure("replaced-share-minutes") == share(90, of=135, value="0.666667")
    assert scenario.figure("unknown-share") == share(2, of=5, value="0.400000")


def test_a_share_of_nothing_is_not_a_share_of_zero() -> None:
    scenario = a_scenario()

    scenario.delivered("a", substitution="unknown")

    nothing = Counted(measure="share", numerator=0, denominator=(0, 0), verdict="no_denominator")
    assert scenario.figure("replaced-share") == nothing
    assert scenario.value("unknown-share") == "1.000000"


def test_the_last_minute_of_july_is_of_the_old_school_year_and_the_first_of_august_of_the_new() -> None:
    scenario = a_scenario()

    scenario.delivered("old", on="2026-07-31T23:59:00+02:00", substitution="replaces")
    scenario.delivered("new", on="2026-08-01T00:00:00+02:00", substitution="stacks")
    scenario.delivered("new too, in another zone", on="2026-07-31T22:30:00+00:00", substitution="stacks")

    old, new = (
        scenario.figure("replaced-share", period="2025-2026"),
        scenario.figure("replaced-share", period="2026-2027"),
    )
    assert old is not None
    assert new is not None
    assert (old.numerator, old.denominator) == (1, (1, 1))
    assert (new.numerator, new.denominator) == (0, (2, 2))


def test_each_site_and_each_neighbourhood_counts_an_activity_once_and_so_does_the_city() -> None:
    scenario = Scenario()
    scenario.site("school", "primary", neighbourhood="5211")
    scenario.site("kdv", "childcare", neighbourhood="5211")
    scenario.site("bso", "out_of_school_care", neighbourhood="5223")

    scenario.delivered("a", siteIds=["school", "kdv", "bso"])

    for unit in ("city", "neighbourhood:5211", "neighbourhood:5223", "site:school", "site:kdv", "site:bso"):
        figure = scenario.figure("replaced-share", unit)
        assert figure is not None
        assert figure.numerator == 1


def test_a_study_day_for_professionals_is_in_no_share() -> None:
    scenario = a_scenario()

    scenario.delivered("a", audience="professionals")

    assert scenario.figure("replaced-share") is None
    assert scenario.figure("unknown-share") is None


def test_of_several_sites_the_known_ones_count_and_without_a_known_one_it_counts_nowhere() -> None:
    scenario = a_scenario()
    scenario.site("later", "childcare", since="2026-01-01")

    scenario.delivered("partly", siteIds=["unknown", "later", "school"])
    scenario.delivered("not-at-all", siteIds=["unknown", "later"])

    assert scenario.figure("replaced-share", "site:later") is None
    assert scenario.figure("replaced-share", "site:unknown") is None
    figure = scenario.figure("replaced-share")
    assert figure is not None
    assert figure.numerator == 1


def test_an_activity_counts_where_its_newest_body_says() -> None:
    scenario = a_scenario()
    scenario.site("other", neighbourhood="5223")

    scenario.delivered("a", siteIds=["school"])
    scenario.corrected("a", siteIds=["other"], substitution="stacks")

    assert scenario.figure("replaced-share", "site:school") is None
    assert scenario.value("replaced-share", "neighbourhood:5223") == "0.000000"
