"""Reasons are data: versioned lists, published by the service that checks them."""

from typing import Annotated

from pydantic import Field

from contracts.events import Event
from contracts.terms import Day, Instant, Label, Role, Slug, Term


class ListedReason(Term):
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
