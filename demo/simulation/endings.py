"""Everything else that can become of a request, a referral or an activity: each a short scenario of its own. Pure.

What is common (accepted, declined, delivered, closed) is in the other scenarios; this is what is rare, so that a year
of any size has all of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.values import calendar_day
from demo.programme import PROGRAMME
from demo.simulation.activity_details import activity_details
from demo.simulation.calendar import FIRST_LESSON, LAST_LESSON, later, moment_on, working_days
from demo.simulation.city import School
from demo.simulation.organisations import area, partners_of
from demo.simulation.plan import (
    ACCEPT_REFERRAL,
    ACKNOWLEDGE_REFERRAL,
    AMEND_REQUEST,
    CANCEL_ACTIVITY,
    CHECK_IN_REFERRAL,
    CHECK_IN_REQUEST,
    CLOSE_REQUEST,
    COMPLETE_REFERRAL,
    CONFIRM_OUTCOME,
    CONFIRM_WITHDRAWAL,
    DISPUTE_OUTCOME,
    FAIL_REFERRAL,
    MAKE_REFERRAL,
    PLAN_ACTIVITY,
    RAISE_REQUEST,
    REOPEN_REQUEST,
    REPORT_NOT_HELD,
    REQUEST_WITHDRAWAL,
    RESCHEDULE_ACTIVITY,
    START_REFERRAL,
    VOID_REFERRAL,
    VOID_REQUEST,
    WAITLIST_REFERRAL,
    WITHDRAW_REFERRAL,
    WITHDRAW_REQUEST,
    Actor,
    Body,
    Command,
    Scenario,
)
from demo.simulation.scenario import ScenarioWriter, Simulation

ART = "kunst-en-cultuur"
CONSULTANT = Actor("consultant", "own:babel")
DAYS_LEFT = 60  # working days before the summer: every one of these lives ends in the year
ELSEWHERE: Body = {"outcome": "delivered_elsewhere", "comment": "In het park."}


@dataclass(slots=True)
class Life:
    """A request for art that is referred to a partner, and the day that it is."""

    writer: ScenarioWriter
    day: datetime
    details: Body
    partner: Actor

    def pass_days(self, days: int) -> None:
        self.day = later(self.day, days, self.writer.simulation.rng)

    def does(self, actor: Actor, command: Command, body: Body | None = None, name: str = "referral1") -> None:
        self.pass_days(1)
        self.writer.add(self.day, actor, command, name, body or {})

    def asks(self, command: Command, body: Body) -> None:
        self.does(self.writer.coordinator, command, body, "request")

    def is_made(self) -> None:
        body: Body = {
            "requestId": "$request",
            "learningAreas": [area(ART)],
            "partnerId": self.partner.organisation,
            "decideBy": (calendar_day(self.day) + timedelta(days=28)).isoformat(),  # also over a holiday
        }
        self.does(CONSULTANT, MAKE_REFERRAL, body)

    def begins(self) -> None:
        self.is_made()
        self.does(self.partner, ACCEPT_REFERRAL)
        self.does(self.partner, START_REFERRAL)

    def is_planned(self) -> Body:
        """The partner plans an activity of it for nine working days later; returns the plan."""
        held = later(self.day, 9, self.writer.simulation.rng)
        details = activity_details(self.writer, self.details, self.partner.organisation, [area(ART)], held.date())
        names = ("siteIds", "partnerIds", "programme", "learningAreas", "audience")
        plan: Body = {name: details[name] for name in names} | {"plannedFor": details["occurredAt"]}
        self.does(self.partner, PLAN_ACTIVITY, plan | {"referralId": "$referral1"}, "activity1")
        return plan


def because(reasons: str, code: str, **more: object) -> Body:
    return {"reason": {"list": reasons, "code": code}, **more}


def _request_withdrawn(life: Life) -> None:
    life.is_made()
    life.asks(WITHDRAW_REQUEST, because("withdraw-request", "solved_ourselves"))


def _request_withdrawn_when_begun(life: Life) -> None:
    life.begins()
    life.asks(WITHDRAW_REQUEST, because("withdraw-request", "staff_shortage"))
    life.pass_days(1)
    life.does(life.partner, CONFIRM_WITHDRAWAL)


def _request_voided(life: Life) -> None:
    life.is_made()
    life.asks(VOID_REQUEST, because("void-request", "duplicate"))


def _reopened(life: Life) -> None:
    life.is_made()
    closure = {"outcome": "not_fulfilled"} | because("not-fulfilled", "no_funding", unmetAreas=[area(ART)])
    life.does(CONSULTANT, CLOSE_REQUEST, closure, "request")
    life.asks(REOPEN_REQUEST, because("reopen-request", "new_information"))


def _amended(life: Life) -> None:
    wished_to = calendar_day(life.day) + timedelta(days=120)
    life.asks(AMEND_REQUEST, life.details | {"wishedTo": wished_to.isoformat()})
    life.does(CONSULTANT, CHECK_IN_REQUEST, name="request")
    life.is_made()
    life.does(life.partner, ACKNOWLEDGE_REFERRAL)
    life.does(life.partner, ACCEPT_REFERRAL)
    life.does(life.partner, CHECK_IN_REFERRAL)
    life.does(life.partner, COMPLETE_REFERRAL, ELSEWHERE)


def _waitlisted_then_accepted(life: Life) -> None:
    life.is_made()
    life.does(life.partner, WAITLIST_REFERRAL, _wait(life))
    life.pass_days(3)
    life.does(life.partner, ACCEPT_REFERRAL)
    life.does(life.partner, COMPLETE_REFERRAL, ELSEWHERE)
    life.does(life.writer.coordinator, CONFIRM_OUTCOME)


def _waitlisted_until_it_expires(life: Life) -> None:
    life.is_made()
    life.does(life.partner, WAITLIST_REFERRAL, _wait(life))


def _wait(life: Life) -> Body:
    review_on = calendar_day(life.day) + timedelta(days=21)
    return because("waitlist", "awaiting_staff", reviewOn=review_on.isoformat())


def _withdrawn_by_the_consultant(life: Life) -> None:
    life.is_made()
    life.does(CONSULTANT, WITHDRAW_REFERRAL, because("withdraw-referral", "wrong_partner"))


def _asked_back_and_agreed(life: Life) -> None:
    life.begins()
    life.does(CONSULTANT, REQUEST_WITHDRAWAL, because("withdraw-referral", "need_changed"))
    life.does(life.partner, CONFIRM_WITHDRAWAL)


def _asked_back_and_completed(life: Life) -> None:
    life.begins()
    life.does(CONSULTANT, REQUEST_WITHDRAWAL, because("withdraw-referral", "need_changed"))
    life.does(life.partner, COMPLETE_REFERRAL, ELSEWHERE)
    life.does(life.writer.coordinator, DISPUTE_OUTCOME, because("outcome-dispute", "not_complete"))


def _asked_back_and_not_answered(life: Life) -> None:
    """The clock takes it back."""
    life.begins()
    life.does(CONSULTANT, REQUEST_WITHDRAWAL, because("withdraw-referral", "no_response"))


def _failed(life: Life) -> None:
    life.begins()
    life.does(life.partner, FAIL_REFERRAL, because("fail", "staff_ill"))


def _referral_voided(life: Life) -> None:
    life.is_made()
    life.does(CONSULTANT, VOID_REFERRAL, because("void-referral", "raised_in_error"))


def _cancelled(life: Life) -> None:
    life.begins()
    life.is_planned()
    life.does(life.partner, CANCEL_ACTIVITY, because("activity-cancellation", "weather"), "activity1")
    life.does(life.partner, FAIL_REFERRAL, because("fail", "could_not_schedule"))


def _rescheduled_and_not_held(life: Life) -> None:
    life.begins()
    plan = life.is_planned()
    moved = datetime.fromisoformat(plan["plannedFor"]) + timedelta(days=7)
    life.does(life.partner, RESCHEDULE_ACTIVITY, {"plannedFor": moved.isoformat()}, "activity1")
    life.pass_days(17)
    life.does(life.partner, REPORT_NOT_HELD, because("activity-not-held", "partner_absent"), "activity1")
    life.does(life.partner, FAIL_REFERRAL, because("fail", "insufficient_participants"))


def _never_reported(life: Life) -> None:
    """Planned, and nobody says what became of it: the partner is reminded, and it is flagged."""
    life.begins()
    life.is_planned()


ENDINGS: Mapping[str, Callable[[Life], None]] = {
    "request-withdrawn": _request_withdrawn,
    "request-withdrawn-when-begun": _request_withdrawn_when_begun,
    "request-voided": _request_voided,
    "reopened": _reopened,
    "amended": _amended,
    "waitlisted-then-accepted": _waitlisted_then_accepted,
    "waitlisted-until-it-expires": _waitlisted_until_it_expires,
    "withdrawn": _withdrawn_by_the_consultant,
    "asked-back-and-agreed": _asked_back_and_agreed,
    "asked-back-and-completed": _asked_back_and_completed,
    "asked-back-and-not-answered": _asked_back_and_not_answered,
    "failed": _failed,
    "referral-voided": _referral_voided,
    "cancelled": _cancelled,
    "rescheduled-and-not-held": _rescheduled_and_not_held,
    "never-reported": _never_reported,
}


def ending_scenario(simulation: Simulation, ending: str, name: str, school: School) -> Scenario:
    rng, writer = simulation.rng, ScenarioWriter(simulation, name, school)
    raised_at = moment_on(rng.choice(working_days(FIRST_LESSON, LAST_LESSON)[:-DAYS_LEFT]), rng)
    wished = calendar_day(raised_at) + timedelta(days=14)
    group = rng.choice(school.groups)
    details: Body = {
        "siteId": school.id,
        "coSiteIds": [],
        "programme": PROGRAMME,
        "learningAreas": [area(ART)],
        "audience": "children",
        "wishedFrom": wished.isoformat(),
        "wishedTo": (wished + timedelta(days=90)).isoformat(),
        "intention": "unknown",
        "groups": [{"groupId": group.id, "headcount": group.size}],
    }
    writer.add(raised_at, writer.coordinator, RAISE_REQUEST, "request", details)
    life = Life(writer, raised_at, details, Actor("partner", rng.choice(partners_of(ART))))
    ENDINGS[ending](life)
    return writer.scenario()
