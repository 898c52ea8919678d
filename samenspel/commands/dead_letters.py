"""`samenspel dead-letters list | show | redrive`: messages that a service could not understand."""

import asyncio
import base64
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from contracts.topics import INPUTS, SERVICES, TOPICS, dead_letter_topic
from samenspel.commands.options import AsJson, Kafka
from samenspel.commands.services import ask
from samenspel.endpoints import Endpoints, find_endpoints
from samenspel.failure import CommandFailed
from samenspel.letters import Letter, letters_of
from samenspel.topic_records import ends_of, find_behind, read_topics

commands = typer.Typer(help="Messages that could not be understood.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="SERVICE/PARTITION/OFFSET, as `list` names it")]
PUBLISHED_SECONDS = 10.0  # the relay takes less than one while Kafka can be written

OWNERS = {topic.name: topic.producer for topic in TOPICS if topic.name in INPUTS}


@commands.command("list", epilog="Example: samenspel dead-letters list --all --json")
def list_letters(
    kafka: Kafka = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that were redriven, and as which event.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the dead letters of all services that are still open."""
    found = asyncio.run(letters_on(find_endpoints(kafka=kafka)))
    letters = [letter for letter in found if every or letter.is_open]
    if as_json:
        typer.echo(json.dumps([letter.as_json() for letter in letters]))
    elif letters:
        Console().print(table_of(letters, with_redrives=every))
    else:
        typer.echo("There are no dead letters." if not found else "All dead letters were redriven; `--all` lists them.")


def table_of(letters: Sequence[Letter], *, with_redrives: bool) -> Table:
    """Their names are whole on any terminal, as `show` and `redrive` take them; what else is long is on more lines."""
    table = Table(box=None, pad_edge=False)
    table.add_column("letter", no_wrap=True, overflow="fold", min_width=max(len(letter.name) for letter in letters))
    for title in ("reason", "from", "failed at (UTC)", *(["redriven as"] if with_redrives else [])):
        table.add_column(title, overflow="fold")
    for letter in letters:
        failed_at = letter.header("failed-at").partition(".")[0].replace("T", " ")
        columns = letter.name, letter.header("reason"), letter.origin, failed_at
        table.add_row(*columns, *([letter.redriven_as or "still open"] if with_redrives else []))
    return table


@commands.command(epilog="Example: samenspel dead-letters show reporting/3/0")
def show(name: Name, kafka: Kafka = None, as_json: AsJson = False) -> None:
    """Show everything about one dead letter."""
    letter = _find(find_endpoints(kafka=kafka), name)
    if as_json:
        typer.echo(json.dumps(letter.as_json()))
    else:
        typer.echo("\n".join(f"{name + ':':<12}{value}" for name, value in letter.as_json().items()))


@commands.command(epilog="Example: samenspel dead-letters redrive reporting/3/0 --value corrected.json")
def redrive(
    name: Name,
    value: Annotated[
        Path | None, typer.Option(help="A file with the corrected message, in structured mode.", exists=True)
    ] = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Send a message again, corrected or as it was, to the topic from which it came.

    It goes through the service that owns the topic, into its journal, and is refused when readers would not accept it
    either. Its key is the message's `partitionkey`. This closes the letters of all services about the same record.
    """
    endpoints = find_endpoints(kafka=kafka)
    letter = _find(endpoints, name)
    body = redrive_of(letter, value.read_bytes().strip() if value else None)
    owner, topic = OWNERS[letter.header("topic")], endpoints.prefix + letter.header("topic")
    ends = asyncio.run(ends_of(endpoints.kafka, topic))
    done = _post(endpoints.urls[owner], "/v1/redrives", body)
    marker = {"record": letter.origin, "eventId": done["eventId"]}
    _post(endpoints.urls[letter.service], "/v1/letter-markers", marker)
    offset = None
    if done["outcome"] == "staged":
        behind = done["partition"], ends[done["partition"]]
        found = find_behind(endpoints.kafka, topic, *behind, base64.b64decode(body["value"]), PUBLISHED_SECONDS)
        offset = asyncio.run(found)
    said = {name: done[name] for name in ("topic", "partition", "eventId", "outcome")} | {"offset": offset}
    typer.echo(json.dumps(said) if as_json else f"{name} {_what_became(said, owner)}")


def redrive_of(letter: Letter, mended: bytes | None) -> dict[str, Any]:
    topic = letter.header("topic")
    if topic not in OWNERS:
        raise CommandFailed(f"{letter.name} is from {topic or 'an unknown topic'}, which no service reads")
    if letter.redriven_as:
        raise CommandFailed(f"{letter.name} was redriven as event {letter.redriven_as}")
    if mended is None and letter.header("reason") == "personal_data":
        raise CommandFailed(f"the bytes of {letter.name} were not kept; give the corrected message with --value")
    value = letter.value if mended is None else mended
    if not value:
        raise CommandFailed(f"{letter.name} has no value; give the corrected message with --value")
    headers = letter.original_headers if mended is None else []
    return {
        "record": letter.origin,
        "value": base64.b64encode(value).decode(),
        "headers": [{"name": name, "value": base64.b64encode(text).decode()} for name, text in headers],
    }


def _what_became(said: dict[str, Any], owner: str) -> str:
    if said["outcome"] == "redriven before":
        return f"was redriven before, as event {said['eventId']}."
    if said["offset"] is None:
        return f"is in the journal of `{owner}` as event {said['eventId']}, and is published when Kafka takes it."
    return f"is now {said['topic']}/{said['partition']}/{said['offset']}."


def _post(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = ask(url, "POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
    return answer


def _find(endpoints: Endpoints, name: str) -> Letter:
    letter = next((letter for letter in asyncio.run(letters_on(endpoints)) if letter.name == name), None)
    if letter is None:
        raise CommandFailed(f"there is no dead letter {name}; `samenspel dead-letters list --all` names them")
    return letter


async def letters_on(endpoints: Endpoints) -> list[Letter]:
    services = {endpoints.prefix + dead_letter_topic(service): service for service in SERVICES}
    return letters_of(services, await read_topics(endpoints.kafka, list(services)))
