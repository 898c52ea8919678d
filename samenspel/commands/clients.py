"""`samenspel clients add | list | remove`: external systems that give commands over Kafka."""

import asyncio
import json
import re
import uuid
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from contracts.outcomes import ANSWERERS, CLIENT
from contracts.topics import topics_for
from samenspel import topics
from samenspel.commands.options import AnswerLanguage, AsJson, Kafka
from samenspel.commands.services import ask
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed
from words.language import Texts, usual_language

commands = typer.Typer(help="External systems that give commands over Kafka.", no_args_is_help=True)
Json = dict[str, Any]


def _check_name(client: str) -> str:
    if not re.fullmatch(CLIENT, client):
        raise typer.BadParameter(f"{client}: a letter, then lower-case letters, digits and hyphens, at most 40 in all")
    return client


Name = Annotated[
    str, typer.Argument(help="Its name, which is part of its topics' names.", metavar="CLIENT", callback=_check_name)
]


@commands.command(epilog="Example: samenspel clients add atelier-planning --as partner@own:atelier-de-dieze")
def add(
    client: Name,
    acts_for: Annotated[
        list[str],
        typer.Option("--as", help="A role and an organisation; can be repeated.", metavar="ROLE@ORGANISATION"),
    ],
    kafka: Kafka = None,
    replication_factor: Annotated[int, typer.Option(min=1, help="How many brokers keep a copy of its topics.")] = 1,
    language: AnswerLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Make a client's topics and register it, for all that it may act for; the same again changes nothing.

    A client that is registered acts for what is said last. Running services read its commands within seconds.
    """
    body = {"actsFor": [_pair(each) for each in acts_for]}
    endpoints = find_endpoints(kafka=kafka)
    made = topics.apply(
        endpoints.kafka, endpoints.prefix, replication_factor=replication_factor, topics=topics_for(client)
    )
    asyncio.run(made)
    for service in ANSWERERS:
        registered: Json = ask(endpoints.urls[service], "PUT", f"/v1/clients/{client}", json=body)
    texts = Texts("samenspel", language or usual_language())
    commanded, told = registered["commandTopic"], registered["outcomeTopic"]
    text = texts.say("client.added", client=client, commands=commanded, outcomes=told)
    typer.echo(json.dumps(registered) if as_json else text)


def _pair(text: str) -> dict[str, str]:
    role, at, organisation = text.partition("@")
    if not (role and at and organisation):
        raise typer.BadParameter(f"{text} is no ROLE@ORGANISATION, such as partner@own:atelier", param_hint="--as")
    return {"role": role, "organisation": organisation}


@commands.command("list", epilog="Example: samenspel clients list --json")
def list_clients(language: AnswerLanguage = None, as_json: AsJson = False) -> None:
    """List the registered clients, and for whom each may act."""
    found = _registered()
    if as_json:
        typer.echo(json.dumps(list(found.values())))
        return
    texts = Texts("samenspel", language or usual_language())
    if not found:
        typer.echo(texts.say("client.none"))
        return
    titles = texts.say("client.name"), texts.say("client.acts-for"), texts.say("client.answered-by")
    table = Table(*titles, box=None, pad_edge=False)
    for client, each in found.items():
        acts_for = ", ".join(f"{pair['role']}@{pair['organisation']}" for pair in each["actsFor"])
        table.add_row(client, acts_for, ", ".join(each["answeredBy"]))
    Console().print(table)


def _registered() -> dict[str, Json]:
    """Every client by its name, with the services that know it: all of them, unless a command ended half-way."""
    urls, found = find_endpoints().urls, dict[str, Json]()
    for service in ANSWERERS:
        for each in ask(urls[service], "GET", "/v1/clients")["items"]:
            known = found.setdefault(each["clientId"], {**each, "answeredBy": []})
            known["answeredBy"].append(service)
    return dict(sorted(found.items()))


@commands.command(epilog="Example: samenspel clients remove atelier-planning")
def remove(client: Name, language: AnswerLanguage = None, as_json: AsJson = False) -> None:
    """Read a client's commands no more, and tell it nothing more. Its topics stay, with what is on them."""
    known = _registered().get(client)
    if known is None:
        raise CommandFailed(f"there is no client {client}; `samenspel clients list` names them")
    urls = find_endpoints().urls
    for service in known["answeredBy"]:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        ask(urls[service], "POST", f"/v1/clients/{client}/removals", headers=key)
    texts = Texts("samenspel", language or usual_language())
    typer.echo(json.dumps({"clientId": client}) if as_json else texts.say("client.removed", client=client))
