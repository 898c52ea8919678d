"""What all scenarios share while the year is simulated, and a scenario that is being written."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from enum import Enum, auto
from random import Random

from demo.simulation.calendar import LAST_DAY, end_of_part
from demo.simulation.city import City, School
from demo.simulation.plan import Actor, Body, Command, PlannedCommand, Scenario

END = datetime.combine(LAST_DAY, time(18), UTC)


class Approach(Enum):
    """How a school works with the programme."""

    JOINT = auto()
    """Replaces lessons, together with its childcare and out-of-school care."""
    REPLACING = auto()
    """Replaces lessons, on its own."""
    STACKING = auto()
    """Adds activities to its lessons, or does not confirm what replaces one."""


@dataclass(slots=True)
class Simulation:
    city: City
    rng: Random
    approaches: dict[str, Approach]
    """By school."""
    left: int
    """How many activities are still to be delivered."""

    def happens(self, chance: float) -> bool:
        return self.rng.random() < chance


@dataclass(slots=True)
class ScenarioWriter:
    """Collects the steps of one scenario. Steps after the end of the school year are left out."""

    simulation: Simulation
    name: str
    school: School
    steps: list[PlannedCommand] = field(default_factory=list)
    activities: list[str] = field(default_factory=list)
    """The names of the activities that were delivered and not retracted."""

    @property
    def approach(self) -> Approach:
        return self.simulation.approaches[self.school.id]

    @property
    def coordinator(self) -> Actor:
        return Actor("coordinator", self.school.id)

    def add(self, at: datetime, actor: Actor, command: Command, name: str, body: Body) -> None:
        if at <= END:
            self.steps.append(PlannedCommand(at, actor, command, name, body))

    def scenario(self) -> Scenario:
        """The scenario; steps of the same moment keep the order in which they were added.

        They are moved to the end of the morning, the afternoon or the evening: then many scenarios have steps at one
        instant, which are played at once. Minute by minute, they would be played one by one, in twice the time.
        """
        steps = sorted(self.steps, key=lambda step: step.at)
        return Scenario(self.name, tuple(replace(step, at=end_of_part(step.at)) for step in steps))
