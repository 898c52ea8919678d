"""How each part of a stack is doing, seen from outside: its process, its answers, its memory."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from local import kafka, postgres, processes
from local.service import SERVICES
from local.stack import Stack


class Health(StrEnum):
    """What can be said of a part."""

    READY = "ready"
    NOT_READY = "not ready"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part at one moment."""

    part: str
    health: Health
    address: str
    pid: int | None = None
    memory_bytes: int | None = None
    uptime_seconds: int | None = None


def look(stack: Stack) -> list[PartHealth]:
    """Every part that was started here."""
    state = stack.state
    parts = [name for name in (kafka.NAME, postgres.NAME, *SERVICES) if name in state.processes]
    return [_look_at(stack, name) for name in parts]


def _look_at(stack: Stack, name: str) -> PartHealth:
    address, answers = _questions(stack)[name]
    process = stack.parts.process(name)
    if not process:
        return PartHealth(name, Health.STOPPED, address)
    return PartHealth(
        part=name,
        health=Health.READY if answers() else Health.NOT_READY,
        address=address,
        pid=process.pid,
        memory_bytes=processes.memory(process),
        uptime_seconds=int(processes.age(process)),
    )


def _questions(stack: Stack) -> dict[str, tuple[str, Callable[[], bool]]]:
    """Where each part is and how it is asked whether it is ready."""
    server = stack.postgres.url.rpartition("@")[2].removesuffix("/postgres")
    own = {
        kafka.NAME: (stack.kafka, stack.broker.answers),
        postgres.NAME: (server, stack.postgres.answers),
    }
    return own | {name: (service.url, service.answers) for name, service in stack.services.items()}
