"""The details of one delivered activity, as its partner registers them, and their correction. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from demo.programme import PROGRAMME
from demo.simulation.calendar import at, is_holiday
from demo.simulation.city import Group, School
from demo.simulation.plan import Body
from demo.simulation.scenario import Approach, ScenarioWriter

WHOLE, COUNTED = 0.36, 0.34  # of the groups; the others came, but nobody counted
LEAST_PRESENT = 0.55  # a group of which fewer children came would not have taken part
CARE_TAKES_PART = 0.8  # of the activities that were requested together with care
OUT_OF_SCHOOL = 0.15
SUBSTITUTIONS = ("replaces", "stacks", "unknown")
WEIGHTS = {Approach.JOINT: (52, 40, 8), Approach.REPLACING: (50, 41, 9), Approach.STACKING: (22, 65, 13)}
FUNDINGS = ("structural", "structural", "temporary", "unknown")


def activity_details(writer: ScenarioWriter, request: Body, partner: str, areas: Sequence[Body], day: date) -> Body:
    simulation, rng, school = writer.simulation, writer.simulation.rng, writer.school
    is_first = not writer.activities and writer.approach is not Approach.STACKING and "programme" in request
    care_comes = is_first or simulation.happens(CARE_TAKES_PART)
    co_sites = list(request["coSiteIds"]) if care_comes else []
    (substitution,) = rng.choices(SUBSTITUTIONS, WEIGHTS[writer.approach])
    outside = not is_first and simulation.happens(OUT_OF_SCHOOL)
    return {
        "siteIds": [school.id, *co_sites],
        "partnerIds": [partner],
        "programme": PROGRAMME,
        "learningAreas": list(areas),
        "occurredAt": at(day, rng.randrange(9 * 60, 15 * 60, 15)).isoformat(),
        "durationMinutes": rng.choice((45, 60, 90, 120)),
        "setting": "out_of_school" if outside else "in_school",
        "holiday": is_holiday(day),
        "audience": request["audience"],
        "groups": _taking_part(request, school, co_sites, rng),
        "otherParticipants": _others(request, co_sites, rng),
        "offerId": f"{partner}-aanbod",
        "funding": rng.choice(FUNDINGS),
        "substitution": "replaces" if is_first else substitution,
    }


def _taking_part(request: Body, school: School, co_sites: Sequence[str], rng: Random) -> list[Body]:
    asked = {group["groupId"] for group in request.get("groups", [])}
    groups = [group for group in school.groups if group.id in asked]
    groups += [group for group in school.care_groups if group.site_id in co_sites and asked]
    return [_group(group, rng) for group in groups]


def _group(group: Group, rng: Random) -> Body:
    part: Body = {"groupId": group.id, "headcount": group.size}
    how = rng.random()
    if how < WHOLE:
        return {**part, "wholeGroup": True}
    if how < WHOLE + COUNTED:
        return {**part, "participants": rng.randint(round(group.size * LEAST_PRESENT), group.size)}
    return part


def _others(request: Body, co_sites: Sequence[str], rng: Random) -> Body:
    """Participants outside registered groups; the groups of secondary schools are not registered here."""
    if request["audience"] != "children":
        return {str(request["audience"]): rng.randint(8, 40)}
    return {"children": rng.randint(12, 28)} if any(site.startswith("own:vo-") for site in co_sites) else {}


def corrected(body: Body, rng: Random) -> Body | None:
    """The details with one mistake corrected, and the reason; None where there was no such mistake."""
    wrong = rng.choice(("wrong_count", "wrong_date", "wrong_substitution"))
    right = dict(body)
    if wrong == "wrong_count":
        if not body["groups"]:
            return None
        first = body["groups"][0]
        count = rng.randint(0, first["headcount"])
        groups = [{"groupId": first["groupId"], "headcount": first["headcount"], "participants": count}]
        right["groups"] = groups + body["groups"][1:]
    elif wrong == "wrong_date":
        right["occurredAt"] = _day_before(body["occurredAt"])
    else:
        right["substitution"] = "stacks"
    if right == body:
        return None
    return {**right, "reason": {"list": "activity-correction", "code": wrong}}


def _day_before(occurred_at: str) -> str:
    """The same time of day in Amsterdam, a day earlier."""
    moment = datetime.fromisoformat(occurred_at)
    return at(moment.date() - timedelta(days=1), moment.hour * 60 + moment.minute).isoformat()
