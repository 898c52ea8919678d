"""Nothing that the contracts describe is unbounded: no list, and no text."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
SCHEMAS = sorted((CHECKOUT / "contracts" / "schemas").glob("*.json"))
APIS = sorted((CHECKOUT / "docs" / "openapi").glob("*.json"))
TEXT_BOUNDS = ("maxLength", "pattern", "enum", "const", "format")
TOO_LONG = "a" * 3_000  # a B-tree entry holds 2,704 bytes


def without_bound(node: Any, kind: str, bounds: Collection[str], place: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == kind and node.keys().isdisjoint(bounds):
            yield place
        for name, inside in node.items():
            yield from without_bound(inside, kind, bounds, f"{place}/{name}")
    elif isinstance(node, list):
        for index, inside in enumerate(node):
            yield from without_bound(inside, kind, bounds, f"{place}/{index}")


def takes(schema: dict[str, Any], text: str) -> bool:
    """Whether the schema of a parameter lets a text through."""
    match schema:
        case {"anyOf": choices}:
            return any(takes(each, text) for each in choices)
        case {"type": "null"} | {"enum": _} | {"$ref": _} | {"format": "uuid"}:
            return False
        case {"type": "integer"}:
            return not ("minimum" in schema and "maximum" in schema)
    return len(text) <= schema.get("maxLength", len(text)) and bool(re.search(schema.get("pattern", ""), text))


@pytest.mark.parametrize("file", [*SCHEMAS, *APIS], ids=lambda file: file.stem)
def test_every_list_has_a_bound(file: Path) -> None:
    assert list(without_bound(json.loads(file.read_bytes()), "array", ("maxItems",))) == []


@pytest.mark.parametrize("file", [*SCHEMAS, *APIS], ids=lambda file: file.stem)
def test_every_text_has_a_bound(file: Path) -> None:
    described = json.loads(file.read_bytes())
    schemas = described.get("components", {}).get("schemas", described)  # in an API: of bodies, answers and problems

    assert list(without_bound(schemas, "string", TEXT_BOUNDS)) == []


@pytest.mark.parametrize("file", APIS, ids=lambda file: file.stem)
def test_no_text_of_an_address_is_too_long_or_has_a_nul(file: Path) -> None:
    operations = [each for path in json.loads(file.read_bytes())["paths"].values() for each in path.values()]

    parameters = [each for operation in operations for each in operation.get("parameters", ())]

    addressed = [each for each in parameters if each["in"] in {"path", "query"}]
    assert addressed
    assert [each["name"] for each in addressed if takes(each["schema"], "a\0b")] == []
    assert [each["name"] for each in addressed if takes(each["schema"], TOO_LONG)] == []
