"""Believable events in bulk, as the services would announce them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import uuid_utils.compat

from contracts.activities import ActivityDelivered, TakingPart
from contracts.envelope import describe, encode
from contracts.events import Event
from contracts.sites import GroupRecorded, SiteRecorded
from contracts.values import Interval, LearningArea, Name
from services.referrals.reasons import SCHEMES
from tests.bench.limits import Message
from tests.builders import source_of

SITES = 400
AREAS = SCHEMES["curriculum.nu"]
GROUPS_PER_SITE = 8
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
START = datetime(2025, 9, 1, 9, 0, tzinfo=UTC)


def city() -> Iterator[Message]:
    """Sites and their groups."""
    for number in range(SITES):
        yield _message(_site(number), _site_id(number))
        for group in range(GROUPS_PER_SITE):
            yield _message(_group(number, group), _site_id(number))


def activities(count: int) -> Iterator[Message]:
    """Delivered activities, each for one group of one site."""
    for number in range(count):
        yield _message(_activity(number), _site_id(number % SITES))


def _message(event: Event, key: str) -> Message:
    """An aggregate's first event."""
    event_id, order = uuid_utils.compat.uuid7(), 1
    source = source_of(event.topics[0])
    envelope = describe(
        event, id=event_id, source=source, time=START, key=key, version=order, epoch=order, traceparent=TRACE
    )
    return event.topics[0], key.encode(), encode(envelope, event)


def _site_id(number: int) -> str:
    return f"duo:{number // 100:02d}AA{number % 100:02d}"


def _group_id(site: int, group: int) -> str:
    return f"own:{site:04d}-{group}"


def _site(number: int) -> SiteRecorded:
    return SiteRecorded(
        site_id=_site_id(number),
        valid_from=date(2015, 8, 1),
        kinds=("primary",),
        name=Name(nl=f"School {number}"),
        board="own:board",
        municipality="GM0796",
        postcode4="5211",
        neighbourhood=str(5200 + number % 40),
    )


def _group(site: int, group: int) -> GroupRecorded:
    return GroupRecorded(
        group_id=_group_id(site, group),
        site_id=_site_id(site),
        register_="school",
        school_year="2025-2026",
        age_from=4 + group,
        age_to=5 + group,
        headcount=Interval(lower=24, upper=24),
    )


def _activity(number: int) -> ActivityDelivered:
    site, group = number % SITES, number // SITES % GROUPS_PER_SITE
    moment = START + timedelta(days=number % 300)
    return ActivityDelivered(
        activity_id=uuid_utils.compat.uuid7(),
        site_ids=(_site_id(site),),
        partner_ids=("own:partner",),
        programme="kansen-voor-kinderen",
        learning_areas=(LearningArea(scheme="curriculum.nu", code=AREAS[number % 9]),),
        occurred_at=moment,
        duration_minutes=60,
        setting="in_school",
        groups=(TakingPart(group_id=_group_id(site, group), headcount=24, participants=number % 25),),
        substitution=("replaces", "stacks", "unknown")[number % 3],
        origin="direct",
        confirmed_by_sites=(_site_id(site),),
        registered_at=moment,
    )
