"""Examples of commands: what of the example of its event the caller says."""

import json
from importlib.resources import files
from typing import Any

from contracts.events import Event
from contracts.values import Value


def example_of(body: type[Value], event: type[Event]) -> dict[str, Any] | None:
    """The fields of the body in the first example of the event; None where the event has none."""
    folder = files("contracts") / "examples" / f"{event.__name__}.v{event.version}"
    examples = sorted((each for each in folder.iterdir()), key=lambda each: each.name) if folder.is_dir() else []
    if not examples:
        return None
    data: dict[str, Any] = json.loads(examples[0].read_bytes())["data"]
    names = [field.alias or name for name, field in body.model_fields.items()]
    return {name: data[name] for name in names if name in data}
