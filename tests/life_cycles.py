"""Every cell of a life cycle's table: each action in each status, by each role, at a party and at a stranger."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, Protocol, TypeVar

import pytest

from contracts.events import Event
from contracts.values import Actor, Role
from services.chassis.life_cycle import PREVIOUS, SAME, IllegalTransition, State, Step
from services.chassis.problems import NotAllowed, Problem
from tests.builders import ORGANISATION_OF, ROLES, an_actor

FORBIDDEN = None
STRANGER = "own:stranger"
"""An organisation that nothing concerns."""

Announced = TypeVar("Announced", bound=Event)


class Living(Protocol):
    """A request, a referral or an activity."""

    @property
    def status(self) -> object: ...
    @property
    def version(self) -> int: ...


Life = TypeVar("Life", bound=Living)

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
    steps: Sequence[Step[State]],
    statuses: type[State],
    *,
    open_to_all: OpenToAll | None = None,
    previous: State | None = None,
) -> list[Cell[State]]:
    """All cells. A caller of `ORGANISATION_OF` is a party, the stranger only where `open_to_all` says so. `previous` is
    the state to which taking back returns what the builders make."""
    return [
        Cell(
            step.action, status, an_actor(role, organisation), _becomes(step, status, role, previous, is_party=is_party)
        )
        for step in steps
        for status, role in product(statuses if step.begins else [None], ROLES)
        for organisation in (ORGANISATION_OF[role], STRANGER)
        for is_party in [organisation != STRANGER or role in (open_to_all or {}).get((step.action, status), ())]
    ]


def _becomes(
    step: Step[State], status: State | None, role: Role, previous: State | None, *, is_party: bool
) -> State | None:
    if role not in step.who or not is_party or status not in (step.begins or (None,)):
        return FORBIDDEN
    if step.becomes is PREVIOUS:
        return previous
    return status if step.becomes is SAME or status in step.keeps else step.becomes


def cells_of_creation(every: Iterable[Cell[State]]) -> list[Cell[State]]:
    return [cell for cell in every if cell.before is None]


def cells_of_change(every: Iterable[Cell[State]]) -> list[Cell[State]]:
    return [cell for cell in every if cell.before is not None]


def check_creation(
    cell: Cell[State],
    *,
    create: Callable[[], Announced],
    evolve: Callable[[None, Announced], Living],
    to_a_stranger: type[Problem] = NotAllowed,
) -> None:
    """What happens is what the table says. `to_a_stranger`: how one is refused whose role may do it elsewhere."""
    if cell.becomes is FORBIDDEN:
        with pytest.raises((NotAllowed, to_a_stranger)):
            create()
    else:
        assert evolve(None, create()).status is cell.becomes


def check_change(
    cell: Cell[State],
    before: Life,
    *,
    offered: Collection[str],
    act: Callable[[Life, Actor], Announced],
    evolve: Callable[[Life, Announced], Living],
) -> None:
    """What is offered and what happens are what the table says."""
    assert (cell.action in offered) is (cell.becomes is not FORBIDDEN)
    if cell.becomes is FORBIDDEN:
        with pytest.raises((NotAllowed, IllegalTransition)):
            act(before, cell.by)
    else:
        after = evolve(before, act(before, cell.by))
        assert (after.status, after.version) == (cell.becomes, before.version + 1)
