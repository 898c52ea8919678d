"""`samenspel figures show | explain`: the figures, and everything behind one of them."""

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from contracts.targets import TARGETS
from samenspel.commands.explanation import explanation
from samenspel.commands.options import AsJson, Kafka, Reporting
from samenspel.commands.services import ask
from samenspel.endpoints import find_endpoints
from samenspel.language import Language, usual_language
from samenspel.topic_records import read_topics

PAGE = 1000
EXAMPLE = "Example: samenspel figures explain adoption-strict/1/kansen-voor-kinderen/city/all/2026-07-31"

commands = typer.Typer(help="Published figures.", no_args_is_help=True)


@commands.command(epilog="Example: samenspel figures show --indicator adoption-strict --unit city")
def show(
    indicator: Annotated[str | None, typer.Option(help="Such as adoption-strict.")] = None,
    unit: Annotated[str | None, typer.Option(help="city, neighbourhood:5211 or site:duo:16NV00.")] = None,
    period: Annotated[str | None, typer.Option(help="A school year, 2025-2026, or a day.")] = None,
    known_at: Annotated[str | None, typer.Option(help="What was published at this instant.")] = None,
    reporting: Reporting = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest figures, or those that were the newest at an instant."""
    url = find_endpoints(reporting=reporting).urls["reporting"]
    asked = {"indicator": indicator, "unit": unit, "period": period, "knownAt": known_at}
    found = _all(url, {name: value for name, value in asked.items() if value})
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif found:
        Console().print(_table(found))
    else:
        typer.echo("There is no such figure.")


def _all(url: str, wanted: dict[str, str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ask(url, "GET", "/v1/figures", params=wanted | {"limit": PAGE} | ({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page.get("nextCursor")
        if cursor is None:
            return items


def _table(figures: list[dict[str, Any]]) -> Table:
    table = Table("figure", "value", "numerator", "denominator", "known at", box=None, pad_edge=False)
    for figure in figures:
        of = figure.get("denominator") or {}
        bounds = [str(of[name]) for name in ("lower", "upper") if name in of]
        value = figure.get("value") or "\N{EN DASH}".join(
            figure[name] for name in ("lower", "upper") if figure.get(name)
        )
        table.add_row(
            figure["key"],
            value or figure.get("verdict", ""),
            str(figure.get("numerator", "")),
            "\N{EN DASH}".join(dict.fromkeys(bounds)),
            figure["knownAt"],
        )
    return table


@commands.command(epilog=EXAMPLE)
def explain(
    key: Annotated[str, typer.Argument(help="indicator/version/programme/unit/stratum/period")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the events behind it.")] = 20,
    cursor: Annotated[int, typer.Option(min=0, help="Where to go on.")] = 0,
    language: Annotated[Language | None, typer.Option(help="What is printed; else as the terminal.")] = None,
    reporting: Reporting = None,
    kafka: Kafka = None,
    as_json: AsJson = False,
) -> None:
    """Explain a figure: its sentence, its definition, its parts, the events behind it, and its history."""
    where = find_endpoints(reporting=reporting, kafka=kafka)
    path = f"/v1/figures/{quote(key, safe='')}"
    page = ask(where.urls["reporting"], "GET", f"{path}/sources", params={"limit": limit, "cursor": cursor})
    history = ask(where.urls["reporting"], "GET", f"{path}/history")["items"]
    definition = _definition(where.kafka, where.prefix, page["figure"])
    if as_json:
        typer.echo(json.dumps({"definition": definition, **page, "history": history}, ensure_ascii=False))
    else:
        typer.echo("\n".join(explanation(page, definition, history, cursor, language or usual_language())))


def _definition(kafka: str, prefix: str, figure: dict[str, Any]) -> dict[str, Any]:
    """The definition with which it was computed, as it was announced."""
    for record in asyncio.run(read_topics(kafka, [prefix + TARGETS])):
        envelope = json.loads(record.value or b"null")
        data: dict[str, Any] = envelope["data"]
        wanted = (figure["indicator"], figure["definitionVersion"])
        if envelope["type"] == "nl.samenspel.IndicatorDefined.v1" and (
            (data["indicator"], data["definitionVersion"]) == wanted
        ):
            return data | {"source": f"{TARGETS}/{record.partition}/{record.offset}"}
    return {}
