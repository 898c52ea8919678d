"""Life cycles as tables: which action may be taken from which states, by whom, and what it makes of the object.

A table is written once. The rules (`allow`), `evolve` (`status_after`), representations (`available_actions`), the
documentation and the tests read it, so that these cannot disagree. What it does not name is refused: another role,
another organisation, another state.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar

from pydantic import Field

from contracts.events import Event
from contracts.values import Actor, Role
from services.chassis.problems import NotAllowed, RuleSaysNo, WrongField

State = TypeVar("State", bound=StrEnum)
State_co = TypeVar("State_co", bound=StrEnum, covariant=True)
Actions = Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=50)]
"""What a caller may do: fewer than a life cycle has rows."""


class Same(Enum):
    """What an action makes of the state when it changes something else."""

    SAME = "same"


class PreviousState(Enum):
    """What an action makes of the state when it takes back the step before."""

    PREVIOUS = "previous"


class Everyone(Enum):
    """The party to which every organisation belongs."""

    EVERYONE = "everyone"


SAME: Final = Same.SAME
PREVIOUS: Final = PreviousState.PREVIOUS
EVERYONE: Final = Everyone.EVERYONE

Parties = Mapping[str, Collection[str] | Everyone]
"""Which organisations an object concerns, by what they are to it, such as its `partner`. A party that is not named
has no members."""


class IllegalTransition(RuleSaysNo):
    """It is not in a state in which that can be done."""


class Living(Protocol[State_co]):
    """An object that has a life cycle."""

    @property
    def status(self) -> State_co: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """What an action asks of an object besides its state."""

    holds: Callable[[Any, date], bool]
    """Of the object, on a day."""
    refused_as: type[RuleSaysNo]
    """Its docstring says the condition in words."""


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """One row of a life cycle. A table has one row per action; rows with the same event become the same."""

    action: str
    begins: tuple[State, ...]
    """From which states; none for what brings an object into being."""
    event: type[Event]
    becomes: State | Same | PreviousState
    who: Mapping[Role, str]
    """Which roles may do it, each with the party to which its organisation must belong."""
    reasons: str | None = None
    """The list from which a reason is given."""
    keeps: tuple[State, ...] = ()
    """The states among those it begins from that stay as they are; from the others it becomes what the row says."""
    when: Condition | None = None


def in_sql(states: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def step_of(steps: Sequence[Step[State]], action: str) -> Step[State]:
    return next(step for step in steps if step.action == action)


def status_after(
    steps: Sequence[Step[State]], state: State | None, event: Event, *, previous: State | None = None
) -> State:
    """The state after an event. `state` is the one before it, none for the first event; `previous` is the one to which
    a step that takes something back returns."""
    step = next(step for step in steps if step.event is type(event))
    if step.becomes is PREVIOUS:
        assert previous is not None, "what is taken back happened"
        return previous
    if step.becomes is not SAME and state not in step.keeps:
        return step.becomes
    assert state is not None, "what brings an object into being names its first state"
    return state


def available_actions(
    steps: Sequence[Step[State]], thing: Living[State], by: Actor, parties: Parties, day: date
) -> tuple[str, ...]:
    possible = [step for step in steps if thing.status in step.begins and _is_met(step, thing, day)]
    concerned = [(step, _members(step.who, by.role, parties)) for step in possible]
    return tuple(step.action for step, members in concerned if members is EVERYONE or by.organisation in members)


def _is_met(step: Step[State], thing: Living[State], day: date) -> bool:
    return step.when is None or step.when.holds(thing, day)


def allow(
    steps: Sequence[Step[State]], action: str, thing: Living[State] | None, by: Actor, parties: Parties, day: date
) -> Step[State]:
    """The row of the action; raises `NotAllowed`, `IllegalTransition` or what the row's condition says unless this
    actor may take it on this day. `thing` is none for what brings one into being."""
    step = step_of(steps, action)
    allow_actor(step, by, parties)
    state = thing.status if thing else None
    if state not in (step.begins or (None,)):
        raise IllegalTransition(
            f"It is {state}; to {action}, it must be {' or '.join(step.begins) or 'new'}.",
            WrongField("status", state, step.begins),
        )
    if thing is not None and step.when is not None and not step.when.holds(thing, day):
        raise step.when.refused_as
    return step


def allow_actor(step: Step[State], by: Actor, parties: Parties) -> None:
    check_actor(step.action, step.who, by, parties)


def check_actor(action: str, who: Mapping[Role, str], by: Actor, parties: Parties) -> None:
    """Raise `NotAllowed` unless `who` names the actor's role, and its organisation belongs to that role's party."""
    if by.role not in who:
        raise NotAllowed(
            f"Role {by.role} may not {action}; {', '.join(who)} may.", WrongField("role", by.role, tuple(who))
        )
    members = _members(who, by.role, parties)
    if members is not EVERYONE and by.organisation not in members:
        raise NotAllowed(
            f"You act for {by.organisation}; to {action} is up to {', '.join(members) or 'nobody'}.",
            WrongField("organisation", by.organisation, tuple(members)),
        )


def check_operator(action: str, by: Actor) -> None:
    check_actor(action, {"operator": "city"}, by, {"city": EVERYONE})


def _members(who: Mapping[Role, str], role: Role, parties: Parties) -> Collection[str] | Everyone:
    return parties.get(who[role], ()) if role in who else ()
