"""The schema of problems in the description of an API: it lists every type."""

from typing import Any

from services.chassis.http.answers import MAX_DETAIL, MAX_ERRORS, MAX_TEXT
from services.chassis.problems import PROBLEMS, every_problem

_TEXT = {"type": "string"}
_FIELD = {
    "type": "object",
    "required": ["field", "value", "allowed"],
    "properties": {
        "field": {**_TEXT, "maxLength": MAX_TEXT, "description": "Such as `groups[0].groupId`."},
        "value": {"description": "What it was; null where it was absent or is not repeated."},
        "allowed": {"description": "What is allowed."},
    },
}


def problem_schema(service: str) -> dict[str, Any]:
    packages = ("services.chassis.", f"services.{service}.")
    own = [problem for problem in every_problem() if problem.__module__.startswith(packages)]
    types = sorted({f"{PROBLEMS}/{problem.slug}" for problem in own})
    return {
        "type": "object",
        "description": "Why something was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail", "errors", "traceId"],
        "properties": {
            "type": {**_TEXT, "enum": types},
            "title": {**_TEXT, "maxLength": MAX_DETAIL},
            "status": {"type": "integer"},
            "detail": {**_TEXT, "maxLength": MAX_DETAIL},
            "errors": {"type": "array", "items": _FIELD, "maxItems": MAX_ERRORS},
            "traceId": {**_TEXT, "pattern": "^[0-9a-f]{32}$", "description": "What to tell us when you ask about it."},
        },
    }
