"""A programme's definition: a file that a city can edit, refused as a whole when something in it is wrong.

`programmes/programme.schema.json` of the repository is the JSON Schema of these models, for editors and other tools.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from contracts.sites import SiteKind
from contracts.targets import Unit
from contracts.values import Day, Decimal, Identifier, Label, LearningArea, Role, Slug, Text, Value
from samenspel.failure import CommandFailed


class Municipality(Value):
    """Where the programme is."""

    name: Text
    code: Annotated[str, Field(pattern=r"^GM[0-9]{4}$")]


class Brokered(Value):
    """A learning area, and who brokers it; nobody may."""

    area: LearningArea
    brokers: tuple[Identifier, ...]


class Broker(Value):
    """An organisation that brokers."""

    broker_id: Identifier
    name: Text


class Party(Value):
    """A role in the programme, and what it does."""

    role: Role
    label: Label
    does: Label


class Target(Value):
    """What was agreed, when it is due, and where that is written."""

    indicator: Slug
    unit: Unit
    site_kinds: tuple[SiteKind, ...]
    comparator: Literal["at_least", "at_most"]
    value: Decimal
    due_on: Day
    source: Label


class Programme(Value):
    """A programme as data."""

    programme: Slug
    label: Label
    municipality: Municipality
    starts_on: Day
    learning_areas: Annotated[tuple[Brokered, ...], Field(min_length=1)]
    brokers: tuple[Broker, ...]
    actors: tuple[Party, ...]
    targets: tuple[Target, ...]

    @model_validator(mode="after")
    def _names_known_brokers(self) -> Self:
        known = [broker.broker_id for broker in self.brokers]
        for index, each in enumerate(self.learning_areas):
            for broker in each.brokers:
                if broker not in known:
                    raise PydanticCustomError(
                        "unknown_broker",
                        "{value} is none of the brokers: {expected}",
                        {"field": f"learningAreas[{index}].brokers", "value": broker, "expected": ", ".join(known)},
                    )
        return self

    def target(self, indicator: str) -> Target:
        return next(target for target in self.targets if target.indicator == indicator)


def read(folder: Path) -> Programme:
    """The definition in a folder, its `programme.json`; raises `CommandFailed` with the first mistake in it."""
    file = folder / "programme.json"
    try:
        return Programme.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise CommandFailed(f"{file}: {field}: {first['msg']}") from error
