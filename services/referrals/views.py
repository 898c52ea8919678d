"""What `referrals` shows."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.activities import ActivityPlan, DeliveryDetails, Origin
from contracts.offers import BrokerDetails, PartnerDetails
from contracts.outcomes import Warned
from contracts.referrals import CompletionOutcome, ReferralDetails
from contracts.values import MAX_GROUPS, Actor, Day, Identifier, Reason, SiteIds, Value
from services.chassis.http.parameters import MAX_PAGE, NextCursor, one_of
from services.chassis.life_cycle import Actions, available_actions
from services.referrals.rules import activity as activity_rules
from services.referrals.rules import referral as referral_rules
from services.referrals.rules.activity import Activity
from services.referrals.rules.referral import Referral


class BrokerView(Value):
    """A broker as it is recorded."""

    broker_id: Identifier
    details: BrokerDetails
    version: int | None = None


class BrokerPage(Value):
    """A page of brokers."""

    items: Annotated[tuple[BrokerView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


class PartnerView(Value):
    """A partner as it is recorded."""

    partner_id: Identifier
    details: PartnerDetails
    version: int | None = None


class PartnerPage(Value):
    """A page of partners."""

    items: Annotated[tuple[PartnerView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


class ReferralView(Value):
    """A referral as its caller sees it."""

    referral_id: UUID
    status: Annotated[str, one_of(referral_rules.Status)]
    site_id: Identifier
    broker_id: Identifier
    attempt: int
    made_at: datetime
    details: ReferralDetails
    reason: Reason | None = None
    """Why it waits, or was declined, withdrawn or voided, or failed."""
    better_partner_id: Identifier | None = None
    acknowledged: bool
    review_on: Day | None = None
    """When the partner looks again at what is on its waiting list."""
    withdrawal: Reason | None = None
    """Why the sender wants to take back what has begun."""
    outcome: CompletionOutcome | None = None
    confirmed_by_sites: SiteIds
    disputed_by_sites: SiteIds
    version: int
    available_actions: Actions


class ReferralPage(Value):
    """A page of referrals."""

    items: Annotated[tuple[ReferralView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


class ActivityView(Value):
    """An activity as its caller sees it."""

    activity_id: UUID
    status: Annotated[str, one_of(activity_rules.Status)]
    origin: Origin
    request_id: UUID | None = None
    plan: ActivityPlan
    body: DeliveryDetails | None = None
    """What was delivered, as it was last corrected."""
    confirmed_by_sites: SiteIds
    disputed_by_sites: SiteIds
    version: int
    available_actions: Actions
    warnings: Annotated[tuple[Warned, ...], Field(max_length=MAX_GROUPS)] = ()
    """After a delivery or a correction: what of it counts nowhere."""


class ActivityPage(Value):
    """A page of activities."""

    items: Annotated[tuple[ActivityView, ...], Field(max_length=MAX_PAGE)]
    next_cursor: NextCursor | None = None


def referral_view(referral: Referral, by: Actor, day: date) -> ReferralView:
    made = referral.made
    return ReferralView(
        referral_id=referral.id,
        status=referral.status,
        site_id=made.site_id,
        broker_id=made.broker_id,
        attempt=made.attempt,
        made_at=made.made_at,
        details=ReferralDetails.model_validate(dict(made), extra="ignore"),
        reason=referral.reason,
        better_partner_id=referral.better_partner_id,
        acknowledged=referral.acknowledged,
        review_on=referral.review_on,
        withdrawal=referral.withdrawal,
        outcome=referral.outcome,
        confirmed_by_sites=tuple(sorted(referral.confirmed_by)),
        disputed_by_sites=tuple(sorted(referral.disputed_by)),
        version=referral.version,
        available_actions=available_actions(
            referral_rules.LIFE_CYCLE, referral, by, referral_rules.parties(referral), day
        ),
    )


def activity_view(activity: Activity, by: Actor, day: date, warnings: tuple[Warned, ...] = ()) -> ActivityView:
    planned = activity.planned
    return ActivityView(
        activity_id=activity.id,
        status=activity.status,
        origin=planned.origin,
        request_id=planned.request_id,
        plan=ActivityPlan.model_validate(dict(planned), extra="ignore"),
        body=activity.body,
        confirmed_by_sites=tuple(sorted(activity.confirmed_by)),
        disputed_by_sites=tuple(sorted(activity.disputed_by)),
        version=activity.version,
        available_actions=available_actions(
            activity_rules.LIFE_CYCLE, activity, by, activity_rules.parties(activity), day
        ),
        warnings=warnings,
    )
