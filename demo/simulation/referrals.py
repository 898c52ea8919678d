"""How a consultant refers a request, what the partners do with it, and how the request is closed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.values import calendar_day
from demo.simulation.activities import deliver_series
from demo.simulation.calendar import later
from demo.simulation.organisations import area, partners_of
from demo.simulation.plan import (
    ACCEPT_REFERRAL,
    CLOSE_REQUEST,
    COMPLETE_REFERRAL,
    DECLINE_REFERRAL,
    MAKE_REFERRAL,
    Actor,
    Body,
)
from demo.simulation.scenario import ScenarioWriter

PARALLEL, DECLINED, LATE, UNDECIDED = 0.08, 0.18, 0.04, 0.03
MAX_ATTEMPTS = 3
COMPLETED, CLOSED = 0.9, 0.88
DECLINE_REASONS = ("no_capacity", "dates_impossible", "age_group_mismatch", "better_partner_suggested")


@dataclass(frozen=True, slots=True)
class Case:
    """A request that a broker's consultant works on."""

    writer: ScenarioWriter
    broker: str
    details: Body
    """Of the request."""
    covered: Sequence[str]
    """The requested learning areas that have a broker."""
    succeeds: bool = False

    @property
    def consultant(self) -> Actor:
        return Actor("consultant", self.broker)


def refer(case: Case, at: datetime) -> None:
    """Refer to one partner after another, or to two at once, until one accepts."""
    simulation, rng = case.writer.simulation, case.writer.simulation.rng
    partners = rng.sample(partners_of(case.covered[0]), len(partners_of(case.covered[0])))
    body: Body = {"requestId": "$request", "learningAreas": [area(case.covered[0])]}
    if len(partners) > 1 and simulation.happens(PARALLEL):
        body["parallelSet"] = str(UUID(int=rng.getrandbits(128), version=4))
        for number, partner in enumerate(partners[:2], 1):
            _make(case, at, partner, body, f"referral{number}")
        _accept(case, later(at, rng.randint(0, 6), rng), partners[0], "referral1")
        return
    for attempt, partner in enumerate(partners[:MAX_ATTEMPTS], 1):
        name = f"referral{attempt}"
        _make(case, at, partner, body, name)
        decided_at = later(at, rng.randint(0, 7), rng)
        chance = 1.0 if case.succeeds else rng.random()
        if chance < UNDECIDED:
            return
        if chance >= UNDECIDED + DECLINED + LATE:
            _accept(case, decided_at, partner, name)
            return
        better = partners[attempt] if attempt < len(partners) else None
        at = _decline(case.writer, decided_at, partner, name, better, late=chance >= UNDECIDED + DECLINED)
        body = {**body, "replaces": f"${name}"}
    close(case, at, "not_fulfilled", "all_declined", unmet=case.covered[:1])


def _make(case: Case, at: datetime, partner: str, body: Body, name: str) -> None:
    decide_by = calendar_day(at) + timedelta(days=28)  # seven working days and a holiday: what is decided is in time
    details = {**body, "partnerId": partner, "decideBy": decide_by.isoformat()}
    case.writer.add(at, case.consultant, MAKE_REFERRAL, name, details)


def _decline(
    writer: ScenarioWriter, at: datetime, partner: str, name: str, better: str | None, *, late: bool
) -> datetime:
    """The partner declines; `late`: it had accepted before. Returns when the consultant continues."""
    rng, actor = writer.simulation.rng, Actor("partner", partner)
    if late:
        writer.add(at, actor, ACCEPT_REFERRAL, name, {})
        at = later(at, rng.randint(1, 8), rng)
    code = rng.choice(DECLINE_REASONS if better else DECLINE_REASONS[:-1])
    body: Body = {"reason": {"list": "decline", "code": code}}
    if code == "better_partner_suggested":
        body["betterPartnerId"] = better
    writer.add(at, actor, DECLINE_REFERRAL, name, body)
    return later(at, rng.randint(0, 4), rng)


def _accept(case: Case, at: datetime, partner: str, name: str) -> None:
    writer, simulation, rng = case.writer, case.writer.simulation, case.writer.simulation.rng
    writer.add(at, Actor("partner", partner), ACCEPT_REFERRAL, name, {})
    last = deliver_series(writer, at, partner, case.details, case.covered, name)
    if last is None or not writer.activities:
        return
    done_at = later(last, rng.randint(8, 12), rng)  # after all corrections and retractions
    if simulation.happens(COMPLETED):
        writer.add(done_at, Actor("partner", partner), COMPLETE_REFERRAL, name, {"outcome": "delivered"})
    if simulation.happens(CLOSED):
        is_partly = len(case.covered) > 1 and simulation.happens(0.5)
        closed_at = later(done_at, rng.randint(0, 4), rng)  # within the grace period: else it closes by itself
        if is_partly:
            close(case, closed_at, "partly_fulfilled", "no_capacity_anywhere", unmet=case.covered[1:])
        else:
            close(case, closed_at, "fulfilled")


def close(case: Case, at: datetime, outcome: str, reason: str | None = None, *, unmet: Sequence[str] = ()) -> None:
    body: Body = {"outcome": outcome, "unmetAreas": [area(code) for code in unmet]} | not_fulfilled(reason)
    if outcome in {"fulfilled", "partly_fulfilled"}:
        body["activityIds"] = [f"${name}" for name in case.writer.activities]
    case.writer.add(at, case.consultant, CLOSE_REQUEST, "request", body)


def not_fulfilled(reason: str | None) -> Body:
    return {"reason": {"list": "not-fulfilled", "code": reason}} if reason else {}
