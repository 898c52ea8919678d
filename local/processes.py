"""Child processes that are known again later, and never mistaken for another.

A process is its pid *and* the moment it started, so a recycled pid is never signalled. A child has a session
of its own (the terminal's Ctrl-C and hang-up do not reach it) and does nothing until it has been noted: there is
no moment in which a `kill -9` of the launcher leaves something behind that is written down nowhere.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PARENT, THREADS, STARTED = 1, 17, 19  # fields of /proc/PID/stat, counted from the state on
POLL = 0.02  # seconds: below what a person notices; 50 looks a second cost nothing
AFTER_KILL = 10.0  # seconds: SIGKILL is immediate unless the disk hangs, and then waiting does not help
# The shell waits for a line before it becomes the program, and ends when its launcher dies without a word.
WHEN_TOLD = ("/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "samenspel")

_children: dict[int, subprocess.Popen[bytes]] = {}  # ours to reap; a leftover's parent is someone else


@dataclass(frozen=True, slots=True)
class Process:
    """One process for as long as it lives; another one under the same pid is not it."""

    pid: int
    started: str


def start(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    note: Callable[[Process], None],
) -> Process:
    """Start a command that appends its output to `log`; it runs only once `note` has kept who it is."""
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603  # commands of the stack itself, never of a user
            [*WHEN_TOLD, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
    _children[child.pid] = child
    process = Process(child.pid, _birth(child.pid) or "")
    assert child.stdin
    with suppress(BrokenPipeError), child.stdin as told:  # broken: it died already, which its log tells
        note(process)
        told.write(b"\n")
    return process


def is_running(process: Process) -> bool:
    """Whether exactly this process lives (one that has ended and waits to be reaped does not)."""
    if _birth(process.pid) == process.started:
        return True
    if child := _children.get(process.pid):
        child.poll()  # lets the kernel forget it
    return False


def exit_status(process: Process) -> int | None:
    """How a child of ours ended; `None` while it runs, and for a process that was not our child."""
    child = _children.get(process.pid)
    return child.poll() if child else None


def stop(process: Process, *, by: signal.Signals = signal.SIGTERM, within: float) -> bool:
    """End it as it likes to be ended, or by force after `within` seconds; true when it went by itself."""
    _signal(process, by)
    if _gone(process, within):
        return True
    kill(process)
    return False


def kill(process: Process) -> None:
    """SIGKILL to it and to all its descendants, and wait until it is gone."""
    descendants = family(process)[1:]
    _signal(process, signal.SIGKILL)
    for descendant in descendants:
        _signal(descendant, signal.SIGKILL)
    _gone(process, AFTER_KILL)


def family(process: Process) -> list[Process]:
    """The process and its descendants, or nothing when it does not run."""
    if not is_running(process):
        return []
    parents = {int(entry.name): _parent(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit()}
    members = [process.pid]
    for member in members:  # grows while it is walked: children follow their parents
        members += [pid for pid, parent in parents.items() if parent == member]
    return [process] + [Process(pid, birth) for pid in members[1:] if (birth := _birth(pid))]


def memory(process: Process) -> int:
    """Resident bytes of the process and its descendants; what they share counts once (PSS)."""
    return sum(_proportional(member.pid) for member in family(process))


def age(process: Process) -> float:
    """Seconds since it started."""
    ticks = int(process.started.rpartition("/")[2])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _gone(process: Process, within: float) -> bool:
    deadline = time.monotonic() + within
    while is_running(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def _signal(process: Process, signal_: signal.Signals) -> None:
    if is_running(process):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal_)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name (which may hold spaces), or nothing when there is no such process."""
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _birth(pid: int) -> str | None:
    """Boot and clock tick at which a living process started; ticks alone would repeat after a reboot.

    Java's first thread ends before the others: a zombie with threads still holds its files and ports.
    """
    fields = _stat(pid)
    if not fields or fields[0] == "X" or (fields[0] == "Z" and int(fields[THREADS]) <= 1):
        return None
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{fields[STARTED]}"


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[PARENT]) if fields else None


def _proportional(pid: int) -> int:
    """What it holds of the memory; all that it sees where another user's share may not be read."""
    folder = PROC / str(pid)
    with suppress(PermissionError, FileNotFoundError, ProcessLookupError):
        lines = (folder / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    with suppress(FileNotFoundError, ProcessLookupError):
        return int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
