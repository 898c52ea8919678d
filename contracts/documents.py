"""The documents that readers in other languages build against, made from the models: schemas and manifest.

Pure: gives names and texts, writes nothing (`python -m contracts write` does). The same models always give
the same bytes. A schema describes what is *written*: a field that is always written is required, one that
may be absent is not, and nothing is ever null. Schemas are open, so that readers of an older one accept
what a newer one adds.
"""

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from contracts.envelope import CONTENT_TYPE, Envelope
from contracts.events import MAX_EVENT_BYTES, SCHEMAS, Event, catalogue
from contracts.topics import PARTITIONER, PARTITIONS, TOPICS, Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MANIFEST = "topics.json"

FieldSchema = core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField


class _AsWritten(GenerateJsonSchema):
    """What is on the wire: absent instead of null, defaults written out, no titles made from field names."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

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


def _event_entry(event: type[Event]) -> dict[str, str]:
    return {
        "type": event.type,
        "title": event.dutch,
        "aggregate": event.aggregate,
        "subject": event.model_fields[event.identified_by].alias or event.identified_by,
        "schema": f"schemas/{schema_file(event)}",
    }


def _topic_entry(topic: Topic) -> dict[str, Any]:
    carried = [event for event in catalogue.values() if topic.name in event.topics]
    return {
        "name": topic.name,
        "producer": topic.producer,
        "consumers": list(topic.consumers),
        "key": topic.key,
        "carries": topic.carries,
        "settings": topic.settings,
        "deadLetters": {reader: topic.dead_letters.format(consumer=reader) for reader in topic.consumers},
        "events": [_event_entry(event) for event in sorted(carried, key=lambda event: event.type)],
    }


def manifest() -> dict[str, Any]:
    """The topic manifest: everything that a reader or writer in another language has to know."""
    return {
        "description": (
            "Who writes and reads which topic. A value on a topic that carries events is one CloudEvent in"
            " structured mode (schemas/Envelope.v1.json); its key is its partitionkey, its partition is"
            " partitioner(key) modulo partitions, its subject is the named field of its data. An aggregate's"
            " versions are 1, 2, 3 …; a higher streamepoch takes over from one of them. A compacted topic keeps"
            " the newest message of each key and forgets the others."
        ),
        "partitions": PARTITIONS,
        "partitioner": PARTITIONER,
        "contentType": CONTENT_TYPE.decode(),
        "maxEventBytes": MAX_EVENT_BYTES,
        "envelope": "schemas/Envelope.v1.json",
        "topics": [_topic_entry(topic) for topic in TOPICS],
    }


def documents() -> dict[str, str]:
    """Every generated file under `contracts/`, by its name there."""
    schemas = {
        f"schemas/{schema_file(event)}": schema_of(event, schema_file(event), event.dutch)
        for event in catalogue.values()
    }
    made = {**schemas, "schemas/Envelope.v1.json": envelope_schema(), MANIFEST: manifest()}
    return {name: json.dumps(made[name], ensure_ascii=False, indent=2) + "\n" for name in sorted(made)}
