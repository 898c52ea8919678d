"""`samenspel work`: whose turn it is, up to when."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from contracts.outcomes import ANSWERERS
from samenspel.commands.options import AnswerLanguage, AsJson
from samenspel.commands.services import ask, site_names
from samenspel.endpoints import find_endpoints
from words.language import WIDTH, Texts, usual_language

commands = typer.Typer()
Json = dict[str, Any]
MAX_ITEMS = 200


def _actor(text: str) -> str:
    role, at, organisation = text.partition("@")
    if not (role and at and organisation):
        raise typer.BadParameter(f"{text} is no ROLE@ORGANISATION, such as partner@own:atelier")
    return text


@commands.command(epilog="Example: samenspel work --as consultant@own:babel")
def work(
    acts_for: Annotated[
        str,
        typer.Option(
            "--as", help="Whose list: a role and an organisation.", metavar="ROLE@ORGANISATION", callback=_actor
        ),
    ],
    limit: Annotated[int, typer.Option(min=1, max=MAX_ITEMS, help="How many at most.")] = 20,
    language: AnswerLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Show what is up to somebody now, and what of it is overdue; for a coordinator: what it has not confirmed yet."""
    role, _, organisation = acts_for.partition("@")
    caller = {"Samenspel-Actor": f"role={role}; organisation={organisation}; actor=terminal"}
    urls = find_endpoints().urls
    if role == "coordinator":
        page = ask(
            urls["referrals"], "GET", f"/v1/activities?unconfirmedBy={organisation}&limit={limit}", headers=caller
        )
        found, is_more = [_unconfirmed(each, organisation) for each in page["items"]], "nextCursor" in page
    else:
        pages = [ask(urls[service], "GET", f"/v1/work?limit={limit}", headers=caller) for service in ANSWERERS]
        every = sorted((item for page in pages for item in page["items"]), key=lambda item: str(item["actBy"]))
        found, is_more = every[:limit], len(every) > limit or any("nextCursor" in page for page in pages)
    if as_json:
        typer.echo(json.dumps(found))
        return
    texts = Texts("samenspel", language or usual_language())
    if not found:
        typer.echo(texts.say("work.nothing", who=acts_for))
        return
    names = site_names(urls["requests"], {str(each["siteId"]) for each in found}, caller)
    overdue = [each for each in found if each["isOverdue"]]
    in_time = [each for each in found if not each["isOverdue"]]
    _show(texts.say("work.overdue", count=len(overdue)), overdue, names, texts)
    _show(texts.say("work.in-time", count=len(in_time)), in_time, names, texts)
    if is_more:
        typer.echo(texts.say("work.more"))


def _unconfirmed(activity: Json, site_id: str) -> Json:
    """A delivered activity as what a site may say something about: nothing is late."""
    return {
        "objectKind": "activity",
        "objectId": activity["activityId"],
        "siteId": site_id,
        "status": activity["status"],
        "clock": "confirm",
        "isOverdue": False,
        "availableActions": activity["availableActions"],
        "version": activity["version"],
    }


def _show(title: str, some: Sequence[Json], names: Mapping[str, str], texts: Texts) -> None:
    if not some:
        return
    table = Table(box=None, pad_edge=False, show_header=False, title=title, title_justify="left", width=WIDTH)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for each in some:
        day = texts.day(date.fromisoformat(each["actBy"])) if "actBy" in each else ""
        to_do = texts.say(f"to-do.{each['clock']}")
        what = texts.say(f"work-kind.{each['objectKind']}")
        name = names.get(each["siteId"], each["siteId"])
        table.add_row(day, f"{to_do} · {name}")
        table.add_row("", f"[dim]{what} {each['objectId']}: {', '.join(each['availableActions']) or '-'}[/dim]")
    Console(highlight=False).print(table)
