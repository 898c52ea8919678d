"""The families of figures: each is a folder with its SQL, its values and whom a change affects.

A folder here is a family, and nothing of the tables names it. (What is counted in memory does: `totals`, `sources`.)
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from string import Template

from services.reporting.figures.values import Function


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    subject: str
    """The column of the things that it counts."""
    affected: dict[str, str]
    """By kind of thing: each of these things ($1) with the subjects that a change of it may affect."""
    of_programme_periods: str | None
    """The subjects that `changed_programme_periods` affect."""
    functions: Mapping[str, Function]
    counting: Template

    def counts(self, *, everything: bool) -> tuple[list[str], str]:
        """The statements that count, for all subjects or for those in the table `subjects`: the tables that they make
        on the way, and the query that gives the counts."""
        only = "" if everything else f"JOIN subjects ON subjects.subject = {self.subject}"
        *steps, query = self.counting.substitute(only=only).split(";\n")
        return steps, query

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
                folder.SUBJECT,
                folder.AFFECTED,
                getattr(folder, "OF_PROGRAMME_PERIODS", None),
                folder.FUNCTIONS,
                Template((files(folder) / "counts.sql").read_text()),
            )
    return found


@cache
def functions() -> dict[str, Function]:
    """By the name in a definition."""
    return {name: function for family in families().values() for name, function in family.functions.items()}
