"""Life cycles as tables: which action may be taken from which state, by whom, and where it leads.

A table is written once and read by the rules (`allow`), by representations (`available_actions`), by the
documentation and by the tests, so that these cannot disagree.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from contracts.values import Actor, Role
from services.chassis.problems import NotAllowed, RuleSaysNo, WrongField

State = TypeVar("State", bound=StrEnum)

Parties = Mapping[Role, Collection[str]]
"""For which organisations each role acts; a role that is not named is bound to none."""


class IllegalTransition(RuleSaysNo):
    """It is not in a state in which that can be done."""


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """One row of a life cycle."""

    action: str
    begins: tuple[State, ...]
    becomes: State
    roles: tuple[Role, ...]


def available_actions(steps: Sequence[Step[State]], state: State, by: Actor, parties: Parties) -> tuple[str, ...]:
    """What this actor may do now, as far as state, role and organisation decide."""
    return tuple(
        step.action for step in steps if state in step.begins and by.role in step.roles and _is_party(by, parties)
    )


def allow(steps: Sequence[Step[State]], action: str, state: State, by: Actor, parties: Parties) -> None:
    """Raise `NotAllowed` or `IllegalTransition` unless this actor may take this action now."""
    step = next(step for step in steps if step.action == action)
    allow_actor(action, step.roles, by, parties)
    if state not in step.begins:
        raise IllegalTransition(
            f"It is {state}; to {action}, it must be {' or '.join(step.begins)}.",
            WrongField("status", state, step.begins),
        )


def allow_actor(action: str, roles: Sequence[Role], by: Actor, parties: Parties) -> None:
    """Raise `NotAllowed` unless this actor has one of the roles, at an organisation that it concerns."""
    if by.role not in roles:
        raise NotAllowed(
            f"Role {by.role} may not {action}; {', '.join(roles)} may.",
            WrongField("role", by.role, roles),
        )
    if not _is_party(by, parties):
        raise NotAllowed(
            f"You act for {by.organisation}; to {action} is up to {', '.join(parties[by.role])}.",
            WrongField("organisation", by.organisation, tuple(parties[by.role])),
        )


def _is_party(by: Actor, parties: Parties) -> bool:
    return by.role not in parties or by.organisation in parties[by.role]
