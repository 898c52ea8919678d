"""Reasons are data: the lists that a service ships, checks and publishes. Pure."""

from datetime import date

from pydantic import TypeAdapter

from contracts.reasons import ReasonListPublished
from contracts.values import Reason, Role
from services.chassis.problems import Malformed, WrongField

_LISTS = TypeAdapter(tuple[ReasonListPublished, ...])


class UnknownReason(Malformed):
    """The list has no such reason for this action and role on this day."""


class ReasonMissing(Malformed):
    """This needs a reason."""


class CommentMissing(Malformed):
    """This needs a comment."""


def read_lists(text: bytes) -> dict[str, ReasonListPublished]:
    """The lists that a service ships as a JSON array, by name."""
    return {each.list: each for each in _LISTS.validate_json(text)}


def usable_reasons(published: ReasonListPublished, action: str, role: Role, day: date) -> tuple[str, ...]:
    """The codes of a list that a role may give for an action on a day."""
    return tuple(
        reason.code
        for reason in published.reasons
        if action in reason.transitions
        and role in reason.roles
        and reason.effective_from <= day
        and (reason.effective_to is None or day < reason.effective_to)
    )


def check_reason(
    published: ReasonListPublished, reason: Reason, comment: str | None, *, action: str, role: Role, day: date
) -> None:
    """Refuse a reason that the list does not have for this action, role and day, or that needs a comment."""
    usable = usable_reasons(published, action, role, day)
    if reason.list != published.list or reason.code not in usable:
        field = "reason.code" if reason.list == published.list else "reason.list"
        raise UnknownReason(
            f"{field} is {reason.list}/{reason.code}; {published.list} has: {', '.join(usable)}.",
            WrongField(field, f"{reason.list}/{reason.code}", usable),
        )
    if comment is None and any(each.comment_required for each in published.reasons if each.code == reason.code):
        raise CommentMissing(
            f"comment is missing: the reason {reason.code} needs one.",
            WrongField("comment", None, "a sentence without personal data"),
        )
