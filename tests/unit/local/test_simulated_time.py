"""`samenspel time`: one file says what time it is for all services of a stack."""

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contracts.values import AMSTERDAM
from local import StackError
from local.command import commands as stack_commands
from local.simulated_time import SimulatedTime
from local.time_command import commands, later

MORNING = datetime(2025, 10, 3, 7, 12, tzinfo=UTC)
A_MINUTE = timedelta(minutes=1)


def time(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(commands, [*words, "--folder", str(folder)])


def simulated(folder: Path) -> datetime | None:
    return SimulatedTime.of(folder).read()


def test_time_is_real_until_it_is_set_and_when_it_is_made_real(tmp_path: Path) -> None:
    before = time(tmp_path, "show").stdout
    time(tmp_path, "set", "2025-10-03T09:12+02:00")

    assert time(tmp_path, "show").stdout == "Time is simulated: it is 2025-10-03T09:12:00+02:00.\n"
    assert before == time(tmp_path, "real").stdout == time(tmp_path, "show").stdout == "Time is real.\n"
    assert time(tmp_path, "real").exit_code == 0


@pytest.mark.parametrize(
    ("moment", "instant"),
    [
        ("2025-10-03T09:12+02:00", MORNING),
        ("2025-10-03T07:12:00.000Z", MORNING),
        ("2025-10-03", datetime(2025, 10, 2, 22, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 4, 23, tzinfo=UTC)),
    ],
)
def test_time_is_set_to_an_instant_or_to_a_days_midnight_in_amsterdam(
    tmp_path: Path, moment: str, instant: datetime
) -> None:
    assert time(tmp_path / "a stack that never ran", "set", moment).exit_code == 0

    assert simulated(tmp_path / "a stack that never ran") == instant


@pytest.mark.parametrize("moment", ["tomorrow", "2025-10-03T09:12", "2025-02-30", "20251003", "1759482720"])
def test_what_is_no_moment_is_wrong_use_and_sets_nothing(tmp_path: Path, moment: str) -> None:
    assert time(tmp_path, "set", moment).exit_code == 2
    assert simulated(tmp_path) is None


@pytest.mark.parametrize(
    ("duration", "local"),
    [
        ("30m", "2025-10-25T12:30:00+02:00"),
        ("2h", "2025-10-25T14:00:00+02:00"),
        ("24h", "2025-10-26T11:00:00+01:00"),
        ("1d", "2025-10-26T12:00:00+01:00"),
        ("1w", "2025-11-01T12:00:00+01:00"),
    ],
)
def test_days_and_weeks_keep_the_time_of_day_when_summer_time_ends(tmp_path: Path, duration: str, local: str) -> None:
    time(tmp_path, "set", "2025-10-25T12:00+02:00")

    advanced = time(tmp_path, "advance", duration, "--json")

    assert json.loads(advanced.stdout) == {"simulated": local}
    assert simulated(tmp_path) == datetime.fromisoformat(local)


def test_time_is_advanced_from_now_when_it_was_real(tmp_path: Path) -> None:
    time(tmp_path, "advance", "2h")

    advanced = simulated(tmp_path)
    assert advanced
    assert abs(advanced - datetime.now(UTC) - timedelta(hours=2)) < A_MINUTE


@pytest.mark.parametrize("duration", ["3y", "h", "-2h", "1.5d", "999999w"])
def test_what_is_no_duration_is_wrong_use_and_sets_nothing(tmp_path: Path, duration: str) -> None:
    assert time(tmp_path, "advance", duration).exit_code == 2
    assert simulated(tmp_path) is None


def test_a_year_that_no_event_may_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="2000 to 2100"):
        SimulatedTime.of(tmp_path).set(datetime(1999, 1, 1, tzinfo=AMSTERDAM))
    with pytest.raises(StackError, match="2000 to 2100"):
        SimulatedTime.of(tmp_path).set(later(MORNING, "4000w"))

    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named_and_can_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "time").write_text("tomorrow")

    with pytest.raises(StackError, match="does not hold an instant"):
        simulated(tmp_path)
    time(tmp_path, "set", "2025-10-03T09:12+02:00")
    assert simulated(tmp_path) == MORNING


def test_services_that_run_as_another_user_can_read_it_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    SimulatedTime.of(tmp_path).set(MORNING)

    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_a_failure_is_one_sentence(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "samenspel", "time", "set", "1999-01-01", "--folder", str(tmp_path))

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("samenspel: 1999-01-01T00:00:00+01:00 cannot be simulated")


def test_the_status_of_a_stack_shows_it(tmp_path: Path) -> None:
    before = CliRunner().invoke(stack_commands, ["status", "--folder", str(tmp_path)]).stdout
    time(tmp_path, "set", "2025-10-03T09:12+02:00")

    status = CliRunner().invoke(stack_commands, ["status", "--folder", str(tmp_path)])

    assert status.stdout == f"{before}Time is simulated: it is 2025-10-03T09:12:00+02:00.\n"


def test_help_has_an_example() -> None:
    for name in ("show", "set", "advance", "real"):
        assert f"Example: samenspel time {name}" in CliRunner().invoke(commands, [name, "--help"]).stdout
