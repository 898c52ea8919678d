"""`samenspel import duo`: record a municipality's schools, from DUO's open data, in `requests`."""

import hashlib
import json
from pathlib import Path
from typing import Annotated

import typer

from samenspel.commands.options import AsJson, Requests
from samenspel.commands.services import ask
from samenspel.endpoints import find_endpoints
from samenspel.registers import duo

commands = typer.Typer(help="Record the data of official registers.", no_args_is_help=True)


@commands.callback()
def main() -> None:
    """Record the data of official registers."""  # a callback keeps `duo` a command of its own


@commands.command("duo", epilog='Example: samenspel import duo ../duo --municipality "\'s-Hertogenbosch"')
def import_duo(
    folder: Annotated[Path, typer.Argument(help="A folder with DUO's two files.", exists=True, file_okay=False)],
    municipality: Annotated[str, typer.Option(help="The municipality to import, as DUO names it.")],
    requests: Requests = None,
    dry_run: Annotated[bool, typer.Option(help="Read and check the files, but record nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Record a municipality's school locations: all of them, or none when there is a mistake in a file."""
    locations = duo.read(folder, municipality)
    lines = "\n".join(json.dumps(duo.school_record(location), ensure_ascii=False) for location in locations).encode()
    done = {"locations": len(locations), "recorded": 0, "unchanged": 0}
    if not dry_run:
        key = f"duo-{hashlib.sha256(lines).hexdigest()[:32]}"
        headers = {"Idempotency-Key": key, "Content-Type": "application/x-ndjson"}
        done |= ask(
            find_endpoints(requests=requests).urls["requests"], "POST", "/v1/sites", content=lines, headers=headers
        )
    if as_json:
        typer.echo(json.dumps(done))
    elif dry_run:
        typer.echo(f"{len(locations)} locations can be read; nothing was recorded.")
    else:
        typer.echo(f"{len(locations)} locations: {done['recorded']} recorded, {done['unchanged']} were known already.")
