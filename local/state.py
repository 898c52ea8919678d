"""What the stack of one folder remembers between two starts, `stack.json`, and the lock on that folder.

The file is replaced as a whole, so a crash leaves the old one or the new one. Only its owner can read it: it
holds passwords.
"""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import RLock

from filelock import FileLock, Timeout

from local.failure import StackError
from local.processes import Process

PASSWORD_BYTES = 18  # 144 bits, as 24 characters that need no escaping in a URL


def _cluster_id() -> str:
    """16 bytes; the zero keeps it from starting with a dash, which would look like an option."""
    return urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")


@dataclass
class State:
    """Processes, ports and passwords of one folder; what is recorded here is on disk before it is used."""

    file: Path
    kept: bool = False  # by `samenspel up`: its processes are wanted, not left behind
    processes: dict[str, Process] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    cluster: str = field(default_factory=_cluster_id)
    """Kafka's id, the same for each node."""
    _change: RLock = field(default_factory=RLock)  # Kafka and PostgreSQL start at the same time

    @classmethod
    def of(cls, folder: Path) -> "State":
        file = folder / "stack.json"
        try:
            left = json.loads(file.read_bytes())
            processes = {name: Process(**process) for name, process in left.pop("processes").items()}
            return cls(file, processes=processes, **left)
        except FileNotFoundError:
            return cls(file)
        except (ValueError, TypeError, LookupError, AttributeError) as damage:
            raise StackError(f"{file} cannot be read ({damage}): remove the folder {folder}") from damage

    def record_process(self, name: str, process: Process | None) -> None:
        with self._change:
            if process:
                self.processes[name] = process
            else:
                self.processes.pop(name, None)
            self.save()

    def password(self, role: str) -> str:
        with self._change:
            if role not in self.passwords:
                self.passwords[role] = secrets.token_urlsafe(PASSWORD_BYTES)
                self.save()
            return self.passwords[role]

    def save(self) -> None:
        with self._change:
            content = {
                "kept": self.kept,
                "processes": {name: asdict(process) for name, process in self.processes.items()},
                "ports": self.ports,
                "passwords": self.passwords,
                "cluster": self.cluster,
            }
            new = self.file.with_suffix(".new")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
                json.dump(content, output, indent=1)
            new.replace(self.file)


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Let one launcher at a time work in this folder; the kernel releases the lock when its holder dies."""
    file = folder / "lock"
    # The library's substitute for file systems without flock would outlive its holder.
    lock = FileLock(file, blocking=wait, fallback_to_soft=False, on_acquired=_write_pid)
    try:
        held = lock.acquire()
    except Timeout as busy:
        holder = file.read_text() or "unknown"
        raise StackError(f"another samenspel (process {holder}) is at work in {folder}") from busy
    with held:
        yield


def _write_pid(lock: int) -> None:
    """Tell who holds the lock, for the message that another launcher prints."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
