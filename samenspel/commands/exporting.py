"""`samenspel figures export`: figures as CSV with a metadata sheet (CSVW, W3C), or as JSON, as `reporting` makes them.

All are of one cut, which each row and the metadata name.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from samenspel.commands.figure_lists import Indicator, Period, Unit, unit_named
from samenspel.commands.options import Reporting
from samenspel.commands.services import ask, download
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed
from words.language import Language


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


class Point(StrEnum):
    POINT = "point"
    COMMA = "comma"


def export(
    file: Annotated[Path, typer.Argument(help="Where to write it; the metadata of a CSV stand beside it.")],
    indicator: Indicator = None,
    unit: Unit = None,
    period: Period = None,
    programme: Annotated[str | None, typer.Option(help="Such as kansen-voor-kinderen.")] = None,
    known_at: Annotated[str | None, typer.Option(help="2026-03-01T12:00:00Z: what was known at that instant.")] = None,
    file_format: Annotated[Format, typer.Option("--format", help="For spreadsheets, or for programs.")] = Format.CSV,
    decimal: Annotated[
        Point, typer.Option(help="comma: decimal commas, and semicolons between columns, as Dutch spreadsheets expect.")
    ] = Point.POINT,
    language: Annotated[
        Language | None, typer.Option(help="Titles and codes in words, for people; else names that stay, for programs.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="The address of the licence under which it is shared; else that of CC BY 4.0.")
    ] = None,
    reporting: Reporting = None,
) -> None:
    """Write the newest figures to a file: of one cut, each with its definition version and reference date."""
    urls = find_endpoints(reporting=reporting).urls
    said = {
        "indicator": indicator,
        "unit": unit and unit_named(urls, unit),
        "period": period,
        "programme": programme,
        "knownAt": known_at,
        "decimal": decimal.value,
        "language": language and language.value,
        "licence": licence,
    }
    asked = {name: value for name, value in said.items() if value}
    answer = download(urls["reporting"], f"/v1/figures/export.{file_format.value}", file, params=asked)
    count = _count(file, file_format)
    if not count:
        file.unlink()
        raise CommandFailed("there is no such figure: nothing was written")
    if file_format is Format.JSON:
        typer.echo(f"{count} figures: {file}")
        return
    metadata = file.with_name(f"{file.name}-metadata.json")
    described = ask(urls["reporting"], "GET", answer.links["describedby"]["url"])
    text = json.dumps(described | {"url": file.name}, ensure_ascii=False, indent=1)
    metadata.write_text(f"{text}\n", encoding="utf-8")
    typer.echo(f"{count} figures: {file}, and what its columns mean: {metadata}")


def _count(file: Path, file_format: Format) -> int:
    """The figures in it: each is on a line of its own."""
    with file.open("rb") as lines:
        others = 1 if file_format is Format.CSV else 2
        return sum(1 for _ in lines) - others
