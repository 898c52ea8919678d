"""The committed descriptions of the three services: what an integrator needs to know is in them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.contract.story import Json, contents

APIS = {path.stem: contents(path) for path in (Path(__file__).parents[2] / "docs" / "openapi").glob("*.json")}
EXACT = 2**53
"""Beyond it, JavaScript and others read another number than is written."""


class Operation(NamedTuple):
    service: str
    path: str
    method: str
    said: Json

    @property
    def name(self) -> str:
        return f"{self.service}: {self.said['operationId']}"


def operations() -> Iterator[Operation]:
    for service, described in APIS.items():
        for path, methods in described["paths"].items():
            for method, said in methods.items():
                yield Operation(service, path, method, said)


def objects_in(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects_in(each)


every_operation = pytest.mark.parametrize("operation", list(operations()), ids=lambda operation: operation.name)
of_the_api = pytest.mark.parametrize(
    "operation",
    [each for each in operations() if not each.path.startswith("/health/")],
    ids=lambda operation: operation.name,
)


@every_operation
def test_an_operation_has_a_readable_id_a_description_and_a_tag_that_is_explained(operation: Operation) -> None:
    explained = {tag["name"] for tag in APIS[operation.service]["tags"]}

    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation.said["operationId"])
    assert operation.said["description"]
    assert set(operation.said["tags"]) <= explained


@pytest.mark.parametrize("service", sorted(APIS))
def test_no_tag_is_explained_that_no_operation_has(service: str) -> None:
    used = {tag for each in operations() if each.service == service for tag in each.said["tags"]}

    assert {tag["name"] for tag in APIS[service]["tags"]} == used


@every_operation
def test_every_answer_has_its_headers_and_none_is_fastapis_own(operation: Operation) -> None:
    answers = operation.said["responses"]

    assert "422" not in answers
    assert "default" in answers
    assert all("API-Version" in answer["headers"] for answer in answers.values() if "$ref" not in answer)


@of_the_api
def test_an_operation_says_who_may_ask_and_every_problem_of_its_kind(operation: Operation) -> None:
    answers = operation.said["responses"]

    assert operation.said["security"] == [{"developmentIdentity": []}]
    assert {"400", "401", "503", "default"} <= answers.keys()
    assert ("404" in answers) or "{" not in operation.path
    assert {"403", "413", "415"} <= answers.keys() or operation.method == "get"


@of_the_api
def test_parameters_are_written_in_camel_case(operation: Operation) -> None:
    names = [each["name"] for each in operation.said.get("parameters", ()) if each["in"] != "header"]

    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)
    assert set(re.findall(r"\{(\w+)\}", operation.path)) <= set(names)


@of_the_api
def test_what_shows_a_version_says_so(operation: Operation) -> None:
    shows_one = operation.method == "get" and operation.path.count("/") == operation.path.count("{") + 1
    is_versioned = any(part in operation.path for part in ("/requests/{", "/referrals/{", "/activities/{", "/groups/{"))

    if shows_one and is_versioned:
        assert "ETag" in operation.said["responses"]["200"]["headers"]


@pytest.mark.parametrize("service", sorted(APIS))
def test_a_description_says_where_it_is_served_whom_to_ask_and_who_is_asking(service: str) -> None:
    described = APIS[service]

    assert [server["url"] for server in described["servers"]] == ["/v1"]
    assert described["info"]["contact"].keys() == {"name", "url"}
    assert described["info"]["license"]["identifier"] == "EUPL-1.2"
    assert described["components"]["securitySchemes"]["developmentIdentity"]["name"] == "Samenspel-Actor"


@pytest.mark.parametrize("service", sorted(APIS))
def test_no_answer_has_a_null(service: str) -> None:
    schemas = APIS[service]["components"]["schemas"]

    shown = {name: each for name, each in schemas.items() if name.endswith(("View", "Page"))}

    assert shown
    assert [name for name, each in shown.items() if "'null'" in str(each)] == []
    assert [name for name, each in shown.items() if "nextCursor" in each.get("required", ())] == []


@pytest.mark.parametrize(
    "operation", [each for each in operations() if "requestBody" in each.said], ids=lambda operation: operation.name
)
def test_the_body_of_a_command_has_an_example_that_its_schema_allows(operation: Operation) -> None:
    ((_, body),) = operation.said["requestBody"]["content"].items()
    components = APIS[operation.service]["components"]
    judge = Draft202012Validator({**body["schema"], "components": components}, format_checker=FormatChecker())

    examples = [body["example"]] if "example" in body else body["schema"].get("examples", [])

    assert examples
    assert [example for example in examples if not judge.is_valid(example)] == []


@pytest.mark.parametrize("service", sorted(APIS))
def test_every_number_is_exact_for_every_reader(service: str) -> None:
    bounds = [each[bound] for each in objects_in(APIS[service]) for bound in ("minimum", "maximum") if bound in each]

    assert bounds
    assert [bound for bound in bounds if abs(bound) > EXACT] == []


def test_every_command_of_many_lines_shows_its_body() -> None:
    bodies = [each.said["requestBody"]["content"] for each in operations() if "requestBody" in each.said]

    in_lines = [content["application/x-ndjson"] for content in bodies if "application/x-ndjson" in content]

    assert len(in_lines) == len(
        [each for each in operations() if each.said["operationId"] in {"recordSites", "recordGroups"}]
    )
    assert all(body["example"].startswith("{") for body in in_lines)
    judges = [Draft202012Validator(body["schema"]) for body in in_lines]
    assert not any(judge.is_valid(empty) for judge in judges for empty in ("", "\n", " "))


def names_checked_by_doors() -> set[str]:
    """The lists in which a door refuses what is named twice."""
    sources = [path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "services").rglob("*.py")]
    calls = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    checks = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "check_unique"]
    return {
        str(keyword.value.value)
        for call in checks
        for keyword in call.keywords
        if keyword.arg == "field" and isinstance(keyword.value, ast.Constant)
    }


def lists_of_bodies() -> Iterator[tuple[str, Json]]:
    """Each list that a caller sends, with its name."""
    for operation in operations():
        schemas = APIS[operation.service]["components"]["schemas"]
        waiting, seen = [operation.said.get("requestBody", {})], set[str]()
        while waiting:
            for each in objects_in(waiting.pop()):
                name = str(each.get("$ref", "")).rpartition("/")[2]
                if name in schemas and name not in seen:
                    seen.add(name)
                    waiting.append(schemas[name])
                for name, one in each.get("properties", {}).items():
                    if isinstance(one, dict) and one.get("items"):  # a condition says nothing of its items
                        yield name, one


def test_a_list_in_which_a_door_refuses_what_is_named_twice_says_so_in_its_schema() -> None:
    checked, sent = names_checked_by_doors(), list(lists_of_bodies())

    assert {"groups", "learningAreas", "actsFor"} < checked
    assert checked <= {name for name, _ in sent}
    assert {name for name, one in sent if one.get("uniqueItems")} == checked
    assert [name for name, one in sent if name in checked and not one.get("uniqueItems")] == []
