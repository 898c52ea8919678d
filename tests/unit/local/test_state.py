"""What a stack remembers between two starts, and who may work on its folder."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local import StackError
from local.processes import Process
from local.state import State, locked

HOLDER = """
import pathlib, sys, time
from local.state import locked

with locked(pathlib.Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_state_outlives_its_launcher(tmp_path: Path) -> None:
    state = State.of(tmp_path)
    state.record_process("kafka", Process(7, "a boot/1"))
    password = state.password("requests")

    again = State.of(tmp_path)

    assert again.processes == {"kafka": Process(7, "a boot/1")}
    assert again.password("requests") == password


def test_only_its_owner_can_read_the_passwords(tmp_path: Path) -> None:
    State.of(tmp_path).password("requests")

    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", json.dumps({"processes": {}, "unknown": 1})])
def test_a_damaged_state_says_what_to_do(tmp_path: Path, damage: str) -> None:
    (tmp_path / "stack.json").write_text(damage)

    with pytest.raises(StackError, match=r"cannot be read .* remove the folder"):
        State.of(tmp_path)


def test_two_launchers_in_one_folder_exclude_each_other(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StackError, match=f"another samenspel .process {os.getpid()}. is at work"):
        locked(tmp_path).__enter__()

    with locked(tmp_path):
        pass  # the first one has let go


def test_a_lock_names_its_present_holder_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("an earlier holder, with a longer name")
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "locked\n"

    with pytest.raises(StackError, match=rf"another samenspel \(process {holder.pid}\) is at work"):
        locked(tmp_path).__enter__()
    holder.send_signal(signal.SIGKILL)
    holder.communicate()

    with locked(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
