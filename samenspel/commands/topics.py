"""`samenspel topics apply`: create the topics of the contracts' manifest."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from samenspel import topics
from samenspel.commands.options import AsJson, Kafka
from samenspel.endpoints import find_endpoints

commands = typer.Typer(help="Kafka's topics.", no_args_is_help=True)


@commands.callback()
def main() -> None:
    """Kafka's topics."""  # a callback keeps `apply` a command of its own


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
