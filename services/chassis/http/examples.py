"""Examples of commands: their own, or what of the example of their event the caller says."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from contracts.events import Event
from services.chassis.commands import Command


def example_of(command: Command) -> Mapping[str, Any] | None:
    if command.example is not None or command.event is None:
        return command.example
    data = first_example(command.event)["data"]
    names = [field.alias or name for name, field in command.body.model_fields.items()]
    return {name: data[name] for name in names if name in data}


def first_example(event: type[Event]) -> dict[str, Any]:
    folder = files("contracts") / "examples" / f"{event.__name__}.v{event.version}"
    example = min(folder.iterdir(), key=lambda each: each.name)
    message: dict[str, Any] = json.loads(example.read_bytes())
    return message
