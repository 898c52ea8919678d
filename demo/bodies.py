"""The complete body of one delivered activity, and the body that corrects it. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from demo.calendar import at, is_holiday
from demo.city import Group, School
from demo.organisations import PROGRAMME
from demo.simulation import Telling, Temper
from demo.story import Body

WHOLE, COUNTED = 0.36, 0.34  # of the groups; the others came, but nobody counted
FEWEST_OF_COUNTED = 0.55  # a group of which fewer came would not have been taken along
CARE_TAKES_PART = 0.8  # of the joint activities: with its sites; the others are joint by their request alone
OUT_OF_SCHOOL = 0.15
SUBSTITUTIONS = ("replaces", "stacks", "unknown")
WEIGHTS = {Temper.JOINT: (52, 40, 8), Temper.REPLACING: (50, 41, 9), Temper.HABITUAL: (22, 65, 13)}
FUNDINGS = ("structural", "structural", "temporary", "unknown")


def activity_body(telling: Telling, details: Body, partner: str, areas: Sequence[Body], day: date) -> Body:
    """What happened on that day."""
    simulation, rng, school = telling.simulation, telling.simulation.rng, telling.school
    is_first = not telling.activities and telling.temper is not Temper.HABITUAL and "programme" in details
    care_comes = is_first or simulation.happens(CARE_TAKES_PART)
    beside = list(details["coSiteIds"]) if care_comes else []
    (substitution,) = rng.choices(SUBSTITUTIONS, WEIGHTS[telling.temper])
    outside = not is_first and simulation.happens(OUT_OF_SCHOOL)
    return {
        "siteIds": [school.id, *beside],
        "partnerIds": [partner],
        "programme": PROGRAMME,
        "learningAreas": list(areas),
        "occurredAt": at(day, rng.randrange(9 * 60, 15 * 60, 15)).isoformat(),
        "durationMinutes": rng.choice((45, 60, 90, 120)),
        "setting": "out_of_school" if outside else "in_school",
        "holiday": is_holiday(day),
        "audience": details["audience"],
        "groups": _taking_part(details, school, beside, rng),
        "otherParticipants": _others(details, beside, rng),
        "offerId": f"{partner}-aanbod",
        "funding": rng.choice(FUNDINGS),
        "substitution": "replaces" if is_first else substitution,
    }


def _taking_part(details: Body, school: School, beside: Sequence[str], rng: Random) -> list[Body]:
    asked = {group["groupId"] for group in details.get("groups", [])}
    groups = [group for group in school.groups if group.id in asked]
    groups += [group for group in school.care_groups if group.site_id in beside and asked]
    return [_group(group, rng) for group in groups]


def _group(group: Group, rng: Random) -> Body:
    part: Body = {"groupId": group.id, "headcount": group.size}
    how = rng.random()
    if how < WHOLE:
        return {**part, "wholeGroup": True}
    if how < WHOLE + COUNTED:
        return {**part, "participants": rng.randint(round(group.size * FEWEST_OF_COUNTED), group.size)}
    return part


def _others(details: Body, beside: Sequence[str], rng: Random) -> Body:
    """People outside registered groups; those of a secondary school are not registered here."""
    if details["audience"] != "children":
        return {str(details["audience"]): rng.randint(8, 40)}
    return {"children": rng.randint(12, 28)} if any(site.startswith("own:vo-") for site in beside) else {}


def corrected(body: Body, rng: Random) -> Body | None:
    """The whole body again with what was wrong put right, and why; None where nothing can be wrong."""
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
        right["occurredAt"] = other_day(body["occurredAt"])
    else:
        right["substitution"] = "stacks"
    if right == body:
        return None
    return {**right, "reason": {"list": "activity-correction", "code": wrong}}


def other_day(occurred_at: str) -> str:
    """The same hour of the day before, on the wall clock."""
    moment = datetime.fromisoformat(occurred_at)
    return at(moment.date() - timedelta(days=1), moment.hour * 60 + moment.minute).isoformat()
