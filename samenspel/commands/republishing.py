"""`samenspel republish`: let a service publish its journal again, when Kafka lost what it had."""

import json
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from samenspel.commands.options import AsJson, Service
from samenspel.commands.services import ask
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed

commands = typer.Typer()
PAUSE_SECONDS = 0.5
PATH = "/v1/republications"
EPILOG = "Example: samenspel republish requests --topic partnership.sites.v1 --from 2025-10-03T09:00:00+02:00"


@commands.command(epilog=EPILOG)
def republish(
    service: Annotated[Service, typer.Argument(help="Whose messages.")],
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="An instant: from the first message recorded then or later, and all behind it. Take it early:"
            " what is sent twice does no harm.",
            metavar="INSTANT",
        ),
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Only this topic, as the manifest names it.")] = None,
    url: Annotated[str | None, typer.Option(help="The address of the service.", metavar="URL")] = None,
    patience: Annotated[float, typer.Option(help="How many seconds to wait until Kafka has all of it.")] = 3600.0,
    as_json: AsJson = False,
) -> None:
    """Publish again what a service announced, from its journal, also what Kafka once refused.

    In order, with the same bytes and ids: every reader knows again what it has applied. On a compacted topic only what
    is newest. The service goes on with its other work.
    """
    where = find_endpoints(**{service.value: url}).urls[service.value]
    first = {"topic": topic, "since": instant_of(since)}
    put_back = _put_back(where, {name: value for name, value in first.items() if value is not None})
    if not as_json:
        typer.echo("\n".join(f"{number:>9} {name}" for name, number in put_back.messages.items()) or "Nothing.")
    waiting = _wait(where, put_back, patience, shows=not as_json)
    if as_json:
        typer.echo(json.dumps({"messages": put_back.messages, "waiting": waiting}))
    elif not waiting:
        typer.echo("All of it is on Kafka.")
    if waiting:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class PutBack:
    """What is in the outbox again."""

    messages: Counter[str]
    """How many, by topic."""
    before: int
    """The position of the journal behind all of it."""


def _put_back(url: str, body: dict[str, Any]) -> PutBack:
    messages: Counter[str] = Counter()
    while True:
        done = ask(url, "POST", PATH, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        messages.update(done["messages"])
        if done["isComplete"]:
            return PutBack(messages, done["nextPosition"])
        body |= {"position": done["nextPosition"]}


def _wait(url: str, put_back: PutBack, patience: float, *, shows: bool) -> int:
    """Until Kafka has all of it, or for some seconds; returns how many messages still wait."""
    deadline, said = time.monotonic() + patience, 0
    while True:
        found: dict[str, int] = ask(url, "GET", PATH, params={"before": put_back.before})["messages"]
        waiting = sum(number for topic, number in found.items() if topic in put_back.messages)
        if shows and waiting and waiting != said:
            typer.echo(f"{waiting:>9} still wait for Kafka")
        if not waiting or time.monotonic() > deadline:
            return waiting
        said = waiting
        time.sleep(PAUSE_SECONDS)


def instant_of(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandFailed(f"--from is {text}, and must be an instant such as 2025-10-03T09:00:00+02:00") from error
    if instant.tzinfo is None:
        raise CommandFailed(f"--from is {text}, without an offset; write for example {text}+02:00")
    return instant.isoformat()
