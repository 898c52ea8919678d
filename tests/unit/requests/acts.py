"""What is done with a request, as tests of its rules do it."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from contracts.requests import RequestAmended, RequestClosed, RequestRaised
from contracts.sites import SiteDetails
from contracts.values import Actor, LearningArea, Reason
from services.chassis.messaging.outbox import new_id
from services.requests.reasons import SCHEMES
from services.requests.rules import asking, closing
from services.requests.rules import request as rules
from services.requests.rules.asking import Known
from services.requests.rules.closing import ClosureBody
from services.requests.rules.request import AnswerBody, Request, RequestEvent
from tests.builders import (
    GROUP,
    NOW,
    SCHOOL,
    SPORT,
    an_actor,
    group_details,
    request_details,
    site_details,
)


def answer(request: Request, by: Actor, how: Any = "advise", reason: Reason | None = None, **more: Any) -> RequestEvent:
    return rules.answer(request, AnswerBody(answer=how, reason=reason, **more), by=by, at=NOW)


def close(
    request: Request,
    by: Actor,
    outcome: Any = "advice_only",
    reason: Reason | None = None,
    *,
    delivered: Mapping[UUID, UUID | None] | None = None,
    uncovered: Collection[LearningArea] = (),
    **more: Any,
) -> RequestClosed:
    body = ClosureBody(outcome=outcome, reason=reason, **more)
    return closing.close(request, body, delivered=delivered or {}, uncovered=uncovered, by=by, at=NOW)


def raise_request(site: SiteDetails | None = None, by: Actor | None = None, **asked: Any) -> RequestRaised:
    details = request_details(**asked)
    by = by or an_actor("coordinator", details.site_id)
    return asking.raise_request(new_id(), details, known=known(site), by=by, at=NOW)


def known(site: SiteDetails | None = None) -> Known:
    """What is recorded: the school, and a group of it."""
    return Known({SCHOOL: site or site_details()}, {GROUP: group_details()}, SCHEMES)


def amend(request: Request, by: Actor, **asked: Any) -> RequestAmended:
    details = request_details(**(asked or {"learning_areas": (SPORT,)}))
    return asking.amend(request, details, known=known(), by=by, at=NOW)
