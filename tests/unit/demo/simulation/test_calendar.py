"""The days and moments of the simulated year."""

from datetime import UTC, date, datetime

import pytest

from demo.simulation.calendar import at, end_of_part

IN_SUMMER, IN_WINTER = date(2025, 10, 3), date(2026, 1, 8)


@pytest.mark.parametrize(
    ("minutes", "end"),
    [(0, 12 * 60), (9 * 60 + 12, 12 * 60), (12 * 60, 12 * 60), (12 * 60 + 1, 17 * 60), (17 * 60 + 1, 23 * 60 + 59)],
)
@pytest.mark.parametrize("day", [IN_SUMMER, IN_WINTER])
def test_a_part_of_a_day_ends_on_that_day_in_amsterdam(day: date, minutes: int, end: int) -> None:
    assert end_of_part(at(day, minutes)) == at(day, end)
    assert end_of_part(at(day, minutes).astimezone(UTC)) == at(day, end)


def test_no_moment_of_a_day_is_without_a_part() -> None:
    last = datetime(2025, 10, 3, 21, 59, 59, 999_999, tzinfo=UTC)

    assert end_of_part(last) == at(IN_SUMMER, 23 * 60 + 59)
