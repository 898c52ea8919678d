"""The scenario of one request: raised, routed, answered, and closed in the end. Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from contracts.values import calendar_day
from demo.programme import PROGRAMME
from demo.simulation.calendar import FIRST_LESSON, LAST_LESSON, later, moment_on, working_days
from demo.simulation.city import School
from demo.simulation.organisations import APPOINTED_ON, NATURE, NATURE_BROKER, area, brokers_of
from demo.simulation.plan import ANSWER_REQUEST, RAISE_REQUEST, Body, Scenario
from demo.simulation.referrals import Case, close, not_fulfilled, refer
from demo.simulation.scenario import Approach, ScenarioWriter, Simulation

AREA_WEIGHTS = {
    "kunst-en-cultuur": 30,
    "bewegen-en-sport": 27,
    "nederlands": 13,
    "mens-en-maatschappij": 10,
    NATURE: 9,
    "digitale-geletterdheid": 7,
    "burgerschap": 4,
}
SECOND_AREA = 0.08
FOR_PROFESSIONALS = 0.03
WITH_SECONDARY = 0.05
FOR_UPPER_YEARS, UPPER_YEARS = 0.6, 4  # most requests are for the older half of a school
JOINTLY = 0.45  # share of the requests that a joint school raises with its care
UNANSWERED, ADVISED, NO_HELP = 0.06, 0.10, 0.04
GIVEN_UP = 0.4  # share of the requests without broker that somebody closes
SUCCEEDS_UNTIL = -50  # working days before the summer: time to deliver and confirm
NO_HELP_REASONS = ("no_capacity_anywhere", "no_funding")


def request_scenario(
    simulation: Simulation, name: str, school: School, *, succeeds: bool = False, waits: bool = False
) -> Scenario:
    """A school's request. `succeeds`: it leads to the school's adoption; `waits`: for the broker for nature."""
    rng, writer = simulation.rng, ScenarioWriter(simulation, name, school)
    days = working_days(FIRST_LESSON, APPOINTED_ON - timedelta(days=30) if waits else LAST_LESSON)
    raised_at = moment_on(rng.choice(days[:SUCCEEDS_UNTIL] if succeeds else days), rng)
    asked = [NATURE] if waits else _areas(simulation, raised_at, succeeds=succeeds)
    details = _raise(writer, raised_at, asked, succeeds=succeeds)
    covered = [code for code in asked if brokers_of(code, calendar_day(raised_at))]
    if covered:
        answered_at = later(raised_at, rng.randint(0, 5), rng)
        brokers = brokers_of(covered[0], calendar_day(answered_at))
        broker = NATURE_BROKER if covered == [NATURE] else rng.choice(brokers)
        _answer(Case(writer, broker, details, covered, succeeds), answered_at)
    elif NATURE in asked and calendar_day(raised_at) < APPOINTED_ON:
        resumed_at = moment_on(APPOINTED_ON + timedelta(days=rng.randint(1, 3)), rng)
        _answer(Case(writer, NATURE_BROKER, details, [NATURE], succeeds), resumed_at)
    elif simulation.happens(GIVEN_UP):
        closed_at = min(later(raised_at, rng.randint(15, 40), rng), _last_wished_moment(details))
        close(Case(writer, "own:babel", details, ()), closed_at, "not_fulfilled", "no_offer_in_area")
    return writer.scenario()


def _areas(simulation: Simulation, raised_at: datetime, *, succeeds: bool) -> list[str]:
    codes = [code for code in AREA_WEIGHTS if not succeeds or brokers_of(code, calendar_day(raised_at))]
    (first,) = simulation.rng.choices(codes, [AREA_WEIGHTS[code] for code in codes])
    second = simulation.rng.choice(codes)
    return [first, second] if second != first and simulation.happens(SECOND_AREA) else [first]


def _raise(writer: ScenarioWriter, at: datetime, asked: Sequence[str], *, succeeds: bool) -> Body:
    simulation, rng, school = writer.simulation, writer.simulation.rng, writer.school
    wished = calendar_day(at) + timedelta(days=rng.randint(7, 30))
    details: Body = {
        "siteId": school.id,
        "coSiteIds": _co_sites(writer, succeeds=succeeds),
        "programme": PROGRAMME,
        "learningAreas": [area(code) for code in asked],
        "audience": "children",
        "wishedFrom": wished.isoformat(),
        "wishedTo": _wished_to(wished + timedelta(days=rng.randint(30, 90)), at, asked).isoformat(),
        "intention": "stacks" if writer.approach is Approach.STACKING else "replaces",
    }
    if not succeeds and simulation.happens(FOR_PROFESSIONALS):
        details["audience"] = "professionals"
    else:
        some = school.groups[-UPPER_YEARS:] if simulation.happens(FOR_UPPER_YEARS) else school.groups
        groups = rng.sample(some, min(len(some), rng.choice((1, 1, 1, 2, 3))))
        details["groups"] = [{"groupId": group.id, "headcount": group.size} for group in groups]
    writer.add(at, writer.coordinator, RAISE_REQUEST, "request", details)
    return details


def _wished_to(day: date, raised_at: datetime, asked: Sequence[str]) -> date:
    """Who waits for the broker for nature waits long enough."""
    return max(day, APPOINTED_ON + timedelta(days=60)) if NATURE in asked and raised_at.date() < APPOINTED_ON else day


def _last_wished_moment(details: Body) -> datetime:
    """On the last day that is wished: after it the request closes by itself."""
    return datetime.combine(date.fromisoformat(details["wishedTo"]), time(11), tzinfo=UTC)


def _co_sites(writer: ScenarioWriter, *, succeeds: bool) -> list[str]:
    simulation, school = writer.simulation, writer.school
    if writer.approach is Approach.JOINT and (succeeds or simulation.happens(JOINTLY)):
        return [each for each in (school.childcare, school.out_of_school_care) if each]
    if not succeeds and simulation.happens(WITH_SECONDARY):
        return [simulation.rng.choice(simulation.city.secondary)]
    return []


def _answer(case: Case, at: datetime) -> None:
    rng = case.writer.simulation.rng
    chance = 1.0 if case.succeeds else rng.random()
    if chance < UNANSWERED:
        return
    if chance >= UNANSWERED + ADVISED + NO_HELP:
        refer(case, at)
        return
    is_advice = chance < UNANSWERED + ADVISED
    reason = None if is_advice else rng.choice(NO_HELP_REASONS)
    body: Body = {"answer": "advise" if is_advice else "cannot_help"} | not_fulfilled(reason)
    case.writer.add(at, case.consultant, ANSWER_REQUEST, "request", body)
    closed_at = later(at, rng.randint(1, 4), rng)  # within the grace period: else it closes by itself
    close(case, closed_at, "advice_only" if is_advice else "not_fulfilled", reason)
