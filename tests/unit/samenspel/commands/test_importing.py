"""What `samenspel import duo` wants to know before it asks any service."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from samenspel.command import app

EXCERPT = Path(__file__).parents[4] / "programmes" / "kansen-voor-kinderen" / "duo"
WORDS = ("import", "duo", str(EXCERPT), "--municipality", "'s-Hertogenbosch")


@pytest.mark.parametrize(
    ("reference_date", "why"),
    [
        ((), "Missing option '--reference-date'"),
        (("--reference-date", "2099-10-01"), "still to come"),
        (("--reference-date", "2024-10-01"), "pupils of 2025"),
        (("--reference-date", "1 October 2025"), "does not match the format"),
    ],
)
def test_the_day_that_the_files_are_about_is_said_and_possible(reference_date: tuple[str, ...], why: str) -> None:
    done = CliRunner().invoke(app, [*WORDS, *reference_date], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})

    assert done.exit_code == 2
    assert why in done.output
