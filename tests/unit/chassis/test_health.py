"""The parts of a service say how they are, and the service ends as soon as one of them ends."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from services.chassis.problems import NotYetKnown
from services.chassis.running.health import STALE_SECONDS, Health


def test_all_work_when_every_part_has_worked() -> None:
    health = Health()
    health.expect("relay", "reactions")
    health.tick("relay")

    assert (health.all_work, health.report()) == (False, {"relay": "working", "reactions": "starting"})

    health.tick("reactions", "12 partitions")
    assert (health.all_work, health.report()) == (True, {"relay": "working", "reactions": "12 partitions"})


def test_a_part_in_trouble_says_why_until_it_works_again() -> None:
    health = Health()
    health.trouble("relay", "Kafka does not answer")

    assert (health.all_work, health.report()) == (False, {"relay": "Kafka does not answer"})

    health.tick("relay")
    assert (health.all_work, health.report()) == (True, {"relay": "working"})


def test_a_part_that_is_silent_for_too_long_does_not_work() -> None:
    health = Health()
    health.tick("relay")
    health.parts["relay"].ticked -= STALE_SECONDS + 1

    assert (health.all_work, health.report()) == (False, {"relay": f"silent for {STALE_SECONDS + 1:.0f} s"})


def test_only_a_part_that_says_so_keeps_the_api_from_answering() -> None:
    health = Health()
    health.trouble("relay", "Kafka does not answer")
    assert health.can_answer

    health.trouble("projection", "rebuilding", blocks=True)
    assert not health.can_answer

    health.tick("projection")
    assert health.can_answer


async def test_a_part_that_fails_ends_the_process_with_class_and_place_of_its_error() -> None:
    async def fail() -> None:
        raise RuntimeError("jan@school.example")

    why = await why_it_ends(fail)

    assert why.startswith("the part printer failed with RuntimeError at services/chassis/running/health.py:")


async def test_a_part_that_fails_with_a_sentence_of_ours_ends_the_process_with_that() -> None:
    async def fail() -> None:
        raise NotYetKnown

    why = await why_it_ends(fail)

    assert why == "the part printer failed with NotYetKnown: This service has not heard of it yet; ask again shortly."


async def test_a_part_that_returns_ends_the_process() -> None:
    async def leave() -> None:
        pass

    assert await why_it_ends(leave) == "the part printer returned, but must never return"


async def test_a_part_that_is_cancelled_does_not_end_the_process() -> None:
    health = Health(died=asyncio.get_running_loop().create_future())
    has_begun = asyncio.Event()

    async def print_for_ever() -> None:
        has_begun.set()
        await asyncio.Event().wait()

    part = asyncio.create_task(health.watch("printer", print_for_ever()))
    await has_begun.wait()
    part.cancel()

    with pytest.raises(asyncio.CancelledError):
        await part

    assert health.died is not None
    assert not health.died.done()


async def test_a_part_that_was_cancelled_by_what_a_library_let_through_ends_the_process() -> None:
    """Red when every cancellation is taken for ours: the part was gone, and nobody noticed."""

    async def let_through() -> None:
        its_own = asyncio.create_task(asyncio.sleep(60))
        its_own.cancel()
        await its_own

    assert await why_it_ends(let_through) == "the part printer was cancelled by a task of its own"


async def test_the_first_reason_to_end_is_the_one_that_counts() -> None:
    health = Health(died=asyncio.get_running_loop().create_future())
    health.end("the first")
    health.end("what followed from it")

    assert health.died is not None
    assert health.died.result() == "the first"


async def why_it_ends(part: Callable[[], Coroutine[object, object, None]]) -> str:
    health = Health(died=asyncio.get_running_loop().create_future())
    await health.watch("printer", part())
    assert health.died is not None
    return health.died.result()
