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

SITES = 400
GROUPS_PER_SITE = 8
SOURCE = "urn:nld:oin:00000099000000001000:systeem:referrals"
START = datetime(2025, 9, 1, 9, 0, tzinfo=UTC)


def encoded(event: Event, key: str) -> tuple[str, bytes, bytes]:
    """(topic, key, value) of an aggregate's first event."""
    envelope = describe(
        event,
        id=uuid_utils.compat.uuid7(),
        source=SOURCE,
        time=START,
        key=key,
        version=1,
        epoch=1,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return event.topics[0], key.encode(), encode(envelope, event)


def city() -> Iterator[tuple[str, bytes, bytes]]:
    """Sites and their groups."""
    for number in range(SITES):
        site_id = f"duo:{number:04d}AA"
        yield encoded(
            SiteRecorded(
                site_id=site_id,
                valid_from=date(2015, 8, 1),
                kinds=("primary",),
                name=Name(nl=f"School {number}"),
                board="own:board",
                municipality="GM0796",
                postcode4="5211",
                neighbourhood=str(5200 + number % 40),
            ),
            site_id,
        )
        for group in range(GROUPS_PER_SITE):
            yield encoded(
                GroupRecorded(
                    group_id=f"own:{number:04d}-{group}",
                    site_id=site_id,
                    register_="school",
                    school_year="2025-2026",
                    age_from=4 + group,
                    age_to=5 + group,
                    headcount=Interval(lower=24, upper=24),
                ),
                site_id,
            )


def activities(count: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Delivered activities, each for one group of one site."""
    for number in range(count):
        site = number % SITES
        site_id = f"duo:{site:04d}AA"
        group = number // SITES % GROUPS_PER_SITE
        moment = START + timedelta(days=number % 300)
        yield encoded(
            ActivityDelivered(
                activity_id=uuid_utils.compat.uuid7(),
                site_ids=(site_id,),
                partner_ids=("own:partner",),
                programme="kansen-voor-kinderen",
                learning_areas=(LearningArea(scheme="curriculum.nu", code=SCHEMES["curriculum.nu"][number % 9]),),
                occurred_at=moment,
                duration_minutes=60,
                setting="in_school",
                groups=(TakingPart(group_id=f"own:{site:04d}-{group}", headcount=24, participants=number % 25),),
                substitution=("replaces", "stacks", "unknown")[number % 3],
                origin="direct",
                confirmed_by_sites=(site_id,),
                registered_at=moment,
            ),
            site_id,
        )
