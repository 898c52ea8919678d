"""Reasons are data: versioned lists, published by the service that checks them."""

from datetime import date
from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic_core import PydanticCustomError

from contracts.events import Event
from contracts.values import Day, Instant, Label, Reason, Role, Slug, Value


class ListedReason(Value):
    """One reason: what it is called, when it may be used, by whom, and whether it wants a comment."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,63}$")]
    label: Label
    transitions: tuple[str, ...]
    """The actions for which it may be given."""
    roles: tuple[Role, ...]
    comment_required: bool = False
    effective_from: Day
    effective_to: Day | None = None


class ReasonListPublished(
    Event,
    topics=("partnership.sites.v1", "partnership.offers.v1"),
    aggregate="reason-list",
    identified_by="list",
    nl="Redenenlijst gepubliceerd",
):
    """The reasons that a service accepts. `requests` publishes its lists on the sites topic, `referrals`
    on the offers topic."""

    list: Slug
    list_version: Annotated[int, Field(ge=1)]
    reasons: Annotated[tuple[ListedReason, ...], Field(min_length=1)]
    published_at: Instant


def read_lists(text: bytes) -> dict[str, ReasonListPublished]:
    """The lists that a service ships as a JSON array, by name."""
    return {each.list: each for each in TypeAdapter(tuple[ReasonListPublished, ...]).validate_json(text)}


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
    """Refuse a reason that the list does not have for this action, role and day, or that wants a comment."""
    usable = usable_reasons(published, action, role, day)
    if reason.list != published.list or reason.code not in usable:
        raise PydanticCustomError(
            "unknown_reason",
            "is {value}; {list} has: {listed}",
            {
                "field": "reason.code" if reason.list == published.list else "reason.list",
                "value": f"{reason.list}/{reason.code}",
                "list": published.list,
                "listed": ", ".join(usable),
                "expected": usable,
            },
        )
    if comment is None and any(each.comment_required for each in published.reasons if each.code == reason.code):
        raise PydanticCustomError(
            "comment_missing",
            "is missing: the reason {reason} wants one",
            {"field": "comment", "reason": reason.code, "expected": "a sentence without personal data"},
        )
