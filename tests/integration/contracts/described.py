"""Requests made from the description of a service's API alone, and what is wrong with an answer to one.

An answer is right when the description has its status, its type, its headers and its body; when what the description
allows is not called malformed; and when what it does not allow is refused.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from contracts.documents.generated import values
from tests.contract.story import Json

BY_ANY_OPERATION = {405, 408, 431, 500}
"""What `default` stands for: the server's own problems. Others are described by their status."""
OUR_HEADERS = {"etag", "location", "retry-after", "allow", "idempotency-replayed"}
NOT_A_VALUE = st.sampled_from([None, [], {}, -1, 1.5, True, "", "\0", "é", "x" * 3_000, {"x": 1}, [None]])
NOT_A_TEXT = st.sampled_from(["", "\0", "é", "%", "-1", "x" * 600, "2026-02-30", "a b", "[]"])


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a service's description."""

    path: str
    method: str
    said: Json = field(repr=False)
    components: Json = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.said["operationId"])

    def response(self, status: int) -> Json | None:
        found: Json = self.said["responses"].get(str(status) if status not in BY_ANY_OPERATION else "default", {})
        name = found.get("$ref", "").rpartition("/")[2]
        return self.components["responses"][name] if name else found or None

    def body(self) -> tuple[str, Json]:
        """The type of its body and what is said of it; two empty ones where it has none."""
        content = self.said.get("requestBody", {}).get("content", {})
        return next(iter(content.items()), ("", {}))

    def judge(self, schema: Json) -> Draft202012Validator:
        return Draft202012Validator({**schema, "components": self.components}, format_checker=FormatChecker())


def operations(description: Json) -> Iterator[Operation]:
    for path, methods in description["paths"].items():
        for method, said in methods.items():
            (server,) = said.get("servers", description["servers"])
            yield Operation(server["url"].rstrip("/") + path, method.upper(), said, description["components"])


@dataclass(slots=True)
class Asked:
    """A request, and how it departs from the description."""

    operation: Operation
    target: str
    headers: dict[str, str]
    content: bytes | None
    departs: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.operation.method} {self.target} {self.headers} {self.content!r} (wrong: {self.departs})"


@dataclass(frozen=True, eq=False, repr=False)
class Known:
    """What the services know: values of parameters and fields by their name, and bodies that were accepted."""

    named: Mapping[str, Sequence[str]]
    bodies: Mapping[str, Sequence[Json]]


@st.composite
def requests_to(draw: st.DrawFn, operation: Operation, known: Known) -> Asked:
    """One request: most are as described, some depart in one place."""
    departs_in = draw(st.sampled_from((None, None, None, "parameters", "body")))
    asked = Asked(operation, operation.path, {}, None)
    for parameter in operation.said.get("parameters", ()):
        if parameter["required"] or draw(st.booleans()):
            _add_parameter(draw, asked, parameter, known, may_depart=departs_in == "parameters")
    media_type, said = operation.body()
    if media_type:
        asked.headers["Content-Type"] = media_type
        _add_body(draw, asked, said, known, departs=departs_in == "body")
    return asked


def _add_parameter(draw: st.DrawFn, asked: Asked, parameter: Json, known: Known, *, may_depart: bool) -> None:
    name, where = parameter["name"], parameter["in"]
    text = draw(NOT_A_TEXT) if may_depart and not asked.departs else ""
    if text and _departs(asked.operation, parameter, text):
        asked.departs.append(f"{name} is {text[:50]!r}")
    else:
        text = draw(_texts(asked.operation, name, known))
    if where == "header":
        asked.headers[name] = text
    elif where == "path":
        asked.target = asked.target.replace(f"{{{name}}}", quote(text, safe=""))
    else:
        asked.target += f"{'&' if '?' in asked.target else '?'}{name}={quote(text, safe='')}"


def _departs(operation: Operation, parameter: Json, text: str) -> bool:
    """Whether the description does not allow this text, which the client sends as it is."""
    schema = parameter["schema"]
    read = int(text) if schema.get("type") == "integer" and text.lstrip("-").isdecimal() else text
    is_for_headers = text.isascii() and text.isprintable() and text == text.strip()
    return not operation.judge(schema).is_valid(read) and (parameter["in"] != "header" or is_for_headers)


@cache  # to make a strategy costs more than to draw from it
def _texts(operation: Operation, name: str, known: Known) -> st.SearchStrategy[str]:
    schema = next(each["schema"] for each in operation.said["parameters"] if each["name"] == name)
    made = values(schema, operation.components["schemas"]).map(str)
    return st.sampled_from(known.named[name]) | made if known.named.get(name) else made


def _add_body(draw: st.DrawFn, asked: Asked, said: Json, known: Known, *, departs: bool) -> None:
    operation, schema = asked.operation, said["schema"]
    if "example" in said:  # many lines, of which the description shows some
        asked.content = (b'{"x": 1}\n' if departs else b"") + str(said["example"]).encode()
        asked.departs += ["the first line"] if departs else []
        return
    body = draw(_bodies(operation, known))
    if departs:
        spoilt = {**body, draw(st.sampled_from([*body, "unheardOf"])): draw(NOT_A_VALUE)}
        if not operation.judge(schema).is_valid(spoilt):
            body = spoilt
            asked.departs.append("the body")
    asked.content = json.dumps(body).encode()


@cache
def _bodies(operation: Operation, known: Known) -> st.SearchStrategy[Any]:
    """Generated from the schema, or a body that was accepted with some of its fields generated anew."""
    schema = operation.body()[1]["schema"]
    is_valid = operation.judge(schema).is_valid
    made, accepted = values(schema, operation.components["schemas"]), known.bodies.get(operation.name)
    if not accepted:
        return made.filter(is_valid)
    mixed = st.tuples(
        st.sampled_from(accepted), made, st.sets(st.sampled_from(sorted(accepted[0]) or [""]), max_size=2)
    )
    renewed = mixed.map(lambda parts: {**parts[0], **{name: parts[1][name] for name in parts[2] & parts[1].keys()}})
    return (made | renewed).filter(is_valid)


def what_is_wrong(asked: Asked, answer: httpx.Response) -> str | None:
    """The first thing; none when the answer is right."""
    return next(_faults(asked, answer), None)


def _faults(asked: Asked, answer: httpx.Response) -> Iterator[str]:
    if answer.is_server_error and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
        yield "a server error"
    described = asked.operation.response(answer.status_code) or {"content": {}}
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    content = described["content"].get(media_type)
    if content is None:
        return (yield f"{answer.status_code} with {answer.headers.get('content-type')} is not described")
    for error in asked.operation.judge(content["schema"]).iter_errors(
        answer.json() if media_type.endswith("json") else answer.text
    ):
        yield f"the answer's {error.json_path}: {error.message}"
    described_headers = {name.lower() for name in described.get("headers", ())}
    for name in (OUR_HEADERS & answer.headers.keys()) - described_headers:
        yield f"the header {name} is not described"
    if asked.departs and answer.is_success:
        yield "what is not described was accepted"
    is_malformed = answer.status_code == httpx.codes.BAD_REQUEST and answer.json()["type"].endswith("/malformed")
    if is_malformed and not asked.departs:
        yield "what is described was refused as malformed"
