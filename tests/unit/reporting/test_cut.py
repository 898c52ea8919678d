"""When a cut is due, and where cuts go on after a loss: time only goes forward in them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.metrics import CutTaken
from contracts.topics import INPUTS, PARTITIONS
from services.reporting import rebuild
from services.reporting.cut import Figures, vector_of
from services.reporting.rebuild import History

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "is_due"),
    [(DAY + timedelta(days=1), True), (DAY, False), (DAY - timedelta(days=1), False), (date(2025, 8, 1), False)],
)
def test_without_news_a_cut_is_due_on_a_later_day_only(day: date, is_due: bool) -> None:
    figures = Figures(last_cut=1, last_known_at=AT, last_day=DAY)

    assert figures.is_due(day) == is_due


def test_before_the_first_cut_no_day_is_a_new_one() -> None:
    assert not Figures().is_due(DAY)


def test_after_a_loss_cuts_go_on_from_the_newest_one_and_its_day() -> None:
    nothing_read = vector_of({(topic, partition): 0 for topic in INPUTS for partition in range(PARTITIONS)})
    cuts = {
        number: CutTaken(
            cut_id=number, vector=nothing_read, day=DAY, known_at=AT + timedelta(milliseconds=number), figure_count=0
        )
        for number in (1, 2)
    }

    assert rebuild.continue_from(History(cuts=cuts), {}) == (2, AT + timedelta(milliseconds=2), DAY)
    assert rebuild.continue_from(History(), {}) == (0, None, None)
