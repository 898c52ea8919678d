"""The simulation in progress: its chances, and one story in the making."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import Enum, auto
from random import Random

from demo.calendar import LAST_DAY
from demo.city import City, School
from demo.story import Body, Step, Story, told

END = datetime.combine(LAST_DAY, time(18), UTC)


class Temper(Enum):
    """How a school works with the programme."""

    JOINT = auto()
    """Replaces, together with its childcare and out-of-school care."""
    REPLACING = auto()
    """Replaces, on its own."""
    HABITUAL = auto()
    """Stacks, or does not confirm what replaces."""


@dataclass(slots=True)
class Simulation:
    """What all stories share."""

    city: City
    rng: Random
    tempers: dict[str, Temper]
    left: int
    """How many activities are still to be delivered."""

    def happens(self, chance: float) -> bool:
        """Whether something with this chance happens."""
        return self.rng.random() < chance


@dataclass(slots=True)
class Telling:
    """One story in the making. What would happen after the school year is left out, with what follows from it."""

    simulation: Simulation
    name: str
    school: School
    steps: list[Step] = field(default_factory=list)
    activities: list[str] = field(default_factory=list)
    """The names of the delivered activities that stand."""

    @property
    def temper(self) -> Temper:
        """How its school works."""
        return self.simulation.tempers[self.school.id]

    def story(self) -> Story:
        """The finished story."""
        return told(self.name, self.steps)

    def does(
        self, at: datetime, who: tuple[str, str], what: tuple[str, str], body: Body, *, announces: str, keeps: str = ""
    ) -> None:
        """`who` (role, organisation) gives the command `what` (service, path)."""
        if at <= END:
            self.steps.append(Step(at, what[0], what[1], body, who[0], who[1], announces, keeps))


def text(day: date) -> str:
    """A day as contracts write it."""
    return day.isoformat()
