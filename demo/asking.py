"""The story of one request: raised, routed, answered, referred, taken on or not, closed. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from contracts.values import calendar_day
from demo.calendar import FIRST_LESSON, LAST_LESSON, later, moment_on, working_days
from demo.city import School
from demo.delivering import deliver_series
from demo.organisations import (
    APPOINTED_ON,
    NATURE,
    NATURE_BROKER,
    PROGRAMME,
    area,
    brokers_of,
    partners_of,
)
from demo.simulation import Simulation, Telling, Temper, text
from demo.story import Body, Story

AREAS = {
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
FOR_UPPER_YEARS, UPPER_YEARS = 0.6, 4  # most is asked for the elder half of a school
JOINTLY = 0.45  # share of the requests that a joint school raises with its care
UNANSWERED, ADVISED, NO_HELP = 0.06, 0.10, 0.04
GIVEN_UP = 0.4  # share of the requests without broker that somebody closes
PARALLEL, DECLINED, LATE, UNDECIDED = 0.08, 0.18, 0.04, 0.03
MAX_ATTEMPTS = 3
COMPLETED, CLOSED = 0.9, 0.88
EXEMPLARY_UNTIL = -50  # working days before the summer: time to deliver and confirm
DECLINE_REASONS = ("no_capacity", "dates_impossible", "age_group_mismatch", "better_partner_suggested")
NO_HELP_REASONS = ("no_capacity_anywhere", "no_funding")


def request_story(
    simulation: Simulation, name: str, school: School, *, exemplary: bool = False, waits: bool = False
) -> Story:
    """A school asks. `exemplary`: it goes well, so that the school adopts; `waits`: for a broker for nature."""
    rng, telling = simulation.rng, Telling(simulation, name, school)
    days = working_days(FIRST_LESSON, APPOINTED_ON - timedelta(days=30) if waits else LAST_LESSON)
    raised_at = moment_on(rng.choice(days[:EXEMPLARY_UNTIL] if exemplary else days), rng)
    asked = [NATURE] if waits else _areas(simulation, raised_at, exemplary=exemplary)
    details = _raise(telling, raised_at, asked, exemplary=exemplary)
    covered = [code for code in asked if brokers_of(code, calendar_day(raised_at))]
    if covered:
        _answer(telling, later(raised_at, rng.randint(0, 5), rng), details, covered, exemplary=exemplary)
    elif NATURE in asked and calendar_day(raised_at) < APPOINTED_ON:
        resumed = moment_on(APPOINTED_ON + timedelta(days=rng.randint(1, 3)), rng)
        _answer(telling, resumed, details, [NATURE], exemplary=exemplary)
    elif simulation.happens(GIVEN_UP):
        _close(telling, later(raised_at, rng.randint(15, 40), rng), "own:babel", "not_fulfilled", "no_offer_in_area")
    return telling.story()


def _areas(simulation: Simulation, raised_at: datetime, *, exemplary: bool) -> list[str]:
    codes = [code for code in AREAS if not exemplary or brokers_of(code, calendar_day(raised_at))]
    (first,) = simulation.rng.choices(codes, [AREAS[code] for code in codes])
    second = simulation.rng.choice(codes)
    return [first, second] if second != first and simulation.happens(SECOND_AREA) else [first]


def _raise(telling: Telling, at: datetime, asked: Sequence[str], *, exemplary: bool) -> Body:
    """The coordinator raises it; returns what was asked."""
    simulation, rng, school = telling.simulation, telling.simulation.rng, telling.school
    wished = calendar_day(at) + timedelta(days=rng.randint(7, 30))
    details: Body = {
        "siteId": school.id,
        "coSiteIds": _co_sites(telling, exemplary=exemplary),
        "programme": PROGRAMME,
        "learningAreas": [area(code) for code in asked],
        "audience": "children",
        "wishedFrom": text(wished),
        "wishedTo": text(wished + timedelta(days=rng.randint(30, 90))),
        "intention": "replaces" if telling.temper is not Temper.HABITUAL else "stacks",
    }
    if not exemplary and simulation.happens(FOR_PROFESSIONALS):
        details["audience"] = "professionals"
    else:
        some = school.groups[-UPPER_YEARS:] if simulation.happens(FOR_UPPER_YEARS) else school.groups
        groups = rng.sample(some, min(len(some), rng.choice((1, 1, 1, 2, 3))))
        details["groups"] = [{"groupId": group.id, "headcount": group.size} for group in groups]
    telling.does(
        at,
        ("coordinator", school.id),
        ("requests", "/v1/requests"),
        details,
        announces="RequestRaised",
        keeps="request",
    )
    return details


def _co_sites(telling: Telling, *, exemplary: bool) -> list[str]:
    simulation, school = telling.simulation, telling.school
    if telling.temper is Temper.JOINT and (exemplary or simulation.happens(JOINTLY)):
        return [each for each in (school.childcare, school.out_of_school_care) if each]
    if not exemplary and simulation.happens(WITH_SECONDARY):
        return [simulation.rng.choice(simulation.city.secondary)]
    return []


def _answer(telling: Telling, at: datetime, details: Body, covered: Sequence[str], *, exemplary: bool) -> None:
    """The consultant advises, cannot help, refers, or does not come round to it."""
    rng = telling.simulation.rng
    broker = NATURE_BROKER if covered == [NATURE] else rng.choice(brokers_of(covered[0], calendar_day(at)))
    how = 1.0 if exemplary else rng.random()
    if how < UNANSWERED:
        return
    if how >= UNANSWERED + ADVISED + NO_HELP:
        _refer(telling, at, broker, details, covered, exemplary=exemplary)
        return
    is_advice = how < UNANSWERED + ADVISED
    reason = None if is_advice else rng.choice(NO_HELP_REASONS)
    body: Body = {"answer": "advise" if is_advice else "cannot_help"} | _because(reason)
    telling.does(
        at, ("consultant", broker), ("requests", "/v1/requests/$request/answers"), body, announces="RequestAnswered"
    )
    closed_at = later(at, rng.randint(1, 10), rng)
    _close(telling, closed_at, broker, "advice_only" if is_advice else "not_fulfilled", reason)


def _refer(
    telling: Telling, at: datetime, broker: str, details: Body, covered: Sequence[str], *, exemplary: bool
) -> None:
    """The consultant refers to one partner after another, or to two at once, until one takes it on."""
    simulation, rng = telling.simulation, telling.simulation.rng
    partners = rng.sample(partners_of(covered[0]), len(partners_of(covered[0])))
    body: Body = {"requestId": "$request", "learningAreas": [area(covered[0])]}
    if len(partners) > 1 and simulation.happens(PARALLEL):
        together = str(UUID(int=rng.getrandbits(128), version=4))
        for number, partner in enumerate(partners[:2], 1):
            _made(telling, at, broker, partner, {**body, "parallelSet": together}, f"referral{number}")
        _take_on(telling, later(at, rng.randint(0, 6), rng), broker, partners[0], details, covered, "referral1")
        return
    for attempt, partner in enumerate(partners[:MAX_ATTEMPTS], 1):
        name = f"referral{attempt}"
        _made(telling, at, broker, partner, body, name)
        decided_at = later(at, rng.randint(0, 7), rng)
        chance = 1.0 if exemplary else rng.random()
        if chance < UNDECIDED:
            return
        if chance >= UNDECIDED + DECLINED + LATE:
            _take_on(telling, decided_at, broker, partner, details, covered, name)
            return
        better = partners[attempt] if attempt < len(partners) else None
        at = _decline(telling, decided_at, partner, name, better, late=chance >= UNDECIDED + DECLINED)
        body = {**body, "replaces": f"${name}"}
    _close(telling, at, broker, "not_fulfilled", "all_declined", unmet=covered[:1])


def _made(telling: Telling, at: datetime, broker: str, partner: str, body: Body, name: str) -> None:
    details = {**body, "partnerId": partner, "decideBy": text(calendar_day(at) + timedelta(days=14))}
    telling.does(
        at, ("consultant", broker), ("referrals", "/v1/referrals"), details, announces="ReferralMade", keeps=name
    )


def _decline(telling: Telling, at: datetime, partner: str, name: str, better: str | None, *, late: bool) -> datetime:
    """The partner says no, perhaps after a yes; returns when the consultant goes on."""
    rng, who = telling.simulation.rng, ("partner", partner)
    if late:
        telling.does(at, who, ("referrals", f"/v1/referrals/${name}/acceptances"), {}, announces="ReferralAccepted")
        at = later(at, rng.randint(1, 8), rng)
    code = rng.choice(DECLINE_REASONS if better else DECLINE_REASONS[:-1])
    body: Body = {"reason": {"list": "decline", "code": code}}
    if code == "better_partner_suggested":
        body["betterPartnerId"] = better
    telling.does(at, who, ("referrals", f"/v1/referrals/${name}/declines"), body, announces="ReferralDeclined")
    return later(at, rng.randint(0, 4), rng)


def _take_on(
    telling: Telling, at: datetime, broker: str, partner: str, details: Body, covered: Sequence[str], name: str
) -> None:
    """The partner accepts, delivers and completes; the consultant closes."""
    simulation, rng = telling.simulation, telling.simulation.rng
    telling.does(
        at, ("partner", partner), ("referrals", f"/v1/referrals/${name}/acceptances"), {}, announces="ReferralAccepted"
    )
    last = deliver_series(telling, at, partner, details, covered, name)
    if last is None or not telling.activities:
        return
    done_at = later(last, rng.randint(8, 12), rng)  # after whatever is corrected or taken back
    if simulation.happens(COMPLETED):
        telling.does(
            done_at,
            ("partner", partner),
            ("referrals", f"/v1/referrals/${name}/completions"),
            {"outcome": "delivered"},
            announces="ReferralCompleted",
        )
    if simulation.happens(CLOSED):
        is_partly = len(covered) > 1 and simulation.happens(0.5)
        _close(
            telling,
            later(done_at, rng.randint(0, 5), rng),
            broker,
            "partly_fulfilled" if is_partly else "fulfilled",
            "no_capacity_anywhere" if is_partly else None,
            unmet=covered[1:] if is_partly else (),
        )


def _close(
    telling: Telling, at: datetime, broker: str, outcome: str, reason: str | None, *, unmet: Sequence[str] = ()
) -> None:
    body: Body = {"outcome": outcome, "unmetAreas": [area(code) for code in unmet]} | _because(reason)
    if outcome in {"fulfilled", "partly_fulfilled"}:
        body["activityIds"] = [f"${name}" for name in telling.activities]
    telling.does(
        at, ("consultant", broker), ("requests", "/v1/requests/$request/closures"), body, announces="RequestClosed"
    )


def _because(reason: str | None) -> Body:
    return {"reason": {"list": "not-fulfilled", "code": reason}} if reason else {}
