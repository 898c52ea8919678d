"""`samenspel figures show | history | compare`: figures as people read them, with keys that can be pasted."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from samenspel.commands.options import AnswerLanguage, AsJson, Reporting
from samenspel.commands.services import PAGE, SITES_PAGE, all_items, ask, site_names
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed
from words.figures import (
    OF_A_CODE,
    label_of,
    no_figure,
    part_of,
    period_of,
    place_of,
    unit_of,
    value_or_why_not,
    why_of,
)
from words.language import WIDTH, Language, Texts, usual_language, wrapped

Json = dict[str, Any]
MAX_NAMES = 50  # sites of which a name is asked for: the others show their ids
PART = 14  # columns for 1,234 of 12,345
MAX_FOUND = 10  # sites that a name may mean, to choose from
KINDS = ("site:", *(f"{kind}:" for kind in OF_A_CODE))

Indicator = Annotated[str | None, typer.Option(help="Such as adoption-strict.")]
Unit = Annotated[str | None, typer.Option(help="city, neighbourhood:5211, site:duo:16NV00, or a site's name.")]
Period = Annotated[str | None, typer.Option(help="A school year, 2025-2026, or a day.")]
Key = Annotated[str, typer.Argument(help="indicator/version/programme/unit/stratum/period")]


def show(
    indicator: Indicator = None,
    unit: Unit = None,
    period: Period = None,
    known_at: Annotated[str | None, typer.Option(help="2026-03-01T12:00:00Z: what was known at that instant.")] = None,
    language: AnswerLanguage = None,
    reporting: Reporting = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest figures, or those that were the newest at an instant: by indicator, each with its key."""
    urls = find_endpoints(reporting=reporting).urls
    found = all_figures(urls, indicator=indicator, unit=unit, period=period, knownAt=known_at)
    if (texts := _texts_for(found, language, as_json)) is None:
        return
    definitions, names = definitions_at(urls), names_of(urls, found)
    console = Console(highlight=False)
    for its_indicator, figures in groupby(sorted(found, key=itemgetter("indicator")), key=itemgetter("indicator")):
        some = list(figures)
        console.print(f"[bold]{label_of(some[0], definitions.get(its_indicator, {}), texts)}[/bold]")
        typer.echo("\n".join(line for each in some for line in in_words(each, names, texts)))


def _texts_for(found: Sequence[Json], language: Language | None, as_json: bool) -> Texts | None:
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return None
    texts = Texts("words", language or usual_language())
    if not found:
        typer.echo(no_figure(texts))
        return None
    return texts


def all_figures(urls: Mapping[str, str], **filters: str | None) -> list[Json]:
    asked = {name: value for name, value in filters.items() if value}
    if "unit" in asked:
        asked["unit"] = unit_named(urls, asked["unit"])
    return list(all_items(urls["reporting"], "/v1/figures", limit=PAGE, **asked))


def unit_named(urls: Mapping[str, str], said: str) -> str:
    """A unit as figures name it. Raises `CommandFailed` unless a name means one site."""
    if said == "city" or said.startswith(KINDS):
        return said
    sites = all_items(urls["requests"], "/v1/sites", limit=SITES_PAGE)
    names = {each["siteId"]: str(each["details"]["name"]["nl"]) for each in sites}
    found = {site_id: name for site_id, name in names.items() if said.casefold() in name.casefold()}
    exactly = [site_id for site_id, name in found.items() if name.casefold() == said.casefold()]
    if len(found) == 1 or len(exactly) == 1:
        return f"site:{(exactly or list(found))[0]}"
    if not found:
        raise CommandFailed(f"no site is called {said!r}; a unit is city, neighbourhood:…, site:… or a site's name")
    some = "; ".join(f"{name} (site:{site_id})" for site_id, name in list(found.items())[:MAX_FOUND])
    raise CommandFailed(f"{len(found)} sites have {said!r} in their name: {some}")


def definitions_at(urls: Mapping[str, str]) -> dict[str, Json]:
    return {each["indicator"]: each for each in ask(urls["reporting"], "GET", "/v1/indicators")["items"]}


def names_of(urls: Mapping[str, str], figures: Sequence[Json]) -> dict[str, str]:
    site_ids = sorted({each["unit"].removeprefix("site:") for each in figures if each["unit"].startswith("site:")})
    return site_names(urls["requests"], site_ids[:MAX_NAMES])


def in_words(figure: Json, names: Mapping[str, str], texts: Texts) -> list[str]:
    about = f"  {place_of(figure, names, texts)}"
    value = f"{value_or_why_not(figure, texts)}  {part_of(figure, texts):<{PART}}".rstrip()
    room = WIDTH - len(about)
    lines = [f"{about}{value:>{room}}"] if len(value) < room else [*wrapped(about), f"{value:>{WIDTH}}"]
    return [*lines, f"    {figure['key']}"]


def history(key: Key, language: AnswerLanguage = None, reporting: Reporting = None, as_json: AsJson = False) -> None:
    """Show every value ever published of a figure, newest first, and why it was published."""
    urls = find_endpoints(reporting=reporting).urls
    items = list(all_items(urls["reporting"], f"/v1/figures/{quote(key, safe='')}/history"))
    if as_json:
        typer.echo(json.dumps(items, ensure_ascii=False))
        return
    texts = Texts("words", language or usual_language())
    table = Table(box=None, pad_edge=False, show_header=False)
    for before, each in reversed(list(zip([None, *items], items, strict=False))):
        said = value_or_why_not(each, texts), part_of(each, texts), why_of(each, before, texts)
        table.add_row(texts.moment(each["knownAt"]), *said)
    Console(highlight=False).print(table)


def compare(
    indicator: Annotated[str, typer.Argument(help="Such as replaced-share.")],
    unit: Annotated[
        list[str] | None, typer.Option(help="A unit or a site's name; can be repeated. All where none is named.")
    ] = None,
    stratum: Annotated[str, typer.Option(help="all, or a learning area, as in a figure's key.")] = "all",
    language: AnswerLanguage = None,
    reporting: Reporting = None,
    as_json: AsJson = False,
) -> None:
    """Compare units and years: one figure of each unit and period beside the others."""
    urls = find_endpoints(reporting=reporting).urls
    asked: list[str | None] = [*unit] if unit else [None]
    found = [each for one in asked for each in all_figures(urls, indicator=indicator, unit=one, stratum=stratum)]
    if (texts := _texts_for(found, language, as_json)) is None:
        return
    names = names_of(urls, found)
    periods = sorted({each["period"] for each in found})
    table = Table("", *(period_of(each, texts) for each in periods), box=None, pad_edge=False)
    for its_unit in sorted({each["unit"] for each in found}):
        of = {each["period"]: value_or_why_not(each, texts) for each in found if each["unit"] == its_unit}
        table.add_row(unit_of(its_unit, names, texts), *(of.get(period, "") for period in periods))
    console = Console(highlight=False)
    console.print(f"[bold]{label_of(found[0], definitions_at(urls).get(indicator, {}), texts)}[/bold]")
    console.print(table)
