"""The description of a service's API in OpenAPI: what FastAPI does not know of it, in one place.

Problems, headers, who is asking, servers and contact. Nothing in an answer is null: what is absent is left out.
"""

import re
from collections.abc import Iterator
from typing import Any

from services.chassis.http.identity import HEADER, ROLES
from services.chassis.http.problem_schema import problem_schema

Json = dict[str, Any]

ROOT = "/v1"
CONTACT = {"name": "Samenspel", "url": "https://samenspel.nl"}
LICENSE = {"name": "EUPL-1.2", "identifier": "EUPL-1.2"}
_ANY_OTHER = (
    "Any other problem: 405 with `Allow` for a method that an address does not take, 408 for a request that came too"
    " slowly, 431 for too many or too large headers, 500 for what should not happen (tell us its `traceId`)."
)
PROBLEMS = {
    "400": ("Malformed", "The request is malformed: `errors` names each wrong field."),
    "401": ("Unidentified", "The caller is not known."),
    "403": ("NotAllowed", "This role, or this organisation, may not do that."),
    "404": ("NotFound", "There is no such thing, or the caller is no party to it."),
    "409": (
        "RuleSaysNo",
        "A rule says no, or this service does not know of something yet (then `Retry-After` says when to ask again).",
    ),
    "412": ("VersionConflict", "It changed since the version in `If-Match`."),
    "413": ("BodyTooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body is of another type, or compressed."),
    "503": ("Unavailable", "A part that is needed does not answer; nothing was lost. `Retry-After` says when to ask."),
    "default": ("Problem", _ANY_OTHER),
}
_TAGS = {  # of what every service may have; a service tells its own to `application`
    "redrives": "For operators: a dead letter that is sent again.",
    "letter-markers": "For operators: what became of a dead letter.",
    "republications": "For operators: the journal published again.",
    "restorations": "For operators: a database that was restored to an earlier point.",
    "work lists": "What is up to somebody now, and up to which day.",
    "clients": "For operators: external systems that give commands over Kafka.",
    "adoptions": "For operators: a topic that was made again.",
    "health": "Whether the service lives, and whether to send requests to it.",
}
_HEADERS = {
    "API-Version": "The full version of this API.",
    "ETag": 'The version of what is shown, for `If-Match`: `"2"`.',
    "Location": "Where it can be read.",
    "Idempotency-Replayed": "`true`: this command was carried out before, and this was its answer.",
    "Retry-After": "Seconds to wait before asking again.",
    "Allow": "The methods that this address takes.",
}
_ON_PROBLEMS = {"409": ["Retry-After"], "503": ["Retry-After"], "default": ["Allow"]}
_METHODS = {"get", "put", "post", "patch", "delete"}
_OF_ALL_QUERIES = ("400", "401", "503")


def describe(made: Json, service: str) -> Json:
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    made["info"] |= {"contact": CONTACT, "license": LICENSE}
    made["servers"] = [{"url": ROOT, "description": "The server that answers with this description."}]
    made["paths"] = {path.removeprefix(ROOT): operations for path, operations in made["paths"].items()}
    used = set[str]()
    for path, method, operation in _operations(made):
        used.update(operation["tags"])
        _describe_operation(path, method, operation)
    own = made.pop("tags", [])
    made["tags"] = [*own, *({"name": tag, "description": about} for tag, about in _TAGS.items() if tag in used)]
    _leave_out_null(made)
    schemas["Problem"] = problem_schema(service)
    responses = {name: _problem(status, about) for status, (name, about) in PROBLEMS.items()}
    headers = {name: _header(about) for name, about in _HEADERS.items()}
    responses = _named_in(made["paths"], "responses", responses)
    made["components"] |= {
        "headers": _named_in([made["paths"], responses], "headers", headers),
        "responses": responses,
        "securitySchemes": {"developmentIdentity": _identity()},
    }
    for each in _objects_in(schemas):
        if each.get("type") == "array":  # linters want its items also where only a condition on the list is said
            each.setdefault("items", {})
    return made


def _named_in(node: Any, kind: str, components: Json) -> Json:  # noqa: ANN401 - any JSON
    references = {each["$ref"] for each in _objects_in(node) if isinstance(each.get("$ref"), str)}
    return {name: each for name, each in components.items() if f"#/components/{kind}/{name}" in references}


def _objects_in(node: Any) -> Iterator[Json]:  # noqa: ANN401 - any JSON
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _objects_in(each)


def _operations(made: Json) -> Iterator[tuple[str, str, Json]]:
    for path, operations in made["paths"].items():
        for method in operations.keys() & _METHODS:
            yield path, method, operations[method]


def _describe_operation(path: str, method: str, operation: Json) -> None:
    operation["summary"] = re.sub(r"(?=[A-Z])", " ", operation["operationId"]).capitalize()
    for parameter in operation.get("parameters", ()):
        parameter["schema"].pop("title", None)  # made from the name, and says no more
    responses = operation["responses"]
    responses.pop("422", None)
    responses["default"] = {}
    if path.startswith("/health/"):  # no part of a version of the API
        operation |= {"security": [], "servers": [{"url": "/", "description": "The same server."}]}
    else:
        operation["security"] = [{"developmentIdentity": []}]
        needed = {*_OF_ALL_QUERIES, *(("404",) if "{" in path else ())} if method == "get" else set()
        responses |= dict.fromkeys(sorted(needed))
    for status, response in sorted(responses.items()):
        if status in PROBLEMS and not (response or {}).get("content"):  # a body of its own is no problem
            responses[status] = {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"}
        else:
            names = ["API-Version", *response.get("headers", ())]
            response["headers"] = {name: _header_named(name) for name in names}


def _header_named(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _header(about: str) -> Json:
    return {"description": about, "schema": {"type": "string"}}


def _problem(status: str, about: str) -> Json:
    names = ["API-Version", *_ON_PROBLEMS.get(status, ())]
    return {
        "description": about,
        "headers": {name: _header_named(name) for name in names},
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _identity() -> Json:
    about = (
        "Who is asking, until there is single sign-on: `role=…; organisation=…; actor=…`. Roles: "
        f"{', '.join(f'`{role}`' for role in ROLES)}. Accepted only where development identity is switched on."
    )
    return {"type": "apiKey", "in": "header", "name": HEADER, "description": about}


def _leave_out_null(made: Json) -> None:
    """In parameters, for a whole body, and in schemas that only answers use: there nothing is ever null."""
    schemas = made["components"]["schemas"]
    operations = [operation for _, _, operation in _operations(made)]
    sent = _reachable([operation.get("requestBody") for operation in operations], schemas)
    answered = _reachable([operation["responses"] for operation in operations], schemas) - sent
    for operation in operations:
        operation["parameters"] = [_without_null(each) for each in operation.get("parameters", ())]
        if "requestBody" in operation:  # one that says nothing is left out, and is not null
            operation["requestBody"] = _without_null(operation["requestBody"])
    for name in schemas:
        schemas[name] = _without_null(schemas[name]) if name in answered else schemas[name]


def _reachable(node: Any, schemas: Json) -> set[str]:  # noqa: ANN401 - any JSON
    found, waiting = set[str](), [node]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)}:
                name = reference.rpartition("/")[2]
                if name in schemas and name not in found:
                    found.add(name)
                    waiting.append(schemas[name])
            case dict() as fields:
                waiting.extend(fields.values())
            case list() as items:
                waiting.extend(items)
    return found


def _without_null(node: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _without_null(each) for name, each in node.items() if name != "anyOf"}
    choices = [_without_null(each) for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept
