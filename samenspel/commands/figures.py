"""`samenspel figures`: published figures, what is behind one of them, and what could not be."""

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from contracts.admission import admit
from contracts.envelope import InvalidMessage
from contracts.targets import TARGETS, IndicatorDefined
from samenspel.commands import exporting, figure_lists
from samenspel.commands.options import AnswerLanguage, AsJson, Kafka, Reporting
from samenspel.commands.services import all_items, ask
from samenspel.endpoints import Endpoints, find_endpoints
from samenspel.topic_records import read_topics
from words.explanation import explanation
from words.language import Texts, usual_language

EXAMPLE = "Example: samenspel figures explain adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31"

commands = typer.Typer(help="Published figures.", no_args_is_help=True)


commands.command(epilog="Example: samenspel figures show --indicator adoption-strict --unit city")(figure_lists.show)
commands.command(epilog=EXAMPLE.replace("explain", "history"))(figure_lists.history)
commands.command(epilog="Example: samenspel figures compare replaced-share --unit city --unit 'De Bron'")(
    figure_lists.compare
)
commands.command(epilog="Example: samenspel figures export figures.csv --period 2025-2026 --decimal comma")(
    exporting.export
)


@commands.command(epilog=EXAMPLE)
def explain(
    key: Annotated[str, typer.Argument(help="indicator/version/programme/unit/stratum/period")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the events behind it to show.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where to continue: as printed below the page before.")] = None,
    language: AnswerLanguage = None,
    reporting: Reporting = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Explain a figure: what it says, its definition, its parts, the events behind it, and its history."""
    endpoints = find_endpoints(reporting=reporting, kafka=kafka)
    url = endpoints.urls["reporting"]
    path = f"/v1/figures/{quote(key, safe='')}"
    page = ask(url, "GET", f"{path}/sources", params={"limit": limit} | ({"cursor": cursor} if cursor else {}))
    history = list(all_items(url, f"{path}/history"))
    definition = _definition(endpoints, page["figure"])
    if as_json:
        typer.echo(json.dumps({"definition": definition, **page, "history": history}, ensure_ascii=False))
    else:
        texts = Texts("words", language or usual_language())
        typer.echo("\n".join(explanation(page, definition, history, texts)))


@commands.command(epilog="Example: samenspel figures stuck --json")
def stuck(reporting: Reporting = None, as_json: AsJson = False) -> None:
    """Show the figures that could not be computed or announced, and what is in no figure; ends with 1 when there are
    any."""
    found = ask(find_endpoints(reporting=reporting).urls["reporting"], "GET", "/v1/stuck-figures")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif found["items"]:
        typer.echo("These could not be announced; each is tried again with every cut.")
        for cell in found["items"]:
            where = "/".join(cell[name] for name in ("family", "programme", "unit", "stratum", "period"))
            typer.echo(f"  {where}, since {cell['since']}\n    {cell['reason']}")
    else:
        typer.echo("Every figure could be announced.")
    if found["things"] and not as_json:
        typer.echo("These could not be made of their facts, and are in no figure.")
        for thing in found["things"]:
            typer.echo(f"  {thing['entity']}, since {thing['since']}\n    {thing['reason']}")
    if found["items"] or found["things"]:
        raise typer.Exit(1)


def _definition(endpoints: Endpoints, figure: dict[str, Any]) -> dict[str, Any]:
    wanted = (figure["indicator"], figure["definitionVersion"])
    for record in asyncio.run(read_topics(endpoints.kafka, [endpoints.prefix + TARGETS])):
        try:
            admitted = admit(record, TARGETS)
        except InvalidMessage:  # no reader believes it
            continue
        data: dict[str, Any] = json.loads(admitted.data)
        if admitted.kind is IndicatorDefined and (data["indicator"], data["definitionVersion"]) == wanted:
            return data | {"source": f"{TARGETS}/{record.partition}/{record.offset}"}
    return {}
