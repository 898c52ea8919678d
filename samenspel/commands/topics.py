"""`samenspel topics apply`: the topics as the manifest says."""

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
    """Kafka's topics."""


@commands.command(epilog="Example: samenspel topics apply --kafka 127.0.0.1:9092")
def apply(
    kafka: Kafka = None,
    replication_factor: Annotated[int, typer.Option(min=1, help="Copies of each new topic.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make the topics that are missing, and check those that are there; ends with 1 when one differs."""
    where = find_endpoints(kafka=kafka)
    applied = asyncio.run(topics.apply(where.kafka, where.prefix, replication_factor=replication_factor))
    if as_json:
        typer.echo(json.dumps(asdict(applied)))
    else:
        typer.echo(f"{len(applied.created)} made, {len(applied.present)} were there already, as the manifest says.")
