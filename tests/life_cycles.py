"""Every cell of a life cycle's table: each action in each status, by each role, at a party and at a stranger."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic

from contracts.values import Actor, Role
from services.chassis.life_cycle import SAME, State, Step
from tests.builders import ORGANISATION_OF, ROLES, an_actor

FORBIDDEN = None
STRANGER = "own:stranger"
"""An organisation that nothing concerns."""

OpenToAll = Mapping[tuple[str, object], Collection[Role]]
"""By action and status: the roles for which every organisation is a party."""


@dataclass(frozen=True, slots=True)
class Cell(Generic[State]):
    """One way to try an action, and what the table says of it."""

    action: str
    before: State | None
    """None: there is no object yet."""
    by: Actor
    becomes: State | None
    """`FORBIDDEN`: the rule says no."""

    @property
    def status(self) -> State:
        assert self.before is not None, "this cell brings an object into being"
        return self.before

    def __str__(self) -> str:
        return f"{self.action}-{self.before or 'new'}-{self.by.role}-of-{self.by.organisation}"


def cells(
    steps: Sequence[Step[State]], statuses: type[State], *, open_to_all: OpenToAll | None = None
) -> list[Cell[State]]:
    """All cells. A caller of `ORGANISATION_OF` is a party, the stranger only where `open_to_all` says so."""
    return [
        Cell(step.action, status, an_actor(role, organisation), _becomes(step, status, role, is_party=is_party))
        for step in steps
        for status, role in product(statuses if step.begins else [None], ROLES)
        for organisation in (ORGANISATION_OF[role], STRANGER)
        for is_party in [organisation != STRANGER or role in (open_to_all or {}).get((step.action, status), ())]
    ]


def _becomes(step: Step[State], status: State | None, role: Role, *, is_party: bool) -> State | None:
    if role not in step.who or not is_party or status not in (step.begins or (None,)):
        return FORBIDDEN
    return status if step.becomes is SAME else step.becomes


def cells_of_creation(every: Iterable[Cell[State]]) -> list[Cell[State]]:
    return [cell for cell in every if cell.before is None]


def cells_of_change(every: Iterable[Cell[State]]) -> list[Cell[State]]:
    return [cell for cell in every if cell.before is not None]
