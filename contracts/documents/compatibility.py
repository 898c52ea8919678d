"""What may change in a released contract, and what would break somebody who relies on it.

Pure. Readers are rolled out before writers and messages are kept for ever, so every reader meets messages of
every age: within one version the old schema must accept new messages and the new schema old ones. For open
schemas that leaves one change, a new optional field; everything else is a `Break`. "Equal but for added
optional fields" holds in a chain as well, so comparing with the newest released form compares with all
(Kafka's FULL_TRANSITIVE). General checkers of JSON Schema are stricter in the wrong place (an optional field
"narrows" an open schema) and do not say where; hence these few lines.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated"}
"""Keywords that say nothing about which values are valid."""
PROMISED_SETTINGS = ("cleanup.policy", "retention.ms", "message.timestamp.type")
"""What readers rely on: which messages stay, for how long, and whose clock stamps them."""

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """One change that readers or kept messages cannot bear: where, and what."""

    path: str
    what: str


def _inlined(node: Any, definitions: Schema) -> Any:  # noqa: ANN401 - any JSON
    """The node with every `$ref` replaced by what it names: a definition's name is no promise."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        node = definitions[node["$ref"].removeprefix("#/$defs/")] | {k: v for k, v in node.items() if k != "$ref"}
    return {key: _inlined(value, definitions) for key, value in node.items() if key != "$defs"}


def _constraints(schema: Schema) -> dict[str, Any]:
    """What limits the values themselves; one allowed value is a list of one."""
    kept = {key: value for key, value in schema.items() if key not in ANNOTATIONS | {"properties", "required"}}
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    return kept


def _fields(path: str, released: Schema, current: Schema) -> Iterator[Break]:
    before, now = released.get("properties", {}), current.get("properties", {})
    was_required, is_required = set(released.get("required", ())), set(current.get("required", ()))
    for name in before:
        field = f"{path}.{name}"
        if name not in now:
            yield Break(field, "was removed")
            continue
        if name in was_required - is_required:
            yield Break(field, "was always there and became optional")
        if name in is_required - was_required:
            yield Break(field, "was optional and became required, which kept messages do not promise")
        yield from _compare(field, before[name], now[name])
    for name in sorted((now.keys() - before.keys()) & is_required):
        yield Break(f"{path}.{name}", "is new and required, and kept messages do not have it; make it optional")


def _values(path: str, before: list[Any], now: list[Any]) -> Iterator[Break]:
    for value in before:
        if value not in now:
            yield Break(path, f'no longer allows "{value}"')
    for value in now:
        if value not in before:
            yield Break(path, f'now also allows "{value}", which readers do not know')


def _keyword(path: str, keyword: str, before: object, now: object) -> Iterator[Break]:
    match before, now:
        case list(), list() if keyword == "enum":
            yield from _values(path, before, now)
        case dict(), dict():  # items, additionalProperties, propertyNames: a schema each
            yield from _compare(f"{path}[]" if keyword == "items" else f"{path}.{keyword}", before, now)
        case list(), list() if len(before) == len(now) and all(isinstance(part, dict) for part in [*before, *now]):
            for place, (old, new) in enumerate(zip(before, now, strict=True)):
                yield from _compare(f"{path}.{keyword}[{place}]", old, new)
        case _ if before != now:
            yield Break(path, f"{keyword} changed from {_said(before)} to {_said(now)}")


def _said(value: object) -> str:
    return "none" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def _compare(path: str, released: Schema | bool, current: Schema | bool) -> Iterator[Break]:
    if isinstance(released, bool) or isinstance(current, bool):  # true allows anything, false nothing
        if released != current:
            yield Break(path, f"changed from {_said(released)} to {_said(current)}")
        return
    yield from _fields(path, released, current)
    before, now = _constraints(released), _constraints(current)
    for keyword in sorted(before.keys() | now.keys()):
        yield from _keyword(path, keyword, before.get(keyword), now.get(keyword))


def schema_breaks(released: Schema, current: Schema) -> list[Break]:
    """What in `current` would break somebody who relies on `released`; empty when nothing does."""
    before, now = (_inlined(schema, schema.get("$defs", {})) for schema in (released, current))
    return list(_compare("$", before, now))


def _promises(manifest: Schema) -> dict[str, object]:
    """What the manifest promises, one by one."""
    promised: dict[str, object] = {name: manifest[name] for name in ("partitions", "partitioner", "contentType")}
    for topic in [*manifest["topics"], *manifest.get("clientTopics", ())]:
        where = topic["name"]
        promised |= {f"{where} {name}": topic[name] for name in ("producer", "key", "carries")}
        promised |= {f"{where} {name}": topic["settings"][name] for name in PROMISED_SETTINGS}
        for event in topic["events"]:
            promised |= {f"{where} {event['type']} {name}": event[name] for name in ("aggregate", "subject", "schema")}
    return promised


def manifest_breaks(released: Schema, current: Schema) -> list[Break]:
    """What the released topic manifest promised and the current one does not keep. New topics are fine."""
    now = _promises(current)
    return [
        Break(path, f"changed from {_said(value)} to {_said(now.get(path))}")
        for path, value in _promises(released).items()
        if now.get(path) != value
    ]
