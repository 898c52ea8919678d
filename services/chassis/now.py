"""The one place where time comes from."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, in UTC, to the millisecond (what the wire carries)."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    """The instant in UTC, cut to whole milliseconds."""
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
