"""Reasons are data: versioned lists, published by the service that checks them."""

from typing import Annotated

from pydantic import Field

from contracts.events import Event
from contracts.values import BOOLEAN, DISTINCT, NUMBER, Instant, Label, ReasonCode, RecordDay, Role, Slug, Value


class ListedReason(Value):
    """One reason: what it is called, when it may be used, by whom, and whether it wants a comment."""

    code: ReasonCode
    label: Label
    transitions: Annotated[tuple[Slug, ...], Field(max_length=20), DISTINCT]
    """The actions for which it may be given."""
    roles: Annotated[tuple[Role, ...], Field(max_length=8), DISTINCT]
    comment_required: Annotated[bool, BOOLEAN] = False
    effective_from: RecordDay
    effective_to: RecordDay | None = None
    """The first day on which it may not be given any more."""


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
    list_version: Annotated[int, Field(ge=1, le=1_000_000), NUMBER]
    reasons: Annotated[tuple[ListedReason, ...], Field(min_length=1, max_length=200), DISTINCT]
    published_at: Instant
