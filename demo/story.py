"""What a play is made of: stories of steps, as plain data.

A body or a path names what an earlier step of the same story made as `$name`; the player puts the id there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One command, by one actor, at one simulated moment."""

    at: datetime
    service: str
    path: str
    body: Body
    role: str
    organisation: str
    announces: str
    """The event that must then be on the topics."""
    keeps: str = ""
    """The name under which later steps find what this one made."""


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of one request, or of one direct activity, in the order of their moments."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Appointment:
    """A broker is appointed in the middle of the year: what waited for it is assigned (A3)."""

    on: date
    broker_id: str
    body: Body


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that happens in the year."""

    stories: tuple[Story, ...]
    appointment: Appointment

    def count(self, announced: str) -> int:
        """How many events of this type follow directly from a command."""
        return sum(step.announces == announced for story in self.stories for step in story.steps)


def told(name: str, steps: Sequence[Step]) -> Story:
    """A story of these steps, in the order of their moments; equal moments keep their order."""
    return Story(name, tuple(sorted(steps, key=lambda step: step.at)))
