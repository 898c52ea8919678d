"""`samenspel rebuild`: let `reporting` compute all figures again from the topics, and compare with those published."""

import json
import time
import uuid
from typing import Annotated, Any

import typer

from samenspel.commands.options import AsJson, Reporting
from samenspel.commands.services import ask
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed

commands = typer.Typer()
PAUSE_SECONDS = 0.5


@commands.command(epilog="Example: samenspel rebuild --json")
def rebuild(
    reporting: Reporting = None,
    patience: Annotated[float, typer.Option(help="How many seconds to wait for the outcome.")] = 600.0,
    as_json: AsJson = False,
) -> None:
    """Compute every figure again from the topics; ends with 1 when one differs from what was published."""
    url = find_endpoints(reporting=reporting).urls["reporting"]
    outcome = _outcome(url, request_rebuild(url), patience)
    if as_json:
        typer.echo(json.dumps(outcome))
    else:
        verdict = "equal, byte for byte" if outcome["equal"] else "DIFFERENT"
        typer.echo(
            f"{outcome['figures']} figures from {outcome['events']} events in {outcome['seconds']:.1f} s"
            f" (cut {outcome['cutId']}): {verdict}."
        )
        for difference in outcome["differences"]:
            typer.echo(f"  {difference}")
        if "note" in outcome:
            typer.echo(outcome["note"])
    if not outcome["equal"]:
        raise typer.Exit(1)


def request_rebuild(url: str) -> str:
    rebuild_id: str = ask(url, "POST", "/v1/rebuilds", headers={"Idempotency-Key": str(uuid.uuid4())})["rebuildId"]
    return rebuild_id


def _outcome(url: str, rebuild_id: str, patience: float) -> dict[str, Any]:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        outcome: dict[str, Any] | None = ask(url, "GET", f"/v1/rebuilds/{rebuild_id}").get("outcome")
        if outcome:
            return outcome
        time.sleep(PAUSE_SECONDS)
    raise CommandFailed(f"after {patience:.0f} s rebuild {rebuild_id} has not finished")
