"""The parts of one folder (Kafka, PostgreSQL, services): started, waited for and ended by their names.

A part has one name for its process, its port, its folder and its log. Nothing runs here that is not noted first.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import processes
from local.failure import StackError
from local.processes import Process
from local.state import State
from local.waiting import until

POLL = 0.05  # seconds between two looks whether a part is ready
TAIL = 12  # lines of a log: enough to hold the cause, few enough to be read
# What Kafka and PostgreSQL see of the caller's environment: options that were meant for others stay outside.
BARE = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Parts:
    """The processes of one folder, by name."""

    folder: Path
    state: State

    def room(self, name: str) -> Path:
        """The part's own folder."""
        room = self.folder / name
        room.mkdir(exist_ok=True)
        return room

    def log(self, name: str) -> Path:
        """Where the part writes what it has to say."""
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        return logs / f"{name}.log"

    def process(self, name: str) -> Process | None:
        """The part's process, while it runs."""
        process = self.state.processes.get(name)
        return process if process and processes.is_running(process) else None

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] = BARE,
        folder: Path | None = None,
    ) -> None:
        """Start the part, unless it runs."""
        if self.process(name):
            return
        processes.start(
            command,
            log=self.log(name),
            environment=environment,
            folder=folder or self.room(name),
            note=lambda process: self.state.note_process(name, process),
        )

    def await_ready(self, name: str, ready: Callable[[], bool], *, within: float) -> None:
        """Return when the part is ready; say why when it died or takes too long."""
        came = until(lambda: not self.process(name) or ready(), within=within, every=POLL)
        if not self.process(name):
            raise StackError(f"{name} ended while it started. {self.last_words(name)}")
        if not came:
            raise StackError(f"{name} was not ready after {within:.0f} seconds. {self.last_words(name)}")

    def finish(self, name: str, command: Sequence[str], *, folder: Path, within: float) -> None:
        """Run a command to its end, which must be a good one."""
        self.start(name, command, folder=folder)
        process = self.state.processes[name]
        ended = until(lambda: not processes.is_running(process), within=within, every=POLL)
        status = processes.exit_status(process) if ended else None
        self.stop(name, within=0)
        if status != 0:
            how = f"failed (status {status})" if ended else f"took longer than {within:.0f} seconds"
            raise StackError(f"{name} {how}. {self.last_words(name)}")

    def stop(self, name: str, *, by: signal.Signals = signal.SIGTERM, within: float) -> None:
        """End the part, by force when it does not end within so many seconds."""
        if process := self.process(name):
            processes.stop(process, by=by, within=within)
        self.state.note_process(name, None)

    def kill(self, name: str) -> None:
        """End the part with all its children at once, without a word."""
        if process := self.process(name):
            processes.kill(process)
        self.state.note_process(name, None)

    def last_words(self, name: str) -> str:
        """The end of the part's log, for a message."""
        log = self.log(name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"Its log, {log}, ends with:", *lines[-TAIL:]])
