"""A consumer that has stopped reading is noticed, and one that works or waits is left in peace."""

from aiokafka import TopicPartition

from services.chassis.messaging.progress import STUCK_SECONDS, Progress

PARTITION = TopicPartition("topic", 0)
LONG = STUCK_SECONDS + 1


def at(offset: int) -> dict[TopicPartition, int]:
    return {PARTITION: offset}


def test_a_consumer_that_stands_still_before_messages_is_stuck() -> None:
    progress = Progress(moved_at=0.0)
    progress.look(at(5), ends=at(9), now=0.0)

    assert progress.look(at(5), ends=at(9), now=STUCK_SECONDS) == "reading"
    assert progress.look(at(5), ends=at(9), now=LONG) == "stuck"


def test_a_consumer_that_moves_is_not_stuck_however_far_behind() -> None:
    progress = Progress(moved_at=0.0)

    looks = [progress.look(at(offset), ends=at(1_000_000), now=offset * STUCK_SECONDS) for offset in range(1, 5)]

    assert set(looks) == {"reading"}


def test_a_consumer_at_the_end_may_wait_for_ever() -> None:
    progress = Progress(moved_at=0.0)
    progress.look(at(9), ends=at(9), now=0.0)

    assert progress.look(at(9), ends=at(9), now=100 * LONG) == "reading"
    assert progress.look(at(9), ends=at(10), now=100 * LONG + 1) == "reading"  # the message has only just come


def test_a_consumer_before_an_open_transaction_is_held_up_and_never_stuck() -> None:
    progress = Progress(moved_at=0.0)
    progress.look(at(5), ends=at(5), now=0.0, written=at(9))

    assert progress.look(at(5), ends=at(5), now=STUCK_SECONDS, written=at(9)) == "reading"
    assert progress.look(at(5), ends=at(5), now=100 * LONG, written=at(9)) == "held up"
    assert progress.look(at(9), ends=at(9), now=101 * LONG, written=at(9)) == "reading"


def test_a_consumer_without_partitions_is_not_stuck() -> None:
    assert Progress(moved_at=0.0).look({}, ends={}, now=LONG) == "reading"


def test_a_consumer_that_works_on_a_batch_is_not_stuck_but_reported_when_it_takes_long() -> None:
    progress = Progress(moved_at=0.0, busy_since=0.0)

    assert progress.look(at(5), ends=at(9), now=STUCK_SECONDS) == "busy"
    assert progress.look(at(5), ends=at(9), now=LONG) == "busy too long"


def test_after_a_long_batch_a_consumer_has_time_to_go_on() -> None:
    progress = Progress(moved_at=0.0, busy_since=0.0)
    progress.look(at(5), ends=at(9), now=LONG)

    progress.busy_since = None

    assert progress.look(at(5), ends=at(9), now=LONG + 1) == "reading"
    assert progress.look(at(5), ends=at(9), now=LONG + LONG) == "stuck"


def test_while_kafka_does_not_answer_a_consumer_is_not_to_blame() -> None:
    progress = Progress(moved_at=0.0)
    progress.look(at(5), ends=at(9), now=0.0)

    assert progress.has_stood_still(LONG)
    progress.wait(LONG)

    assert not progress.has_stood_still(LONG)
    assert progress.look(at(5), ends=at(9), now=LONG + STUCK_SECONDS) == "reading"
    assert progress.look(at(5), ends=at(9), now=LONG + LONG) == "stuck"
