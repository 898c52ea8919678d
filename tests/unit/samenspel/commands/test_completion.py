"""A shell that asks is told which words may follow."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell: str) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "samenspel", "completion", shell), capture_output=True, text=True, check=True
    )

    assert "_SAMENSPEL_COMPLETE" in done.stdout


def test_words_are_completed() -> None:
    asked = {"_SAMENSPEL_COMPLETE": "complete_bash", "COMP_WORDS": "samenspel figures e", "COMP_CWORD": "2"}

    code = "import sys; sys.argv[0] = 'samenspel'; from samenspel.command import main; main()"
    done = subprocess.run(
        (sys.executable, "-c", code), env=os.environ | asked, capture_output=True, text=True, check=False
    )

    assert done.stdout.split() == ["export", "explain"]
