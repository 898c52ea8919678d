"""A service reacts once to what another one announces, whatever the broker, the database and the message do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from contracts.envelope import describe, encode
from contracts.events import Event
from contracts.offers import OFFERS, BrokerRecorded, PartnerRecorded
from contracts.partitioner import partition_of
from contracts.sites import SITES
from contracts.topics import PARTITIONS
from contracts.values import LearningArea, Name, Role
from local import RealParts
from samenspel.failure import CommandFailed
from samenspel.topic_records import TopicRecord
from services.chassis.adoptions import TopicNotRead, commands_for
from services.chassis.commands import Call, carry_out
from services.chassis.messaging import consumer, outbox
from services.chassis.messaging.inbox import FAILURES_IN_A_ROW, Inbox, Reactions
from services.chassis.messaging.positions import AnotherTopic, Skipped, begin_anew, load_positions, move
from services.chassis.messaging.roll_forward import Recovery
from services.chassis.now import UnreadableTime
from services.chassis.problems import NotAllowed
from services.chassis.running.database import EpochChanged, Transaction
from tests.builders import NOW, an_actor, source_of
from tests.deliveries import a_record, as_sent
from tests.integration.chassis.lanes import administering, create, remove
from tests.odd_records import ODD
from tests.sandbox import Sandbox, a_sandbox
from tests.waiting import SOON, eventually

PARTITION = partition_of(b"own:b")
KEY = OFFERS, PARTITION
AN_EVENT_OF_ITS_OWN = next((Path(__file__).parents[3] / "contracts" / "examples" / "SiteRecorded.v1").glob("*.json"))

Reaction = Callable[[BrokerRecorded, Transaction], Awaitable[None]]


async def test_a_message_that_is_delivered_five_times_is_applied_once(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        await inbox.receive(delivered(1, 1, 2))
        await inbox.receive([a_message(2, offset=3), a_message(1, offset=4)])

        assert await applied(sandbox) == [(1, 1), (1, 2)]


async def test_records_from_before_the_position_are_not_applied(stack: RealParts) -> None:
    """Kafka begins a topic again that is shorter than it was: it is another topic. Red without the comparison of
    offsets: its dead letters would have the places of those that are there."""
    async with an_inbox(stack) as (inbox, sandbox):
        await inbox.receive(delivered(1, 2))

        with pytest.raises(Skipped):
            await inbox.receive([a_message(3, offset=0)])

        assert await applied(sandbox) == [(1, 1), (1, 2)]


async def test_a_version_of_a_lower_epoch_that_a_restore_undid_is_not_applied(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        await inbox.receive([a_message(3, epoch=2, offset=0)])
        await inbox.receive([a_message(3, offset=1), a_message(4, offset=2), a_message(2, offset=3)])

        assert await applied(sandbox) == [(2, 3), (1, 2)]


async def test_a_version_that_was_set_aside_is_applied_when_it_is_sent_again(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        await inbox.receive(
            [a_message(1), a_record(OFFERS, PARTITION, 1, key=b"own:b", value=b"{broken"), a_message(3)]
        )
        await inbox.receive([a_message(2, offset=9), a_message(2, offset=10)])

        assert await applied(sandbox) == [(1, 1), (1, 3), (1, 2)]
        assert str(await sandbox.database.pool.fetchval("SELECT applied::text FROM inbox")) == "{[1,4)}"


async def test_a_lock_that_is_released_in_time_is_only_a_delay(stack: RealParts) -> None:
    tries: list[int] = []
    async with an_inbox(stack, reaction=noting_its_tries(tries, lock_timeout=50)) as (inbox, sandbox):
        async with locked(sandbox, "applied"):
            receiving = asyncio.create_task(inbox.receive(delivered(1, 2)))
            await eventually(lambda: is_more_than(2, tries))  # in the batch, alone, and alone again
        await receiving

        assert await applied(sandbox) == [(1, 1), (1, 2)]
        assert await dead_letters(sandbox) == []


@pytest.mark.parametrize("sessions", ["new", "all"])
async def test_while_the_database_can_only_be_read_messages_wait(stack: RealParts, sessions: str) -> None:
    """Its disk is full, it is a standby, or it is being restored. Red before such errors were known as what they are:
    the message became a dead letter, or the process ended because there could be none."""
    async with an_inbox(stack) as (inbox, sandbox):
        async with only_to_be_read(sandbox, sessions):
            receiving = asyncio.create_task(inbox.receive(delivered(1, 2)))
            await eventually(lambda: is_in_trouble(sandbox, "the database does not answer"))
        await receiving

        assert await applied(sandbox) == [(1, 1), (1, 2)]
        assert await dead_letters(sandbox) == []


@asynccontextmanager
async def only_to_be_read(sandbox: Sandbox, sessions: str) -> AsyncIterator[None]:
    """No transaction of new sessions, or also of those that there are, may write."""
    pool, role = sandbox.database.pool, role_of(sandbox)
    await pool.execute(f'ALTER ROLE "{role}" SET default_transaction_read_only = on')
    if sessions == "all":
        await pool.execute("SET default_transaction_read_only = on")
    else:
        await pool.expire_connections()
    yield
    writing = {"default_transaction_read_only": "off"}
    writer = await asyncpg.connect(sandbox.settings.database_url, server_settings=writing)
    await writer.execute(f'ALTER ROLE "{role}" RESET ALL')
    await writer.close()
    await pool.expire_connections()


async def is_in_trouble(sandbox: Sandbox, words: str) -> bool:
    part = sandbox.health.parts.get("reactions")
    return part is not None and not part.works and words in part.state


async def test_a_failing_message_is_not_lost_when_its_dead_letter_cannot_be_written_either(stack: RealParts) -> None:
    async with an_inbox(stack, reaction=failing_for(1)) as (inbox, sandbox):
        await sandbox.database.pool.execute(f'ALTER ROLE "{role_of(sandbox)}" SET lock_timeout = 100')
        await sandbox.database.pool.expire_connections()
        async with locked(sandbox, "outbox"):
            receiving = asyncio.create_task(inbox.receive(delivered(1, 2)))
            await asyncio.wait([receiving], timeout=1)  # it has failed by then, if it is to fail
        async with asyncio.timeout(SOON):
            await receiving

        assert await applied(sandbox) == [(1, 2)]
        assert await dead_letters(sandbox) == [("reaction-failed", 0)]


@asynccontextmanager
async def locked(sandbox: Sandbox, table: str) -> AsyncIterator[None]:
    """Another connection holds the table."""
    holder = await asyncpg.connect(sandbox.settings.database_url)
    try:
        await holder.execute(f"BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE")
        yield
    finally:
        await holder.close()


async def test_a_malformed_message_is_dead_lettered_once_however_often_it_comes(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        broken = a_record(OFFERS, PARTITION, 7, key=b"own:b", value=b"{broken")
        await inbox.receive([broken, broken])
        await sandbox.database.pool.execute("UPDATE positions SET next_offset = 7")
        await inbox.where_to_read_on()
        await inbox.receive([broken, a_message(1, offset=8)])

        assert await dead_letters(sandbox) == [("malformed-json", 7)]
        assert await applied(sandbox) == [(1, 1)]


@pytest.fixture
def unreadable_time(time_file: Path) -> None:
    time_file.write_text("tomorrow")


@pytest.mark.usefixtures("unreadable_time")
async def test_without_a_readable_time_a_message_is_neither_applied_nor_dead_lettered(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        with pytest.raises(UnreadableTime):
            await inbox.receive(delivered(1))

        assert (await applied(sandbox), await dead_letters(sandbox)) == ([], [])


async def test_an_unknown_type_is_dead_lettered_and_a_known_one_without_reaction_is_ignored(
    stack: RealParts,
) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        value = (a_message(1, offset=3).value or b"").replace(b"samenspel.BrokerRecorded", b"samenspel.Unknown")
        unknown = a_record(OFFERS, PARTITION, 3, key=b"own:b", value=value)
        await inbox.receive([unknown, a_message(1, of=a_partner(), offset=4)])

        assert await dead_letters(sandbox) == [("unknown-type", 3)]
        assert await applied(sandbox) == []


async def test_the_inbox_has_the_verdict_of_every_reader_on_odd_records(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        await inbox.receive([odd.record(offset) for offset, odd in enumerate(ODD.values())])

        refused = [(odd.reason, offset) for offset, odd in enumerate(ODD.values()) if odd.reason is not None]
        assert await dead_letters(sandbox) == refused


async def test_a_failing_reaction_is_dead_lettered_and_the_others_go_on(stack: RealParts) -> None:
    async with an_inbox(stack, reaction=failing_for(2)) as (inbox, sandbox):
        await inbox.receive(delivered(1, 2, 3))

        assert await applied(sandbox) == [(1, 1), (1, 3)]
        assert await dead_letters(sandbox) == [("reaction-failed", 1)]
        journal = await sandbox.database.pool.fetchval("SELECT headers FROM journal")
        assert b"a bug in the reaction" not in journal  # an error's words may quote what somebody sent


async def test_the_process_ends_after_twenty_failures_in_a_row(stack: RealParts) -> None:
    async with an_inbox(stack, reaction=failing_for(*range(1, 100))) as (inbox, sandbox):
        assert sandbox.health.died is not None
        receiving = asyncio.create_task(inbox.receive(delivered(*range(1, 31))))

        async with asyncio.timeout(SOON):
            why = await sandbox.health.died

        assert "20 messages in a row could not be applied" in why
        assert len(await dead_letters(sandbox)) == FAILURES_IN_A_ROW - 1  # the topic is not emptied into dead letters
        assert not receiving.done()  # and nothing behind is read or committed
        receiving.cancel()
        with suppress(asyncio.CancelledError):
            await receiving


async def test_offsets_are_committed_by_hand_and_after_the_work(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies: list[Any] = []
    subscriber = KafkaBroker.subscriber

    def noting(self: KafkaBroker, *topics: str, **settings: Any) -> Any:
        policies.append(settings["ack_policy"])
        return subscriber(self, *topics, **settings)

    monkeypatch.setattr(KafkaBroker, "subscriber", noting)
    at_work, may_finish = asyncio.Event(), asyncio.Event()

    async def slowly(broker: BrokerRecorded, tx: Transaction) -> None:
        at_work.set()
        await may_finish.wait()
        await note(broker, tx)

    async with an_inbox(stack, reaction=slowly) as (inbox, sandbox):
        await sandbox.send(OFFERS, (b"own:b", a_message(1).value))
        listening = asyncio.create_task(inbox.run())
        async with asyncio.timeout(SOON):
            await at_work.wait()
        before = await committed(sandbox)
        may_finish.set()
        await eventually(lambda: committed(sandbox))

        assert policies == [AckPolicy.MANUAL]
        assert before == 0
        assert await applied(sandbox) == [(1, 1)]
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def test_what_a_restored_database_had_heard_is_read_again_without_a_restart(stack: RealParts) -> None:
    """Red where the consumer group's offsets decide: they do not go back with the database."""
    async with an_inbox(stack) as (inbox, sandbox), running(inbox):
        await sandbox.send(OFFERS, *((b"own:b", each.value) for each in delivered(1, 2, 3)))
        await eventually(lambda: has_applied(sandbox, 3))

        await go_back(sandbox)
        await eventually(lambda: has_applied(sandbox, 3))

        assert await applied(sandbox) == [(1, 1), (1, 2), (1, 3)]


async def test_messages_that_do_not_follow_the_stored_position_are_not_applied(stack: RealParts) -> None:
    """A process that was overtaken, or whose database went back: what lies between would be lost."""
    async with an_inbox(stack) as (inbox, sandbox):
        await inbox.receive(delivered(1))
        await go_back(sandbox)

        with pytest.raises(Skipped):
            await inbox.receive([a_message(2, offset=1)])

        assert await applied(sandbox) == []


async def test_what_it_announced_itself_comes_back_before_it_hears_anything_again(stack: RealParts) -> None:
    """Red where only the watch notices: a record that comes first lets it react, and announce the same once more."""
    async with an_inbox(stack) as (inbox, sandbox):
        inbox.recovery = Recovery(sandbox.settings, sandbox.database, {})
        await inbox.receive(delivered(1))
        lost = as_sent(json.loads(AN_EVENT_OF_ITS_OWN.read_bytes()))
        await sandbox.send(SITES, (lost.key, lost.value))
        await go_back(sandbox)

        with pytest.raises(Skipped):
            await inbox.receive([a_message(2, offset=1)])
        positions = await inbox.where_to_read_on()

        assert set(positions.values()) == {0}
        assert await sandbox.database.pool.fetchval("SELECT epoch FROM stream") == 2
        assert await sandbox.database.pool.fetchval("SELECT count(*) FROM journal WHERE topic = $1", SITES) == 1


async def test_of_two_processes_at_the_beginning_one_goes_on(stack: RealParts) -> None:
    """Red without a row to lock: both would find nothing stored."""
    async with an_inbox(stack) as (inbox, sandbox), an_inbox_beside(inbox) as other:
        async with sandbox.database.transaction() as tx:
            await move(tx.db, {KEY: 0}, {KEY: 1}, {}, {})
            moving = asyncio.create_task(other.receive(delivered(1)))
            await eventually(lambda: waits_for_a_lock(sandbox))

        with pytest.raises(Skipped):
            await moving


@asynccontextmanager
async def an_inbox_beside(inbox: Inbox) -> AsyncIterator[Inbox]:
    """Of another process of the same service."""
    yield Inbox(inbox.settings, inbox.database, inbox.health, inbox.topics, inbox.reactions)


async def waits_for_a_lock(sandbox: Sandbox) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = current_user"
    return bool(await sandbox.database.pool.fetchval(waiting))


async def test_an_epoch_that_was_raised_meanwhile_is_known_at_the_next_try(stack: RealParts) -> None:
    """Red without the comparison of epochs in `STAGE`: the message would have a version that was lost already."""
    async with a_sandbox(stack, "referrals") as sandbox:
        await sandbox.database.pool.execute("UPDATE stream SET epoch = 2")

        with pytest.raises(EpochChanged):
            await announce_broker(sandbox)
        await announce_broker(sandbox)

        rows = await sandbox.database.pool.fetch("SELECT epoch, version FROM journal")
        assert [tuple(row) for row in rows] == [(2, 1)]


@pytest.mark.parametrize("messages", [(), (1, 2, 3, 4, 5)], ids=["shorter", "longer"])
async def test_a_topic_that_was_made_again_is_not_read_on(stack: RealParts, messages: tuple[int, ...]) -> None:
    """Red without `check_topics`: what the new topic has below the old position would never be read."""
    async with an_inbox(stack) as (inbox, sandbox), administering(sandbox.kafka) as admin:
        async with running(inbox):
            await sandbox.send(OFFERS, *((b"own:b", each.value) for each in delivered(1, 2, 3)))
            await eventually(lambda: has_applied(sandbox, 3))
        await remove(admin, topic := sandbox.settings.topic(OFFERS))
        await create(admin, topic, PARTITIONS)
        await eventually(lambda: can_send(sandbox))
        await sandbox.send(OFFERS, *((b"own:b", each.value) for each in delivered(*messages)))

        async with running(inbox):
            await eventually(lambda: says(sandbox, "it is not the topic that it was"))

        assert await applied(sandbox) == [(1, 1), (1, 2), (1, 3)]


async def test_a_topic_that_is_made_again_while_it_is_read_is_read_when_an_operator_accepts_it(
    stack: RealParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when topics are compared at the start only. Red without the incarnation in a dead letter's place: the letter
    about the new topic's first record would be taken for that about the old one's."""
    monkeypatch.setattr(consumer, "CHECK_SECONDS", 0.5)
    async with an_inbox(stack) as (inbox, sandbox), running(inbox), administering(sandbox.kafka) as admin:
        await sandbox.send(OFFERS, (b"own:b", b"{old"), *((b"own:b", each.value) for each in delivered(1, 2)))
        await eventually(lambda: has_applied(sandbox, 2))
        await remove(admin, topic := sandbox.settings.topic(OFFERS))
        await create(admin, topic, PARTITIONS)
        await eventually(lambda: says(sandbox, "it is not the topic that it was"))

        assert await adopt(sandbox) == {"topic": OFFERS, "incarnation": 2, "outcome": "adopted"}
        assert await adopt(sandbox) == {"topic": OFFERS, "incarnation": 2, "outcome": "unchanged"}
        await sandbox.send(OFFERS, (b"own:b", b"{new"), *((b"own:b", each.value) for each in delivered(1, 2, 3)))
        await eventually(lambda: has_applied(sandbox, 3))
        assert await places_of_letters(sandbox) == [f"{OFFERS}/{PARTITION}/0", f"{OFFERS}/{PARTITION}/0/2"]
        await eventually(lambda: says(sandbox, "partitions"))


async def test_a_topic_that_was_made_again_and_read_on_meanwhile_is_noticed(stack: RealParts) -> None:
    """Red when only the last record is compared: that is already one of the new topic."""
    async with an_inbox(stack) as (inbox, sandbox), administering(sandbox.kafka) as admin:
        await send(sandbox, old := delivered(1, 2))
        await inbox.receive(old)
        await inbox.check_topics()
        await remove(admin, topic := sandbox.settings.topic(OFFERS))
        await create(admin, topic, PARTITIONS)
        await eventually(lambda: can_send(sandbox))
        await send(sandbox, new := delivered(1, 2, 3))
        await inbox.receive(new[2:])

        with pytest.raises(AnotherTopic):
            await inbox.check_topics()


async def test_the_topic_that_was_read_stays_as_it_is(stack: RealParts) -> None:
    """Red when an adoption does not look: every dead letter of the topic would be written once more."""
    async with an_inbox(stack) as (inbox, sandbox):
        assert await adopt(sandbox) == {"topic": OFFERS, "incarnation": 1, "outcome": "unchanged"}
        async with running(inbox):
            await sandbox.send(OFFERS, *((b"own:b", each.value) for each in delivered(1, 2)))
            await eventually(lambda: has_applied(sandbox, 2))

            assert await adopt(sandbox) == {"topic": OFFERS, "incarnation": 1, "outcome": "unchanged"}

        assert (await load_positions(sandbox.database.pool, [OFFERS]))[KEY] == 2


async def test_an_adoption_is_noticed_by_every_process_also_by_one_that_was_at_the_beginning(stack: RealParts) -> None:
    """Red when incarnations are not compared: an offset says 0 before and after."""
    async with an_inbox(stack) as (inbox, sandbox), an_inbox_beside(inbox) as other:
        for each in (inbox, other):
            await each.where_to_read_on()
        await begin_anew(sandbox.database.pool, OFFERS, 2)

        assert [await each.must_seek() for each in (inbox, other)] == [True, True]
        with pytest.raises(Skipped):
            await other.receive(delivered(1))
        await other.where_to_read_on()
        await other.receive(delivered(1))

        assert not await other.must_seek()
        assert await applied(sandbox) == [(1, 1)]


async def test_a_restore_to_before_an_adoption_is_noticed(stack: RealParts) -> None:
    """Red when only offsets are compared: that of the earlier topic may be the higher one."""
    async with an_inbox(stack) as (inbox, sandbox):
        await begin_anew(sandbox.database.pool, OFFERS, 2)
        await inbox.where_to_read_on()
        await inbox.receive(delivered(1))

        await sandbox.database.pool.execute("UPDATE positions SET incarnation = 1, next_offset = 9")

        assert await inbox.must_seek()


async def test_only_operators_adopt_and_only_what_the_service_reads(stack: RealParts) -> None:
    async with a_sandbox(stack, "requests", has_topics=False) as sandbox:
        with pytest.raises(NotAllowed):
            await adopt(sandbox, by="coordinator")
        with pytest.raises(TopicNotRead):
            await adopt(sandbox, SITES)


async def send(sandbox: Sandbox, records: Sequence[TopicRecord]) -> None:
    await sandbox.send(OFFERS, *((record.key, record.value) for record in records))


async def adopt(sandbox: Sandbox, topic: str = OFFERS, *, by: Role = "operator") -> dict[str, Any]:
    command = commands_for(sandbox.settings).by_name["adoptTopic"]
    call = Call(by=an_actor(by), at=NOW, body=command.read({"topic": topic}))
    view: dict[str, Any] = json.loads((await carry_out(sandbox.database, command, call)).view)
    return view


async def places_of_letters(sandbox: Sandbox) -> list[str]:
    query = "SELECT aggregate FROM journal WHERE topic LIKE 'partnership.dead-letters.%' ORDER BY position"
    return [row["aggregate"].removeprefix("dead-letter:") for row in await sandbox.database.pool.fetch(query)]


async def test_a_service_that_starts_again_reads_on(stack: RealParts) -> None:
    """Red where the last records are looked for partition by partition: it then never found those of the second."""
    async with an_inbox(stack) as (inbox, sandbox):
        keys = [f"own:b{number}".encode() for number in range(20)]
        async with running(inbox):
            await sandbox.send(OFFERS, *((key, b"{broken") for key in keys))
            await eventually(lambda: has_read(sandbox, len(keys)))
        again = Inbox(sandbox.settings, sandbox.database, sandbox.health, (OFFERS,), inbox.reactions)
        async with running(again):
            await sandbox.send(OFFERS, (b"own:b", a_message(1).value))
            await eventually(lambda: has_applied(sandbox, 1))


async def test_of_several_brokers_one_that_answers_is_enough(stack: RealParts) -> None:
    async with an_inbox(stack) as (inbox, sandbox):
        several = sandbox.settings.model_copy(update={"kafka": f"{stack.kafka},127.0.0.1:1"})
        async with running(Inbox(several, sandbox.database, sandbox.health, (OFFERS,), inbox.reactions)):
            await sandbox.send(OFFERS, (b"own:b", a_message(1).value))
            await eventually(lambda: has_applied(sandbox, 1))


async def has_read(sandbox: Sandbox, number: int) -> bool:
    return bool(await sandbox.database.pool.fetchval("SELECT sum(next_offset) = $1 FROM positions", number))


async def can_send(sandbox: Sandbox) -> bool:
    """Whether every partition of the new topic has a leader: reading its ends needs that."""
    try:
        await sandbox.read(OFFERS)
    except (CommandFailed, KafkaError):
        return False
    return True


async def says(sandbox: Sandbox, words: str) -> bool:
    return words in sandbox.health.report().get("reactions", "")


async def announce_broker(sandbox: Sandbox) -> None:
    async with sandbox.database.transaction() as tx:
        await outbox.add(tx, a_broker(), key="own:b", version=1)


@asynccontextmanager
async def running(inbox: Inbox) -> AsyncIterator[None]:
    listening = asyncio.create_task(inbox.run())
    yield
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def go_back(sandbox: Sandbox) -> None:
    """What a restore to the very beginning does to the tables."""
    await sandbox.database.pool.execute("TRUNCATE applied, inbox, positions")


async def has_applied(sandbox: Sandbox, number: int) -> bool:
    return len(await applied(sandbox)) == number


@asynccontextmanager
async def an_inbox(stack: RealParts, *, reaction: Reaction | None = None) -> AsyncIterator[tuple[Inbox, Sandbox]]:
    """An inbox that notes in a table which versions of brokers it applied."""
    reactions = Reactions()
    reactions.to(BrokerRecorded)(reaction or note)
    async with a_sandbox(stack, "requests") as sandbox:
        await sandbox.database.pool.execute("CREATE TABLE applied (number serial, epoch integer, version integer)")
        yield Inbox(sandbox.settings, sandbox.database, sandbox.health, (OFFERS,), reactions), sandbox


async def note(_: BrokerRecorded, tx: Transaction) -> None:
    await tx.db.execute("INSERT INTO applied (epoch, version) VALUES ($1, $2)", *tx.reacting_to)


def failing_for(*versions: int) -> Reaction:
    """A reaction that fails for these versions."""

    async def reaction(broker: BrokerRecorded, tx: Transaction) -> None:
        if tx.reacting_to[1] in versions:
            raise RuntimeError("a bug in the reaction")
        await note(broker, tx)

    return reaction


def noting_its_tries(tries: list[int], *, lock_timeout: int) -> Reaction:
    """A reaction that waits only so many milliseconds for a lock, and notes that it tried."""

    async def reaction(broker: BrokerRecorded, tx: Transaction) -> None:
        tries.append(tx.reacting_to[1])
        await tx.db.execute(f"SET LOCAL lock_timeout = {lock_timeout}")
        await note(broker, tx)

    return reaction


def a_message(
    version: int, *, epoch: int = 1, offset: int | None = None, of: Event | None = None, key: str = "own:b"
) -> TopicRecord:
    event, time = of or a_broker(key), datetime(2025, 10, 3, tzinfo=UTC)
    source = source_of(OFFERS)
    envelope = describe(event, id=uuid4(), source=source, time=time, key=key, version=version, epoch=epoch)
    offset = version if offset is None else offset
    return a_record(OFFERS, partition_of(key.encode()), offset, key=key.encode(), value=encode(envelope, event))


def a_broker(broker_id: str = "own:b") -> BrokerRecorded:
    return BrokerRecorded(broker_id=broker_id, valid_from=date(2020, 8, 1), name=Name(nl="B"), learning_areas=())


def a_partner() -> PartnerRecorded:
    area = LearningArea(scheme="curriculum.nu", code="kunst-en-cultuur")
    return PartnerRecorded(partner_id="own:p", valid_from=date(2020, 8, 1), name=Name(nl="P"), learning_areas=(area,))


def delivered(*versions: int) -> list[TopicRecord]:
    """Versions one after the other, each at the next offset."""
    return [a_message(version, offset=offset) for offset, version in enumerate(versions)]


async def applied(sandbox: Sandbox) -> list[tuple[int, int]]:
    rows = await sandbox.database.pool.fetch("SELECT epoch, version FROM applied ORDER BY number")
    return [(row["epoch"], row["version"]) for row in rows]


async def dead_letters(sandbox: Sandbox) -> Sequence[tuple[str, int]]:
    """Reason and offset of every dead letter."""
    rows = await sandbox.database.pool.fetch(
        "SELECT headers FROM journal WHERE topic LIKE 'partnership.dead-letters.%' ORDER BY position"
    )
    headers = [dict(msgspec.msgpack.decode(row["headers"], type=list[tuple[str, bytes]])) for row in rows]
    return [(each["samenspel-reason"].decode(), int(each["samenspel-offset"])) for each in headers]


async def is_more_than(number: int, tries: list[int]) -> bool:
    return len(tries) > number


def role_of(sandbox: Sandbox) -> str:
    return sandbox.settings.kafka_prefix.removesuffix(".")


async def committed(sandbox: Sandbox) -> int:
    """How far the consumer group says that it is, over all partitions."""
    group = sandbox.settings.topic(sandbox.settings.service)
    async with AIOKafkaConsumer(bootstrap_servers=sandbox.kafka, group_id=group, enable_auto_commit=False) as consumer:
        partitions = [TopicPartition(sandbox.settings.topic(OFFERS), number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        return sum([await consumer.committed(partition) or 0 for partition in partitions])
