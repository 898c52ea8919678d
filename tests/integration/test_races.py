"""Both command services at once: whatever overtakes what, a request and its referrals end in one defined state.

Every order of two callers and of the messages between the services is played, on the tables of both.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from typing import Any

import pytest

from local import RealParts
from services.referrals.rules.referral import Status
from tests.partnership import Partnership, a_partnership, check_is_sound


@pytest.fixture
async def partnership(stack: RealParts) -> AsyncIterator[Partnership]:
    async with a_partnership(stack) as partnership:
        yield partnership


PAIRS = [
    (Status.REQUESTED, "withdraw", "accept"),
    (Status.REQUESTED, "withdraw", "decline"),
    (Status.REQUESTED, "withdraw", "expire"),
    (Status.REQUESTED, "withdraw", "refer_again"),
    (Status.REQUESTED, "void", "accept"),
    (Status.REQUESTED, "close", "accept"),
    (Status.REQUESTED, "close", "void_referral"),
    (Status.REQUESTED, "close_and_reopen", "expire"),
    (Status.REQUESTED, "close_and_reopen", "accept"),
    (Status.ACCEPTED, "withdraw", "start"),
    (Status.ACCEPTED, "void", "complete"),
    (Status.IN_PROGRESS, "withdraw", "complete"),
    (Status.IN_PROGRESS, "close", "complete"),
]


@pytest.mark.parametrize(("status", "asking", "partner"), PAIRS, ids=str)
async def test_whatever_overtakes_what_it_ends_in_one_defined_state(
    partnership: Partnership, status: Status, asking: str, partner: str
) -> None:
    ends: dict[tuple[bool, bool], set[tuple[Any, ...]]] = {}
    for order in permutations((asking, partner, "to_referrals", "to_requests")):
        await partnership.begins(status)
        done = await played(partnership, order)
        await partnership.settle()
        state = await partnership.state()
        check_is_sound(state)
        await partnership.check_work_lists()
        ends.setdefault((done[asking], done[partner]), set()).add(state)

    # When both are done before either is heard of, they are done: however the messages go, it ends the same.
    assert {both: len(states) for both, states in ends.items()} == dict.fromkeys(ends, 1)


async def played(partnership: Partnership, order: Sequence[str]) -> dict[str, bool]:
    done: dict[str, bool] = {}
    for step in order:
        match step:
            case "to_referrals":
                await partnership.referrals.hears_of(partnership.requests)
            case "to_requests":
                await partnership.requests.hears_of(partnership.referrals)
            case _:
                done[step] = await partnership.do(step)
    return done
