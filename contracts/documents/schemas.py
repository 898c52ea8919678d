"""The JSON Schemas, made from the models. Pure; the same models always give the same schemas.

A schema describes what is *written*: a field that is always written is required, one that may be absent is not, and
nothing is ever null. Schemas are open, so that readers of an older one accept what a newer one adds.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from contracts.envelope import Envelope
from contracts.events import SCHEMAS, Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"

FieldSchema = core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField


class _AsWritten(GenerateJsonSchema):
    """What is on the wire: absent instead of null, defaults written out, no titles made from field names."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Names with a pattern are the only ones: `patternProperties` alone would allow any other too."""
        made = super().dict_schema(schema)
        for pattern, each in made.pop("patternProperties", {}).items():
            names = {"pattern": pattern, "type": "string"}
            made |= {"propertyNames": names, "additionalProperties": each}
        return made

    def field_is_required(self, field: FieldSchema, total: bool) -> bool:  # noqa: ARG002 - pydantic's signature
        inner = field["schema"]
        return not (inner["type"] == "default" and inner.get("default", ...) is None)

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def _open(schema: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of one object without what is only true of our writers or our classes."""
    ours = {"title", "$defs"}
    if schema.get("additionalProperties") is False:
        ours.add("additionalProperties")
    return {key: value for key, value in schema.items() if key not in ours}


def _on_one_line(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Descriptions come from docstrings, whose line breaks mean nothing."""
    if isinstance(node, dict):
        return {
            key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _on_one_line(value)
            for key, value in node.items()
        }
    return [_on_one_line(item) for item in node] if isinstance(node, list) else node


def schema_of(model: type[BaseModel], file: str, title: str) -> JsonSchemaValue:
    """The JSON Schema of a model as it is written."""
    made = model.model_json_schema(by_alias=True, mode="serialization", schema_generator=_AsWritten)
    parts = {name: _open(part) for name, part in sorted(made.get("$defs", {}).items())}
    schema = {"$schema": DIALECT, "$id": f"{SCHEMAS}/{file}", "title": title, **_open(made)}
    described: JsonSchemaValue = _on_one_line({**schema, "$defs": parts} if parts else schema)
    return described


def schema_file(event: type[Event]) -> str:
    """The file name of an event's schema, of its example and of its released form."""
    return f"{event.__name__}.v{event.version}.json"


def envelope_schema() -> JsonSchemaValue:
    """The schema of a whole message; what is in `data` is described by the schema at `dataschema`."""
    schema = schema_of(Envelope, "Envelope.v1.json", "Envelop")
    data = {"type": "object", "description": "The event itself; `dataschema` names its schema."}
    return {
        **schema,
        "properties": {**schema["properties"], "data": data},
        "required": [*schema["required"], "data"],
    }
