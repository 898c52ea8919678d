"""`samenspel figures export`: figures as CSV with a metadata sheet (CSVW, W3C), or as JSON.

Every row carries its definition version, reference date, cut and when it was known; the licence stands in the metadata.
"""

import csv
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from samenspel.commands.figure_lists import Indicator, Period, Unit, all_figures, definitions_at
from samenspel.commands.options import Reporting
from samenspel.endpoints import find_endpoints
from samenspel.failure import CommandFailed

Json = dict[str, Any]
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
TEXT, WHOLE, NUMBER, DAY, MOMENT = "string", "integer", "decimal", "date", "dateTime"
COLUMNS: dict[str, tuple[str, str]] = {
    "key": (TEXT, "The figure: indicator/version/programme/unit/stratum/period"),
    "indicator": (TEXT, "What is counted"),
    "label": (TEXT, "The same in words, in Dutch"),
    "definitionVersion": (WHOLE, "The version of the definition with which it was computed"),
    "programme": (TEXT, "The programme that it is about"),
    "unit": (TEXT, "The city, a neighbourhood or a site"),
    "stratum": (TEXT, "All, or a learning area"),
    "period": (TEXT, "A school year, or a day"),
    "measure": (TEXT, "What its numbers count; a share is from 0 to 1"),
    "value": (NUMBER, "The value; empty where only bounds are known, or there is nothing to divide by"),
    "lower": (NUMBER, "At least this much is certain"),
    "upper": (NUMBER, "No more than this is possible"),
    "numerator": (WHOLE, "The part"),
    "denominatorLower": (WHOLE, "The whole, at least"),
    "denominatorUpper": (WHOLE, "The whole, at most"),
    "source": (TEXT, "Where the whole is from"),
    "referenceDate": (DAY, "The day that the whole is about"),
    "method": (TEXT, "How it was counted"),
    "status": (TEXT, "Provisional, final or restated"),
    "verdict": (TEXT, "Whether a target is met, or why there is no value"),
    "toConfirm": (WHOLE, "How many groups would make it exact if they were confirmed"),
    "knownAt": (MOMENT, "When this was known"),
    "cutId": (WHOLE, "The cut that it is from"),
}


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
    file_format: Annotated[Format, typer.Option("--format", help="For spreadsheets, or for programs.")] = Format.CSV,
    decimal: Annotated[
        Point, typer.Option(help="comma: decimal commas, and semicolons between columns, as Dutch spreadsheets expect.")
    ] = Point.POINT,
    licence: Annotated[str, typer.Option(help="The address of the licence under which it is shared.")] = LICENCE,
    reporting: Reporting = None,
) -> None:
    """Write the newest figures to a file, each with its definition version, reference date and cut."""
    urls = find_endpoints(reporting=reporting).urls
    figures, definitions = all_figures(urls, indicator=indicator, unit=unit, period=period), definitions_at(urls)
    if not figures:
        raise CommandFailed("there is no such figure: nothing was written")
    if file_format is Format.JSON:
        shared = {"licence": licence, "definitions": list(definitions.values()), "figures": figures}
        file.write_text(json.dumps(shared, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        typer.echo(f"{len(figures)} figures: {file}")
        return
    write_csv(file, figures, definitions, decimal)
    metadata = file.with_name(f"{file.name}-metadata.json")
    metadata.write_text(json.dumps(metadata_of(file.name, licence, decimal), ensure_ascii=False, indent=1) + "\n")
    typer.echo(f"{len(figures)} figures: {file}, and what its columns mean: {metadata}")


def write_csv(file: Path, figures: list[Json], definitions: dict[str, Json], decimal: Point) -> None:
    """UTF-8 with a byte-order mark, without which Excel reads another character set; lines end as RFC 4180 says."""
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.writer(opened, delimiter=";" if decimal is Point.COMMA else ",")
        writer.writerow(COLUMNS)
        for figure in figures:
            row = row_of(figure, definitions.get(figure["indicator"], {}))
            writer.writerow(_cell(row.get(name), kind, decimal) for name, (kind, _) in COLUMNS.items())


def row_of(figure: Json, definition: Json) -> Json:
    whole = figure.get("denominator") or {}
    return figure | {
        "label": definition.get("label", {}).get("nl"),
        "denominatorLower": whole.get("lower"),
        "denominatorUpper": whole.get("upper"),
        "source": whole.get("source"),
        "referenceDate": whole.get("referenceDate"),
    }


def _cell(value: object, kind: str, decimal: Point) -> str:
    """As text; a cell that begins like a formula would be one in a spreadsheet, so it begins with an apostrophe."""
    text = "" if value is None else str(value)
    if kind == NUMBER:
        return text.replace(".", ",") if decimal is Point.COMMA else text
    return f"'{text}" if kind == TEXT and text[:1] in {"=", "+", "-", "@"} else text


def metadata_of(file: str, licence: str, decimal: Point) -> Json:
    """What the columns mean, as CSV on the Web (W3C) describes tables."""
    mark = "," if decimal is Point.COMMA else "."
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": file,
        "dc:title": "Samenspel: figures",
        "dc:license": {"@id": licence},
        "dialect": {"encoding": "utf-8", "delimiter": ";" if decimal is Point.COMMA else ",", "header": True},
        "tableSchema": {
            "primaryKey": "key",
            "columns": [
                {
                    "name": name,
                    "titles": name,
                    "dc:description": about,
                    "datatype": {"base": kind, "format": {"decimalChar": mark}} if kind == NUMBER else kind,
                }
                for name, (kind, about) in COLUMNS.items()
            ],
        },
    }
