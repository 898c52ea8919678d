"""Child processes that can be found again later, also by another launcher, and are never mistaken for another.

A process is its pid *and* the moment it started, so a recycled pid is never signalled. A child has a session of its
own (the terminal's Ctrl-C and hang-up do not reach it) and does nothing until it has been recorded: at no moment does
a `kill -9` of the launcher leave a process behind that is written down nowhere.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.waiting import until

PROC = Path("/proc")
START_TICKS = 19  # field of /proc/PID/stat, counted from the one after the name
POLL = 0.02  # seconds: below what a person notices; 50 looks a second cost nothing
AFTER_KILL = 10.0  # seconds: SIGKILL is immediate unless the disk hangs, and then waiting does not help
# The shell waits for a line before it becomes the program, and ends when its launcher dies without writing one.
WHEN_TOLD = ("/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "samenspel")

_children: dict[int, subprocess.Popen[bytes]] = {}  # ours to reap; a leftover has another parent


@dataclass(frozen=True, slots=True)
class Process:
    """One process for as long as it lives, in a form that can be stored.

    `started` is the boot and the clock tick. psutil's own creation time moves when the machine's clock is set.
    """

    pid: int
    started: str


def start(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    record: Callable[[Process], None],
) -> Process:
    """Start a command that appends its output to `log`; it runs only after `record` has returned."""
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
    process = _process(child.pid)
    assert child.stdin
    with suppress(BrokenPipeError), child.stdin as told:  # broken: it died already, which its log tells
        record(process)
        told.write(b"\n")
    return process


def is_running(process: Process) -> bool:
    """Whether exactly this process lives (one that has ended and waits to be reaped does not)."""
    if _find(process):
        return True
    if child := _children.get(process.pid):
        child.poll()  # reaps it
    return False


def exit_status(process: Process) -> int | None:
    """How a child of ours ended; `None` while it runs, and for a process that was not our child."""
    child = _children.get(process.pid)
    return child.poll() if child else None


def stop(process: Process, *, by: signal.Signals = signal.SIGTERM, within: float) -> bool:
    """Signal the process, and kill it after `within` seconds; true when it ended by itself."""
    _signal(process, by)
    # psutil's own wait would take a zombie for a living process until its parent reaps it, which some never do.
    if until(lambda: not is_running(process), within=within, every=POLL):
        return True
    kill(process)
    return False


def kill(process: Process) -> None:
    for member in family(process):
        _signal(member, signal.SIGKILL)
    until(lambda: not is_running(process), within=AFTER_KILL, every=POLL)


def family(process: Process) -> list[Process]:
    found = _find(process)
    if not found:
        return []
    members = [process]
    for child in _descendants(found):
        with suppress(OSError):  # it ended meanwhile
            members.append(_process(child.pid))
    return members


def memory(process: Process) -> int:
    """Resident bytes of the process and its descendants; what they share counts once (PSS)."""
    found = _find(process)
    return sum(_proportional(member) for member in (found, *_descendants(found))) if found else 0


def uptime(process: Process) -> float:
    """Seconds since the process started; 0 when it does not run."""
    found = _find(process)
    return time.time() - found.create_time() if found else 0.0


def _process(pid: int) -> Process:
    fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()  # ticks alone would repeat after a reboot
    return Process(pid, f"{boot}/{fields[START_TICKS]}")


def _find(process: Process) -> psutil.Process | None:
    """A handle on exactly this process while it lives; psutil signals no other process by it either."""
    try:
        found = psutil.Process(process.pid)
        return found if _process(process.pid) == process and not _has_ended(found) else None
    except (psutil.NoSuchProcess, OSError):
        return None


def _has_ended(found: psutil.Process) -> bool:
    """Java's first thread ends before the others: a zombie with threads still holds its files and ports."""
    status = found.status()
    return status == psutil.STATUS_DEAD or (status == psutil.STATUS_ZOMBIE and found.num_threads() <= 1)


def _descendants(found: psutil.Process) -> list[psutil.Process]:
    try:
        return found.children(recursive=True)
    except psutil.Error:  # it ended meanwhile, or this machine hides the processes of other users
        return []


def _signal(process: Process, number: signal.Signals) -> None:
    if found := _find(process):
        with suppress(psutil.NoSuchProcess):
            found.send_signal(number)


def _proportional(found: psutil.Process) -> int:
    try:
        return int(found.memory_full_info().pss)
    except psutil.AccessDenied:  # the shares of another user's process may not be read: all that it sees
        return int(found.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
