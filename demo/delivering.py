"""What partners deliver, from a referral or directly, and what is said of it afterwards. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from contracts.values import calendar_day
from demo.bodies import activity_body, corrected
from demo.calendar import FIRST_LESSON, LAST_LESSON, later, moment_on, working_days
from demo.city import School
from demo.organisations import PARTNERS, PROGRAMME, area
from demo.simulation import Simulation, Telling, Temper
from demo.story import Body, Story

SERIES = (1, 1, 1, 1, 1, 2, 2, 3, 4, 6)  # lessons of one referral: half of them are a single one
IN_HOLIDAYS = 0.04
ON_THE_SPOT, CONFIRMED, DISPUTED = 0.2, 0.75, 0.04
CONFIRMED_BY_HABIT = 0.55
CARE_CONFIRMS = 0.3
CORRECTED, RETRACTED = 0.06, 0.02
RETRACT_REASONS = ("entered_in_error", "duplicate", "not_held")
DISPUTE_REASONS = ("not_held", "wrong_count", "not_our_group")
DIRECT_AUDIENCES = ("children", "children", "children", "children", "professionals", "parents")


def deliver_series(
    telling: Telling, accepted_at: datetime, partner: str, details: Body, covered: Sequence[str], referral: str
) -> datetime | None:
    """Plan and deliver one activity or more; returns when the last was registered, if any."""
    simulation, rng = telling.simulation, telling.simulation.rng
    planned_at = later(accepted_at, rng.randint(1, 4), rng)
    number, day, last = min(rng.choice(SERIES), simulation.left), calendar_day(planned_at), None
    areas = [area(code) for code in (covered if rng.random() < 0.5 else covered[:1])]  # noqa: PLR2004 - one in two
    for index in range(1, number + 1):
        day = _next_lesson(simulation, day)
        if day > LAST_LESSON:
            break
        body = activity_body(telling, details, partner, areas, day)
        plan = {**_plan(body), "referralId": f"${referral}"}
        last = _deliver(telling, planned_at + timedelta(minutes=index), body, plan, f"activity{index}")
    return last


def direct_story(simulation: Simulation, name: str, school: School) -> Story:
    """A partner delivers without having been referred to: a lesson, an evening for parents, a study day."""
    rng, telling = simulation.rng, Telling(simulation, name, school)
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
    body = activity_body(telling, details, partner, [area(rng.choice(PARTNERS[partner][1]))], day)
    planned_at = moment_on(day - timedelta(days=rng.randint(3, 12)), rng)
    _deliver(telling, planned_at, body, _plan(body), "activity1")
    return telling.story()


def _next_lesson(simulation: Simulation, after: date) -> date:
    """The day of the next lesson; now and then in the holidays."""
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


def _deliver(telling: Telling, planned_at: datetime, body: Body, plan: Body, name: str) -> datetime:
    """The partner plans it and registers what was delivered; returns when that was."""
    simulation, rng = telling.simulation, telling.simulation.rng
    who = ("partner", body["partnerIds"][0])
    telling.does(planned_at, who, ("referrals", "/v1/activities"), plan, announces="ActivityPlanned", keeps=name)
    ended_at = datetime.fromisoformat(body["occurredAt"]) + timedelta(minutes=body["durationMinutes"])
    registered_at = later(ended_at, rng.choice((0, 0, 0, 1, 1, 2, 4)), rng)
    confirms = _is_confirmed(telling, body)
    on_the_spot = [telling.school.id] if confirms and simulation.happens(ON_THE_SPOT) else []
    telling.does(
        registered_at,
        who,
        ("referrals", f"/v1/activities/${name}/deliveries"),
        {**body, "confirmedBySites": on_the_spot},
        announces="ActivityDelivered",
    )
    simulation.left -= 1
    if not telling.activities and _is_exemplary(telling):
        _confirm(telling, registered_at, telling.school.id, name)
        telling.activities.append(name)
    elif simulation.happens(RETRACTED):
        _say(
            telling,
            later(registered_at, rng.randint(0, 5), rng),
            who,
            f"${name}/retractions",
            _because("activity-retraction", rng.choice(RETRACT_REASONS)),
            "ActivityRetracted",
        )
    else:
        telling.activities.append(name)
        _afterwards(telling, registered_at, who, body, name, confirms=confirms and not on_the_spot)
    return registered_at


def _is_exemplary(telling: Telling) -> bool:
    """Whether this school's adoption hangs on the first activity of a request that it raised as it works."""
    return telling.temper is not Temper.HABITUAL and telling.steps[0].announces == "RequestRaised"


def _is_confirmed(telling: Telling, body: Body) -> bool:
    """A school that works by habit does not confirm what replaces."""
    if telling.temper is Temper.HABITUAL:
        return body["substitution"] != "replaces" and telling.simulation.happens(CONFIRMED_BY_HABIT)
    return telling.simulation.happens(CONFIRMED)


def _afterwards(
    telling: Telling, registered_at: datetime, who: tuple[str, str], body: Body, name: str, *, confirms: bool
) -> None:
    """What sites say of it, and what the partner corrects: in any order."""
    simulation, rng, school = telling.simulation, telling.simulation.rng, telling.school.id
    if confirms:
        _confirm(telling, registered_at, school, name)
    elif simulation.happens(DISPUTED):
        said = {"siteId": school} | _because("activity-dispute", rng.choice(DISPUTE_REASONS))
        _say(
            telling,
            later(registered_at, rng.randint(0, 5), rng),
            ("coordinator", school),
            f"${name}/disputes",
            said,
            "ActivityDisputed",
        )
    for site in body["siteIds"][1:]:
        if simulation.happens(CARE_CONFIRMS):
            _confirm(telling, registered_at, site, name)
    if simulation.happens(CORRECTED) and (right := corrected(body, rng)):
        _say(
            telling,
            later(registered_at, rng.randint(0, 6), rng),
            who,
            f"${name}/corrections",
            right,
            "ActivityCorrected",
        )


def _confirm(telling: Telling, after: datetime, site: str, name: str) -> None:
    rng = telling.simulation.rng
    _say(
        telling,
        later(after, rng.randint(0, 6), rng),
        ("coordinator", site),
        f"${name}/confirmations",
        {"siteId": site},
        "ActivityConfirmed",
    )


def _say(telling: Telling, when: datetime, who: tuple[str, str], what: str, body: Body, announces: str) -> None:
    telling.does(when, who, ("referrals", f"/v1/activities/{what}"), body, announces=announces)


def _because(reasons: str, code: str) -> Body:
    return {"reason": {"list": reasons, "code": code}}
