"""The health of each part of a stack, seen from outside: its process, its answers, its memory."""

from dataclasses import dataclass
from enum import StrEnum

from local import processes
from local.service import Service
from local.stack import Stack


class HealthState(StrEnum):
    READY = "ready"
    NOT_READY = "not ready"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PartHealth:
    part: str
    health: HealthState
    address: str
    pid: int | None = None
    memory_bytes: int | None = None
    uptime_seconds: int | None = None
    trouble: str = ""
    """What its parts that do not work say, of a service that is ready."""


def examine(stack: Stack) -> list[PartHealth]:
    return [_examine(stack, name) for name in stack.parts if name in stack.state.processes]


def _examine(stack: Stack, name: str) -> PartHealth:
    part = stack.parts[name]
    process = stack.process(name)
    if not process:
        return PartHealth(name, HealthState.STOPPED, part.address)
    return PartHealth(
        part=name,
        health=HealthState.READY if part.is_ready() else HealthState.NOT_READY,
        address=part.address,
        pid=process.pid,
        memory_bytes=processes.memory(process),
        uptime_seconds=int(processes.uptime(process)),
        trouble=part.trouble() if isinstance(part, Service) else "",
    )
