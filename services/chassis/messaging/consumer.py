"""Reads topics as one consumer group, from the positions that its receiver keeps, and watches that it goes on reading.

Guarantee: offsets are committed after the work, never before. FastStream and aiokafka do not report a task that died or
a consumer that has stopped reading; this module notices both and ends the process.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import CHECK_SECONDS, Positions, Skipped
from services.chassis.messaging.progress import STUCK_SECONDS, Progress
from services.chassis.messaging.subscription import Subscription, commit, subscribed
from services.chassis.running.health import Health
from services.chassis.running.settings import Settings
from services.chassis.running.telemetry import origin_in_words

log = structlog.get_logger()

RETRY_SECONDS = 1.0
LOOK_SECONDS = 2.0
REJOIN_SECONDS = 10.0  # without a partition of a topic: longer than a group usually takes to share them out
LONGEST_REJOIN_SECONDS = 600.0  # where replicas outnumber partitions, asking does not help, and stops all for a moment


class Receiver(Protocol):
    """Whoever makes something of the records, and knows how far it came."""

    async def where_to_read_on(self) -> Positions | None:
        """The next offset of each partition; called before it is given records from there on. None: where the group
        committed last."""

    async def must_seek(self) -> bool:
        """Whether other positions are stored than it knew: its database was restored to an earlier point, or an
        operator accepted a topic that was made again."""

    async def check_topics(self) -> None:
        """Raises `AnotherTopic` when a topic is not the one that was read."""

    async def receive(self, records: list[Record]) -> None:
        """Returns only when every record is applied or dead-lettered; raises `Skipped`, and does nothing, unless they
        follow the stored positions."""


@dataclass(slots=True)
class Consumer:
    """Reads these topics from the receiver's own positions on, and gives it each batch."""

    settings: Settings
    topics: tuple[str, ...]
    health: Health
    part: str
    """Its name in the health report."""
    receiver: Receiver
    group: str = ""
    """Behind the service's name: another group of the same service reads other topics."""
    progress: Progress = field(default_factory=lambda: Progress(moved_at=0.0))
    checked_at: float = 0.0
    complete_at: float = 0.0
    """When it last had partitions of every topic, or asked for them."""
    rejoin_pause: float = 0.0

    async def run(self) -> None:
        """Read until cancelled; retries for ever while Kafka does not answer. Raises `AnotherTopic`."""
        self.checked_at = _now()
        while True:
            self.progress = Progress(moved_at=_now())
            self.complete_at, self.rejoin_pause = _now(), REJOIN_SECONDS
            try:
                group = self.settings.topic(self.settings.service) + self.group
                listen = partial(Seeking, self)
                async with subscribed(self.settings, self.topics, group, self._hand_over, listen) as subscription:
                    await self._watch(subscription)
            except (KafkaError, OSError, TimeoutError) as error:
                self.health.trouble(self.part, f"Kafka does not answer ({type(error).__name__})")
                await asyncio.sleep(RETRY_SECONDS)

    async def _hand_over(self, consumer: AIOKafkaConsumer, records: list[Record]) -> None:
        self.progress.busy_since = _now()
        try:
            if await self._receive_or_end(consumer, records):
                await commit(consumer, records)
        finally:
            self.progress.busy_since = None

    async def seek(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        positions = await self.receiver.where_to_read_on()
        if positions is None:
            return
        for partition in consumer.assignment().intersection(partitions):  # some may have been taken away meanwhile
            key = partition.topic.removeprefix(self.settings.kafka_prefix), partition.partition
            consumer.seek(partition, positions[key])

    async def _receive_or_end(self, consumer: AIOKafkaConsumer, records: list[Record]) -> bool:
        try:
            return await self._receive(consumer, records)
        except Exception as error:  # noqa: BLE001 - FastStream would go on, and later records would be committed
            self.health.end(f"a batch could be neither applied nor dead-lettered: {origin_in_words(error)}")
            return await asyncio.Event().wait()  # nothing more is read or committed until the process ends

    async def _receive(self, consumer: AIOKafkaConsumer, records: list[Record]) -> bool:
        """Whether the receiver took the records; where not, they are read again."""
        try:
            await self.receiver.receive(records)
        except Skipped as error:
            log.warning("reads_again", detail=str(error))
            await self.seek(consumer, consumer.assignment())
            self.checked_at = -math.inf  # records from before the position: Kafka may have begun the topic again
            return False
        return True

    async def _watch(self, subscription: Subscription) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if subscription.has_died():
                self.health.end("a task of the Kafka consumer ended without an error")
            consumer = subscription.consumer
            if self.progress.busy_since is None and await self.receiver.must_seek():
                await self.seek(consumer, consumer.assignment())
            if self.progress.busy_since is None and _now() - self.checked_at > CHECK_SECONDS:
                self.checked_at = _now()
                await self.receiver.check_topics()
            self._rejoin_if_incomplete(subscription)
            await self._report_progress(subscription)

    def _rejoin_if_incomplete(self, subscription: Subscription) -> None:
        """Let the group share out its partitions again when there is a topic of which this process has none.

        Kafka gives a member that comes back under its own name what it had before, and then nobody looks at topics that
        were made again meanwhile.
        """
        assigned = {partition.topic for partition in subscription.consumer.assignment()}
        if assigned.issuperset(map(self.settings.topic, self.topics)):
            self.complete_at, self.rejoin_pause = _now(), REJOIN_SECONDS
        elif _now() - self.complete_at > self.rejoin_pause:
            self.complete_at, self.rejoin_pause = _now(), min(2 * self.rejoin_pause, LONGEST_REJOIN_SECONDS)
            log.info("asks_for_partitions", has=sorted(assigned))
            subscription.rejoin()

    async def _report_progress(self, subscription: Subscription) -> None:
        consumer = subscription.consumer
        try:
            positions = {partition: await consumer.position(partition) for partition in consumer.assignment()}
        except IllegalStateError:  # a partition was taken away meanwhile: the next look is soon
            return
        written = {partition: consumer.highwater(partition) or 0 for partition in positions}
        stable = {partition: consumer.last_stable_offset(partition) or 0 for partition in positions}
        if self.progress.has_stood_still(_now()) and not await subscription.answers():
            self.progress.wait(_now())
            self.health.trouble(self.part, "Kafka does not answer")
            return
        match self.progress.look(positions, stable, _now(), written=written):
            case "stuck":
                self.health.end(f"the Kafka consumer has read nothing for {STUCK_SECONDS:.0f} s, though messages wait")
            case "busy too long":
                self.health.trouble(self.part, f"busy with one batch for more than {STUCK_SECONDS:.0f} s")
            case "held up":
                self._report_open_transaction()
            case "reading" if positions:
                self.health.tick(self.part, f"{len(positions)} partitions")
            case "reading" | "busy":
                pass  # without partitions it is not ready yet; a busy one tells of its database itself

    def _report_open_transaction(self) -> None:
        state = f"a transaction of another program has been open for more than {STUCK_SECONDS:.0f} s"
        if self.health.parts[self.part].state != state:
            log.error("open_transaction", detail=f"{state}: nothing behind it can be read until Kafka ends it")
        self.health.tick(self.part, state)


@dataclass(slots=True)
class Seeking(ConsumerRebalanceListener):
    """Begins to read a partition where the receiver's database says, whatever the consumer group remembers."""

    outer: Consumer
    consumer: Callable[[], AIOKafkaConsumer | None]

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        pass

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        consumer = self.consumer()
        assert consumer is not None, "it exists when it is given partitions"
        consumer.pause(*assigned)  # first of all: records of the group's offset would arrive while we wait
        try:
            await self.outer.seek(consumer, assigned)
        except Exception as error:  # noqa: BLE001 - aiokafka would go on, and these would stay paused for ever
            self.outer.health.end(f"where to read on is not known: {origin_in_words(error)}")
        else:
            consumer.resume(*assigned)


def _now() -> float:
    return asyncio.get_running_loop().time()
