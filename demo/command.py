"""`samenspel demo`: on a stack of its own, or against one that is running."""

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx
import typer

from contracts.topics import SERVICES
from demo.city import city_of
from demo.face import face
from demo.organisations import PROGRAMME
from demo.outcome import Outcome
from demo.proof import drop_everything
from demo.run import Run
from demo.stages import Stages
from demo.words import word
from demo.year import plan
from local import FOLDER, Stack
from local.waiting import completed
from samenspel.commands.services import ask
from samenspel.endpoints import Endpoints, find_endpoints, usual_endpoints
from samenspel.failure import CommandFailed
from samenspel.language import Language, usual_language
from samenspel.programmes import PROGRAMMES, read
from samenspel.registers import duo
from samenspel.registers.tables import DuoProblem

commands = typer.Typer()

Rebuild = Callable[[Mapping[str, httpx.AsyncClient]], Callable[[], str]]


@commands.command(epilog="Example: samenspel demo --seed 7 --activities 900")
def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 7,
    activities: Annotated[int, typer.Option(min=1, max=100_000, help="How many activities are delivered.")] = 900,
    duo_folder: Annotated[Path | None, typer.Option("--duo", help="A folder with DUO's files of the country.")] = None,
    municipality: Annotated[str | None, typer.Option(help="Which municipality of it to play.")] = None,
    language: Annotated[Language | None, typer.Option(help="What is printed; else as the terminal.")] = None,
    against_running: Annotated[bool, typer.Option(help="Play against what `samenspel up` keeps running.")] = False,
    compose: Annotated[bool, typer.Option(help="Play against docker compose's ports.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")] = False,
) -> None:
    """Play a school year with real schools and prove the figures; ends with 1 when a proof fails."""
    if against_running and compose:
        raise typer.BadParameter("--against-running and --compose exclude each other")
    spoken = language or usual_language()
    stages = Stages(lambda name: word(spoken, name))
    programme = read(PROGRAMME)
    where = municipality or programme.municipality.name
    try:
        locations = duo.read(duo_folder or PROGRAMMES / PROGRAMME / "duo", where)
    except DuoProblem as problem:
        raise CommandFailed(str(problem)) from problem
    city = city_of(where, locations, seed)
    year = plan(city, activities, seed)

    def run(at: Endpoints, rebuild: Rebuild) -> Outcome:
        return asyncio.run(Run(city, year, seed, at, stages, rebuild).demonstrate())

    if against_running or compose:
        outcome = run(usual_endpoints() if compose else find_endpoints(), _asked)
    else:
        outcome = _on_its_own_stack(stages, run)
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
    else:
        typer.echo("\n".join(face(outcome, float(programme.target("adoption-strict").value), spoken)))
    if not outcome.is_proven:
        raise typer.Exit(1)


def _on_its_own_stack(stages: Stages, run: Callable[[Endpoints, Rebuild], Outcome]) -> Outcome:
    """A fresh stack, of which nothing is left running."""
    with ExitStack() as kept:
        with stages.stage("start"):
            stack = kept.enter_context(Stack.started(FOLDER / "demo", services=True, fresh=True))
        at = Endpoints({name: stack.service_url(name) for name in SERVICES}, stack.kafka)
        return run(at, lambda _: _lost(stack))


def _lost(stack: Stack) -> Callable[[], str]:
    """Stop `reporting`, lose all its tables, start it again."""

    def lose() -> str:
        stack.stop_service("reporting")
        completed(drop_everything(stack.database_url("reporting")))
        stack.start_service("reporting")
        return "loss"

    return lose


def _asked(clients: Mapping[str, httpx.AsyncClient]) -> Callable[[], str]:
    """Ask `reporting` over HTTP; its tables are not ours to drop."""

    def ask_for_it() -> str:
        ask(
            str(clients["reporting"].base_url).rstrip("/"),
            "POST",
            "/v1/rebuilds",
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return "asked"

    return ask_for_it
