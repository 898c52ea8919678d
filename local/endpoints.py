"""Tells the operator's command where the stack of this checkout answers (entry point `samenspel.endpoints`)."""

from contracts.topics import SERVICES
from local.stack import FOLDER, Stack
from samenspel.endpoints import Endpoints


def running() -> Endpoints | None:
    folder = FOLDER / "stack"
    if not (folder / "stack.json").exists():
        return None
    stack = Stack(folder)
    return endpoints_of(stack) if stack.is_kept else None


def endpoints_of(stack: Stack) -> Endpoints:
    return Endpoints({name: stack.service_url(name) for name in SERVICES}, stack.kafka, time=stack.time.file)
