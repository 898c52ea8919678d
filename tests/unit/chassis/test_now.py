"""One source of the current time: instants in UTC and in whole milliseconds, real or simulated by a file."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from services.chassis.now import UnreadableTime, follow, now, to_milliseconds

A_MINUTE = timedelta(minutes=1)


def test_an_instant_is_cut_to_milliseconds_in_utc() -> None:
    instant = datetime(2025, 10, 3, 11, 12, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))

    assert to_milliseconds(instant) == datetime(2025, 10, 3, 9, 12, 0, 123_000, tzinfo=UTC)
    assert to_milliseconds(instant).tzinfo is UTC


def test_the_current_time_is_such_an_instant() -> None:
    assert (now().tzinfo, now().microsecond % 1_000) == (UTC, 0)


def test_time_stands_still_at_the_instant_in_the_file_until_another_is_written(time_file: Path) -> None:
    time_file.write_text("2025-10-03T11:12:00.123987+02:00\n")
    first = [now(), now()]
    time_file.write_text("2025-10-03T09:12:00.124Z\n")  # as long as the first

    assert first == [datetime(2025, 10, 3, 9, 12, 0, 123_000, tzinfo=UTC)] * 2
    assert (now(), now().tzinfo) == (datetime(2025, 10, 3, 9, 12, 0, 124_000, tzinfo=UTC), UTC)


@pytest.mark.parametrize("content", ["", "\n"])
def test_with_an_empty_file_time_is_real(time_file: Path, content: str) -> None:
    time_file.write_text(content)

    assert abs(now() - datetime.now(UTC)) < A_MINUTE


def test_time_is_real_again_when_the_file_is_gone(time_file: Path) -> None:
    time_file.write_text("2025-10-03T09:12:00Z")
    simulated = now()
    time_file.unlink()

    assert simulated.year == 2025
    assert abs(now() - datetime.now(UTC)) < A_MINUTE


@pytest.mark.parametrize("content", [b"tomorrow", b"2025-10-03", b"2025-10-03T09:12:00", b"1759482720", b"\xff"])
def test_a_file_without_an_instant_is_never_taken_for_the_real_time(time_file: Path, content: bytes) -> None:
    time_file.write_bytes(content)

    with pytest.raises(UnreadableTime, match="allowed: no file, an empty file, or an instant such as"):
        now()
    with pytest.raises(UnreadableTime, match=f"names {time_file}"):
        follow(time_file)


def test_a_folder_is_not_a_file_of_the_time(time_file: Path) -> None:
    time_file.mkdir()

    with pytest.raises(UnreadableTime, match="Is a directory"):
        now()
