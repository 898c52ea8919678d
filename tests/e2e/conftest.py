"""Services that have seen a small demo, and the command that finds them: once for all of this folder."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from local import FOLDER, Stack

DEADLINE = 180.0
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="package")
def running() -> Iterator[Stack]:
    with Stack.started(FOLDER / "commands", services=True, fresh=True) as stack:
        yield stack


@pytest.fixture(scope="package")
def samenspel(running: Stack) -> Command:
    """The command; it finds the services by its environment, and has seen a small demo."""
    environment = os.environ | {"SAMENSPEL_KAFKA": running.kafka, "COLUMNS": "200"}
    environment |= {f"SAMENSPEL_{name.upper()}": running.service_url(name) for name in running.services}
    environment["SAMENSPEL_DEVELOPMENT_TIME"] = str(running.time.file)

    def run(*words: str, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        command = (sys.executable, "-m", "samenspel", *words)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == expect, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done

    run("demo", "--against-running", "--json", "--activities", "45", "--seed", "5")
    return run
