"""An export opens rightly: with points or with commas, in words or in names that stay, and with a sheet that says what
each column means."""

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest

from services.reporting.exports import COLUMNS, LICENCE, Cut, Export, Point, csv_lines, metadata_of, name_of
from tests.unit.words.test_explanation import BOUNDED, a_share
from words.language import Language

DEFINITIONS: dict[tuple[str, int], dict[str, Any]] = {
    ("adoption-strict", 1): {"label": {"nl": "Adoptie (streng)", "en": "Adoption (strict)"}}
}
SHARE: dict[str, Any] = {"key": "a", "knownAt": "2026-11-22T13:03:07.000Z"} | a_share()
CUT = Cut(55, datetime(2026, 11, 27, 8, 8, 3, tzinfo=UTC))


def an_export(decimal: Point = Point.POINT, language: Language | None = None) -> Export:
    return Export({"programme": "kansen-voor-kinderen"}, None, CUT, language, decimal)


def rows(export: Export, *figures: dict[str, Any], names: dict[str, str] | None = None) -> list[dict[str, str]]:
    text = csv_lines(figures, DEFINITIONS, names or {}, export)
    delimiter = ";" if export.decimal is Point.COMMA else ","
    return list(csv.DictReader(StringIO(text), fieldnames=list(COLUMNS), delimiter=delimiter))


@pytest.mark.parametrize(("decimal", "value"), [(Point.POINT, "0.682927"), (Point.COMMA, "0,682927")])
def test_every_figure_is_a_row_with_all_that_explains_it(decimal: Point, value: str) -> None:
    share, bounded = rows(an_export(decimal), SHARE, {"key": "b"} | BOUNDED)

    assert (share["value"], share["label"], share["numerator"]) == (value, "Adoptie (streng)", "28")
    assert (share["definitionVersion"], share["referenceDate"], share["cutId"]) == ("1", "2026-07-31", "7")
    assert (bounded["value"], bounded["lower"], bounded["denominatorUpper"]) == ("", f"612{value[1]}000000", "1304")


def test_every_row_names_the_cut_that_the_export_is_of() -> None:
    row = rows(an_export(), SHARE)[0]

    assert (row["exportCutId"], row["exportKnownAt"]) == ("55", "2026-11-27T08:08:03.000Z")
    assert (row["cutId"], row["knownAt"]) == ("7", "2026-11-22T13:03:07.000Z")


def test_a_figure_of_which_nothing_is_left_says_so() -> None:
    emptied = SHARE | {"emptied": True, "verdict": "no_denominator"}

    assert [each["emptied"] for each in rows(an_export(), SHARE, emptied)] == ["false", "true"]
    assert rows(an_export(language=Language.NL), emptied)[0]["emptied"] == "ja"


def test_people_read_words_and_programs_names_that_stay() -> None:
    figure = SHARE | {"unit": "site:own:bron", "stratum": "curriculum.nu:kunst-en-cultuur", "status": "final"}
    figure["denominator"] = figure["denominator"] | {"source": "requests raised"}
    names = {"own:bron": "De Bron"}

    dutch = rows(an_export(language=Language.NL), figure, names=names)[0]
    machine = rows(an_export(), figure, names=names)[0]

    assert (dutch["unitName"], dutch["stratumName"]) == ("De Bron", "kunst en cultuur")
    assert (dutch["measure"], dutch["status"], dutch["unit"]) == ("aandeel", "definitief", "site:own:bron")
    assert (machine["measure"], machine["status"]) == ("share", "final")
    assert (dutch["source"], machine["source"]) == ("gestelde vragen", "requests raised")


def test_a_text_that_would_be_a_formula_is_none() -> None:
    assert rows(an_export(), SHARE | {"unit": "=cmd()"})[0]["unit"] == "'=cmd()"


@pytest.mark.parametrize("language", [None, *Language])
def test_the_metadata_describe_every_column_by_its_title_and_say_licence_and_cut(language: Language | None) -> None:
    said = metadata_of("figures.csv", an_export(Point.COMMA, language))

    columns = said["tableSchema"]["columns"]
    titles = [each["titles"][language] if language else each["titles"] for each in columns]
    assert [each["name"] for each in columns] == list(COLUMNS)
    assert titles == next(
        csv.reader(StringIO(csv_lines((), {}, {}, an_export(Point.COMMA, language), head=True)), delimiter=";")
    )
    assert len(set(titles)) == len(COLUMNS)
    assert said["dc:license"] == {"@id": LICENCE}
    assert (said["dc:identifier"], said["dc:date"]) == ("cut 55", "2026-11-27T08:08:03.000Z")
    assert said["dialect"]["delimiter"] == ";"
    assert columns[list(COLUMNS).index("value")]["datatype"] == {"base": "decimal", "format": {"decimalChar": ","}}


def test_a_file_is_named_after_its_programme_and_cut() -> None:
    assert name_of(an_export(), ".csv") == "kansen-voor-kinderen-cut-55.csv"
