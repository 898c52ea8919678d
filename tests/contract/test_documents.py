"""The committed schemas and manifest: complete, fresh, and about what is really written."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.documents import documents, envelope_schema, manifest, schema_file
from contracts.documents.__main__ import main, stale
from contracts.events import Event, catalogue
from contracts.topics import CLIENT_TOPICS, TOPICS
from tests.contract.story import CONTRACTS, EXAMPLES, contents

EVENTS = list(catalogue.values())


def _everything_in(node: Any) -> Iterator[Any]:
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _everything_in(child)


def test_the_committed_documents_are_what_the_models_say() -> None:
    assert list(stale(CONTRACTS)) == []


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_has_a_schema_and_a_topic(event: type[Event]) -> None:
    schema = contents(CONTRACTS / "schemas" / schema_file(event))

    assert schema["title"] == event.dutch != ""
    assert schema["description"]
    assert set(event.topics) <= {topic.name for topic in (*TOPICS, *CLIENT_TOPICS)}
    assert len(event.topics) > 0


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_dataschema_of_an_event_is_the_address_of_its_schema(path: Path) -> None:
    example = contents(path)
    entry = next(
        entry
        for topic in (*manifest()["topics"], *manifest()["clientTopics"])
        for entry in topic["events"]
        if entry["type"] == example["type"]
    )

    assert contents(CONTRACTS / entry["schema"])["$id"] == example["dataschema"]


@pytest.mark.parametrize("name", sorted(documents()))
def test_schemas_are_open_know_no_null_and_have_titles_only_where_people_read_them(name: str) -> None:
    document = json.loads(documents()[name])

    nodes = [node for node in _everything_in(document) if isinstance(node, dict) and isinstance(node.get("type"), str)]

    assert all(node.get("additionalProperties") is not False for node in nodes)
    assert all(node["type"] != "null" for node in nodes)
    assert all("default" not in node for node in nodes if name.startswith("schemas/"))
    assert not any("title" in node for node in nodes[1:] if name.startswith("schemas/"))


def test_the_envelope_requires_what_is_always_written() -> None:
    always = set.intersection(*(set(contents(path)) for path in EXAMPLES))

    required = set(envelope_schema()["required"])

    # every example happens to have a cause and a trace, and a request's journey a correlation
    assert required == always - {"causationid", "correlationid", "traceparent"}


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(
            lambda schema: schema.write_text(schema.read_text().replace("minimum", "maximum")),
            "contracts/schemas/CutTaken.v1.json is stale",
            id="changed",
        ),
        pytest.param(lambda schema: schema.unlink(), "contracts/schemas/CutTaken.v1.json is missing", id="missing"),
        pytest.param(
            lambda schema: shutil.copy(schema, schema.with_name("Unknown.v1.json")),
            "contracts/schemas/Unknown.v1.json belongs to no event",
            id="superfluous",
        ),
    ],
)
def test_a_document_that_is_not_what_the_models_say_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(folder / "schemas" / "CutTaken.v1.json")

    code = main(["check"], folder)

    said = capsys.readouterr().out.splitlines()
    assert code == 1
    assert len(said) == 1
    assert said[0].startswith(sentence)


def test_write_mends_what_check_found(folder: Path) -> None:
    (folder / "topics.json").write_text("{}")
    (folder / "schemas" / "Unknown.v1.json").write_text("{}")

    main(["write"], folder)

    assert main(["check"], folder) == 0


def test_the_command_says_how_it_is_used_when_it_is_used_wrongly() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "contracts.documents", "frobnicate"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert "python -m contracts.documents write | check | release" in ended.stdout


SETS = re.compile(r"\[[^]]*\]")  # of characters: what stands in them repeats nothing
UNBOUNDED = re.compile(r"[*+]|\{[0-9]+,\}")


def _is_bounded(node: dict[str, Any]) -> bool:
    """Whether the largest value that a schema allows can be told from the schema."""
    if "enum" in node or "const" in node or "maxLength" in node or node.get("format") in {"uuid", "date"}:
        return True
    match node["type"]:
        case "array":
            return "maxItems" in node
        case "integer":
            return "minimum" in node and "maximum" in node
        case "string":
            return "pattern" in node and not UNBOUNDED.search(SETS.sub("", node["pattern"]))
        case "object":
            return "properties" in node or "maxProperties" in node or "$ref" in node
    return bool(node["type"] == "boolean")


@pytest.mark.parametrize("name", sorted(name for name in documents() if name.startswith("schemas/")))
def test_every_text_list_and_number_of_a_schema_has_bounds(name: str) -> None:
    document = json.loads(documents()[name])
    conditions = {id(node) for node in _everything_in([document.get("if"), document.get("then")])}

    nodes = [node for node in _everything_in(document) if isinstance(node, dict) and isinstance(node.get("type"), str)]

    unbounded = [node for node in nodes if id(node) not in conditions and not _is_bounded(node)]
    assert [node for node in unbounded if node != document["properties"].get("data")] == []


@pytest.mark.parametrize(
    "node",
    [
        {"type": "string"},
        {"type": "string", "pattern": "^[a-z]+$"},
        {"type": "string", "pattern": "^a{2,}$"},
        {"type": "array", "items": {}},
        {"type": "integer", "minimum": 0},
    ],
)
def test_what_has_no_bounds_is_seen(node: dict[str, Any]) -> None:
    assert not _is_bounded(node)
