"""From sums to what is published: the figure with all that explains it, its digest, and why it changed.

A figure's fields (all but `cutId`, `knownAt` and `digest`) depend on nothing but facts and definition.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from contracts.metrics import MetricPublished, MetricRestated, Previous
from services.reporting.facts.events import Fact, IndicatorDefined
from services.reporting.facts.ledger import Ledger
from services.reporting.figures import functions
from services.reporting.figures.totals import Totals
from services.reporting.figures.values import NOTHING, Cell, Value

_CANONICAL = msgspec.json.Encoder(order="sorted")
MAX_CAUSES = 100
RESTATING = frozenset({"ActivityCorrected", "ActivityRetracted"})
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
    """(indicator, definition version, cell) of a figure's key."""
    indicator, version, programme, unit, stratum, period = key.split("/")
    return indicator, int(version), Cell(programme, unit, stratum, period)


def fields_of(definition: IndicatorDefined, cell: Cell, value: Value) -> Fields:
    """The figure as it is published, without cut, moment and digest."""
    fields: Fields = {
        "key": key_of(definition, cell),
        "indicator": definition.indicator,
        "definitionVersion": definition.definition_version,
        "programme": cell.programme,
        "unit": cell.unit,
        "stratum": cell.stratum,
        "period": cell.period,
        "measure": definition.measure,
        "value": value.value,
        "numerator": value.numerator,
        "denominator": None if value.emptied else _denominator(value),
        "lower": value.lower,
        "upper": value.upper,
        "method": value.method,
        "status": "provisional",
        "verdict": value.verdict,
        "toConfirm": value.to_confirm,
        "emptied": True if value.emptied else None,
    }
    return {name: each for name, each in fields.items() if each is not None}


def _denominator(value: Value) -> Fields:
    lower, upper = value.denominator
    return {
        "lower": lower,
        "upper": upper,
        "source": value.source,
        "referenceDate": value.reference_date.isoformat(),
    }


def digest_of(fields: Fields) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of all fields but the status (ruling 51)."""
    digested = {name: value for name, value in fields.items() if name != "status"}
    return hashlib.sha256(canonical(digested)).hexdigest()


def canonical(fields: Fields) -> bytes:
    """Canonical JSON of a figure's fields: for texts and whole numbers sorted keys are all that RFC 8785 asks
    beyond compact JSON (a test compares with a library of the standard, which is twenty times slower)."""
    return _CANONICAL.encode(fields)


def figures(
    totals: Totals, ledger: Ledger, cells: Iterable[tuple[str, Cell]]
) -> Iterator[tuple[str, tuple[str, Cell], Fields]]:
    """Every figure that the definitions declare for these cells: its key, its family and cell, its fields.

    A cell in which nothing is left gives a figure that says so; a caller that never published it leaves it out.
    """
    by_family: dict[str, list[IndicatorDefined]] = {}
    for definition in ledger.definitions.values():
        function = functions().get(definition.function)
        if function is not None and function.accepts(definition.parameters):  # a newer release may have defined it
            by_family.setdefault(function.family, []).append(definition)
    for family, cell in cells:
        sums = totals.sums.get((family, cell))
        for definition in by_family.get(family, []) if sums is not None else []:
            assert sums is not None, "checked above"
            if cell.period_kind in definition.periods and cell.stratum_kind in definition.strata.get(
                cell.unit_kind, ()
            ):
                value = functions()[definition.function].compute(sums, definition.parameters, cell) or NOTHING
                yield key_of(definition, cell), (family, cell), fields_of(definition, cell, value)


def is_emptied(fields: Fields) -> bool:
    return fields.get("emptied") is True


def causes_of(facts: list[list[Fact]]) -> list[Fact]:
    """The distinct facts, ordered by topic, partition and offset."""
    distinct = {fact.event_id: fact for some in facts for fact in some}
    return sorted(distinct.values(), key=lambda fact: (fact.topic, fact.partition, fact.offset))


def is_restatement(causes: list[Fact]) -> bool:
    """A correction, a retraction or a change of reference data restates; ordinary growth does not."""
    return any(fact.name in RESTATING or (fact.name in REFERENCE_DATA and fact.version > 1) for fact in causes)


def announced(
    fields: Fields, digest: str, before: Published | None, causes: list[Fact], *, cut_id: int, known_at: datetime
) -> list[MetricPublished | MetricRestated]:
    """The events of one changed figure: `MetricPublished`, followed by `MetricRestated` if it is a restatement."""
    now = {**fields, "digest": digest, "cutId": cut_id, "knownAt": known_at}
    published = MetricPublished.model_validate(now)
    if before is None or not is_restatement(causes):
        return [published]
    previous = Previous(
        value=before.fields.get("value"),
        lower=before.fields.get("lower"),
        upper=before.fields.get("upper"),
        known_at=before.known_at,
    )
    ids = tuple(fact.event_id for fact in causes[:MAX_CAUSES])
    restated = MetricRestated.model_validate({**now, "previous": previous, "causes": ids, "causeCount": len(causes)})
    return [published, restated]
