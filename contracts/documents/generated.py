"""Messages and other values that JSON Schemas allow, generated from the schemas alone: for tests and for the released
corpus.

Needs the development libraries; nothing that runs in production imports it. It knows the part of JSON Schema that
our documents use and raises `LookupError` at anything else; whatever it gives was judged by a validator.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Json = dict[str, Any]
Schema = Mapping[str, Any]

MAX_ITEMS = 4  # of a list; longer ones cost time and show nothing new
_UNKNOWN = st.dictionaries(st.sampled_from(("x", "newer", "naam")), st.none() | st.integers() | st.text(), max_size=1)
"""Fields that a newer writer may add: the schemas of events are open."""


def _is_in_the_calendar(text: str) -> bool:
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


def _texts(schema: Schema) -> st.SearchStrategy[Any]:
    if schema.get("format") == "uuid":
        return st.uuids(allow_nil=True).map(str)
    if schema.get("format") == "base64":
        return st.binary(max_size=20).map(lambda said: base64.b64encode(said).decode())
    if "pattern" in schema:
        made = st.from_regex(re.compile(schema["pattern"]), fullmatch=True)
        if schema.get("format") in {"date", "date-time"}:
            return made.filter(_is_in_the_calendar)
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10**6)
        return made.filter(lambda text: least <= len(text) <= most)
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 50), 50))


def _lists(schema: Schema, definitions: Schema) -> st.SearchStrategy[Any]:
    return st.lists(
        values(schema["items"], definitions),
        min_size=schema.get("minItems", 0),
        max_size=max(schema.get("minItems", 0), min(schema.get("maxItems", MAX_ITEMS), MAX_ITEMS)),
        unique_by=json.dumps if schema.get("uniqueItems") else None,
    )


def _objects(schema: Schema, definitions: Schema) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        names = values(schema["propertyNames"], definitions) if "propertyNames" in schema else st.text(max_size=20)
        each = values(schema["additionalProperties"], definitions) if "additionalProperties" in schema else st.none()
        return st.dictionaries(names, each, max_size=min(schema.get("maxProperties", MAX_ITEMS), MAX_ITEMS))
    required = set(schema.get("required", ()))
    fields = {name: values(each, definitions) for name, each in schema["properties"].items()}
    return st.tuples(
        st.just({}) if schema.get("additionalProperties") is False else _UNKNOWN,
        st.fixed_dictionaries(
            {name: each for name, each in fields.items() if name in required},
            optional={name: each for name, each in fields.items() if name not in required},
        ),
    ).map(lambda parts: {**parts[0], **parts[1]})


def values(schema: Schema, definitions: Schema | None = None) -> st.SearchStrategy[Any]:
    """Whatever a schema allows; `if` and `then` are left to the validator."""
    known = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        return values(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return st.one_of([values(each, known) for each in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from([schema["const"]] if "const" in schema else schema["enum"])
    return _BY_TYPE[schema["type"]](schema, known)


_BY_TYPE: dict[str, Callable[[Schema, Schema], st.SearchStrategy[Any]]] = {
    "string": lambda schema, _: _texts(schema),
    "null": lambda _, __: st.none(),
    "integer": lambda schema, _: st.integers(schema.get("minimum"), schema.get("maximum")),
    "boolean": lambda _, __: st.booleans(),
    "array": _lists,
    "object": _objects,
}


def messages(envelope: Schema, entry: Mapping[str, str], schema: Schema) -> st.SearchStrategy[Json]:
    """Whole messages of one event: `entry` is the event's in the topic manifest."""
    is_valid = Draft202012Validator(schema).is_valid
    attributes = {name: each for name, each in envelope["properties"].items() if name != "data"}
    required = [name for name in envelope["required"] if name != "data"]
    enveloped = values({"type": "object", "properties": attributes, "required": required}, envelope.get("$defs", {}))
    said = values(schema).filter(is_valid)
    return st.tuples(enveloped, said).map(
        lambda parts: {
            **parts[0],
            "type": entry["type"],
            "dataschema": schema["$id"],
            "subject": str(parts[1][entry["subject"]]),
            "data": parts[1],
        }
    )


def corpus(envelope: Schema, entry: Mapping[str, str], schema: Schema, *, size: int) -> list[str]:
    """Some messages of one event, each as one line; the same schema gives the same lines."""
    lines: list[str] = []

    @seed(1)
    @settings(
        max_examples=size,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(messages(envelope, entry, schema))
    def collect(message: Json) -> None:
        lines.append(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    collect()
    return sorted(set(lines))
