"""What was agreed for a programme, and what people call it: from the file of the programme, where there is one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from words.language import Language


@dataclass(frozen=True, slots=True)
class Target:
    """A share that is to be reached."""

    value: Decimal
    due_on: date
    indicator: str = "adoption-strict"
    site_kinds: Sequence[str] = ("primary",)
    said_in: str = ""
    """Where that was agreed, in words."""


@dataclass(frozen=True, slots=True)
class Agreed:
    title: str
    targets: Sequence[Target] = ()
    is_on_file: bool = True

    def target(self, indicator: str) -> Target | None:
        return next((each for each in self.targets if each.indicator == indicator), None)


def agreed_for(folder: Path | None, programme: str, language: Language) -> Agreed:
    """Its own name and nothing agreed where there is no file of it."""
    file = folder / programme / "programme.json" if folder else None
    if file is None or not file.is_file():
        return Agreed(programme, is_on_file=False)
    said = json.loads(file.read_text(encoding="utf-8"))
    targets = [_target(each, language) for each in said.get("targets", ()) if each["comparator"] == "at_least"]
    return Agreed(str(said["label"][language]), targets)


def _target(said: Any, language: Language) -> Target:  # noqa: ANN401 - JSON
    value, due_on = Decimal(said["value"]), date.fromisoformat(said["dueOn"])
    return Target(value, due_on, said["indicator"], tuple(said["siteKinds"]), said["source"][language])


def on_file(folder: Path | None) -> list[str]:
    return sorted(each.parent.name for each in folder.glob("*/programme.json")) if folder else []
