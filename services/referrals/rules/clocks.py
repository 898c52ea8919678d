"""How long referrals and activities may wait, and what follows. Pure."""

from datetime import date
from typing import Any

from services.chassis.clocks import Breach, Clock, Turn
from services.referrals.rules.activity import Status as ActivityStatus
from services.referrals.rules.referral import Referral, Status


def _decide_by(referral: Referral) -> date:
    return referral.made.decide_by


def _review_on(referral: Referral) -> date:
    assert referral.review_on is not None, "what waits is looked at again"
    return referral.review_on


def _last_news(referral: Referral) -> date | None:
    return max((day for day in (referral.planned_up_to, referral.checked_in_on) if day), default=None)


def _is(*statuses: Status | ActivityStatus) -> Any:  # noqa: ANN401 - of an object with one of these
    return lambda thing: thing.status in statuses


OF_REFERRALS = (
    Clock(
        "see",
        "the partner has not said that it has seen it",
        lambda referral: referral.status is Status.REQUESTED and not referral.acknowledged,
        (Breach("remind"),),
    ),
    Clock(
        "decide",
        "the partner has not decided, up to `decideBy`",
        _is(Status.REQUESTED),
        (Breach("remind"), Breach("escalate"), Breach("expire", _decide_by)),
        turn=Turn("partner", "expire"),
    ),
    Clock(
        "review",
        "it is on the waiting list, from the day of its review",
        _is(Status.WAITLISTED),
        (Breach("remind", _review_on), Breach("expire")),
        since=lambda r: r.review_on,
        turn=Turn("partner", "remind"),
    ),
    Clock(
        "plan",
        "the partner took it on, and has planned nothing",
        _is(Status.ACCEPTED),
        (Breach("remind"),),
        since=lambda referral: referral.checked_in_on,
        turn=Turn("partner", "remind"),
    ),
    Clock(
        "finish",
        "it has begun, from the last day for which something is planned or on which the partner checked in",
        lambda referral: referral.status is Status.IN_PROGRESS and referral.withdrawal is None,
        (Breach("remind"),),
        since=_last_news,
        turn=Turn("partner", "remind"),
    ),
    Clock(
        "take-back",
        "the sender asks it back",
        lambda referral: referral.status is Status.IN_PROGRESS and referral.withdrawal is not None,
        (Breach("withdraw"),),
        turn=Turn("partner", "withdraw"),
    ),
)


OF_ACTIVITIES = (
    Clock(
        "report",
        "it is planned, from its day",
        _is(ActivityStatus.PLANNED),
        (Breach("remind"), Breach("flag")),
        since=lambda activity: activity.planned_on,
        turn=Turn("partner", "remind"),
    ),
)
