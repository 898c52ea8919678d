"""What a definition names is made into figures, or refused, or said: nothing of it is silently without effect."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from contracts.targets import IndicatorDefined, Period, StratumKind, Unit
from services.reporting import definitions
from services.reporting.definitions import NotMadeHere, not_made, shipped
from services.reporting.figures import families, functions
from services.reporting.figures.values import STRATA, UNITS


def a_definition(indicator: str = "reach-school", **other: Any) -> IndicatorDefined:
    (found,) = (each for each in shipped() if each.indicator == indicator)
    return found.model_copy(update=other)


def test_what_ships_is_made_in_full() -> None:
    assert [not_made(definition) for definition in shipped()] == [[]] * len(shipped())


@pytest.mark.parametrize("period", get_args(Period))
def test_a_period_is_obeyed_or_named(period: str) -> None:
    by_year, by_day = a_definition(periods=(period,)), a_definition("adoption-strict", periods=(period,))

    assert not_made(by_year) == ([] if period == "school-year" else [f"period {period}"])
    assert not_made(by_day) == ([] if period in {"31-july", "31-december"} else [f"period {period}"])


@pytest.mark.parametrize("unit", get_args(Unit))
def test_a_unit_is_obeyed_or_named(unit: str) -> None:
    assert not_made(a_definition(strata={unit: ("all",)})) == ([] if unit in UNITS else [f"unit {unit}"])


@pytest.mark.parametrize("stratum", get_args(StratumKind))
def test_a_stratum_is_obeyed_or_named(stratum: str) -> None:
    assert not_made(a_definition(strata={"city": (stratum,)})) == ([] if stratum in STRATA else [f"stratum {stratum}"])


@pytest.mark.parametrize("other", [{"function": "reach@2"}, {"parameters": {"register": "library"}}])
def test_a_function_that_this_release_does_not_have_is_named(other: dict[str, Any]) -> None:
    assert not_made(a_definition(**other)) == [f"function {other.get('function', 'reach@1')}"]


def test_a_definition_with_an_unknown_period_does_not_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    by_term = a_definition(periods=("school-year", "term"))
    changed = {"reach": replace(families()["reach"], definitions=(by_term,))}
    monkeypatch.setattr(definitions, "families", lambda: changed)

    with pytest.raises(NotMadeHere, match="reach-school version 1 names period term, of which this release makes no"):
        shipped()


def test_a_function_counts_only_periods_that_a_definition_can_name() -> None:
    assert {period for function in functions().values() for period in function.periods} <= set(get_args(Period))
