"""Negative controls of the relay and the inbox: one for each line that protects something."""

import asyncio
import gc
from functools import partial
from inspect import signature

import pytest

from local import RealParts
from services.chassis.messaging import inbox, outbox, positions, relay
from services.chassis.messaging.consumer import Consumer
from services.chassis.messaging.inbox import Inbox
from services.chassis.messaging.lane import Lane, _fill
from services.chassis.messaging.relay import Relay
from services.chassis.running import leadership
from tests import waiting
from tests.faults import test_messages as messages
from tests.faults.controls import TAKEN_AWAY, Control, taken_away
from tests.integration.chassis import test_inbox as inboxes
from tests.integration.chassis import test_outbox as outboxes
from tests.integration.chassis import test_relay as relays

RED = (AssertionError, TimeoutError, pytest.fail.Exception)
LONGEST = 120.0  # seconds for a test that without its line would never end
PATIENCE = 8.0  # seconds: what is lost does not come later, so that a red test need not wait as long as a green one

RELAY = [
    Control(
        "a message stays in the outbox until Kafka has acknowledged it",
        Relay.publish_round,
        "queues = await self.claim(connection)",
        "queues = await self.claim(connection)\n"
        "    claimed = [row['position'] for rows in queues.values() for row in rows]\n"
        "    await connection.execute('DELETE FROM outbox WHERE position = ANY($1::bigint[])', claimed)",
        relays.test_a_partition_that_cannot_be_written_delays_no_other_of_its_topic,
    ),
    Control(
        "a batch that failed is sent again, so that no later one overtakes it",
        Lane.send,
        "return Sent()",
        "return Sent(acknowledged=[row['position'] for row in rows[:1]])",
        relays.test_a_partition_that_cannot_be_written_delays_no_other_of_its_topic,
    ),
    Control(
        "a lane is sent in the order of its positions",
        (relay, "_CLAIM"),
        "OR size_in_round = size ORDER BY turn, position",
        "OR size_in_round = size ORDER BY turn, position DESC",
        partial(outboxes.test_sixteen_writers_lose_nothing_and_announce_no_ghosts, transactions=2_000),
    ),
    Control(
        "a lane that sends is not claimed once more",
        Relay.claim,
        "busy = [*self.sending, *resting]",
        "busy = [*resting]",
        partial(outboxes.test_sixteen_writers_lose_nothing_and_announce_no_ghosts, transactions=2_000),
    ),
    Control(
        "a lane that failed rests",
        Relay.claim,
        "busy = [*self.sending, *resting]",
        "busy = [*self.sending]",
        relays.test_a_lane_that_rests_is_not_claimed,
    ),
    Control(
        "one relay leads",
        leadership.leadership,
        'while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"lead {part}"):',
        "while part is None:",
        messages.test_of_two_relays_of_one_database_one_publishes,
    ),
    Control(
        "no round waits for a lane",
        Relay.publish_round,
        "task.add_done_callback(lambda _: self.wake.set())",
        "await asyncio.wait([task])",
        relays.test_a_topic_that_cannot_be_written_delays_no_other_and_arrives_in_order_when_mended,
    ),
    Control(
        "every lane has its turn",
        (relay, "_CLAIM"),
        "ORDER BY (topic, partition) <= ($3, $4), topic, partition",
        "ORDER BY ($3::text, $4::integer) IS NULL, topic, partition",
        relays.test_every_lane_has_its_turn,
    ),
    Control(
        "a round is bounded in bytes",
        (relay, "_CLAIM"),
        "WHERE size_in_round <= $8 OR size_in_round = size",
        "WHERE $8::bigint > 0",
        relays.test_a_round_is_bounded_in_bytes,
    ),
    Control(
        "a message that is larger than a round is sent",
        (relay, "_CLAIM"),
        "WHERE size_in_round <= $8 OR size_in_round = size",
        "WHERE size_in_round <= $8",
        relays.test_a_message_larger_than_a_round_is_claimed_all_the_same,
    ),
    Control(
        "what does not fit into a batch is not deleted with it",
        _fill,
        "break",
        "pass",
        relays.test_what_does_not_fit_into_a_batch_goes_with_the_next,
    ),
    Control(
        "a message that Kafka refuses holds nothing up",
        Relay._forget,
        "if sent.refused is not None:",
        "if False:",
        outboxes.test_a_message_that_kafka_refuses_is_set_aside_and_holds_nothing_up,
    ),
    Control(
        "an alarm ends when the lane goes on",
        Lane._send,
        "return Sent(acknowledged=positions, is_back=self._go_on())",
        "return Sent(acknowledged=positions)",
        relays.test_a_partition_that_cannot_be_written_delays_no_other_of_its_topic,
    ),
    Control(
        "what is announced in an epoch that a restore ended is refused",
        (outbox, "STAGE"),
        "WHERE $12 = (SELECT epoch FROM stream)",
        "WHERE $12::integer IS NOT NULL",
        inboxes.test_an_epoch_that_was_raised_meanwhile_is_known_at_the_next_try,
    ),
]
INBOX = [
    Control(
        "no inbox: what comes twice is applied once",
        Inbox._is_new,
        "return bool(await tx.db.fetchval(_APPLY_ONCE, self.settings.service, admitted.aggregate, *version))",
        "return True",
        messages.test_what_kafka_has_twice_is_applied_once,
    ),
    Control(
        "acknowledge first: positions move in the transaction that applies",
        Inbox.receive,
        "async with self._moving(known, records) as tx:",
        "async with self._moving(known, records):\n            pass\n"
        "        async with self.database.transaction() as tx:",
        messages.test_a_consumer_that_dies_at_work_loses_and_doubles_nothing,
    ),
    Control(
        "offsets are committed after the work",
        Consumer._hand_over,
        "if await self._receive_or_end(consumer, records):",
        "await commit(consumer, records)\n        if await self._receive_or_end(consumer, records):",
        inboxes.test_offsets_are_committed_by_hand_and_after_the_work,
    ),
    Control(
        "a version that was applied is not new",
        (inbox, "_APPLY_ONCE"),
        "WHERE NOT seen.applied @> $4",
        "",
        inboxes.test_a_message_that_is_delivered_five_times_is_applied_once,
    ),
    Control(
        "a version that a restore undid is not new",
        (inbox, "_APPLY_ONCE"),
        "later.epoch > $3",
        "false",
        inboxes.test_a_version_of_a_lower_epoch_that_a_restore_undid_is_not_applied,
    ),
    Control(
        "a version that was passed over is parked, and new when it comes",
        (inbox, "_APPLY_ONCE"),
        "SET applied = seen.applied + excluded.applied",
        "SET applied = int4multirange(int4range(1, upper(seen.applied + excluded.applied)))",
        inboxes.test_a_version_that_was_set_aside_is_applied_when_it_is_sent_again,
    ),
    Control(
        "records that do not follow the stored position are not applied",
        positions.move,
        "if present != known:",
        "if False:",
        inboxes.test_messages_that_do_not_follow_the_stored_position_are_not_applied,
    ),
    Control(
        "at the beginning there is a row to lock",
        positions.move,
        "if not all(read_from[key] for key in reached):",
        "if False:",
        inboxes.test_of_two_processes_at_the_beginning_one_goes_on,
    ),
    Control(
        "a database that went back is noticed",
        inbox.ReadPositions.went_back,
        "return any(",
        "return False and any(",
        inboxes.test_what_a_restored_database_had_heard_is_read_again_without_a_restart,
    ),
    Control(
        "a service rolls forward before it hears anything again",
        Inbox.where_to_read_on,
        "await self._roll_forward()",
        "pass",
        inboxes.test_what_it_announced_itself_comes_back_before_it_hears_anything_again,
    ),
    Control(
        "a topic that was made again is not read on",
        Inbox._check_topics,
        "await check_topics(self.database.pool, self.settings, self.topics)",
        "pass",
        partial(inboxes.test_a_topic_that_was_made_again_is_not_read_on, messages=(1, 2, 3, 4, 5)),
    ),
    Control(
        "one failing message does not take its batch along",
        Inbox.receive,
        "await self._apply_in_own_transaction(known, record)",
        "await self._give_up(known, record, 'reaction-failed', error, 1)",
        inboxes.test_a_failing_reaction_is_dead_lettered_and_the_others_go_on,
    ),
    Control(
        "of a batch over two partitions nothing is skipped",
        Inbox.receive,
        "for record in records:\n            await self._apply_in_own_transaction(known, record)",
        "for record in records[:1]:\n            await self._apply_in_own_transaction(known, record)",
        messages.test_of_a_failing_batch_over_two_partitions_only_the_failing_message_is_set_aside,
    ),
    Control(
        "a lock is tried again",
        Inbox._apply_in_own_transaction,
        "if attempt >= ATTEMPTS:",
        "if True:",
        inboxes.test_a_lock_that_is_released_in_time_is_only_a_delay,
    ),
    Control(
        "a message is not skipped without a dead letter",
        Inbox._set_aside,
        "await self._wait_for_database(error)",
        "return None",
        inboxes.test_a_failing_message_is_not_lost_when_its_dead_letter_cannot_be_written_either,
    ),
    Control(
        "a service whose reactions all fail stops",
        Inbox._give_up,
        "if self.failures_in_a_row >= FAILURES_IN_A_ROW:",
        "if False:",
        inboxes.test_the_process_ends_after_twenty_failures_in_a_row,
    ),
]
CONTROLS = {control.protects: control for control in (*RELAY, *INBOX)}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a red test leaves connections open
@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
async def test_without_this_line_its_test_is_red(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch, control: Control
) -> None:
    monkeypatch.setenv(TAKEN_AWAY, control.protects)  # for processes that the test starts
    monkeypatch.setattr(inboxes, "SOON", PATIENCE)
    monkeypatch.setattr(waiting.eventually, "__defaults__", (PATIENCE,))
    fixtures = {"stack": stack, "monkeypatch": monkeypatch}
    asked_for = {name: fixtures[name] for name in signature(control.scenario).parameters if name in fixtures}

    with taken_away(control), pytest.raises(RED):
        async with asyncio.timeout(LONGEST):
            await control.scenario(**asked_for)
    gc.collect()  # what it left open is told of here, and not in another test
