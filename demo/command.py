"""`samenspel demo`: on a stack of its own, or against services that are running."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from demo.programme import PROGRAMME_FOLDER
from demo.progress import Stages
from demo.rebuild import drop_tables
from demo.run import Run
from demo.simulation.city import city_of
from demo.simulation.year import plan
from demo.summary import summary
from local import FOLDER, Stack
from local.endpoints import endpoints_of
from local.interrupts import termination_as_ctrl_c
from local.service import CHECKOUT
from local.simulated_time import SimulatedTime
from local.waiting import completed
from samenspel import programmes
from samenspel.commands.options import AnswerLanguage, AsJson
from samenspel.commands.rebuild import request_rebuild
from samenspel.endpoints import Endpoints, find_endpoints, usual_endpoints
from samenspel.failure import CommandFailed
from samenspel.registers import duo
from words.language import Texts, usual_language

COMPOSE_TIME = CHECKOUT / "deploy" / "compose" / "time" / "time"
"""As docker-compose.yml mounts it."""

commands = typer.Typer()


@commands.command(epilog="Example: samenspel demo --seed 7 --activities 900")
def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 7,
    activities: Annotated[int, typer.Option(min=1, max=100_000, help="How many activities are delivered.")] = 900,
    duo_folder: Annotated[Path | None, typer.Option("--duo", help="A folder with DUO's files of the country.")] = None,
    municipality: Annotated[str | None, typer.Option(help="Which municipality of it to play.")] = None,
    language: AnswerLanguage = None,
    against_running: Annotated[bool, typer.Option(help="Play against what `samenspel up` keeps running.")] = False,
    compose: Annotated[bool, typer.Option(help="Play against docker compose's ports.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play a school year with real schools and prove the figures; ends with 1 when a proof fails."""
    if against_running and compose:
        raise typer.BadParameter("--against-running and --compose exclude each other")
    programme = programmes.read(PROGRAMME_FOLDER)
    name = municipality or programme.municipality.name
    city = city_of(name, duo.read(duo_folder or PROGRAMME_FOLDER / "duo", name), seed)
    year = plan(city, activities, seed)
    texts = Texts("demo", language or usual_language())
    stages = Stages(texts)
    with termination_as_ctrl_c(), ExitStack() as started:
        if against_running or compose:
            endpoints = replace(usual_endpoints(), time=COMPOSE_TIME) if compose else find_endpoints()
            start_rebuild = partial(_request_rebuild, endpoints.urls["reporting"])
        else:
            with stages.stage("start"):
                stack = started.enter_context(Stack.started(FOLDER / "demo", services=True, fresh=True))
            endpoints = endpoints_of(stack)
            start_rebuild = partial(_lose_tables, stack)
        time = _control_of_time(endpoints)
        around = endpoints, time, stages, FOLDER / "page", texts.language
        result = asyncio.run(Run(city, year, seed, *around, start_rebuild).execute())
    if as_json:
        typer.echo(json.dumps(result.as_json(), ensure_ascii=False))
    else:
        address = endpoints.urls["reporting"] if against_running or compose else None
        target = float(programme.target("adoption-strict").value)
        typer.echo("\n".join(summary(result, target, texts, page_at=address)))
    if not result.is_proven:
        raise typer.Exit(1)


def _control_of_time(endpoints: Endpoints) -> SimulatedTime:
    if endpoints.time is None:
        raise CommandFailed(
            "the demo plays in simulated time, and does not know which file these services take it from:"
            " SAMENSPEL_DEVELOPMENT_TIME must name it, here as in their settings"
        )
    return SimulatedTime(endpoints.time)


def _lose_tables(stack: Stack) -> str:
    """Stop `reporting`, drop all its tables, start it again; returns the cause of the rebuild that it then does."""
    stack.stop_service("reporting")
    completed(drop_tables(stack.database_url("reporting")))
    stack.start_service("reporting")
    return "loss"


def _request_rebuild(reporting_url: str) -> str:
    """Request a rebuild over HTTP, where the tables are not the demo's to drop; returns its cause."""
    request_rebuild(reporting_url)
    return "asked"
