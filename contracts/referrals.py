"""Topic `partnership.referrals.v1`: the hand-over of a request to a partner."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.events import Event
from contracts.requests import AskedGroups
from contracts.values import (
    BOOLEAN,
    NUMBER,
    Actor,
    Audience,
    Count,
    Day,
    Identifier,
    Instant,
    Reason,
    SiteIds,
    Slug,
    SomeLearningAreas,
    Substitution,
)

REFERRALS = "partnership.referrals.v1"
CompletionOutcome = Literal["delivered", "delivered_elsewhere"]


class ReferralDetails(Event):
    """What a consultant hands over, to whom."""

    request_id: UUID
    partner_id: Identifier
    offer_id: Identifier | None = None
    learning_areas: SomeLearningAreas
    replaces: UUID | None = None
    """The ended referral that this one follows up."""
    parallel_set: UUID | None = None
    """Referrals made to several partners at once share this id; the first acceptance withdraws the others."""
    decide_by: Day


class ReferralMade(
    ReferralDetails, topics=(REFERRALS,), aggregate="referral", identified_by="referral_id", nl="Doorverwezen"
):
    """A consultant referred a request to an educational partner. The first one is the answer `refer`."""

    referral_id: UUID
    site_id: Identifier
    co_site_ids: SiteIds | None = None
    """From here to `self_referral`: what was asked, as far as a partner needs it."""
    programme: Slug | None = None
    audience: Audience | None = None
    groups: AskedGroups | None = None
    headcount: Count | None = None
    wished_from: Day | None = None
    wished_to: Day | None = None
    """The last day that is wished."""
    intention: Substitution | None = None
    self_referral: Annotated[Literal[True], BOOLEAN] | None = None
    broker_id: Identifier
    attempt: Annotated[int, Field(ge=1, le=1_000), NUMBER]
    """1 for the first; parallel referrals share it."""
    made_by: Actor
    made_at: Instant


class ReferralAccepted(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing aangenomen",
):
    """The partner takes it on."""

    referral_id: UUID
    partner_id: Identifier
    accepted_by: Actor
    accepted_at: Instant


class ReferralDeclined(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing afgewezen",
):
    """The partner says no; `late` when it had accepted before."""

    referral_id: UUID
    reason: Reason
    better_partner_id: Identifier | None = None
    late: Annotated[bool, BOOLEAN]
    declined_by: Actor
    declined_at: Instant


class ReferralStarted(
    Event, topics=(REFERRALS,), aggregate="referral", identified_by="referral_id", nl="Doorverwijzing gestart"
):
    """The work began: the partner said so, or the first activity was planned or delivered."""

    referral_id: UUID
    started_at: Instant


class ReferralWithdrawn(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing ingetrokken",
):
    """The sender takes it back, or it ends because its request ended or another partner accepted."""

    referral_id: UUID
    reason: Reason
    withdrawn_by: Actor
    withdrawn_at: Instant


class ReferralCompleted(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing voltooid",
):
    """The partner is done: its activities were delivered, or delivered elsewhere."""

    referral_id: UUID
    outcome: CompletionOutcome
    completed_by: Actor
    completed_at: Instant


class ReferralAcknowledged(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Ontvangst van doorverwijzing bevestigd",
):
    """The partner has seen the referral, and has not decided yet."""

    referral_id: UUID
    acknowledged_by: Actor
    acknowledged_at: Instant


class ReferralCheckedIn(
    Event, topics=(REFERRALS,), aggregate="referral", identified_by="referral_id", nl="Doorverwijzing loopt nog"
):
    """The partner says that it is still working on it: what is waited for counts anew."""

    referral_id: UUID
    checked_in_by: Actor
    checked_in_at: Instant


class ReferralWaitlisted(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing op de wachtlijst",
):
    """The partner would take it on later, and says when it looks again. Until then its decision may wait."""

    referral_id: UUID
    reason: Reason
    review_on: Day
    waitlisted_by: Actor
    waitlisted_at: Instant


class ReferralExpired(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing verlopen",
):
    """The partner did not decide in time."""

    referral_id: UUID
    expired_at: Instant


class WithdrawalRequested(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Intrekking gevraagd",
):
    """The sender wants to take back what has begun. The partner confirms the withdrawal, or still completes it."""

    referral_id: UUID
    reason: Reason
    requested_by: Actor
    requested_at: Instant


class ReferralFailed(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing mislukt",
):
    """The partner had taken it on, or would have, and nothing came of it."""

    referral_id: UUID
    reason: Reason
    failed_by: Actor
    failed_at: Instant


class ReferralVoided(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Doorverwijzing ongeldig verklaard",
):
    """The referral was a mistake: it leaves every figure, and stays in the log."""

    referral_id: UUID
    reason: Reason
    voided_by: Actor
    voided_at: Instant


class OutcomeConfirmed(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Uitkomst bevestigd",
):
    """A site that asked confirms what its partner says came of the referral. The last word per site holds."""

    referral_id: UUID
    site_id: Identifier
    confirmed_by: Actor
    confirmed_at: Instant


class OutcomeDisputed(
    Event,
    topics=(REFERRALS,),
    aggregate="referral",
    identified_by="referral_id",
    nl="Uitkomst betwist",
):
    """A site that asked says that it was not so. The last word per site holds."""

    referral_id: UUID
    site_id: Identifier
    reason: Reason
    disputed_by: Actor
    disputed_at: Instant
