"""A figure's bytes: canonical, and the same for everybody who computes them."""

import hashlib
import re
from datetime import date
from importlib.resources import files

import rfc8785

from services.reporting import figure_store
from services.reporting.definitions import shipped
from services.reporting.facts.events import IndicatorDefined
from services.reporting.figures import functions
from services.reporting.figures.values import NOTHING, Cell, Result
from services.reporting.publication import (
    REFERENCE_DATA,
    RESTATING,
    canonical,
    cell_of,
    digest_of,
    fields_of,
    figures_of,
    key_of,
)


def a_definition(indicator: str = "adoption-strict", function: str = "adoption@1") -> IndicatorDefined:
    return IndicatorDefined(
        indicator=indicator,
        definition_version=1,
        measure="share",
        function=function,
        strata={"city": ("all",)},
        periods=("31-july",),
        parameters={"reading": "strict"},
    )


CELLS = (
    Cell("kansen-voor-kinderen", "city", "all", "2026-07-31"),
    Cell("kansen-voor-kinderen", "neighbourhood:5211", "curriculum.nu:kunst-en-cultuur", "2025-2026"),
    Cell('naar "buiten" \\ \u00e9\u20ac\U0001f600\u2028\x7f', "site:duo:16NV00", "all", "2025-2026"),
)


def test_digests_are_over_the_canonical_json_of_the_standard() -> None:
    value = Result("0.682927", 28, (41, 41), "open primary locations", date(2025, 9, 1), to_confirm=0)

    for cell in CELLS:
        fields = fields_of(a_definition(), cell, value)

        assert canonical(fields) == rfc8785.dumps(fields)
        without_status = {name: value for name, value in fields.items() if name != "status"}
        assert digest_of(fields) == hashlib.sha256(rfc8785.dumps(without_status)).hexdigest()


def test_a_key_names_its_cell_and_a_cell_its_key() -> None:
    definition = a_definition()

    for cell in CELLS[:2]:
        assert cell_of(key_of(definition, cell)) == ("adoption-strict", 1, cell)


def test_a_figure_of_which_nothing_is_left_has_no_value_but_says_why() -> None:
    fields = fields_of(a_definition(), CELLS[0], NOTHING)

    assert not {"value", "numerator", "denominator"} & fields.keys()
    assert (fields["verdict"], fields["emptied"]) == ("no_denominator", True)


def test_every_shipped_definition_names_an_existing_function() -> None:
    assert {definition.function for definition in shipped()} <= functions().keys()


def test_a_definition_is_published_for_the_periods_that_it_names() -> None:
    counted = {"schools": 2, "strict": 1}
    cells = [Cell("kvk", "city", "all", day) for day in ("2025-12-31", "2026-07-31")]
    published = [figure.key for cell in cells for figure in figures_of([a_definition()], cell, counted)]

    assert published == ["adoption-strict/1/kvk/city/all/2026-07-31"]


def test_the_history_looks_for_what_restates_and_its_index_has_just_that() -> None:
    migration = (files("services.reporting") / "migrations" / "0011_facts_that_restate.sql").read_text()

    for statement in (figure_store._CAUSES, migration):
        always, from_the_second = re.findall(r"name IN \(([^)]*)\)", statement)
        assert {each.strip(" '") for each in always.split(",")} == RESTATING
        assert {each.strip(" '") for each in from_the_second.split(",")} == REFERENCE_DATA
