"""`samenspel import duo`: record a municipality's schools, from DUO's open data, in `requests`."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from contracts.sites import SiteDetails
from contracts.values import calendar_day
from samenspel.commands import import_report
from samenspel.commands.options import AsJson, Requests
from samenspel.commands.services import SITES_PAGE, all_items, ask
from samenspel.endpoints import find_endpoints
from samenspel.registers import duo
from samenspel.registers.changes import Changes, RecordedSite, compare
from samenspel.registers.tables import DuoProblem

commands = typer.Typer(help="Record the data of official registers.", no_args_is_help=True)

LAST_DAY = date(2100, 12, 31)
"""The last that a record can begin on: on this day every site is as its newest record says."""

_EXAMPLE = 'samenspel import duo ../duo --municipality "\'s-Hertogenbosch" --reference-date 2025-10-01 --dry-run'


@commands.callback()
def main() -> None:
    """Record the data of official registers."""  # a callback keeps `duo` a command of its own


@commands.command("duo", epilog=f"Example: {_EXAMPLE}")
def import_duo(
    folder: Annotated[Path, typer.Argument(help="A folder with DUO's two files.", exists=True, file_okay=False)],
    municipality: Annotated[str, typer.Option(help="The municipality to import, as DUO names it.")],
    reference_date: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="The day that the files are about; DUO's files do not say it.",
        ),
    ],
    requests: Requests = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would change, but record nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Record what DUO's files change in a municipality from their reference date on, and report it.

    What holds before that date stays as it is. A location that is not in the file any more is closed.
    Everything is recorded or nothing; nothing is when there is a mistake in a file.
    """
    on = reference_date.date()
    if on > calendar_day(datetime.now(UTC)):
        raise typer.BadParameter(f"{on} is still to come", param_hint="--reference-date")
    register = _read(folder, municipality, as_json=as_json)
    if on.year < register.last_year:
        counted = f"the files count the pupils of {register.last_year}: they are about a later day"
        raise typer.BadParameter(counted, param_hint="--reference-date")
    url = find_endpoints(requests=requests).urls["requests"]
    changes = compare(register, _recorded(url, on), on)
    recorded = 0 if dry_run else _record(url, changes)
    if as_json:
        about = {"municipality": register.municipality_code, "referenceDate": on.isoformat(), "isDryRun": dry_run}
        typer.echo(json.dumps({**about, "recorded": recorded, **import_report.as_json(changes)}, ensure_ascii=False))
    else:
        typer.echo("\n".join(import_report.in_words(changes)))
        typer.echo("Nothing was recorded." if dry_run else f"{recorded} records were made.")


def _read(folder: Path, municipality: str, *, as_json: bool) -> duo.Register:
    try:
        return duo.read_register(folder, municipality)
    except DuoProblem as problem:
        if as_json:
            refused = [{"file": each.file, "line": each.line, "reason": str(each)} for each in problem.findings]
            typer.echo(json.dumps({"recorded": 0, "refused": refused}, ensure_ascii=False))
        raise


def _recorded(url: str, on: date) -> dict[str, RecordedSite]:
    newest = _sites(url, LAST_DAY)
    return {site_id: RecordedSite(details, newest[site_id]) for site_id, details in _sites(url, on).items()}


def _sites(url: str, day: date) -> dict[str, SiteDetails]:
    found = all_items(url, "/v1/sites", day=day.isoformat(), limit=SITES_PAGE)
    return {each["siteId"]: SiteDetails.model_validate(each["details"], extra="ignore") for each in found}


def _record(url: str, changes: Changes) -> int:
    """How many records were made. A new key each time: what was compared is only known to this run."""
    if not changes.made:
        return 0
    lines = [{"siteId": each.site_id, **_as_json(each.details)} for each in changes.made]
    content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    headers = {"Idempotency-Key": f"duo-{uuid4()}", "Content-Type": "application/x-ndjson"}
    recorded: int = ask(url, "POST", "/v1/sites", content=content, headers=headers)["recorded"]
    return recorded


def _as_json(details: SiteDetails) -> dict[str, Any]:
    return details.model_dump(mode="json", by_alias=True, exclude_none=True)
