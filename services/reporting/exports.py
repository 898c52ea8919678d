"""Figures to take away: as CSV with a metadata sheet (CSVW, W3C), and as JSON. For the API, the page and the command.

Guarantee: an export is of one cut, and names it; a figure that a later cut changed meanwhile is in it as it was. It is
sent page by page and holds no connection to the database between two pages, however slowly somebody takes it.
"""

import csv
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from io import StringIO
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi.responses import JSONResponse, StreamingResponse

from services.chassis.running.database import Reader
from services.reporting import fact_store, figure_store
from services.reporting.who_sees import Own
from words.figures import code_of, column_of, label_of, meaning_of, source_of, stratum_of, unit_of
from words.language import Language, Texts

Json = Mapping[str, Any]
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
ROWS = 1_000  # sent at a time: some hundred kilobytes
TEXT, CODE, WHOLE, NUMBER, DAY, MOMENT, FLAG = "string", "code", "integer", "decimal", "date", "dateTime", "boolean"
COLUMNS: Mapping[str, str] = {
    "key": TEXT,
    "indicator": TEXT,
    "label": TEXT,
    "definitionVersion": WHOLE,
    "programme": TEXT,
    "unit": TEXT,
    "unitName": TEXT,
    "stratum": TEXT,
    "stratumName": TEXT,
    "period": TEXT,
    "measure": CODE,
    "value": NUMBER,
    "lower": NUMBER,
    "upper": NUMBER,
    "numerator": WHOLE,
    "denominatorLower": WHOLE,
    "denominatorUpper": WHOLE,
    "source": TEXT,
    "referenceDate": DAY,
    "method": CODE,
    "status": CODE,
    "verdict": CODE,
    "emptied": FLAG,
    "toConfirm": WHOLE,
    "knownAt": MOMENT,
    "cutId": WHOLE,
    "exportKnownAt": MOMENT,
    "exportCutId": WHOLE,
    "licence": TEXT,
}
"""By their names, which stay: what is in them. Their titles and what they mean are texts of `words`."""


class Point(StrEnum):
    """What stands before the decimals."""

    POINT = "point"
    COMMA = "comma"


class Cut(NamedTuple):
    """The cut that an export is of."""

    cut_id: int
    known_at: datetime

    @property
    def instant(self) -> str:
        return f"{self.known_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for."""

    where: Mapping[str, str | Sequence[str]]
    """By column: this value, or one of these."""
    own: Own
    cut: Cut | None
    """None before the first one: then there are no figures."""
    language: Language | None = None
    """Titles and codes in words of this language; names that stay where it is None."""
    decimal: Point = Point.POINT
    licence: str = LICENCE

    @property
    def words(self) -> Texts:
        return _words(self.language or Language.NL)


@cache
def _words(language: Language) -> Texts:
    return Texts("words", language)


async def cut_at(db: Reader, known_at: datetime | None) -> Cut | None:
    found = await figure_store.cut_at(db, known_at)
    return Cut(*found) if found else None


async def as_csv(db: Reader, export: Export) -> AsyncIterator[str]:
    """UTF-8 with a byte-order mark, without which Excel reads another character set; lines end as RFC 4180 says."""
    definitions = await _definitions(db)
    yield "\N{BYTE ORDER MARK}" + csv_lines((), {}, {}, export, head=True)
    async for figures in _pages(db, export):
        yield csv_lines(figures, definitions, await _names(db, figures), export)


async def as_json(db: Reader, export: Export) -> AsyncIterator[str]:
    cut = {"cut": {"cutId": export.cut.cut_id, "knownAt": export.cut.instant}} if export.cut else {}
    head = {"licence": export.licence, **cut, "definitions": await fact_store.definition_events(db)}
    yield f'{json.dumps(head, ensure_ascii=False)[:-1]}, "figures": ['
    before = "\n"
    async for figures in _pages(db, export):
        for each in figures:
            yield before + json.dumps(each, ensure_ascii=False)
            before = ",\n"
    yield "\n]}\n"


async def _pages(db: Reader, export: Export) -> AsyncIterator[list[dict[str, Any]]]:
    after: str | None = None
    while export.cut is not None:
        found = await figure_store.figure_page(
            db, where=export.where, known_at=export.cut.known_at, own=export.own, after=after, limit=ROWS
        )
        if found:
            yield found
        if len(found) < ROWS:
            return
        after = found[-1]["key"]


async def _definitions(db: Reader) -> dict[tuple[str, int], Json]:
    return {(each["indicator"], each["definitionVersion"]): each for each in await fact_store.definition_events(db)}


async def _names(db: Reader, figures: Sequence[Json]) -> dict[str, str]:
    sites = {each["unit"].removeprefix("site:") for each in figures if each["unit"].startswith("site:")}
    return await fact_store.site_names(db, sites) if sites else {}


def csv_lines(
    figures: Iterable[Json],
    definitions: Mapping[tuple[str, int], Json],
    names: Mapping[str, str],
    export: Export,
    *,
    head: bool = False,
) -> str:
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=_delimiter(export))
    if head:
        writer.writerow(_title_of(name, export) for name in COLUMNS)
    writer.writerows(_row_of(each, definitions, names, export) for each in figures)
    return text.getvalue()


def _row_of(
    figure: Json, definitions: Mapping[tuple[str, int], Json], names: Mapping[str, str], export: Export
) -> Iterator[str]:
    definition = definitions.get((figure["indicator"], figure["definitionVersion"]), {})
    whole = figure.get("denominator") or {}
    said = dict(figure) | {
        "label": label_of(figure, definition, export.words),
        "unitName": unit_of(figure["unit"], names, export.words),
        "stratumName": stratum_of(figure["stratum"], export.words),
        "denominatorLower": whole.get("lower"),
        "denominatorUpper": whole.get("upper"),
        "source": source_of(whole["source"], export.words) if whole and export.language else whole.get("source"),
        "referenceDate": whole.get("referenceDate"),
        "emptied": bool(figure.get("emptied")),
        "exportKnownAt": export.cut.instant if export.cut else None,
        "exportCutId": export.cut.cut_id if export.cut else None,
        "licence": export.licence,
    }
    return (_cell(said.get(name), kind, export) for name, kind in COLUMNS.items())


def _cell(value: object, kind: str, export: Export) -> str:
    """As text; a cell that begins like a formula would be one in a spreadsheet, so it begins with an apostrophe."""
    if value is None:
        return ""
    match kind:
        case "decimal":
            return str(value).replace(".", ",") if export.decimal is Point.COMMA else str(value)
        case "boolean":
            return _flags(export)[0 if value else 1]
        case "code" if export.language:
            return code_of(str(value), export.words)
        case "string":
            return f"'{value}" if str(value)[:1] in {"=", "+", "-", "@", "\t"} else str(value)
    return str(value)


def _flags(export: Export) -> tuple[str, str]:
    yes, no = (code_of(each, export.words) if export.language else each for each in ("true", "false"))
    return yes, no


def _delimiter(export: Export) -> str:
    return ";" if export.decimal is Point.COMMA else ","


def _title_of(name: str, export: Export) -> str:
    return column_of(name, export.words) if export.language else name


def metadata_of(file: str, export: Export) -> dict[str, Any]:
    cut = {"dc:identifier": f"cut {export.cut.cut_id}", "dc:date": export.cut.instant} if export.cut else {}
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": file,
        "dc:title": "Samenspel: figures",
        "dc:license": {"@id": export.licence},
        **cut,
        "dialect": {"encoding": "utf-8", "delimiter": _delimiter(export), "header": True},
        "tableSchema": {
            "primaryKey": "key",
            "columns": [
                {
                    "name": name,
                    "titles": {export.language.value: _title_of(name, export)} if export.language else name,
                    "dc:description": {each.value: meaning_of(name, _words(each)) for each in Language},
                    "datatype": _datatype(kind, export),
                }
                for name, kind in COLUMNS.items()
            ],
        },
    }


def _datatype(kind: str, export: Export) -> str | dict[str, Any]:
    match kind:
        case "decimal":
            return {"base": NUMBER, "format": {"decimalChar": "," if export.decimal is Point.COMMA else "."}}
        case "boolean":
            return {"base": FLAG, "format": "|".join(_flags(export))}
        case "code":
            return TEXT
    return kind


def name_of(export: Export, ending: str) -> str:
    about = [str(value) for name, value in export.where.items() if name in {"programme", "indicator"}]
    cut = [f"cut-{export.cut.cut_id}"] if export.cut else []
    return "-".join((*(about or ["figures"]), *cut)) + ending


def csv_answer(db: Reader, export: Export, described_at: str) -> StreamingResponse:
    """`described_at`: where its metadata stand, without the cut."""
    known_at = {"knownAt": export.cut.instant} if export.cut else {}
    separator = "&" if "?" in described_at else "?"
    link = f"<{described_at}{separator if known_at else ''}{urlencode(known_at)}>"
    headers = {"Link": f'{link}; rel="describedby"; type="application/csvm+json"', **_saved_as(export, ".csv")}
    return StreamingResponse(as_csv(db, export), media_type="text/csv", headers=headers)


def json_answer(db: Reader, export: Export) -> StreamingResponse:
    headers = _saved_as(export, ".json")
    return StreamingResponse(as_json(db, export), media_type="application/json", headers=headers)


class MetadataResponse(JSONResponse):
    media_type = "application/csvm+json"


def metadata_answer(export: Export) -> MetadataResponse:
    said = metadata_of(name_of(export, ".csv"), export)
    return MetadataResponse(said, headers=_saved_as(export, ".csv-metadata.json"))


def _saved_as(export: Export, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name_of(export, ending)}"'}
