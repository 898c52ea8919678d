"""The only source of the current time."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time in UTC, in whole milliseconds, as events carry it."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    """The instant in UTC, cut to whole milliseconds."""
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
