"""The definitions that ship with this service: data of its families, announced on the targets topic and read back from
there. A definition may name what another release makes: here it is left out, and said."""

from contracts import targets
from services.reporting.facts import events
from services.reporting.figures import families, functions
from services.reporting.figures.values import STRATA, UNITS

Definition = targets.IndicatorDefined | events.IndicatorDefined


class NotMadeHere(ValueError):
    """A definition that ships with this release names what this release does not make."""


def shipped() -> list[targets.IndicatorDefined]:
    found = [definition for family in families().values() for definition in family.definitions]
    for definition in found:
        if names := not_made(definition):
            version = f"{definition.indicator} version {definition.definition_version}"
            raise NotMadeHere(f"{version} names {', '.join(names)}, of which this release makes no figures.")
    return found


def not_made(definition: Definition) -> list[str]:
    function = functions().get(definition.function)
    if function is None or not function.accepts(definition.parameters):
        return [f"function {definition.function}"]
    strata = {stratum for named in definition.strata.values() for stratum in named}
    return [
        *(f"period {period}" for period in definition.periods if period not in function.periods),
        *(f"unit {unit}" for unit in definition.strata if unit not in UNITS),
        *(f"stratum {stratum}" for stratum in sorted(strata.difference(STRATA))),
    ]
