"""An export opens rightly: with points or with commas, and with a sheet that says what each column means."""

import csv
from pathlib import Path
from typing import Any

import pytest

from samenspel.commands.exporting import COLUMNS, LICENCE, Point, metadata_of, write_csv
from tests.unit.words.test_explanation import BOUNDED, a_share

DEFINITIONS: dict[str, Any] = {"adoption-strict": {"label": {"nl": "Adoptie (streng)", "en": "Adoption (strict)"}}}
FIGURES: list[dict[str, Any]] = [
    {"key": "a", "knownAt": "2026-11-22T13:03:07.000Z"} | a_share(),
    {"key": "b"} | BOUNDED,
]


def read(file: Path, delimiter: str) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=delimiter))


@pytest.mark.parametrize(
    ("decimal", "delimiter", "value"), [(Point.POINT, ",", "0.682927"), (Point.COMMA, ";", "0,682927")]
)
def test_every_figure_is_a_row_with_all_that_explains_it(
    tmp_path: Path, decimal: Point, delimiter: str, value: str
) -> None:
    file = tmp_path / "figures.csv"

    write_csv(file, FIGURES, DEFINITIONS, decimal)

    share, bounded = read(file, delimiter)
    assert (share["value"], share["label"], share["numerator"]) == (value, "Adoptie (streng)", "28")
    assert (share["definitionVersion"], share["referenceDate"], share["cutId"]) == ("1", "2026-07-31", "7")
    assert (bounded["value"], bounded["lower"], bounded["denominatorUpper"]) == ("", f"612{value[1]}000000", "1304")


def test_a_text_that_would_be_a_formula_is_none(tmp_path: Path) -> None:
    file = tmp_path / "figures.csv"

    write_csv(file, [FIGURES[0] | {"unit": "=cmd()"}], DEFINITIONS, Point.POINT)

    assert read(file, ",")[0]["unit"] == "'=cmd()"


def test_the_metadata_describe_every_column_and_say_the_licence() -> None:
    said = metadata_of("figures.csv", LICENCE, Point.COMMA)

    assert [each["name"] for each in said["tableSchema"]["columns"]] == list(COLUMNS)
    assert said["dc:license"] == {"@id": LICENCE}
    assert said["dialect"]["delimiter"] == ";"
    numbers = [each["datatype"] for each in said["tableSchema"]["columns"] if isinstance(each["datatype"], dict)]
    assert numbers == [{"base": "decimal", "format": {"decimalChar": ","}}] * 3
