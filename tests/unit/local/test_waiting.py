"""Waiting ends when the condition holds, or soon after the deadline."""

import asyncio

import pytest

from local.waiting import completed, until


def test_waiting_ends_when_the_condition_holds() -> None:
    answers = iter([False, False, True])

    assert until(lambda: next(answers), within=10, every=0.001)


def test_waiting_ends_at_the_deadline() -> None:
    assert not until(lambda: False, within=0.01, every=0.001)


def test_a_deadline_that_has_passed_still_allows_one_look() -> None:
    assert until(lambda: True, within=0, every=60)
    assert not until(lambda: False, within=0, every=60)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ZeroDivisionError])
def test_a_condition_that_fails_is_not_asked_again(failure: type[BaseException]) -> None:
    answers = iter([failure])

    def ask() -> bool:
        raise next(answers)

    with pytest.raises(failure):
        until(ask, within=10, every=0.001)


async def test_a_coroutine_is_completed_also_from_within_a_running_loop() -> None:
    assert completed(asyncio.sleep(0, "done")) == "done"
