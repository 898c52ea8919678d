"""From sums to what is published: the figure with all that explains it, its digest, and why it changed.

A figure's fields (all but `cutId`, `knownAt` and `digest`) depend on nothing but facts and definition.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from contracts.metrics import MetricPublished, MetricRestated, Previous
from services.reporting.facts.events import Fact, IndicatorDefined
from services.reporting.figures import functions
from services.reporting.figures.values import NOTHING, Cell, Function, Result, Sums

_CANONICAL = msgspec.json.Encoder(order="sorted")
MAX_CAUSES = 100
RESTATING = frozenset({"ActivityCorrected", "ActivityRetracted", "RequestVoided", "ReferralVoided"})
REFERENCE_DATA = frozenset({"SiteRecorded", "GroupRecorded", "IndicatorDefined"})

Fields = dict[str, Any]
"""A figure's fields as they stand in JSON."""


@dataclass(frozen=True, slots=True)
class Published:
    """The newest published state of a figure."""

    version: int
    epoch: int
    known_at: datetime
    digest: str
    fields: Fields


def key_of(definition: IndicatorDefined, cell: Cell) -> str:
    """`indicator/version/programme/unit/stratum/period`."""
    return "/".join((definition.indicator, str(definition.definition_version), *cell))


def cell_of(key: str) -> tuple[str, int, Cell]:
    indicator, version, programme, unit, stratum, period = key.split("/")
    return indicator, int(version), Cell(programme, unit, stratum, period)


def fields_of(definition: IndicatorDefined, cell: Cell, result: Result) -> Fields:
    fields: Fields = {
        "key": key_of(definition, cell),
        "indicator": definition.indicator,
        "definitionVersion": definition.definition_version,
        "programme": cell.programme,
        "unit": cell.unit,
        "stratum": cell.stratum,
        "period": cell.period,
        "measure": definition.measure,
        "value": result.value,
        "numerator": result.numerator,
        "denominator": _denominator(result),
        "lower": result.lower,
        "upper": result.upper,
        "method": result.method,
        "status": "provisional",
        "verdict": result.verdict,
        "toConfirm": result.to_confirm,
        "emptied": True if result.emptied else None,
    }
    return {name: each for name, each in fields.items() if each is not None}


def _denominator(result: Result) -> Fields | None:
    if result.emptied or result.denominator is None:
        return None
    lower, upper = result.denominator
    return {
        "lower": lower,
        "upper": upper,
        "source": result.source,
        "referenceDate": result.reference_date.isoformat(),
    }


def digest_of(fields: Fields) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of all fields but the status (ruling 51)."""
    digested = {name: value for name, value in fields.items() if name != "status"}
    return hashlib.sha256(canonical(digested)).hexdigest()


def canonical(fields: Fields) -> bytes:
    """Canonical JSON of a figure's fields: for texts and whole numbers sorted keys are all that RFC 8785 asks
    beyond compact JSON (a test compares with a library of the standard, which is twenty times slower)."""
    return _CANONICAL.encode(fields)


class ComputedFigure(NamedTuple):
    """A figure as the facts give it."""

    key: str
    indicator: str
    fields: Fields
    rests_on: AbstractSet[str]
    """The components that were asked for."""
    function: Function


DefinitionsByFamily = Mapping[str, Sequence[IndicatorDefined]]
"""The definitions by the family that computes them."""


def computable(definitions: Iterable[IndicatorDefined]) -> DefinitionsByFamily:
    """Those that this release can compute: a newer one may have defined others."""
    found: defaultdict[str, list[IndicatorDefined]] = defaultdict(list)
    for definition in definitions:
        function = functions().get(definition.function)
        if function is not None and function.accepts(definition.parameters):
            found[function.family].append(definition)
    return found


def figures_of(
    definitions: Iterable[IndicatorDefined], cell: Cell, sums: Mapping[str, int]
) -> Iterator[ComputedFigure]:
    """Every figure that these definitions of a family declare for a cell.

    A cell in which nothing is left gives a figure that says so; a caller that never published it leaves it out.
    """
    for definition in definitions:
        if cell.period_kind in definition.periods and cell.stratum_kind in definition.strata.get(cell.unit_kind, ()):
            asked, function = Sums(sums), functions()[definition.function]
            result = function.compute(asked, definition.parameters, cell) or NOTHING
            fields = fields_of(definition, cell, result)
            yield ComputedFigure(fields["key"], definition.indicator, fields, asked.read, function)


def is_emptied(fields: Fields) -> bool:
    return fields.get("emptied") is True


@dataclass(frozen=True, slots=True)
class Causes:
    """The events that changed a figure."""

    event_ids: Sequence[str]
    """In the order of their topics, partitions and offsets."""
    restate: bool
    """Whether one of them is more than ordinary growth."""


def restates(fact: Fact) -> bool:
    return fact.name in RESTATING or (fact.name in REFERENCE_DATA and fact.version > 1)


def announced(
    fields: Fields, digest: str, before: Published | None, causes: Causes, *, cut_id: int, known_at: datetime
) -> list[MetricPublished | MetricRestated]:
    now = {**fields, "digest": digest, "cutId": cut_id, "knownAt": known_at}
    published = MetricPublished.model_validate(now)
    if before is None or not causes.restate:
        return [published]
    previous = Previous(
        value=before.fields.get("value"),
        lower=before.fields.get("lower"),
        upper=before.fields.get("upper"),
        known_at=before.known_at,
    )
    named = {"causes": causes.event_ids[:MAX_CAUSES], "causeCount": len(causes.event_ids)}
    return [published, MetricRestated.model_validate({**now, "previous": previous, **named})]
