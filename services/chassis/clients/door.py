"""The Kafka door: reads the command topics of all registered clients, and answers the commands of its service.

Guarantee: every command whose outcome can be addressed gets one, and holds up nobody behind it; any other message on a
command topic is dead-lettered. What is read is committed afterwards: a command that is read twice is known again, so no
positions are stored, and topics may forget. Commands of one partition are decided in their order, several in one
transaction while all goes well; those of other partitions meanwhile.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from contracts.commands import command_type, read_command
from contracts.envelope import InvalidMessage
from contracts.outcomes import ANSWERERS, client_of, command_topic
from services.chassis.clients.deciding import Decisions, Given, OneRejected
from services.chassis.clients.registrations import registered
from services.chassis.commands import AnsweredMeanwhile, Command, Commands
from services.chassis.http.middleware import InternalError
from services.chassis.messaging import dead_letters
from services.chassis.messaging.consumer import Consumer
from services.chassis.messaging.dead_letters import DeadLetter
from services.chassis.messaging.kafka import Record
from services.chassis.messaging.positions import Positions
from services.chassis.problems import Problem, Unavailable
from services.chassis.running.database import TRANSIENT, UNAVAILABLE
from services.chassis.running.service import Service
from services.chassis.running.telemetry import origin

log = structlog.get_logger()

PART = "commands"  # its name in the health report
LOOK_SECONDS = 1.0  # for clients that were registered or removed; one short query
UNAVAILABLE_SECONDS = 1.0
ATTEMPTS = 5  # with 0.1 + 0.2 + 0.4 + 0.8 s between them, as a reaction
FIRST_WAIT_SECONDS = 0.1
AT_ONCE = 6  # partitions: they share the waits for the disk, and leave four connections to HTTP


@dataclass(slots=True)
class Door:
    """Reads commands for one service."""

    service: Service
    commands: dict[str, Command]
    """By the type of their messages."""
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @classmethod
    def of(cls, service: Service, *registries: Commands) -> "Door":
        """For these commands. Those in lines have no message: each line is a command of its own here."""
        known = Commands()
        known.include(*registries)
        name = service.settings.service
        single = [command for command in known.by_name.values() if not command.in_lines]
        return cls(service, {command_type(name, command.name): command for command in single})

    async def run(self) -> None:
        clients: frozenset[str] = frozenset()
        while True:
            clients = await self._registered(clients)
            if not clients:
                self.service.health.tick(PART, "no client is registered")
                await asyncio.sleep(LOOK_SECONDS)
                continue
            await self._read(clients)

    async def _read(self, clients: frozenset[str]) -> None:
        topics = tuple(command_topic(client) for client in sorted(clients))
        settings, health = self.service.settings, self.service.health
        consumer = Consumer(settings, topics, health, PART, self, group=".commands")
        running = asyncio.create_task(consumer.run())
        try:
            while not running.done() and await self._registered(clients) == clients:
                await asyncio.wait([running], timeout=LOOK_SECONDS)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def _registered(self, known: frozenset[str]) -> frozenset[str]:
        try:
            return await registered(self.service.database.pool)
        except (*UNAVAILABLE, *TRANSIENT):
            return known

    async def where_to_read_on(self) -> Positions | None:
        return None  # where the group committed last

    async def must_seek(self) -> bool:
        return False

    async def check_topics(self) -> None:
        """A topic that was made again has other commands, which are new or known: there is nothing to compare."""

    async def receive(self, records: Sequence[Record]) -> None:
        """Answer these commands; returns only when each has its outcome, waits, or is dead-lettered."""
        lanes: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            lanes[record.topic, record.partition].append(record)
        await asyncio.gather(*(self._take(lane) for lane in lanes.values()))

    async def _take(self, records: Sequence[Record]) -> None:
        async with self.at_once:
            try:
                await self._decide(records)
            except Exception as error:  # noqa: BLE001 - one by one shows which failed, and why
                log.info("commands_failed", messages=len(records), **origin(error))
                for record in records:
                    await self._decide_in_own_transaction(record)

    async def _decide(self, records: Sequence[Record]) -> None:
        try:
            await self._try(records, is_careful=False)
        except (OneRejected, AnsweredMeanwhile):
            await self._try(records, is_careful=True)

    async def _try(self, records: Sequence[Record], *, is_careful: bool) -> None:
        given, letters = self._read_all(records)
        if not given and not letters:
            return
        database = self.service.database
        async with database.transaction() as tx:
            await Decisions(tx, database.secret, self.commands, is_careful).decide(given)
            for letter in letters:
                log.warning("malformed_command", reason=letter.reason, record=letter.record_id)
                await dead_letters.add(tx, self.service.settings.service, letter)

    def _read_all(self, records: Sequence[Record]) -> tuple[list[Given], list[DeadLetter]]:
        given, letters = list[Given](), list[DeadLetter]()
        for record in records:
            topic = record.topic.removeprefix(self.service.settings.kafka_prefix)
            try:
                asked = read_command(record.value, dict(record.headers))
            except InvalidMessage as error:
                if self.service.settings.service == ANSWERERS[0]:  # the other service reads it too
                    letters.append(DeadLetter(record, topic, error.reason, error.detail))
            else:
                if asked.answerer == self.service.settings.service:
                    given.append(Given(client_of(topic), asked, len(record.value or b"")))
        return given, letters

    async def _decide_in_own_transaction(self, record: Record) -> None:
        """Retries until the database answers, and a few times after a lock or a deadlock; then, and after any other
        error, the command is refused."""
        attempt = 0
        while True:
            try:
                return await self._decide([record])
            except UNAVAILABLE as error:
                await self._wait_for_database(error)
            except (*TRANSIENT, AnsweredMeanwhile) as error:
                attempt += 1
                if attempt >= ATTEMPTS:
                    return await self._give_up(record, Unavailable(), error)
                await asyncio.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
            except Exception as error:  # noqa: BLE001 - an error in the command: whoever gave it is answered
                return await self._give_up(record, InternalError(), error)

    async def _give_up(self, record: Record, problem: Problem, error: Exception) -> None:
        log.error("command_given_up", topic=record.topic, partition=record.partition, **origin(error))
        given, _ = self._read_all([record])
        database = self.service.database
        while True:
            try:
                async with database.transaction() as tx:
                    for each in given:
                        await Decisions(tx, database.secret, self.commands, is_careful=True).reject(each, problem)
            except (*UNAVAILABLE, *TRANSIENT) as failure:
                await self._wait_for_database(failure)
            else:
                return

    async def _wait_for_database(self, error: Exception) -> None:
        self.service.health.trouble(PART, f"the database does not answer ({type(error).__name__})")
        await asyncio.sleep(UNAVAILABLE_SECONDS)
