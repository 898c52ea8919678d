"""`samenspel topics apply | adopt`: create the topics of the manifest; accept topics that were made again."""

import asyncio
import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from contracts.topics import INPUTS, SERVICES, TOPICS
from samenspel import topics
from samenspel.commands.options import AnswerLanguage, AsJson, Kafka, Service
from samenspel.commands.services import ask
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed
from words.language import Texts, usual_language

commands = typer.Typer(help="Kafka's topics.", no_args_is_help=True)
READERS = {topic.name: topic.consumers for topic in TOPICS if topic.name in INPUTS}
OWNERS = {topic.name: topic.producer for topic in TOPICS}


@commands.command(epilog="Example: samenspel topics apply --kafka 127.0.0.1:9092")
def apply(
    kafka: Kafka = None,
    replication_factor: Annotated[int, typer.Option(min=1, help="How many brokers keep a copy of each new topic.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Create the topics that are missing and check all; names every difference, and then ends with 1."""
    endpoints = find_endpoints(kafka=kafka)
    applied = asyncio.run(topics.apply(endpoints.kafka, endpoints.prefix, replication_factor=replication_factor))
    if as_json:
        typer.echo(json.dumps(asdict(applied)))
    else:
        created, present = len(applied.created), len(applied.present)
        typer.echo(f"{created} topics created, {present} existed already; all are as the manifest says.")


@commands.command(epilog="Example: samenspel topics adopt partnership.sites.v1 partnership.requests.v1")
def adopt(
    names: Annotated[
        list[str] | None, typer.Argument(help="Topics, as the manifest names them; without any, all.", metavar="TOPIC")
    ] = None,
    services: Annotated[
        list[Service] | None, typer.Option("--service", help="Only for this reader; can be repeated.")
    ] = None,
    language: AnswerLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Accept topics that were made again, as they are: their readers read them from the beginning.

    Each service that reads a topic looks whether it is the one that was read, and then changes nothing. Afterwards let
    the services that write the topics publish their journals again (`samenspel republish`).
    """
    urls = find_endpoints().urls
    readers = [each.value for each in services or ()] or SERVICES
    done = [_adopt(urls[service], service, topic) for topic, service in asked(names or INPUTS, readers)]
    texts = Texts("samenspel", language or usual_language())
    typer.echo(json.dumps(done) if as_json else "\n".join(_said(done, texts)))


def asked(names: Sequence[str], readers: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name not in READERS:
            raise CommandFailed(f"no service reads {name}; topics that are read: {', '.join(READERS)}")
        yield from ((name, service) for service in READERS[name] if service in readers)


def _adopt(url: str, service: str, topic: str) -> dict[str, Any]:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return {"service": service, **ask(url, "POST", "/v1/adoptions", json={"topic": topic}, headers=key)}


def _said(done: Sequence[dict[str, Any]], texts: Texts) -> Iterator[str]:
    for each in done:
        yield texts.say(
            f"adoption.{each['outcome']}",
            service=each["service"],
            topic=each["topic"],
            incarnation=each["incarnation"],
        )
    owners = sorted({OWNERS[each["topic"]] for each in done if each["outcome"] == "adopted"})
    yield from (texts.say("adoption-next", service=owner) for owner in owners)
