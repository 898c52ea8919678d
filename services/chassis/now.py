"""The only source of the current time: the real time, or on a development stack the simulated time.

Simulated time is one instant in a file, where time stands still until another instant is written. All services of a
stack follow the same file, so they are always at the same moment.

Guarantee: a file that holds anything but one instant never counts as the real time: the service does not start. One
that runs does nothing any more: a command is answered with 500, and the first message, cut or look for a new day ends
it with a sentence.
"""

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from contracts.values import Instant

_instant: TypeAdapter[datetime] = TypeAdapter(Instant)
_followed: Path | None = None


class UnreadableTime(Exception):
    """The file of the simulated time cannot be read, or holds something else than one instant."""


def follow(file: Path | None) -> None:
    """Take the current time from this file from now on (none: the real time); raises `UnreadableTime`."""
    global _followed  # noqa: PLW0603 - a process has one current time
    _followed = file
    now()


def now() -> datetime:
    """The current time in UTC, in whole milliseconds, as events carry it; raises `UnreadableTime`."""
    simulated = _simulated(_followed) if _followed else None
    return simulated or to_milliseconds(datetime.now(UTC))


def to_milliseconds(instant: datetime) -> datetime:
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _simulated(file: Path) -> datetime | None:
    """The instant in the file; None when it is empty or not there.

    It is read every time (0.1 ms at most): its modification time is too coarse to tell two writes apart.
    """
    try:
        return _parsed(file.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = str(error.errors()[0]["input"]) if isinstance(error, ValidationError) else str(error)
        raise UnreadableTime(
            f"SAMENSPEL_DEVELOPMENT_TIME names {file}, which does not hold the time ({why}); allowed: no file, an empty"
            " file, or an instant such as 2025-10-03T07:12:00Z"
        ) from error


@lru_cache(maxsize=1)
def _parsed(text: str) -> datetime | None:
    return _instant.validate_python(text) if text else None
