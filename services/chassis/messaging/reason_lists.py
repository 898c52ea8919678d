"""Publishing the reason lists that a service ships."""

from collections.abc import Iterable

from contracts.reasons import ReasonListPublished
from services.chassis.messaging import outbox
from services.chassis.running.database import Database


async def publish_lists(database: Database, lists: Iterable[ReasonListPublished], topic: str) -> None:
    for each in lists:
        async with database.transaction(at=each.published_at) as tx:
            await outbox.add_once(tx, each, version=each.list_version, topic=topic)
