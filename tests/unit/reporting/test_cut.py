"""When a cut is due, and what it says of the topics that it knew."""

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.metrics import CutTaken, Offsets
from contracts.topics import INPUTS, PARTITIONS
from services.reporting import rebuild
from services.reporting.cut import is_new_day, vector_of

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "is_due"),
    [(DAY + timedelta(days=1), True), (DAY, False), (DAY - timedelta(days=1), False), (date(2025, 8, 1), False)],
)
def test_without_news_a_cut_is_due_on_a_later_day_only(day: date, is_due: bool) -> None:
    assert is_new_day(DAY, day) == is_due


def test_before_the_first_cut_no_day_is_a_new_one() -> None:
    assert not is_new_day(None, DAY)


def test_a_cut_says_which_topics_were_made_again_and_what_it_knew_of_them() -> None:
    places = {(topic, partition): 3 for topic in INPUTS for partition in range(PARTITIONS)}
    taken = a_cut(vector_of(places, {INPUTS[0]: 2}))

    assert [each.incarnation for each in taken.vector] == [2, *[None] * (len(INPUTS) - 1)]
    assert rebuild.vector_of(taken)[INPUTS[0], 0] == (2, 3)
    assert rebuild.vector_of(taken)[INPUTS[1], 0] == (1, 3)


def test_a_cut_of_topics_that_are_no_more_cannot_be_recomputed() -> None:
    taken = a_cut(vector_of({(topic, partition): 0 for topic in INPUTS for partition in range(PARTITIONS)}, {}))

    assert rebuild.why_it_cannot_be_recomputed(taken, 1, {INPUTS[0]: 1}) is None
    assert INPUTS[0] in (rebuild.why_it_cannot_be_recomputed(taken, 1, {INPUTS[0]: 2}) or "")
    assert rebuild.why_it_cannot_be_recomputed(None, 0, {}) is None
    assert "republish reporting" in (rebuild.why_it_cannot_be_recomputed(None, 1, {}) or "")


def a_cut(vector: tuple[Offsets, ...]) -> CutTaken:
    return CutTaken(cut_id=1, vector=vector, day=DAY, known_at=AT, figure_count=0)
