"""The definitions that ship with this service: data of its families, announced on the targets topic and read back from
there."""

from contracts.targets import IndicatorDefined
from services.reporting.figures import families


def shipped() -> list[IndicatorDefined]:
    return [definition for family in families().values() for definition in family.definitions]
