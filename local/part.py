"""A part of the stack (Kafka, PostgreSQL, a service): started, awaited and ended.

One name stands for its process, its port, its folder and its log. No process runs here that is not recorded first.
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
MINIMAL_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Part:
    name: str
    stack_folder: Path
    state: State

    @property
    def port(self) -> int:
        return self.state.ports[self.name]

    @property
    def folder(self) -> Path:
        folder = self.stack_folder / self.name
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def log(self) -> Path:
        logs = self.stack_folder / "logs"
        logs.mkdir(exist_ok=True)
        return logs / f"{self.name}.log"

    @property
    def process(self) -> Process | None:
        process = self.state.processes.get(self.name)
        return process if process and processes.is_running(process) else None

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] = MINIMAL_ENVIRONMENT,
        folder: Path | None = None,
    ) -> None:
        if self.process:
            return
        processes.start(
            command,
            log=self.log,
            environment=environment,
            folder=folder or self.folder,
            record=lambda process: self.state.record_process(self.name, process),
        )

    def await_ready(self, is_ready: Callable[[], bool], *, within: float) -> None:
        """Return when the part is ready; fail with the end of its log when it died or takes too long."""
        in_time = until(lambda: not self.process or is_ready(), within=within, every=POLL)
        if not self.process:
            raise StackError(f"{self.name} ended while it started. {self._end_of_log()}")
        if not in_time:
            raise StackError(f"{self.name} was not ready after {within:.0f} seconds. {self._end_of_log()}")

    def run_to_end(self, command: Sequence[str], *, folder: Path, within: float) -> None:
        """Run a command that ends by itself; fail with the end of its log unless it ends with 0 in time."""
        self.start(command, folder=folder)
        process = self.state.processes[self.name]
        ended = until(lambda: not processes.is_running(process), within=within, every=POLL)
        status = processes.exit_status(process) if ended else None
        self.stop(within=0)
        if status != 0:
            how = f"failed (status {status})" if ended else f"took longer than {within:.0f} seconds"
            raise StackError(f"{self.name} {how}. {self._end_of_log()}")

    def stop(self, *, by: signal.Signals = signal.SIGTERM, within: float) -> None:
        if process := self.process:
            processes.stop(process, by=by, within=within)
        self.state.record_process(self.name, None)

    def kill(self) -> None:
        if process := self.process:
            processes.kill(process)
        self.state.record_process(self.name, None)

    def _end_of_log(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"Its log, {self.log}, ends with:", *lines[-TAIL:]])
