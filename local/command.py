"""`samenspel up`, `down`, `status` and `time`: the local stack kept running beside the terminal."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from local import time_command
from local.health import HealthState, PartHealth, examine
from local.interrupts import termination_as_ctrl_c, uninterrupted
from local.options import Folder
from local.simulated_time import SimulatedTime
from local.stack import FOLDER, Stack
from local.state import locked
from samenspel.commands.options import AsJson
from samenspel.endpoints import USUAL_PORTS

MIB = 2**20
STYLES = {HealthState.READY: "green", HealthState.NOT_READY: "yellow", HealthState.STOPPED: "red"}

commands = typer.Typer()
commands.add_typer(time_command.commands, name="time")


@commands.command(epilog="Example: samenspel up")
def up(
    folder: Folder = FOLDER / "stack",
    services: Annotated[bool, typer.Option(help="Start the three services too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Start Kafka, PostgreSQL and the services, and leave them running."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), termination_as_ctrl_c():
        stack = Stack(folder)
        if stack.is_complete:
            if not as_json:
                typer.echo("The stack is already running.")
        else:
            _start(stack, services=services)
    _print(examine(stack), as_json=as_json)
    _print_time(folder, as_json=as_json)


@commands.command(epilog="Example: samenspel down")
def down(folder: Folder = FOLDER / "stack", as_json: AsJson = False) -> None:
    """Stop what `up` started; the data stays for the next `up`."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), uninterrupted():
        stack = Stack(folder)
        stopped = [part.part for part in examine(stack) if part.health is not HealthState.STOPPED]
        stack.stop()
    if as_json:
        typer.echo(json.dumps({"stopped": stopped}))
    else:
        typer.echo(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@commands.command(epilog="Example: samenspel status --json")
def status(folder: Folder = FOLDER / "stack", as_json: AsJson = False) -> None:
    """Show the health of each part, and the simulated time; ends with 1 unless all parts are ready."""
    parts = examine(Stack(folder)) if (folder / "stack.json").exists() else []
    _print(parts, as_json=as_json)
    _print_time(folder, as_json=as_json)
    if not parts or any(part.health is not HealthState.READY for part in parts):
        raise typer.Exit(1)


def _start(stack: Stack, *, services: bool) -> None:
    try:
        stack.start(services=services, usual_ports=USUAL_PORTS)
        stack.keep()
    except BaseException:  # Ctrl-C too: half a stack is of no use
        with uninterrupted():
            stack.stop()
        raise


def _print(parts: list[PartHealth], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(part) for part in parts], indent=1))
    elif parts:
        Console().print(_table(parts))
        typer.echo("".join(f"{part.part} has trouble: {part.trouble}\n" for part in parts if part.trouble), nl=False)
    else:
        typer.echo("Nothing is running; `samenspel up` starts the stack.")


def _print_time(folder: Path, *, as_json: bool) -> None:
    if not as_json and (simulated := SimulatedTime.of(folder).read()):
        typer.echo(time_command.in_words(simulated))


def _table(parts: list[PartHealth]) -> Table:
    table = Table("part", "health", "address", "pid", "memory", "up for", box=None, pad_edge=False)
    for part in parts:
        table.add_row(
            part.part,
            f"[{STYLES[part.health]}]{part.health}",
            part.address,
            str(part.pid or ""),
            f"{part.memory_bytes // MIB} MiB" if part.memory_bytes is not None else "",
            str(timedelta(seconds=part.uptime_seconds)) if part.uptime_seconds is not None else "",
        )
    table.add_section()
    total = sum(part.memory_bytes or 0 for part in parts)
    table.add_row("together", "", "", "", f"{total // MIB} MiB", "")
    return table
