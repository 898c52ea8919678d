"""`samenspel restored`: tell a service that its database went back to an earlier point."""

import json
import time
import uuid
from enum import StrEnum
from typing import Annotated, Any

import typer

from samenspel.commands.options import AsJson
from samenspel.commands.services import ask
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed

commands = typer.Typer()
PAUSE_SECONDS = 0.5
PATH = "/v1/restorations"
EPILOG = "Example: samenspel restored requests"


class Service(StrEnum):
    """Those that announce what they decided; `reporting` computes its figures again (`samenspel rebuild`)."""

    REQUESTS = "requests"
    REFERRALS = "referrals"


@commands.command(epilog=EPILOG)
def restored(
    service: Annotated[Service, typer.Argument(help="Whose database was restored.")],
    epoch: Annotated[
        int | None,
        typer.Option(help="At least this epoch: one above that of false events which somebody wrote to its topics."),
    ] = None,
    url: Annotated[str | None, typer.Option(help="The address of the service.", metavar="URL")] = None,
    patience: Annotated[float, typer.Option(help="How many seconds to wait until it is done.")] = 600.0,
    as_json: AsJson = False,
) -> None:
    """Let a service roll forward after its database was restored to an earlier point.

    A service notices that by itself within seconds. This says so by hand, and shows what came back: the service reads
    its own topics, puts the events that its journal lacks back into journal and tables, and raises its stream epoch.
    What no topic has is lost; what could not go back is named.
    """
    where = find_endpoints(**{service.value: url}).urls[service.value]
    body = {} if epoch is None else {"epoch": epoch}
    asked = ask(where, "POST", PATH, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
    if not as_json:
        typer.echo(f"{service.value} compares its journal with its topics …")
    done = _wait(where, asked["restorationId"], patience)
    typer.echo(json.dumps(done) if as_json else told(done))


def _wait(url: str, restoration: str, patience: float) -> dict[str, Any]:
    deadline = time.monotonic() + patience
    while True:
        found: dict[str, Any] = ask(url, "GET", f"{PATH}/{restoration}")
        if found["state"] == "done":
            return found
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"not done after {patience:.0f} s; it goes on when Kafka and the database answer: see /health/ready,"
                f" and later GET {PATH}/{restoration}"
            )
        time.sleep(PAUSE_SECONDS)


def told(done: dict[str, Any]) -> str:
    lines = [f"Epoch {done['epoch']}. Events back in the journal: {done['recovered']}."]
    if done["leftOutCount"]:
        lines += [
            f"Could not go back, because their version was issued again or follows nothing: {done['leftOutCount']}."
        ]
        lines += [f"  {event}" for event in done["leftOut"]]
    if done["leftOutCount"] > len(done["leftOut"]):
        lines += [f"  … and {done['leftOutCount'] - len(done['leftOut'])} more"]
    return "\n".join(lines)
