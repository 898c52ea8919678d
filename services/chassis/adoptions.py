"""Adoptions: an operator accepts a topic that was made again, as it is.

Guarantee: the topic's incarnation rises and it is read from its beginning, by every replica without a restart. What is
there again from a journal is known again; what is new counts. A topic that is the one that was read stays as it is, so
the same command again changes nothing.
"""

import asyncio
from typing import Annotated, Literal

import structlog
from aiokafka.errors import KafkaError
from pydantic import Field

from contracts.topics import TOPICS
from contracts.values import Value
from services.chassis.commands import Command, Commands, Done
from services.chassis.http.parameters import TopicName
from services.chassis.life_cycle import check_operator
from services.chassis.messaging.positions import begin_anew, load_incarnations, other_topics
from services.chassis.problems import Malformed, Unavailable, WrongField
from services.chassis.running.database import CommandTx
from services.chassis.running.settings import Settings

log = structlog.get_logger()

KAFKA_SECONDS = 10.0  # a transaction that is idle for longer than 15 s is ended


class TopicNotRead(Malformed):
    """This service does not read that topic."""


class Adopt(Value):
    """A topic that was made again, and is accepted as it is."""

    topic: Annotated[str, Field(max_length=200)]


class AdoptionView(Value):
    """Which topic of this name is read now."""

    topic: TopicName
    incarnation: Annotated[int, Field(ge=1)]
    """1 for the first, one more each time that it was made again."""
    outcome: Literal["adopted", "unchanged"]
    """`unchanged`: it is the topic that was read, or nothing of it was read yet."""


def commands_for(settings: Settings) -> Commands:
    inputs = [topic.name for topic in TOPICS if settings.service in topic.consumers]

    async def adopt(tx: CommandTx, _: None, body: Adopt) -> Done:
        check_operator("adopt a topic", tx.by)
        if body.topic not in inputs:
            raise TopicNotRead(None, WrongField("topic", body.topic, inputs))
        await tx.one_at_a_time("adopt")  # they are rare, and the second finds nothing to accept
        why = await _why_not_the_same(tx, settings, body.topic)
        incarnation = (await load_incarnations(tx.db, [body.topic]))[body.topic]
        if why is not None:
            incarnation += 1
            await begin_anew(tx.db, body.topic, incarnation)
            log.warning("topic_adopted", topic=body.topic, incarnation=incarnation, detail=why)
        outcome: Literal["adopted", "unchanged"] = "unchanged" if why is None else "adopted"
        return Done(None, None, AdoptionView(topic=body.topic, incarnation=incarnation, outcome=outcome))

    commands = Commands()
    commands.add(
        Command(
            name="adoptTopic",
            about="Accept a topic that was made again, as it is: it is read from its beginning. One that is the topic"
            " that was read stays as it is.",
            kind="adoption",
            collection="adoptions",
            status=200,
            body=Adopt,
            example={"topic": inputs[0]},
            has_address=False,
            view=AdoptionView,
            run=adopt,
        )
    )
    return commands


async def _why_not_the_same(tx: CommandTx, settings: Settings, topic: str) -> str | None:
    try:
        async with asyncio.timeout(KAFKA_SECONDS):
            return (await other_topics(tx.db, settings, [topic])).get(topic)
    except (KafkaError, TimeoutError) as error:
        detail = "Kafka does not answer, or does not have the topic."
        raise Unavailable(detail, WrongField("topic", topic, "a topic that Kafka has")) from error
