"""The demo knows what is on the topics as any other system does: by reading them."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

from contracts.activities import ACTIVITIES
from contracts.requests import REQUESTS
from contracts.topics import SERVICES
from demo.announced import Announced, announced_on
from local import RealParts
from samenspel.endpoints import Endpoints
from tests.contract.story import a_line, an_example, written
from tests.integration.publishing import publish
from tests.provisioned import provisioned
from tests.waiting import SOON, eventually

PREFIX = "announced."


async def test_it_waits_until_all_that_was_acknowledged_is_on_the_topics(stack: RealParts) -> None:
    raised, delivered = an_example("RequestRaised"), an_example("ActivityDelivered")
    both = Counter({("RequestRaised", raised["subject"]): 1, ("ActivityDelivered", delivered["subject"]): 1})
    endpoints = Endpoints(dict.fromkeys(SERVICES, ""), kafka=stack.kafka, prefix=PREFIX)
    async with provisioned(stack.kafka, PREFIX), announced_on(endpoints) as announced:
        put = partial(publish, stack.kafka, PREFIX)
        await put([a_line(REQUESTS, b"no event", key="own:x"), on(REQUESTS, raised)])
        waiting = asyncio.create_task(announced.wait_for(both))
        await eventually(lambda: has_seen(announced, raised))
        assert not waiting.done()
        await put([on(ACTIVITIES, delivered)])

        async with asyncio.timeout(SOON):
            await waiting
            await announced.wait_for(both)  # what was seen is not read again


def on(topic: str, event: dict[str, Any]) -> dict[str, Any]:
    return a_line(topic, written(event), key=event["partitionkey"])


async def has_seen(announced: Announced, event: dict[str, Any]) -> bool:
    return event["subject"] in {subject for _, subject in announced.seen}
