"""Reasons are data: the lists that a service ships, checks and publishes. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from contracts.reasons import ReasonListPublished
from contracts.values import Actor, Reason, Role, Text, Value, holds_on
from services.chassis.checks import is_visible
from services.chassis.life_cycle import Step
from services.chassis.problems import Malformed, WrongField

ReasonLists = Mapping[str, ReasonListPublished]
"""The lists of a service, by name."""
_LISTS = TypeAdapter(tuple[ReasonListPublished, ...])


class Why(Value):
    """Why: a reason of the list that is meant for this, and perhaps a comment."""

    reason: Reason
    comment: Text | None = None
    """For the people concerned; it stays in this service and never enters an event."""


class UnknownReason(Malformed):
    """The list has no such reason for this action and role on this day."""


class ReasonMissing(Malformed):
    """This needs a reason."""


class CommentMissing(Malformed):
    """This needs a comment."""


def read_lists(text: bytes) -> dict[str, ReasonListPublished]:
    return {each.list: each for each in _LISTS.validate_json(text)}


def reason_of(step: Step[Any], code: str) -> Reason:
    return Reason(list=_name_of_list(step), code=code)


def usable_reasons(step: Step[Any], lists: ReasonLists, role: Role, day: date) -> tuple[str, ...]:
    return tuple(
        reason.code
        for reason in lists[_name_of_list(step)].reasons
        if step.action in reason.transitions
        and role in reason.roles
        and holds_on(day, reason.effective_from, reason.effective_to)
    )


def check_reason(
    step: Step[Any], lists: ReasonLists, reason: Reason, comment: str | None, *, by: Actor, day: date
) -> None:
    """Refuse a reason that is not of the row's list, or that the list does not have for this action, role and day,
    or that needs a comment."""
    published, usable = lists[_name_of_list(step)], usable_reasons(step, lists, by.role, day)
    if reason.list != published.list or reason.code not in usable:
        field = "reason.code" if reason.list == published.list else "reason.list"
        raise UnknownReason(
            f"{field} is {reason.list}/{reason.code}; {published.list} has: {', '.join(usable)}.",
            WrongField(field, f"{reason.list}/{reason.code}", usable),
        )
    needs_comment = any(each.comment_required for each in published.reasons if each.code == reason.code)
    if needs_comment and not is_visible(comment or ""):
        raise CommentMissing(
            f"comment is missing: the reason {reason.code} needs one.",
            WrongField("comment", None, "a sentence without personal data"),
        )


def _name_of_list(step: Step[Any]) -> str:
    assert step.reasons is not None, f"the row of {step.action} names no list of reasons"
    return step.reasons
