"""`samenspel time show`, `set`, `advance` and `real`: the one control of time of a development stack."""

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from contracts.values import AMSTERDAM
from local.options import Folder
from local.simulated_time import SimulatedTime
from local.stack import FOLDER
from samenspel.commands.options import AsJson

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
OF_THE_CALENDAR = "dw"
"""Units that keep the time of day in Amsterdam, also when its offset changes."""

commands = typer.Typer(
    help="The time of a development stack, which all of its services share.",
    no_args_is_help=True,
)


def _moment(text: str) -> datetime:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text), time(), AMSTERDAM)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a moment: {error}") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset; expected is a moment such as 2025-10-03T09:12+02:00")
    return moment


def _duration(text: str) -> str:
    if not re.fullmatch(rf"\d{{1,6}}[{''.join(UNITS)}]", text):
        raise typer.BadParameter(f"{text!r} is not a duration such as 30m, 2h, 3d or 1w")
    return text


Moment = Annotated[
    datetime,
    typer.Argument(parser=_moment, metavar="MOMENT", help="2025-10-03, or 2025-10-03T09:12+02:00."),
]
Duration = Annotated[
    str,
    typer.Argument(parser=_duration, metavar="DURATION", help="Minutes, hours, days or weeks: 30m, 2h, 3d, 1w."),
]


@commands.command(epilog="Example: samenspel time show")
def show(folder: Folder = FOLDER / "stack", as_json: AsJson = False) -> None:
    """Show the simulated time, or say that time is real."""
    _print(SimulatedTime.of(folder).read(), as_json=as_json)


@commands.command("set", epilog="Example: samenspel time set 2025-10-03T09:12+02:00")
def set_to(moment: Moment, folder: Folder = FOLDER / "stack", as_json: AsJson = False) -> None:
    """Let time stand still at a moment; a day is its midnight in Amsterdam."""
    SimulatedTime.of(folder).set(moment)
    _print(moment, as_json=as_json)


@commands.command(epilog="Example: samenspel time advance 3d")
def advance(duration: Duration, folder: Folder = FOLDER / "stack", as_json: AsJson = False) -> None:
    """Move the time on and let it stand still there; days and weeks keep the time of day."""
    simulated = SimulatedTime.of(folder)
    moment = later(simulated.read() or datetime.now(UTC), duration)
    simulated.set(moment)
    _print(moment, as_json=as_json)


@commands.command(epilog="Example: samenspel time real")
def real(folder: Folder = FOLDER / "stack", as_json: AsJson = False) -> None:
    """Return to the real time."""
    SimulatedTime.of(folder).make_real()
    _print(None, as_json=as_json)


def later(moment: datetime, duration: str) -> datetime:
    number, unit = int(duration[:-1]), duration[-1]
    zone = AMSTERDAM if unit in OF_THE_CALENDAR else UTC
    try:
        return moment.astimezone(zone) + timedelta(**{UNITS[unit]: number})
    except OverflowError as error:  # far behind the year 2100, which is the last that can be simulated
        raise typer.BadParameter(f"{duration} later is after the year 2100") from error


def in_words(simulated: datetime) -> str:
    return f"Time is simulated: it is {_shown(simulated)}."


def _print(simulated: datetime | None, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"simulated": _shown(simulated) if simulated else None}))
    else:
        typer.echo(in_words(simulated) if simulated else "Time is real.")


def _shown(moment: datetime) -> str:
    return moment.astimezone(AMSTERDAM).isoformat(timespec="seconds")
