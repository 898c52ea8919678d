"""How a request ends: what became of it, and which of its areas stay unmet. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from contracts.requests import ActivityIds, ClosureOutcome, RequestClosed
from contracts.values import Actor, LearningArea, LearningAreas, Reason, Text, Value, calendar_day
from services.chassis.checks import check_unique
from services.chassis.problems import Malformed, NotYetKnown, RuleSaysNo, WrongField
from services.chassis.reasons import ReasonMissing, check_reason, reason_of, usable_reasons
from services.chassis.schemes import area_key
from services.requests.reasons import LISTS
from services.requests.rules.request import ROUTER, Request, Status, check_allowed


class DeliveryMissing(RuleSaysNo):
    """A fulfilled request cites at least one delivered activity of its own."""


class AreaNotAsked(Malformed):
    """An unmet area must be one that was asked."""


class ClosureBody(Value):
    """How a request ends."""

    outcome: ClosureOutcome
    reason: Reason | None = None
    comment: Text | None = None
    """Stays in this service, as with an answer."""
    activity_ids: ActivityIds = ()
    unmet_areas: LearningAreas = ()


def close(
    request: Request,
    body: ClosureBody,
    *,
    delivered: Mapping[UUID, UUID | None],
    uncovered: Collection[LearningArea],
    by: Actor,
    at: datetime,
) -> RequestClosed:
    """The consultant closes. `delivered` are those of the named activities that were delivered, each with its
    request (none when it was retracted since); `uncovered` are the asked areas that no broker covers now: they
    are unmet, whoever forgets to say so."""
    step, reason = check_allowed(request, "close", by, at), body.reason
    if reason is not None:
        check_reason(step, LISTS, reason, body.comment, by=by, day=calendar_day(at))
    check_unique([str(activity_id) for activity_id in body.activity_ids], field="activityIds")
    check_unique([area_key(area) for area in body.unmet_areas], field="unmetAreas")
    _check_fulfilment(request, body.outcome, body.activity_ids, delivered)
    for index, area in enumerate(body.unmet_areas):
        if area not in request.details.learning_areas:
            raise AreaNotAsked(
                None,
                WrongField(f"unmetAreas[{index}]", area.code, [each.code for each in request.details.learning_areas]),
            )
    unmet = tuple(area for area in request.details.learning_areas if area in body.unmet_areas or area in uncovered)
    if reason is None and uncovered and not body.unmet_areas:
        reason = reason_of(step, "no_offer_in_area")
    if reason is None and (unmet or body.outcome == "not_fulfilled"):
        raise ReasonMissing(
            "What was not fulfilled needs a reason.",
            WrongField("reason", None, usable_reasons(step, LISTS, by.role, calendar_day(at))),
        )
    return RequestClosed(
        request_id=request.id,
        outcome=body.outcome,
        reason=reason,
        activity_ids=body.activity_ids,
        unmet_areas=unmet,
        closed_by=by,
        closed_at=at,
    )


_WHY_NOT: Mapping[str | None, str] = {"declined": "all_declined", "expired": "expired"}
"""Why nothing came of a request, by how its last referral ended (ruling 47)."""


def close_by_itself(
    request: Request, delivered: Mapping[UUID, Collection[LearningArea]], *, at: datetime
) -> RequestClosed:
    """The grace period has passed, or what was wished found no broker. `delivered` are its delivered activities, each
    with its learning areas: these are met (ruling 47)."""
    step = check_allowed(request, "close", ROUTER, at)
    asked = request.details.learning_areas
    met = {area for areas in delivered.values() for area in areas}
    unmet = tuple(area for area in asked if area not in met)
    if request.answer == "advise" and not delivered:
        uncovered = request.uncovered_areas
        return RequestClosed(
            request_id=request.id,
            outcome="advice_only",
            reason=reason_of(step, "no_offer_in_area") if uncovered else None,
            unmet_areas=uncovered,
            closed_by=ROUTER,
            closed_at=at,
        )
    outcome: ClosureOutcome = (
        "not_fulfilled" if len(unmet) == len(asked) else "partly_fulfilled" if unmet else "fulfilled"
    )
    if request.status is Status.NO_BROKER:
        why = reason_of(step, "no_offer_in_area")
    else:
        why = request.answer_reason or reason_of(step, _WHY_NOT.get(request.last_end, "other"))
    return RequestClosed(
        request_id=request.id,
        outcome=outcome,
        reason=why if unmet else None,
        activity_ids=() if outcome == "not_fulfilled" else tuple(sorted(delivered)),
        unmet_areas=unmet,
        closed_by=ROUTER,
        closed_at=at,
    )


def _check_fulfilment(
    request: Request, outcome: ClosureOutcome, activity_ids: Sequence[UUID], delivered: Mapping[UUID, UUID | None]
) -> None:
    for index, activity_id in enumerate(activity_ids):
        if delivered.get(activity_id) != request.id:  # that it is another request's is not for everybody to know
            raise NotYetKnown(
                f"activityIds[{index}] is {activity_id}: no such delivery for this request is known here; ask again"
                " shortly.",
                WrongField(f"activityIds[{index}]", str(activity_id), "a delivered activity of this request"),
            )
    if outcome in {"fulfilled", "partly_fulfilled"} and not activity_ids:
        raise DeliveryMissing(None, WrongField("activityIds", [], "at least one delivered activity of this request"))
