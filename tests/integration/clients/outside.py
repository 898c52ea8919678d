"""An external system, which has nothing but `contracts/` and its two topics."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from contracts.admission import Admitted, admit
from contracts.envelope import CONTENT_TYPE
from contracts.outcomes import CommandAccepted, CommandRejected, command_topic, outcome_topic
from contracts.values import Actor
from local.waiting import completed
from samenspel.topic_records import TopicRecord, read_topics
from tests.builders import SCHOOL, an_actor
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

Json = dict[str, Any]
Outcome = CommandAccepted | CommandRejected
HEADERS = [("content-type", CONTENT_TYPE)]


@dataclass(slots=True)
class City:
    """The two services that answer commands, on the same topics and in the same time."""

    requests: ServiceProcess
    referrals: ServiceProcess

    @property
    def kafka(self) -> str:
        return self.requests.kafka

    @property
    def prefix(self) -> str:
        return self.requests.prefix

    def samenspel(self, *words: str, expect: int = 0) -> str:
        """What the operator's command answers."""
        environment = os.environ | {
            "SAMENSPEL_REQUESTS": self.requests.url,
            "SAMENSPEL_REFERRALS": self.referrals.url,
            "SAMENSPEL_KAFKA": self.kafka,
            "SAMENSPEL_KAFKA_PREFIX": self.prefix,
            "COLUMNS": "200",
        }
        command = (sys.executable, "-m", "samenspel", *words)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == expect, f"{done.stdout}\n{done.stderr}"
        return done.stdout if expect == 0 else done.stderr


@dataclass(frozen=True, slots=True)
class Outside:
    """One client."""

    city: City
    name: str

    @classmethod
    def registered(cls, city: City, name: str, *actors: Actor) -> "Outside":
        """Registered by an operator to act for these."""
        acts_for = [word for by in actors for word in ("--as", f"{by.role}@{by.organisation}")]
        city.samenspel("clients", "add", name, *acts_for)
        return cls(city, name)

    def command(self, type_: str, data: Json | None = None, *, by: Actor, **other: Any) -> Json:
        """A command's message."""
        usual = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": f"urn:nld:oin:00000099000000001000:systeem:{self.name}",
            "type": f"nl.samenspel.{type_}.v1",
            "actingrole": by.role,
            "actingorganisation": by.organisation,
        }
        return {**usual, **({} if data is None else {"data": data}), **other}

    def send(self, *messages: Json | bytes, key: str = SCHOOL, headers: Any = HEADERS) -> None:
        """Put messages on the topic of commands."""
        values = [message if isinstance(message, bytes) else json.dumps(message).encode() for message in messages]
        completed(_send(self.city.kafka, self.city.prefix + command_topic(self.name), key.encode(), values, headers))

    def outcomes(self, command: Mapping[str, Any]) -> list[Outcome]:
        """All that was said of a command so far."""
        said = [each.event() for each in self.told() if each.subject == command["id"]]
        return [each for each in said if isinstance(each, Outcome)]

    def told(self) -> list[Admitted]:
        """Everything on the topic of outcomes."""
        topic = outcome_topic(self.name)
        return [admit(record, topic) for record in self.records()]

    def records(self) -> list[TopicRecord]:
        return completed(read_topics(self.city.kafka, [self.city.prefix + outcome_topic(self.name)]))

    def outcome(self, command: Mapping[str, Any]) -> Outcome:
        """The one outcome of a command that was sent."""
        (said,) = wait_until(lambda: self.outcomes(command))
        return said

    def give(self, type_: str, data: Json | None = None, *, by: Actor, **other: Any) -> Outcome:
        """Give a command, and wait for its outcome."""
        command = self.command(type_, data, by=by, **other)
        self.send(command)
        return self.outcome(command)

    def gave(self, type_: str, data: Json | None = None, *, by: Actor, **other: Any) -> CommandAccepted:
        """As `give`, of a command that is accepted."""
        outcome = self.give(type_, data, by=by, **other)
        assert isinstance(outcome, CommandAccepted), outcome
        return outcome


async def _send(kafka: str, topic: str, key: bytes, values: list[bytes], headers: Any) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", max_request_size=2**21) as producer:
        sent = [await producer.send(topic, value, key=key, headers=headers) for value in values]
        await asyncio.gather(*sent)


def slug(outcome: Outcome) -> str:
    """The last part of the type of a rejection's problem; empty for what was accepted."""
    return outcome.problem.type.rpartition("/")[2] if isinstance(outcome, CommandRejected) else ""


COORDINATOR, CONSULTANT, PARTNER = an_actor("coordinator"), an_actor("consultant"), an_actor("partner")
OPERATOR = an_actor("operator")
