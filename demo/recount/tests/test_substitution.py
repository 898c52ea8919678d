"""Replaced, stacked, unknown counted by hand (rulings 6, 7, 21, 39)."""

from demo.recount import Counted
from demo.recount.tests.story import Story, a_story


def test_what_replaces_is_divided_by_what_replaces_or_stacks_and_the_unknown_stands_beside() -> None:
    story = a_story()

    for number, (substitution, minutes) in enumerate(
        [("replaces", 60), ("replaces", 30), ("stacks", 45), ("unknown", 120), ("unknown", 15)]
    ):
        story.delivered(f"a{number}", substitution=substitution, durationMinutes=minutes)

    assert story.figure("replaced-share") == Counted(measure="share", value="0.666667", numerator=2, denominator=(3, 3))
    assert story.figure("replaced-share-minutes") == Counted(  # 90 of 135
        measure="share", value="0.666667", numerator=90, denominator=(135, 135)
    )
    assert story.figure("unknown-share") == Counted(measure="share", value="0.400000", numerator=2, denominator=(5, 5))


def test_nothing_to_divide_by_is_not_nothing() -> None:
    story = a_story()

    story.delivered("a", substitution="unknown")

    assert story.figure("replaced-share") == Counted(
        measure="share", numerator=0, denominator=(0, 0), verdict="no_denominator"
    )
    assert story.value("unknown-share") == "1.000000"


def test_the_last_minute_of_july_is_of_the_old_school_year_and_the_first_of_august_of_the_new() -> None:
    story = a_story()

    story.delivered("old", on="2026-07-31T23:59:00+02:00", substitution="replaces")
    story.delivered("new", on="2026-08-01T00:00:00+02:00", substitution="stacks")
    story.delivered("new too, told in another zone", on="2026-07-31T22:30:00+00:00", substitution="stacks")

    old, new = story.figure("replaced-share", period="2025-2026"), story.figure("replaced-share", period="2026-2027")
    assert old is not None
    assert new is not None
    assert (old.numerator, old.denominator) == (1, (1, 1))
    assert (new.numerator, new.denominator) == (0, (2, 2))


def test_each_site_and_each_neighbourhood_counts_an_activity_once_and_so_does_the_city() -> None:
    story = Story()
    story.site("school", "primary", neighbourhood="5211")
    story.site("kdv", "childcare", neighbourhood="5211")
    story.site("bso", "out_of_school_care", neighbourhood="5223")

    story.delivered("a", siteIds=["school", "kdv", "bso"])

    for unit in ("city", "neighbourhood:5211", "neighbourhood:5223", "site:school", "site:kdv", "site:bso"):
        figure = story.figure("replaced-share", unit)
        assert figure is not None
        assert figure.numerator == 1


def test_a_study_day_for_professionals_is_in_no_share() -> None:
    story = a_story()

    story.delivered("a", audience="professionals")

    assert story.figure("replaced-share") is None
    assert story.figure("unknown-share") is None


def test_of_several_sites_the_known_ones_count_and_without_a_known_one_it_counts_nowhere() -> None:
    story = a_story()
    story.site("later", "childcare", since="2026-01-01")

    story.delivered("partly", siteIds=["nobody-knows", "later", "school"])
    story.delivered("not-at-all", siteIds=["nobody-knows", "later"])

    assert story.figure("replaced-share", "site:later") is None
    assert story.figure("replaced-share", "site:nobody-knows") is None
    figure = story.figure("replaced-share")
    assert figure is not None
    assert figure.numerator == 1


def test_an_activity_counts_where_its_newest_body_says() -> None:
    story = a_story()
    story.site("other", neighbourhood="5223")

    story.delivered("a", siteIds=["school"])
    story.corrected("a", siteIds=["other"], substitution="stacks")

    assert story.figure("replaced-share", "site:school") is None
    assert story.value("replaced-share", "neighbourhood:5223") == "0.000000"
