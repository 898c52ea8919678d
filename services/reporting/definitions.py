"""The definitions that ship with this service: data, announced on the targets topic and read back from there."""

from importlib.resources import files

from pydantic import TypeAdapter

from contracts.targets import IndicatorDefined

SHIPPED = TypeAdapter(tuple[IndicatorDefined, ...]).validate_json(
    (files(__package__) / "definitions.json").read_bytes()
)
