"""`samenspel dead-letters list | show | redrive`: what a service could not understand, and giving it back."""
# mypy: untyped-calls-exclude=aiokafka
# aiokafka is typed only in part.

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from contracts.envelope import Malformed, decode
from contracts.topics import INPUTS, SERVICES, dead_letter_topic
from samenspel.commands.options import AsJson, Kafka
from samenspel.endpoints import Endpoints, find_endpoints
from samenspel.failure import CommandFailed
from samenspel.topic_records import read_topics

commands = typer.Typer(help="Messages that could not be understood.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(help="SERVICE/PARTITION/OFFSET, as `list` names it")]


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: the untouched message and why it is here."""

    name: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    def said(self, name: str) -> str:
        """What the service said of it."""
        return next((value.decode("utf-8", "replace") for key, value in self.headers if key == f"samenspel-{name}"), "")

    @property
    def origin(self) -> str:
        """Where the message was."""
        return "/".join(self.said(part) for part in ("topic", "partition", "offset"))

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        shown = {name: self.said(name) for name in ("reason", "detail", "attempts", "failed-at")}
        return {"letter": self.name, "origin": self.origin, "key": _text(self.key), "value": _text(self.value), **shown}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


@commands.command("list", epilog="Example: samenspel dead-letters list --json")
def list_letters(kafka: Kafka = None, as_json: AsJson = False) -> None:
    """List the dead letters of all services."""
    letters = asyncio.run(_letters(find_endpoints(kafka=kafka)))
    if as_json:
        typer.echo(json.dumps([letter.as_json() for letter in letters]))
    elif letters:
        table = Table("letter", "reason", "from", "failed at", box=None, pad_edge=False)
        for letter in letters:
            table.add_row(letter.name, letter.said("reason"), letter.origin, letter.said("failed-at"))
        Console().print(table)
    else:
        typer.echo("There are no dead letters.")


@commands.command(epilog="Example: samenspel dead-letters show reporting/3/0")
def show(which: Which, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """Show one dead letter whole."""
    letter = _found(find_endpoints(kafka=kafka), which)
    if as_json:
        typer.echo(json.dumps(letter.as_json()))
    else:
        typer.echo("\n".join(f"{name + ':':<11}{value}" for name, value in letter.as_json().items()))


@commands.command(epilog="Example: samenspel dead-letters redrive reporting/3/0 --value mended.json")
def redrive(
    which: Which,
    value: Annotated[Path | None, typer.Option(help="The mended message; else the same bytes.", exists=True)] = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Append a message, mended or as it was, to the topic from which it came, under its own key."""
    where = find_endpoints(kafka=kafka)
    letter = _found(where, which)
    mended = value.read_bytes().strip() if value else letter.value
    if value:
        _check(mended)
    topic = letter.said("topic")
    if topic not in INPUTS:
        raise CommandFailed(f"{which} is from {topic or 'nowhere'}, which is none of the topics that services read")
    partition, offset = asyncio.run(_append(where, topic, letter, mended))
    if as_json:
        typer.echo(json.dumps({"topic": topic, "partition": partition, "offset": offset}))
    else:
        typer.echo(f"{which} is now {topic}/{partition}/{offset}.")


def _check(mended: bytes | None) -> None:
    """A mended message must be one that services understand."""
    try:
        decode(mended)
    except Malformed as error:
        raise CommandFailed(f"the mended message cannot be understood either: {error}") from error


def _found(where: Endpoints, which: str) -> Letter:
    letter = next((letter for letter in asyncio.run(_letters(where)) if letter.name == which), None)
    if letter is None:
        raise CommandFailed(f"there is no dead letter {which}; `samenspel dead-letters list` names them")
    return letter


async def _letters(where: Endpoints) -> list[Letter]:
    """Everything on the dead-letter topics, with keys and headers."""
    services = {where.prefix + dead_letter_topic(service): service for service in SERVICES}
    letters = [
        Letter(f"{services[each.topic]}/{each.partition}/{each.offset}", each.key, each.value, each.headers)
        for each in await read_topics(where.kafka, list(services))
    ]
    return sorted(letters, key=lambda letter: letter.said("failed-at"))


async def _append(where: Endpoints, topic: str, letter: Letter, value: bytes | None) -> tuple[int, int]:
    producer = AIOKafkaProducer(bootstrap_servers=where.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        headers = [(name, text) for name, text in letter.headers if not name.startswith("samenspel-")]
        sent = await producer.send_and_wait(where.prefix + topic, value, key=letter.key, headers=headers)
        return sent.partition, sent.offset
    finally:
        await producer.stop()
