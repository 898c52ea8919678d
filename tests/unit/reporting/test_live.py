"""What a page says of its age."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from services.chassis.now import now
from services.chassis.running.database import Database, Reader
from services.chassis.running.health import Health
from services.chassis.running.service import Service
from services.chassis.running.settings import read_settings
from services.reporting.page.live import stand_of


class NewestCut:
    """PostgreSQL, with one cut."""

    def __init__(self, known_at: datetime) -> None:
        self.row = {"cut_id": 7, "known_at": known_at, "uncounted": 0, "anew_since": None, "behind": 0}

    async def fetchrow(self, _: str) -> dict[str, Any]:
        return self.row


@pytest.mark.parametrize(
    ("age", "hours"),
    [
        (timedelta(minutes=59), 0),
        (timedelta(minutes=61), 1),
        (timedelta(hours=50), 50),
        (timedelta(seconds=-1), 0),  # the clock of who took the cut is ahead of ours
        (timedelta(hours=-3), 0),
    ],
)
async def test_figures_are_as_many_hours_old_as_have_passed_and_never_less_than_none(
    age: timedelta, hours: int
) -> None:
    settings = read_settings("reporting", 8003, {"SAMENSPEL_DATABASE_URL": "postgresql://127.0.0.1/reporting"})
    service = Service(settings, cast("Database", None), Health())

    stand = await stand_of(cast("Reader", NewestCut(now() - age)), service)

    assert stand is not None
    assert stand.hours == hours
