"""Problems in the description of an API: one schema that lists every type, and an answer of every operation."""

from typing import Any

from services.chassis.http.answers import MAX_ERRORS
from services.chassis.problems import PROBLEMS, every_problem

_METHODS = {"get", "put", "post", "patch", "delete"}
_TEXT = {"type": "string"}
_REFERENCE = {"$ref": "#/components/schemas/Problem"}
PROBLEM_ANSWER = {"description": "A problem.", "content": {"application/problem+json": {"schema": _REFERENCE}}}
_FIELD = {
    "type": "object",
    "required": ["field", "value", "allowed"],
    "properties": {
        "field": {**_TEXT, "description": "Such as `groups[0].groupId`."},
        "value": {"description": "What it was; null where it was absent or is not repeated."},
        "allowed": {"description": "What is allowed."},
    },
}


def _schema(service: str) -> dict[str, Any]:
    packages = ("services.chassis.", f"services.{service}.")
    own = [problem for problem in every_problem() if problem.__module__.startswith(packages)]
    types = sorted({f"{PROBLEMS}/{problem.slug}" for problem in own})
    return {
        "type": "object",
        "description": "Why something was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail", "errors", "traceId"],
        "properties": {
            "type": {**_TEXT, "enum": types},
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "errors": {"type": "array", "items": _FIELD, "maxItems": MAX_ERRORS},
            "traceId": {**_TEXT, "description": "What to tell us when you ask about it."},
        },
    }


def with_problems(description: dict[str, Any], service: str) -> dict[str, Any]:
    """The description, in which every operation may answer with a problem; FastAPI's own 422 never comes."""
    description["components"]["schemas"]["Problem"] = _schema(service)
    for path in description["paths"].values():
        for operation in (path[method] for method in path.keys() & _METHODS):
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = PROBLEM_ANSWER
    for unused in ("HTTPValidationError", "ValidationError"):
        description["components"]["schemas"].pop(unused, None)
    return description
