"""Instants are in UTC and in whole milliseconds, as events carry them."""

from datetime import UTC, datetime, timedelta, timezone

from services.chassis.now import now, to_milliseconds


def test_an_instant_is_cut_to_milliseconds_in_utc() -> None:
    instant = datetime(2025, 10, 3, 11, 12, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))

    assert to_milliseconds(instant) == datetime(2025, 10, 3, 9, 12, 0, 123_000, tzinfo=UTC)
    assert to_milliseconds(instant).tzinfo is UTC


def test_the_current_time_is_such_an_instant() -> None:
    assert (now().tzinfo, now().microsecond % 1_000) == (UTC, 0)
