"""Processes that are found again later, and never mistaken for another."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local import processes
from local.processes import Process
from local.waiting import until

SOON = 10.0  # seconds: far more than a process needs, even on a busy machine
A_WHILE = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); "
DYING_LAUNCHER = """
import dataclasses, json, os, pathlib, sys
from local import processes

def die(process):
    print(json.dumps(dataclasses.asdict(process)), flush=True)
    os.kill(os.getpid(), 9)

folder = pathlib.Path(sys.argv[1])
processes.start(["touch", "it ran"], log=folder / "log", environment=os.environ, folder=folder, record=die)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator["Start"]:
    started = Start(tmp_path)
    yield started
    for process in started.all:
        processes.kill(process)


class Start:
    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.all: list[Process] = []

    def __call__(self, program: str) -> Process:
        return processes.start(
            [sys.executable, "-c", program],
            log=self.log,
            environment=os.environ,
            folder=self.log.parent,
            record=self.all.append,
        )

    def says(self, word: str) -> bool:
        return until(lambda: word in self.log.read_text(), within=SOON, every=0.01)


def test_a_process_is_recorded_before_its_program_runs(tmp_path: Path) -> None:
    trace = tmp_path / "it ran"
    recorded: list[Process] = []

    def refuse(process: Process) -> None:
        recorded.append(process)
        assert not trace.exists()
        raise KeyboardInterrupt  # the launcher dies here

    with pytest.raises(KeyboardInterrupt):
        processes.start(
            ["touch", str(trace)], log=tmp_path / "log", environment=os.environ, folder=tmp_path, record=refuse
        )
    processes.kill(recorded[0])

    assert not trace.exists()


def test_a_launcher_that_dies_before_it_recorded_a_process_leaves_none(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", DYING_LAUNCHER, tmp_path], stdout=subprocess.PIPE, check=False)

    assert killed.returncode == -signal.SIGKILL
    process = Process(**json.loads(killed.stdout))
    assert until(lambda: not processes.is_running(process), within=SOON, every=0.01)
    assert not (tmp_path / "it ran").exists()


def test_a_process_that_ended_is_not_running(start: Start) -> None:
    process = start("raise SystemExit(3)")

    assert until(lambda: not processes.is_running(process), within=SOON, every=0.01)
    assert processes.exit_status(process) == 3


def test_another_process_under_the_same_pid_is_left_alone(start: Start) -> None:
    process = start(A_WHILE)
    former = replace(process, started="an earlier boot/1")

    processes.kill(former)
    processes.stop(former, within=0)

    assert not processes.is_running(former)
    assert processes.is_running(process)


def test_a_process_that_does_not_listen_is_ended_by_force(start: Start) -> None:
    process = start(STUBBORN + A_WHILE)
    assert start.says("deaf")

    went_by_itself = processes.stop(process, within=0.1)

    assert not went_by_itself
    assert not processes.is_running(process)


def test_a_process_that_listens_ends_in_its_own_way(start: Start) -> None:
    process = start(
        "import signal; signal.signal(signal.SIGINT, lambda *_: exit(7)); print('up', flush=True); " + A_WHILE
    )
    assert start.says("up")

    went_by_itself = processes.stop(process, by=signal.SIGINT, within=SOON)

    assert went_by_itself
    assert processes.exit_status(process) == 7


def test_killing_a_process_kills_its_children(start: Start) -> None:
    child = "print('born', flush=True); " + A_WHILE
    parent = start(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
    assert start.says("born")
    family = processes.family(parent)

    processes.kill(parent)

    assert len(family) == 2
    assert until(lambda: not any(map(processes.is_running, family)), within=SOON, every=0.01)


def test_a_process_that_its_parent_does_not_reap_has_ended(start: Start) -> None:
    child = "print('born', flush=True); " + A_WHILE
    parent = start(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); " + A_WHILE)
    assert start.says("born")
    orphan = processes.family(parent)[1]

    went_by_itself = processes.stop(orphan, within=SOON)

    assert went_by_itself
    assert psutil.Process(orphan.pid).status() == psutil.STATUS_ZOMBIE


def test_a_process_runs_until_its_last_thread_has_ended(start: Start) -> None:
    process = start(
        "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); "
        "print('up', flush=True); ctypes.CDLL(None).pthread_exit(None)"
    )
    assert start.says("up")
    first_thread = psutil.Process(process.pid)
    assert until(lambda: first_thread.status() == psutil.STATUS_ZOMBIE, within=SOON, every=0.01)

    assert processes.is_running(process)
    processes.kill(process)
    assert not processes.is_running(process)


def test_a_running_process_tells_its_memory_and_uptime(start: Start) -> None:
    process = start("print('up', flush=True); " + A_WHILE)
    assert start.says("up")

    assert processes.memory(process) > 2**20
    assert 0 <= processes.uptime(process) < 60


def test_a_process_that_ended_has_no_memory_and_no_uptime(start: Start) -> None:
    process = start(A_WHILE)
    processes.kill(process)

    assert processes.memory(process) == 0
    assert processes.uptime(process) == 0
