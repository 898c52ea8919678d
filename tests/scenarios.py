"""Small believable scenarios of one partnership, for property tests.

A scenario is what the services announced, as events and as bytes of the contracts. Hypothesis makes every choice,
so that it can shrink a scenario that breaks a promise to the shortest one that does.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from hypothesis import strategies as st

from contracts.activities import (
    ActivityConfirmed,
    ActivityCorrected,
    ActivityDelivered,
    ActivityDisputed,
    ActivityPlanned,
    ActivityRetracted,
    TakingPart,
)
from contracts.clocks import ClockBreached, ClockPaused, ClockStarted
from contracts.envelope import describe, encode
from contracts.events import Event
from contracts.offers import BrokerRecorded
from contracts.referrals import (
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
    ReferralMade,
    ReferralVoided,
    ReferralWithdrawn,
)
from contracts.requests import (
    RequestAmended,
    RequestAnswered,
    RequestAssigned,
    RequestClosed,
    RequestDetails,
    RequestRaised,
    RequestReopened,
    RequestUnbrokered,
    RequestVoided,
    RequestWithdrawn,
)
from contracts.sites import DeclaredAdoption, GroupRecorded, Link, Register, SiteKind, SiteRecorded
from contracts.targets import IndicatorDefined
from contracts.values import AMSTERDAM, Actor, Interval, LearningArea, Name, Reason
from tests.builders import source_of

PROGRAMMES = ("kansen-voor-kinderen", "brede-school")
ART, SPORT = (LearningArea(scheme="curriculum.nu", code=code) for code in ("kunst-en-cultuur", "bewegen-en-sport"))
SCHOOLS, CARE, AFTER_SCHOOL = ("own:bron", "own:linde"), "own:krekel", "own:vlinder"
SITES = (*SCHOOLS, CARE, AFTER_SCHOOL)
KINDS: dict[str, tuple[SiteKind, ...]] = {
    "own:bron": ("primary",),
    "own:linde": ("primary", "childcare"),
    CARE: ("childcare",),
    AFTER_SCHOOL: ("out_of_school_care",),
}
GROUPS: dict[str, tuple[str, Register]] = {  # the site of `own:g4` is never recorded
    "own:g1": ("own:bron", "school"),
    "own:g2": ("own:linde", "school"),
    "own:g3": (CARE, "childcare"),
    "own:g4": ("own:unknown", "project"),
}
BROKER, PARTNER = "own:babel", "own:muziekschool"
COORDINATOR = Actor(role="coordinator", organisation="own:bron", actor="c1")
CONSULTANT = Actor(role="consultant", organisation=BROKER, actor="m1")
MUSICIAN = Actor(role="partner", organisation=PARTNER, actor="p1")
OTHER = Reason(list="decline", code="other")
UNMET = Reason(list="not-fulfilled", code="no_funding")
TAKEN = Reason(list="withdraw-referral", code="other_partner_accepted")
FIRST_DAY = datetime(2024, 8, 1, tzinfo=UTC)
REQUEST, REFERRAL, ACTIVITY, EVENT = 1, 2, 3, 7  # the first digit of an id says what it is of
# What every site, group and request has in common; their scenarios do not depend on it.
SITE: dict[str, Any] = {
    "name": Name(nl="De Bron"),
    "board": "own:bestuur",
    "municipality": "GM0796",
    "postcode4": "5211",
}
GROUP: dict[str, Any] = {"age_from": 4, "age_to": 6}
ASKED: dict[str, Any] = {
    "headcount": 20,
    "wished_from": date(2025, 9, 1),
    "wished_to": date(2026, 6, 1),
    "intention": "replaces",
    "raised_by": COORDINATOR,
}
HANDED_OVER: dict[str, Any] = {
    "broker_id": BROKER,
    "partner_id": PARTNER,
    "learning_areas": (ART,),
    "attempt": 1,
    "decide_by": date(2026, 1, 1),
    "made_by": CONSULTANT,
}
# The days on which something changes: a school year, a calendar year, a year before one of them.
CHANGES = "2024-12-31 2025-01-01 2025-07-31 2025-08-01 2025-12-31 2026-01-01 2026-07-31"

days = st.sampled_from([date.fromisoformat(day) for day in CHANGES.split()])
# 22:30 and 23:30 UTC are the next day in Amsterdam: in summer both, in winter the second.
instants = st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC), days, st.sampled_from((9, 22, 23))
)
areas = st.sampled_from(((ART,), (SPORT,), (ART, SPORT)))
co_sites = st.sampled_from(((), (CARE, AFTER_SCHOOL)))
programmes = st.sampled_from((*PROGRAMMES[:1] * 3, PROGRAMMES[1]))
some_sites = st.lists(st.sampled_from(SITES), min_size=1, max_size=4, unique=True)


class Announced(NamedTuple):
    """An event, its key and its bytes."""

    event: Event
    key: str
    value: bytes


class Scenario:
    """What was announced, in order; `announce` counts versions and ids."""

    def __init__(self) -> None:
        self.announced: list[Announced] = []
        self.versions: Counter[str] = Counter()
        self.epoch = 1

    def announce(self, event: Event, *, key: str | None = None) -> None:
        """The next version of its aggregate."""
        aggregate, key = f"{event.aggregate}:{event.subject}", key or event.subject
        self.versions[aggregate] = version = self.versions[aggregate] + 1
        event_id, time = self.an_id(EVENT), datetime(2026, 8, 1, tzinfo=UTC)
        source = source_of(event.topics[0])
        envelope = describe(event, id=event_id, source=source, time=time, key=key, version=version, epoch=self.epoch)
        self.announced.append(Announced(event, key, encode(envelope, event)))

    def an_id(self, kind: int) -> UUID:
        """An id that the same scenario would use again."""
        return UUID(int=kind << 120 | 0x7000 << 64 | 0x8000 << 48 | len(self.announced))

    def restore(self, aggregate: str, *, back_to: int) -> None:
        """The database goes back to an earlier version: what follows is announced in a new epoch."""
        self.epoch, self.versions[aggregate] = self.epoch + 1, back_to

    def events(self) -> list[Event]:
        return [each.event for each in self.announced]

    def __repr__(self) -> str:
        """For a test that failed: the events, without the definitions that every scenario has."""
        return "\n".join(repr(event) for event in self.events() if not isinstance(event, IndicatorDefined))


def record_school(scenario: Scenario, site_id: str, neighbourhood: str = "5211", **other: Any) -> None:
    """A primary school that has been there for long."""
    school = SITE | {"site_id": site_id, "kinds": ("primary",), "neighbourhood": neighbourhood}
    scenario.announce(SiteRecorded.model_validate(school | {"valid_from": date(2010, 8, 1)} | other))


def deliver(
    scenario: Scenario,
    site_id: str,
    *groups: TakingPart,
    also_at: Sequence[str] = (),
    is_confirmed: bool = False,
    year: int = 2025,
) -> ActivityDelivered:
    """An activity for children that replaces, on 3 November of a year."""
    delivered = ActivityDelivered(
        activity_id=scenario.an_id(ACTIVITY),
        site_ids=(site_id, *also_at),
        confirmed_by_sites=(site_id,) if is_confirmed else (),
        partner_ids=(PARTNER,),
        programme=PROGRAMMES[0],
        learning_areas=(ART,),
        occurred_at=datetime(year, 11, 3, 10, tzinfo=AMSTERDAM),
        duration_minutes=45,
        setting="in_school",
        audience="children",
        groups=groups,
        substitution="replaces",
        origin="direct",
        registered_at=datetime(year, 11, 4, tzinfo=UTC),
    )
    scenario.announce(delivered, key=site_id)
    return delivered


def as_announced(events: Iterable[Event]) -> list[Announced]:
    """Events of as many aggregates, to come before a scenario (such as the definitions of `reporting`)."""
    scenario = Scenario()
    for event in events:
        scenario.announce(event)
    return scenario.announced


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A partnership in two school years: sites that move and close, masked groups, requests on their way,
    activities that are corrected, confirmed, disputed and retracted, and a database that was restored."""
    scenario = Scenario()
    for site_id in SITES:
        _record_site(draw, scenario, site_id)
    since = date(2020, 8, 1)
    scenario.announce(BrokerRecorded(broker_id=BROKER, valid_from=since, name=Name(nl="Babel"), learning_areas=(ART,)))
    for group_id in draw(st.lists(st.sampled_from(sorted(GROUPS)), max_size=4)):  # twice: recorded anew
        _record_group(draw, scenario, group_id)
    for _ in range(draw(st.integers(0, 2))):
        _raise_request(draw, scenario)
    for _ in range(draw(st.integers(0, 3))):
        _deliver_activity(draw, scenario)
    return scenario


def _record_site(draw: st.DrawFn, scenario: Scenario, site_id: str) -> None:
    others = [other for other in SITES if other != site_id]
    for starts in draw(st.sampled_from(([2010],) * 3 + ([2025, 2010], [2025]))):
        linked = draw(st.sampled_from(([], others, others[:2])))
        links = [Link(site_id=other, kind="child_centre", starts_on=date(2020, 8, 1)) for other in linked]
        declared = DeclaredAdoption(programme=PROGRAMMES[0], starts_on=date(2025, 1, 1))
        site = SiteRecorded(
            **SITE,
            site_id=site_id,
            valid_from=date(starts, 8, 1),
            kinds=KINDS[site_id],
            neighbourhood=draw(st.sampled_from(("5211", "5212"))),
            closed_on=draw(st.sampled_from((None, None, None, date(2026, 1, 1)))),
            links=tuple(links),
            declared_adoption=(declared,) if linked else (),
        )
        scenario.announce(site)


def _record_group(draw: st.DrawFn, scenario: Scenario, group_id: str) -> None:
    site_id, register = GROUPS[group_id]
    lower, upper = draw(st.sampled_from(((24, 24), (9, 9), (1, 4), (0, 30))))  # 1 to 4: masked
    size, year = Interval(lower=lower, upper=upper), draw(st.sampled_from(("2025-2026", "2025-2026", "2024-2025")))
    group = GroupRecorded(
        **GROUP, group_id=group_id, site_id=site_id, register_=register, school_year=year, headcount=size
    )
    scenario.announce(group, key=site_id)


STEPS = (
    "",
    "assigned",
    "assigned answered",
    "assigned answered closed",
    "assigned answered assigned",
    "assigned answered unbrokered",
    "assigned answered unbrokered assigned closed",
    "assigned unbrokered",
    "assigned unbrokered assigned answered",
    "unbrokered answered assigned",
    "unbrokered",
    "unbrokered assigned",
    "unbrokered assigned answered",
    "unbrokered closed",
    "assigned answered closed reopened",
    "assigned answered closed reopened closed reopened withdrawn",
    "unbrokered closed reopened assigned answered closed",
    "assigned amended",
    "assigned answered amended assigned",
    "unbrokered closed reopened amended",
    "assigned withdrawn",
    "assigned answered voided",
    "assigned answered fulfilled",
    "assigned answered unmet",
    "assigned answered unmet reopened fulfilled",
    "assigned answered unmet reopened",
    "assigned answered fulfilled voided",
    "unbrokered closed voided",
)


def _raise_request(draw: st.DrawFn, scenario: Scenario) -> None:
    """A request, its later steps and perhaps a referral."""
    request_id, raised_at, site_id = scenario.an_id(REQUEST), draw(instants), draw(st.sampled_from(SCHOOLS))
    request = RequestRaised(
        **ASKED,
        request_id=request_id,
        site_id=site_id,
        programme=draw(programmes),
        learning_areas=draw(areas),
        co_site_ids=draw(co_sites),
        raised_at=raised_at,
    )
    scenario.announce(request, key=site_id)
    is_answered = False
    for step in draw(st.sampled_from(STEPS)).split():
        # Clocks may disagree: a later step, an earlier moment.
        at = raised_at + draw(st.sampled_from((timedelta(hours=1), timedelta(days=1), timedelta(days=14))))
        if step == "amended":
            scenario.announce(_amended(draw, request, at), key=site_id)
            continue
        is_answered = is_answered or step == "answered"
        scenario.announce(_step(step, request_id, at, is_answered=is_answered), key=site_id)
    for attempt in range(1, draw(st.sampled_from((1, 1, 2, 3)))):
        _refer(draw, scenario, request_id, site_id, raised_at, attempt)
    if draw(st.booleans()):
        _wait(draw, scenario, "request", request_id, request_id, site_id, raised_at)


def _amended(draw: st.DrawFn, request: RequestRaised, at: datetime) -> RequestAmended:
    """Of another programme, in other areas, or with others."""
    asked = {name: getattr(request, name) for name in RequestDetails.model_fields}
    asked |= {"programme": draw(programmes), "learning_areas": draw(areas), "co_site_ids": draw(co_sites)}
    said = {
        "request_id": request.request_id,
        "changed": ("learningAreas",),
        "amended_by": COORDINATOR,
        "amended_at": at,
    }
    return RequestAmended.model_validate(asked | said)


def _step(step: str, request_id: UUID, at: datetime, *, is_answered: bool) -> Event:  # noqa: PLR0911 - a case each
    this: dict[str, Any] = {"request_id": request_id}
    match step:
        case "assigned":
            return RequestAssigned(**this, broker_ids=(BROKER,), learning_areas=(ART,), assigned_at=at)
        case "unbrokered":
            return RequestUnbrokered(**this, learning_areas=(ART,), unbrokered_at=at)
        case "answered":
            return RequestAnswered(**this, answer="refer", answered_by=CONSULTANT, answered_at=at)
        case "reopened":
            state: Literal["answered", "no_broker"] = "answered" if is_answered else "no_broker"
            return RequestReopened(**this, returns_to=state, reason=OTHER, reopened_by=CONSULTANT, reopened_at=at)
        case "withdrawn":
            return RequestWithdrawn(**this, reason=OTHER, withdrawn_by=COORDINATOR, withdrawn_at=at)
        case "voided":
            return RequestVoided(**this, reason=OTHER, voided_by=COORDINATOR, voided_at=at)
        case "fulfilled":
            this |= {"outcome": "fulfilled", "activity_ids": (UUID(int=1),)}
            return RequestClosed(**this, closed_by=CONSULTANT, closed_at=at)
        case "unmet":
            this |= {"outcome": "partly_fulfilled", "unmet_areas": (SPORT,), "reason": UNMET}
            return RequestClosed(**this, closed_by=CONSULTANT, closed_at=at)
        case _:
            return RequestClosed(**this, outcome="not_fulfilled", reason=OTHER, closed_by=CONSULTANT, closed_at=at)


def _refer(
    draw: st.DrawFn, scenario: Scenario, request_id: UUID, site_id: str, raised_at: datetime, attempt: int
) -> None:
    made_at = raised_at + timedelta(days=draw(st.sampled_from((0, 3, 20))))
    of_request = {"request_id": request_id, "site_id": site_id, "attempt": attempt, "learning_areas": draw(areas)}
    this, at = scenario.an_id(REFERRAL), made_at + timedelta(days=2)
    made = ReferralMade.model_validate(HANDED_OVER | of_request | {"referral_id": this, "made_at": made_at})
    scenario.announce(made, key=site_id)
    if draw(st.booleans()):
        accepted = ReferralAccepted(referral_id=this, partner_id=PARTNER, accepted_by=MUSICIAN, accepted_at=at)
        scenario.announce(accepted, key=site_id)
    if draw(st.booleans()):
        declined = ReferralDeclined(referral_id=this, reason=OTHER, late=True, declined_by=MUSICIAN, declined_at=at)
        scenario.announce(declined, key=site_id)
    match draw(st.sampled_from(("", "", "expired", "withdrawn", "taken by another"))):
        case "expired":
            scenario.announce(ReferralExpired(referral_id=this, expired_at=at), key=site_id)
        case ("withdrawn" | "taken by another") as why:
            reason = OTHER if why == "withdrawn" else TAKEN
            withdrawn = ReferralWithdrawn(referral_id=this, reason=reason, withdrawn_by=CONSULTANT, withdrawn_at=at)
            scenario.announce(withdrawn, key=site_id)
    if draw(st.booleans()):
        _wait(draw, scenario, "referral", this, request_id, site_id, made_at)
    if draw(st.sampled_from((False, False, True))):
        voided = ReferralVoided(referral_id=this, reason=OTHER, voided_by=CONSULTANT, voided_at=at)
        scenario.announce(voided, key=site_id)


def _wait(
    draw: st.DrawFn,
    scenario: Scenario,
    kind: Literal["request", "referral"],
    object_id: UUID,
    request_id: UUID,
    site_id: str,
    since: datetime,
) -> None:
    """A clock runs, perhaps too long, and may count anew, pause and run again."""
    name = draw(st.sampled_from(("answer", "decide", "close")))
    clock_id = uuid5(object_id, name)
    about: dict[str, Any] = {"clock_id": clock_id, "clock": name, "object_kind": kind, "object_id": object_id}
    due: dict[str, Any] = {"breach": "remind", "due_on": date(2026, 1, 1)}
    where: dict[str, Any] = {"request_id": request_id, "site_id": site_id, "programme": PROGRAMMES[0]}
    for step in draw(st.sampled_from(("S", "SP", "SBP", "SSP", "SPSBP", "PS"))):
        since += timedelta(days=draw(st.sampled_from((0, 5, 200))))
        match step:
            case "S":
                event: Event = ClockStarted(**about, **where, **due, started_at=since)
            case "B":
                event = ClockBreached(**about, **due, breached_at=since)
            case _:
                event = ClockPaused(**about, paused_at=since)
        scenario.announce(event, key=site_id)


def _deliver_activity(draw: st.DrawFn, scenario: Scenario) -> None:
    """An activity, and what changed of it later."""
    activity_id, details = scenario.an_id(ACTIVITY), draw(_delivery_details(scenario))
    key, aggregate = details["site_ids"][0], f"activity:{activity_id}"
    requests = [event.request_id for event in scenario.events() if isinstance(event, RequestRaised)]
    this = {"activity_id": activity_id, "request_id": draw(st.sampled_from((None, *requests))), "origin": "direct"}
    plan = {name: details[name] for name in ("site_ids", "partner_ids", "programme", "learning_areas", "audience")}
    planned = {"planned_for": details["occurred_at"], "planned_by": MUSICIAN, "planned_at": FIRST_DAY}
    scenario.announce(ActivityPlanned.model_validate(this | plan | planned), key=key)
    confirmed = draw(st.sampled_from(((), tuple(details["site_ids"]))))
    registered = {"confirmed_by_sites": confirmed, "registered_at": draw(instants)}
    scenario.announce(ActivityDelivered.model_validate(this | details | registered), key=key)
    later = ("confirmed", "confirmed", "corrected", "disputed", "retracted")
    for change in draw(st.lists(st.sampled_from(later), max_size=3)):
        if draw(st.sampled_from((False, False, False, True))):
            scenario.restore(aggregate, back_to=scenario.versions[aggregate] - 1)
        scenario.announce(_change(draw, scenario, change, this | details), key=key)


def _change(draw: st.DrawFn, scenario: Scenario, change: str, delivered: dict[str, Any]) -> Event:
    at, site_id = draw(instants), draw(st.sampled_from(delivered["site_ids"]))
    this: dict[str, Any] = {"activity_id": delivered["activity_id"]}
    match change:
        case "corrected":
            corrected = delivered | draw(_delivery_details(scenario))
            return ActivityCorrected(**corrected, changed=("groups",), reason=OTHER, corrected_at=at)
        case "disputed":
            return ActivityDisputed(**this, site_id=site_id, reason=OTHER, disputed_at=at)
        case "retracted":
            return ActivityRetracted(**this, reason=OTHER, retracted_at=at)
        case _:
            return ActivityConfirmed(**this, site_id=site_id, confirmed_at=at)


@st.composite
def _delivery_details(draw: st.DrawFn, scenario: Scenario) -> dict[str, Any]:
    recorded = sorted({event.group_id for event in scenario.events() if isinstance(event, GroupRecorded)})
    present = draw(st.lists(st.sampled_from((*recorded, "own:g9")), max_size=3, unique=True))  # g9: never recorded
    return {
        "site_ids": draw(some_sites),
        "partner_ids": (PARTNER,),
        "programme": draw(programmes),
        "learning_areas": draw(areas),
        "occurred_at": draw(instants).astimezone(AMSTERDAM),
        "duration_minutes": draw(st.sampled_from((45, 90))),
        "setting": "in_school",
        "audience": draw(st.sampled_from(("children", "children", "children", "parents"))),
        "groups": tuple(_taking_part(draw, group_id) for group_id in present),
        "substitution": draw(st.sampled_from(("replaces", "replaces", "stacks", "unknown"))),
    }


def _taking_part(draw: st.DrawFn, group_id: str) -> TakingPart:
    counted, whole = draw(st.sampled_from((None, 0, 3, 9, 40))), draw(st.booleans())
    return TakingPart(group_id=group_id, headcount=24, participants=counted, whole_group=whole)
