"""Small believable stories of one partnership for property tests, and the many ways in which they may arrive.

A story is what the services announced, in their words and bytes (`contracts`). A delivery is a story as a broker
may hand it over: each event one to five times, in any order. Every choice is Hypothesis's, so that a story that
breaks a promise is told again as short as it can be; only the order of arrival is drawn from a single number.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord
from aiokafka.partitioner import murmur2
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
from contracts.envelope import describe, encode
from contracts.events import Event
from contracts.offers import BrokerRecorded
from contracts.referrals import ReferralAccepted, ReferralDeclined, ReferralMade
from contracts.requests import RequestAnswered, RequestAssigned, RequestClosed, RequestRaised, RequestUnbrokered
from contracts.sites import DeclaredAdoption, GroupRecorded, Link, Register, SiteKind, SiteRecorded
from contracts.targets import IndicatorDefined
from contracts.topics import PARTITIONS
from contracts.values import AMSTERDAM, Actor, Interval, LearningArea, Name, Reason

Record = ConsumerRecord[bytes | None, bytes | None]
Told = tuple[Event, str, bytes]
"""An event, its key and its bytes."""

SOURCE = "urn:nld:oin:00000099000000001000:systeem:requests"
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
GROUPS: dict[str, tuple[str, Register]] = {  # who is where; `own:g4` is never at a site that everybody knows
    "own:g1": ("own:bron", "school"),
    "own:g2": ("own:linde", "school"),
    "own:g3": (CARE, "childcare"),
    "own:g4": ("own:nobody-knows", "project"),
}
BROKER, PARTNER = "own:babel", "own:muziekschool"
COORDINATOR = Actor(role="coordinator", organisation="own:bron", actor="c1")
CONSULTANT = Actor(role="consultant", organisation=BROKER, actor="m1")
MUSICIAN = Actor(role="partner", organisation=PARTNER, actor="p1")
DECLARED = (DeclaredAdoption(programme=PROGRAMMES[0], starts_on=date(2025, 1, 1)),)
OTHER = Reason(list="decline", code="other")
# The days on which something changes: a school year, a calendar year, a year before one of them.
DAYS = tuple(
    date.fromisoformat(day)
    for day in ("2024-12-31", "2025-01-01", "2025-07-31", "2025-08-01", "2025-12-31", "2026-01-01", "2026-07-31")
)

days = st.sampled_from(DAYS)
# 22:30 and 23:30 UTC are the next day in Amsterdam: in summer both, in winter the second.
instants = st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC), days, st.sampled_from((9, 22, 23))
)
areas = st.sampled_from(((ART,), (SPORT,), (ART, SPORT)))
programmes = st.sampled_from((*PROGRAMMES[:1] * 3, PROGRAMMES[1]))
some_sites = st.lists(st.sampled_from(SITES), min_size=1, max_size=4, unique=True)


class Story:
    """What was announced, in order; `tell` counts versions and ids."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.versions: Counter[str] = Counter()
        self.epoch = 1

    def tell(self, event: Event, *, key: str | None = None) -> None:
        """The next version of its aggregate."""
        aggregate = f"{event.aggregate}:{event.subject}"
        self.versions[aggregate] += 1
        envelope = describe(
            event,
            id=self.an_id(7),
            source=SOURCE,
            time=datetime(2026, 8, 1, tzinfo=UTC),
            key=key or event.subject,
            version=self.versions[aggregate],
            epoch=self.epoch,
        )
        self.told.append((event, envelope.partitionkey, encode(envelope, event)))

    def an_id(self, kind: int) -> UUID:
        """An id that the same story would use again."""
        return UUID(int=kind << 120 | 0x7000 << 64 | 0x8000 << 48 | len(self.told))

    def __repr__(self) -> str:
        """For a test that failed: what was said, without the definitions that every story has."""
        return "\n".join(repr(event) for event, _, _ in self.told if not isinstance(event, IndicatorDefined))

    def restored(self, aggregate: str, *, back_to: int) -> None:
        """The database went back to an earlier version: what follows is said in a new epoch."""
        self.epoch, self.versions[aggregate] = self.epoch + 1, back_to


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A partnership in two school years: sites that move and close, masked groups, requests on their way,
    activities that are corrected, confirmed, disputed and retracted, and a database that was restored."""
    story = Story()
    for site_id in SITES:
        _record_site(draw, story, site_id)
    story.tell(
        BrokerRecorded(broker_id=BROKER, valid_from=date(2020, 8, 1), name=Name(nl="Babel"), learning_areas=(ART,))
    )
    for group_id in draw(st.lists(st.sampled_from(sorted(GROUPS)), max_size=4)):  # twice: recorded anew
        _record_group(draw, story, group_id)
    for _ in range(draw(st.integers(0, 2))):
        _ask(draw, story)
    for _ in range(draw(st.integers(0, 3))):
        _do(draw, story)
    return story


def _record_site(draw: st.DrawFn, story: Story, site_id: str) -> None:
    others = [other for other in SITES if other != site_id]
    for starts in draw(st.sampled_from(([2010],) * 3 + ([2025, 2010], [2025]))):
        linked = draw(st.sampled_from(([], others, others[:2])))
        story.tell(
            SiteRecorded(
                site_id=site_id,
                valid_from=date(starts, 8, 1),
                kinds=KINDS[site_id],
                name=Name(nl="De Bron"),
                board="own:bestuur",
                municipality="GM0796",
                postcode4="5211",
                neighbourhood=draw(st.sampled_from(("5211", "5212"))),
                closed_on=draw(st.sampled_from((None, None, None, date(2026, 1, 1)))),
                links=tuple(Link(site_id=other, kind="child_centre", starts_on=date(2020, 8, 1)) for other in linked),
                declared_adoption=DECLARED if linked else (),
            )
        )


def _record_group(draw: st.DrawFn, story: Story, group_id: str) -> None:
    site_id, register = GROUPS[group_id]
    lower, upper = draw(st.sampled_from(((24, 24), (9, 9), (1, 4), (0, 30))))  # 1 to 4: masked
    story.tell(
        GroupRecorded(
            group_id=group_id,
            site_id=site_id,
            register_=register,
            age_from=4,
            age_to=6,
            school_year=draw(st.sampled_from(("2025-2026", "2025-2026", "2024-2025"))),
            headcount=Interval(lower=lower, upper=upper),
        ),
        key=site_id,
    )


def _ask(draw: st.DrawFn, story: Story) -> None:
    """A request and what became of it."""
    request_id, raised_at, site_id = story.an_id(1), draw(instants), draw(st.sampled_from(SCHOOLS))
    story.tell(
        RequestRaised(
            request_id=request_id,
            site_id=site_id,
            programme=draw(programmes),
            learning_areas=draw(areas),
            headcount=20,
            co_site_ids=draw(st.sampled_from(((), (CARE, AFTER_SCHOOL)))),
            wished_from=date(2025, 9, 1),
            wished_to=date(2026, 6, 1),
            intention="replaces",
            raised_by=COORDINATOR,
            raised_at=raised_at,
        ),
        key=site_id,
    )
    for step in draw(st.sampled_from(("", "a", "an", "anc", "u", "ua", "uan", "uc"))):
        at = raised_at + draw(st.sampled_from((timedelta(hours=1), timedelta(days=1), timedelta(days=14))))
        story.tell(_step(step, request_id, at), key=site_id)  # clocks may disagree: a later step, an earlier moment
    if draw(st.booleans()):
        _refer(draw, story, request_id, site_id, raised_at)


def _step(step: str, request_id: UUID, at: datetime) -> Event:
    """Assigned, unbrokered, answered or closed."""
    match step:
        case "a":
            return RequestAssigned(request_id=request_id, broker_ids=(BROKER,), learning_areas=(ART,), assigned_at=at)
        case "u":
            return RequestUnbrokered(request_id=request_id, learning_areas=(ART,), unbrokered_at=at)
        case "n":
            return RequestAnswered(request_id=request_id, answer="refer", answered_by=CONSULTANT, answered_at=at)
        case _:
            return RequestClosed(
                request_id=request_id, outcome="not_fulfilled", reason=OTHER, closed_by=CONSULTANT, closed_at=at
            )


def _refer(draw: st.DrawFn, story: Story, request_id: UUID, site_id: str, raised_at: datetime) -> None:
    referral_id, made_at = story.an_id(2), raised_at + timedelta(days=draw(st.sampled_from((0, 3, 20))))
    story.tell(
        ReferralMade(
            referral_id=referral_id,
            request_id=request_id,
            site_id=site_id,
            broker_id=BROKER,
            partner_id=PARTNER,
            learning_areas=(ART,),
            attempt=1,
            decide_by=date(2026, 1, 1),
            made_by=CONSULTANT,
            made_at=made_at,
        ),
        key=site_id,
    )
    at = made_at + timedelta(days=2)
    if draw(st.booleans()):
        story.tell(
            ReferralAccepted(referral_id=referral_id, partner_id=PARTNER, accepted_by=MUSICIAN, accepted_at=at),
            key=site_id,
        )
    if draw(st.booleans()):
        story.tell(
            ReferralDeclined(referral_id=referral_id, reason=OTHER, late=True, declined_by=MUSICIAN, declined_at=at),
            key=site_id,
        )


def _do(draw: st.DrawFn, story: Story) -> None:
    """An activity and what was said of it."""
    activity_id, body = story.an_id(3), draw(_bodies(story))
    key = body["site_ids"][0]
    aggregate = f"activity:{activity_id}"
    of_request: dict[str, Any] = {"request_id": draw(st.sampled_from((None, *_requests(story)))), "origin": "direct"}
    story.tell(
        ActivityPlanned(
            activity_id=activity_id,
            planned_for=body["occurred_at"],
            planned_by=MUSICIAN,
            planned_at=datetime(2024, 8, 1, tzinfo=UTC),
            **of_request,
            **{name: body[name] for name in ("site_ids", "partner_ids", "programme", "learning_areas", "audience")},
        ),
        key=key,
    )
    confirmed = draw(st.sampled_from(((), tuple(body["site_ids"]))))
    story.tell(
        ActivityDelivered(
            activity_id=activity_id, confirmed_by_sites=confirmed, registered_at=draw(instants), **of_request, **body
        ),
        key=key,
    )
    for word in draw(st.lists(st.sampled_from("ccndr"), max_size=3)):
        if draw(st.sampled_from((False, False, False, True))):
            story.restored(aggregate, back_to=story.versions[aggregate] - 1)
        story.tell(_word(draw, story, word, activity_id, of_request | body), key=key)


def _requests(story: Story) -> list[UUID]:
    return [event.request_id for event, _, _ in story.told if isinstance(event, RequestRaised)]


def _word(draw: st.DrawFn, story: Story, word: str, activity_id: UUID, body: dict[str, Any]) -> Event:
    """A correction, a confirmation, a dispute or a retraction."""
    at, site_id = draw(instants), draw(st.sampled_from(body["site_ids"]))
    match word:
        case "n":
            anew = draw(_bodies(story))
            return ActivityCorrected(
                activity_id=activity_id, changed=("groups",), reason=OTHER, corrected_at=at, **(body | anew)
            )
        case "d":
            return ActivityDisputed(activity_id=activity_id, site_id=site_id, reason=OTHER, disputed_at=at)
        case "r":
            return ActivityRetracted(activity_id=activity_id, reason=OTHER, retracted_at=at)
        case _:
            return ActivityConfirmed(activity_id=activity_id, site_id=site_id, confirmed_at=at)


@st.composite
def _bodies(draw: st.DrawFn, story: Story) -> dict[str, Any]:
    recorded = sorted({event.group_id for event, _, _ in story.told if isinstance(event, GroupRecorded)})
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
        "groups": tuple(
            TakingPart(
                group_id=group_id,
                headcount=24,
                participants=draw(st.sampled_from((None, 0, 3, 9, 40))),
                whole_group=draw(st.booleans()),
            )
            for group_id in present
        ),
        "substitution": draw(st.sampled_from(("replaces", "replaces", "stacks", "unknown"))),
    }


class Delivery:
    """A story as it arrived, in parts: a cut falls behind each."""

    def __init__(self, parts: Iterable[tuple[Record, ...]]) -> None:
        self.parts = tuple(parts)

    @property
    def records(self) -> list[Record]:
        """All that arrived, in order."""
        return [record for part in self.parts for record in part]

    def __repr__(self) -> str:
        """For a test that failed: what came when."""
        return "\n--- cut ---\n".join(
            "\n".join(_shown(record) for record in part if "targets" not in record.topic) for part in self.parts
        )


def _shown(record: Record) -> str:
    envelope = json.loads(record.value or b"")
    said = " ".join(str(envelope[name]) for name in ("type", "subject", "streamepoch", "aggregateversion"))
    return f"{record.topic}/{record.partition}/{record.offset} {said}"


def arrived(told: Sequence[Told], *, cuts: Sequence[int] = ()) -> Delivery:
    """The events as they lie on their topics, one after the other, with a cut before each of these places."""
    ends: Counter[tuple[str, int]] = Counter()
    records: list[Record] = []
    for event, key, value in told:
        place = (event.topics[0], int(murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS)
        records.append(a_record(*place, ends[place], key=key.encode(), value=value))
        ends[place] += 1
    places = [0, *sorted(cuts), len(records)]
    return Delivery(tuple(records[start:end]) for start, end in pairwise(places))


@st.composite
def deliveries(draw: st.DrawFn, story: Story) -> Delivery:
    """The story with each event delivered one to five times, in any order at all, cut anywhere."""
    order = random.Random(draw(st.integers(0, 2**32)))
    often = [one for one in story.told for _ in range(order.choice((1, 1, 2, 3, 5)))]
    order.shuffle(often)
    cuts = draw(st.lists(st.integers(0, len(often)), max_size=2))
    return arrived(often, cuts=cuts)


def announced(events: Iterable[Event]) -> list[Told]:
    """Events of as many aggregates, as a story that precedes others (such as the definitions of `reporting`)."""
    story = Story()
    for event in events:
        story.tell(event)
    return story.told


@st.composite
def delivered_stories(draw: st.DrawFn, *, before: list[Told]) -> tuple[Story, Delivery]:
    """A story, and a way in which it may arrive; what was announced before it arrives anywhere in between."""
    story = draw(stories())
    story.told[:0] = before
    return story, draw(deliveries(story))


def a_record(  # a record as aiokafka hands it over
    topic: str,
    partition: int,
    offset: int,
    *,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] = (("content-type", b"application/cloudevents+json; charset=UTF-8"),),
) -> Record:
    return ConsumerRecord(topic, partition, offset, 0, 1, key, value, None, 0, 0, headers)
