"""What partners deliver, from a referral or directly, and what sites and partners do with it afterwards. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from contracts.values import calendar_day
from demo.programme import PROGRAMME
from demo.simulation.activity_details import activity_details, corrected
from demo.simulation.calendar import FIRST_LESSON, LAST_LESSON, later, moment_on, working_days
from demo.simulation.city import School
from demo.simulation.organisations import PARTNERS, area
from demo.simulation.plan import (
    CONFIRM_ACTIVITY,
    CORRECT_ACTIVITY,
    DELIVER_ACTIVITY,
    DISPUTE_ACTIVITY,
    PLAN_ACTIVITY,
    RAISE_REQUEST,
    RETRACT_ACTIVITY,
    Actor,
    Body,
    Scenario,
)
from demo.simulation.scenario import Approach, ScenarioWriter, Simulation

SERIES = (1, 1, 1, 1, 1, 2, 2, 3, 4, 6)  # lessons of one referral: half of them are a single one
IN_HOLIDAYS = 0.04
ON_THE_SPOT, CONFIRMED, DISPUTED = 0.2, 0.75, 0.04
CONFIRMED_WHEN_STACKING = 0.55
CARE_CONFIRMS = 0.3
CORRECTED, RETRACTED = 0.06, 0.02
RETRACT_REASONS = ("entered_in_error", "duplicate", "not_held")
DISPUTE_REASONS = ("not_held", "wrong_count", "not_our_group")
DIRECT_AUDIENCES = ("children", "children", "children", "children", "professionals", "parents")


def deliver_series(
    writer: ScenarioWriter, accepted_at: datetime, partner: str, details: Body, covered: Sequence[str], referral: str
) -> datetime | None:
    """Plan and deliver one activity or more; returns when the last was registered, if any."""
    simulation, rng = writer.simulation, writer.simulation.rng
    planned_at = later(accepted_at, rng.randint(1, 4), rng)
    number, day, last = min(rng.choice(SERIES), simulation.left), calendar_day(planned_at), None
    areas = [area(code) for code in (covered if rng.random() < 0.5 else covered[:1])]  # noqa: PLR2004 - one in two
    for index in range(1, number + 1):
        day = _next_lesson(simulation, day)
        if day > LAST_LESSON:
            break
        body = activity_details(writer, details, partner, areas, day)
        plan = {**_plan(body), "referralId": f"${referral}"}
        last = _deliver(writer, planned_at + timedelta(minutes=index), body, plan, f"activity{index}")
    return last


def direct_scenario(simulation: Simulation, name: str, school: School) -> Scenario:
    rng, writer = simulation.rng, ScenarioWriter(simulation, name, school)
    partner = rng.choice(sorted(PARTNERS))
    day = rng.choice(working_days(FIRST_LESSON + timedelta(days=14), LAST_LESSON))
    audience = rng.choice(DIRECT_AUDIENCES)
    groups = rng.sample(school.groups, 1) if audience == "children" else []
    details: Body = {
        "siteId": school.id,
        "coSiteIds": [],
        "audience": audience,
        "groups": [{"groupId": group.id, "headcount": group.size} for group in groups],
    }
    body = activity_details(writer, details, partner, [area(rng.choice(PARTNERS[partner][1]))], day)
    planned_at = moment_on(day - timedelta(days=rng.randint(3, 12)), rng)
    _deliver(writer, planned_at, body, _plan(body), "activity1")
    return writer.scenario()


def _next_lesson(simulation: Simulation, after: date) -> date:
    day = after + timedelta(days=simulation.rng.randint(3, 16))
    if simulation.happens(IN_HOLIDAYS):
        return day
    open_days = working_days(day, min(day + timedelta(days=30), LAST_LESSON))  # no holiday but summer is longer
    return open_days[0] if open_days else LAST_LESSON + timedelta(days=1)


def _plan(body: Body) -> Body:
    return {
        "siteIds": body["siteIds"],
        "partnerIds": body["partnerIds"],
        "programme": PROGRAMME,
        "learningAreas": body["learningAreas"],
        "plannedFor": body["occurredAt"],
        "audience": body["audience"],
    }


def _deliver(writer: ScenarioWriter, planned_at: datetime, body: Body, plan: Body, name: str) -> datetime:
    simulation, rng = writer.simulation, writer.simulation.rng
    partner = Actor("partner", body["partnerIds"][0])
    writer.add(planned_at, partner, PLAN_ACTIVITY, name, plan)
    ended_at = datetime.fromisoformat(body["occurredAt"]) + timedelta(minutes=body["durationMinutes"])
    registered_at = later(ended_at, rng.choice((0, 0, 0, 1, 1, 2, 4)), rng)
    confirms = _is_confirmed(writer, body)
    on_the_spot = confirms and simulation.happens(ON_THE_SPOT)
    writer.add(registered_at, partner, DELIVER_ACTIVITY, name, body)
    if on_the_spot:
        school = writer.school.id
        writer.add(registered_at, Actor("coordinator", school), CONFIRM_ACTIVITY, name, {"siteId": school})
    simulation.left -= 1
    if not writer.activities and _leads_to_adoption(writer):
        _confirm(writer, registered_at, writer.school.id, name)
        writer.activities.append(name)
    elif simulation.happens(RETRACTED):
        retracted_at = later(registered_at, rng.randint(0, 5), rng)
        reason = _reason("activity-retraction", rng.choice(RETRACT_REASONS))
        writer.add(retracted_at, partner, RETRACT_ACTIVITY, name, reason)
    else:
        writer.activities.append(name)
        _follow_up(writer, registered_at, partner, body, name, confirms=confirms and not on_the_spot)
    return registered_at


def _leads_to_adoption(writer: ScenarioWriter) -> bool:
    """Whether the school's adoption may depend on the first activity: the school requested it and wants to replace."""
    return writer.approach is not Approach.STACKING and writer.steps[0].command == RAISE_REQUEST


def _is_confirmed(writer: ScenarioWriter, body: Body) -> bool:
    """Whether the school confirms it; a school that stacks does not confirm what replaces."""
    if writer.approach is Approach.STACKING:
        return body["substitution"] != "replaces" and writer.simulation.happens(CONFIRMED_WHEN_STACKING)
    return writer.simulation.happens(CONFIRMED)


def _follow_up(
    writer: ScenarioWriter, registered_at: datetime, partner: Actor, body: Body, name: str, *, confirms: bool
) -> None:
    simulation, rng, school = writer.simulation, writer.simulation.rng, writer.school.id
    if confirms:
        _confirm(writer, registered_at, school, name)
    elif simulation.happens(DISPUTED):
        dispute = {"siteId": school} | _reason("activity-dispute", rng.choice(DISPUTE_REASONS))
        disputed_at = later(registered_at, rng.randint(0, 5), rng)
        writer.add(disputed_at, writer.coordinator, DISPUTE_ACTIVITY, name, dispute)
    for site in body["siteIds"][1:]:
        if simulation.happens(CARE_CONFIRMS):
            _confirm(writer, registered_at, site, name)
    if simulation.happens(CORRECTED) and (right := corrected(body, rng)):
        writer.add(later(registered_at, rng.randint(0, 6), rng), partner, CORRECT_ACTIVITY, name, right)


def _confirm(writer: ScenarioWriter, after: datetime, site: str, name: str) -> None:
    rng = writer.simulation.rng
    confirmed_at = later(after, rng.randint(0, 6), rng)
    writer.add(confirmed_at, Actor("coordinator", site), CONFIRM_ACTIVITY, name, {"siteId": site})


def _reason(reasons: str, code: str) -> Body:
    return {"reason": {"list": reasons, "code": code}}
