"""`samenspel clients` is used rightly, or ends with 2 and says how."""

import pytest
from typer.testing import CliRunner

from samenspel.command import app

RUNNER = CliRunner()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "planning"], "--as"),
        (["add", "planning", "--as", "partner"], "is no ROLE@ORGANISATION"),
        (["add", "planning", "--as", "@own:atelier"], "is no ROLE@ORGANISATION"),
        (["add", "Planning", "--as", "partner@own:atelier"], "lower-case"),
        (["add", "a" * 41, "--as", "partner@own:atelier"], "at most"),
        (["remove", "planning.v1"], "lower-case"),
    ],
)
def test_wrong_use_ends_with_2_before_anything_is_made(words: list[str], said: str) -> None:
    ended = RUNNER.invoke(app, ["clients", *words], env={"COLUMNS": "300"})

    assert ended.exit_code == 2
    assert said in ended.output


@pytest.mark.parametrize("name", ["add", "list", "remove"])
def test_its_help_has_an_example(name: str) -> None:
    ended = RUNNER.invoke(app, ["clients", name, "--help"], env={"COLUMNS": "300"})

    assert ended.exit_code == 0
    assert f"Example: samenspel clients {name}" in ended.output
