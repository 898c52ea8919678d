"""The days of the simulated school year: when schools are open, and moments within a working day.

The holidays are those of schools in the south of the Netherlands: so nobody in the plan is slower than the clocks of
the services allow.
"""

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from contracts.values import AMSTERDAM

SCHOOL_YEAR = "2025-2026"
FIRST_DAY = date(2025, 8, 1)
LAST_DAY = date(2026, 7, 31)
FIRST_LESSON = date(2025, 8, 25)
LAST_LESSON = date(2026, 7, 10)
HOLIDAYS = (
    (date(2025, 10, 11), date(2025, 10, 19)),
    (date(2025, 12, 20), date(2026, 1, 4)),
    (date(2026, 2, 14), date(2026, 2, 22)),
    (date(2026, 4, 25), date(2026, 5, 3)),
)
SATURDAY = 5
OPENS, CLOSES = 8, 17  # the hours of offices
PARTS_OF_DAY = (12 * 60, CLOSES * 60, 24 * 60 - 1)  # minutes after midnight at which morning, afternoon and evening end


def is_holiday(day: date) -> bool:
    return not FIRST_LESSON <= day <= LAST_LESSON or any(first <= day <= last for first, last in HOLIDAYS)


def is_working_day(day: date) -> bool:
    return day.weekday() < SATURDAY and not is_holiday(day)


def working_days(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if is_working_day(day)]


def later(moment: datetime, days: int, rng: Random) -> datetime:
    """A moment in office hours, so many working days later; 0 is later on the same day."""
    local = moment.astimezone(AMSTERDAM)
    if days == 0:
        return moment + timedelta(minutes=rng.randint(10, 90))
    day = local.date()
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day) or day > LAST_LESSON  # offices work on when lessons have ended
    return moment_on(day, rng)


def moment_on(day: date, rng: Random) -> datetime:
    minutes = rng.randrange(OPENS * 60, CLOSES * 60)
    return at(day, minutes).astimezone(UTC)


def end_of_part(moment: datetime) -> datetime:
    """The end of the part of the day, in Amsterdam, that the moment is in; in UTC."""
    local = moment.astimezone(AMSTERDAM)
    part = next(end for end in PARTS_OF_DAY if local.hour * 60 + local.minute <= end)
    return at(local.date(), part).astimezone(UTC)


def at(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time(minutes // 60, minutes % 60), AMSTERDAM)
