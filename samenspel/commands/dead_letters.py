"""`samenspel dead-letters list | show | redrive`: messages that a service could not understand."""
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

from contracts.admission import admit
from contracts.envelope import Malformed
from contracts.partitioner import partition_of
from contracts.topics import INPUTS, SERVICES, dead_letter_topic
from samenspel.commands.options import AsJson, Kafka
from samenspel.endpoints import Endpoints, find_endpoints
from samenspel.failure import CommandFailed
from samenspel.topic_records import read_topics

commands = typer.Typer(help="Messages that could not be understood.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="SERVICE/PARTITION/OFFSET, as `list` names it")]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it was on its topic, with headers that say why it could not be understood."""

    name: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    def header(self, name: str) -> str:
        """What the service that gave up on it wrote down: its reason, detail, topic, partition, offset, …"""
        return next((value.decode("utf-8", "replace") for key, value in self.headers if key == f"samenspel-{name}"), "")

    @property
    def original_headers(self) -> list[tuple[str, bytes]]:
        """Those that it came with."""
        return [(name, text) for name, text in self.headers if not name.startswith("samenspel-")]

    @property
    def origin(self) -> str:
        return "/".join(self.header(part) for part in ("topic", "partition", "offset"))

    def as_json(self) -> dict[str, Any]:
        shown = {name: self.header(name) for name in ("reason", "detail", "attempts", "failed-at")}
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
            table.add_row(letter.name, letter.header("reason"), letter.origin, letter.header("failed-at"))
        Console().print(table)
    else:
        typer.echo("There are no dead letters.")


@commands.command(epilog="Example: samenspel dead-letters show reporting/3/0")
def show(name: Name, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """Show everything about one dead letter."""
    letter = _find(find_endpoints(kafka=kafka), name)
    if as_json:
        typer.echo(json.dumps(letter.as_json()))
    else:
        typer.echo("\n".join(f"{name + ':':<11}{value}" for name, value in letter.as_json().items()))


@commands.command(epilog="Example: samenspel dead-letters redrive reporting/3/0 --value corrected.json")
def redrive(
    name: Name,
    value: Annotated[Path | None, typer.Option(help="A file with the corrected message.", exists=True)] = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Send a message again, corrected or as it was, to the topic from which it came, under its own key."""
    endpoints = find_endpoints(kafka=kafka)
    letter = _find(endpoints, name)
    message = value.read_bytes().strip() if value else letter.value
    if value:
        check(letter, message)
    topic = letter.header("topic")
    if topic not in INPUTS:
        raise CommandFailed(f"{name} is from {topic or 'an unknown topic'}, which no service reads")
    partition, offset = asyncio.run(_append(endpoints, topic, letter, message))
    if as_json:
        typer.echo(json.dumps({"topic": topic, "partition": partition, "offset": offset}))
    else:
        typer.echo(f"{name} is now {topic}/{partition}/{offset}.")


@dataclass(frozen=True, slots=True)
class Resent:
    """A dead letter as it would stand on its topic again."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @property
    def partition(self) -> int:
        return partition_of(self.key or b"")


def check(letter: Letter, corrected: bytes | None) -> None:
    """Raise `CommandFailed` when the services would not admit this in the place of a dead letter either."""
    try:
        admit(Resent(letter.key, corrected, letter.original_headers), letter.header("topic"))
    except Malformed as error:
        raise CommandFailed(f"the corrected message cannot be understood either: {error}") from error


def _find(endpoints: Endpoints, name: str) -> Letter:
    letter = next((letter for letter in asyncio.run(_letters(endpoints)) if letter.name == name), None)
    if letter is None:
        raise CommandFailed(f"there is no dead letter {name}; `samenspel dead-letters list` names them")
    return letter


async def _letters(endpoints: Endpoints) -> list[Letter]:
    """All dead letters of all services, in the order in which the services gave up on them."""
    services = {endpoints.prefix + dead_letter_topic(service): service for service in SERVICES}
    letters = [
        Letter(f"{services[each.topic]}/{each.partition}/{each.offset}", each.key, each.value, each.headers)
        for each in await read_topics(endpoints.kafka, list(services))
    ]
    return sorted(letters, key=lambda letter: letter.header("failed-at"))


async def _append(endpoints: Endpoints, topic: str, letter: Letter, value: bytes | None) -> tuple[int, int]:
    producer = AIOKafkaProducer(bootstrap_servers=endpoints.kafka, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        headers = letter.original_headers
        sent = await producer.send_and_wait(endpoints.prefix + topic, value, key=letter.key, headers=headers)
        return sent.partition, sent.offset
    finally:
        await producer.stop()
