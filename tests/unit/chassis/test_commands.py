"""A command is told apart from another one by what it says."""

import asyncio

from services.chassis.commands import Call, digest_of
from services.requests.commands import reference_data
from services.requests.views import SiteLine
from tests.builders import NOW, an_actor, site_details

MANY = 5_000  # lines: 60 ms, in which thousands of other things can be done


def recording(*site_ids: str) -> Call:
    lines = [SiteLine(**dict(site_details()), site_id=site_id) for site_id in site_ids]
    return Call(by=an_actor("operator"), at=NOW, body=lines, key="k")


async def test_other_lines_are_another_command() -> None:
    command = reference_data.by_name["recordSites"]

    digests = [
        await digest_of(command, recording(*ids)) for ids in (("own:a", "own:b"), ("own:b", "own:a"), ("own:a",))
    ]

    assert len(set(digests)) == 3
    assert await digest_of(command, recording("own:a")) == digests[2]


async def test_the_event_loop_goes_on_while_many_lines_are_told_apart() -> None:
    command, call = reference_data.by_name["recordSites"], recording(*(f"own:{number}" for number in range(MANY)))
    other_things = 0

    digesting = asyncio.create_task(digest_of(command, call))
    while not digesting.done():
        other_things += 1
        await asyncio.sleep(0)

    assert other_things > 2
