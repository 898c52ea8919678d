"""A lane of the relay on its own: it rests longer after each failure, and is alarmed once.

Each test names the line that it protects: without that line it is red.
"""

import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from local.ports import find_free
from services.chassis.messaging.lane import MAX_ROWS, Lane, Pace, Sent
from services.chassis.running.settings import read_settings

REST = 60.0  # seconds; nothing here waits for them


@pytest.fixture
def lane() -> Lane:
    """A lane of a Kafka that is not there."""
    environment = {
        "SAMENSPEL_KAFKA": f"127.0.0.1:{find_free()}",
        "SAMENSPEL_DATABASE_URL": "postgresql://nobody@127.0.0.1/nothing",
    }
    pace = Pace(send=5.0, first_rest=REST, longest_rest=3 * REST, stuck=5.0)
    return Lane(read_settings("referrals", 8002, environment), "partnership.offers.v1", 3, pace)


ROWS: Any = [{"position": 1, "key": b"k", "value": b"v", "headers": None}]


async def test_each_rest_is_twice_the_one_before_up_to_the_longest(lane: Lane) -> None:
    """Red without `2**self.failures`, without `min`, and without `self.rests_until`."""
    rests: list[float] = []
    for _ in range(4):
        assert await lane.send(ROWS) == Sent()
        rests.append(round((lane.rests_until - time.monotonic()) / REST))

    assert rests == [1, 2, 3, 3]


async def test_after_a_failure_one_message_is_tried_with_another_producer(lane: Lane) -> None:
    """Red without `self.max_rows = 1` and without `self.close()` in `_fail`."""
    assert lane.max_rows == MAX_ROWS

    await lane.send(ROWS)

    assert (lane.max_rows, lane.kafka) == (1, None)
    assert lane.trouble == "KafkaConnectionError"


async def test_a_lane_that_waits_for_too_long_is_alarmed_once(lane: Lane) -> None:
    """Red without `is_alarmed`; the second failure must not begin the wait anew."""
    with capture_logs() as logs:
        await lane.send(ROWS)
        assert not lane.is_stuck()
        assert lane.waiting_since is not None
        lane.waiting_since -= lane.pace.stuck
        await lane.send(ROWS)
        assert [lane.is_stuck(), lane.is_stuck()] == [True, True]

    (alarm,) = logs
    assert (alarm["event"], alarm["topic"], alarm["partition"]) == ("lane_stuck", "partnership.offers.v1", 3)


def test_a_lane_that_has_nothing_to_send_is_not_stuck(lane: Lane) -> None:
    assert not lane.is_stuck()
