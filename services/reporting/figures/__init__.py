"""The families of figures: each is a folder with its SQL, its values and whom a change affects.

A folder here is a family, and no other file names it.
"""

import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from string import Template
from typing import Any

from pydantic import TypeAdapter

from contracts.targets import IndicatorDefined
from services.reporting.figures.values import Function

_DEFINITIONS = TypeAdapter(tuple[IndicatorDefined, ...])


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    about: str
    """What it counts, in words."""
    subject: str
    """The column of the things that it counts."""
    affected: dict[str, str]
    """By kind of thing: each of these things ($1) with the subjects that a change of it may affect."""
    at_sites: str
    """The subjects that count for these sites ($1), and for their neighbourhoods."""
    of_programme_periods: str | None
    """The subjects that `changed_programme_periods` affect."""
    functions: Mapping[str, Function]
    counting: Template
    definitions: tuple[IndicatorDefined, ...]
    """Those that ship with this release."""
    example: dict[str, Any]
    """A worked example: in words (`en`, `nl`), as events, and the figures that they give."""
    sources: str
    """The things whose facts say what each of `subjects` counts for in the `cell`."""

    def counts(self, *, everything: bool) -> tuple[list[str], str]:
        """The statements that count, for all subjects or for those in the table `subjects`: the tables that they make
        on the way, and the query that gives the counts."""
        only = "" if everything else f"JOIN subjects ON subjects.subject = {self.subject}"
        *steps, query = self.counting.substitute(only=only).split(";\n")
        return steps, query

    @property
    def kind(self) -> str:
        return self.subject.removesuffix("_id")

    @property
    def table(self) -> str:
        return f"counts_{self.name}"


@cache
def families() -> dict[str, Family]:
    found: dict[str, Family] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            folder = import_module(f"{__name__}.{module.name}")
            found[module.name] = Family(
                module.name,
                (folder.__doc__ or "").strip(),
                folder.SUBJECT,
                folder.AFFECTED,
                folder.AT_SITES,
                getattr(folder, "OF_PROGRAMME_PERIODS", None),
                folder.FUNCTIONS,
                Template((files(folder) / "counts.sql").read_text()),
                _DEFINITIONS.validate_json((files(folder) / "definitions.json").read_bytes()),
                json.loads((files(folder) / "example.json").read_bytes()),
                (files(folder) / "sources.sql").read_text(),
            )
    return found


@cache
def functions() -> dict[str, Function]:
    return {name: function for family in families().values() for name, function in family.functions.items()}
