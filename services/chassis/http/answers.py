"""What every answer has: the headers of the API, and problems as bytes.

Guarantee: whatever a caller sent, `write_problem` does not fail (a lone surrogate, NaN, a number of any length, a
nesting of any depth), and what it writes has a bounded size. Of the texts that a caller sent it repeats ids, codes and
dates only: a problem ends up in the logs and tickets of others, and words may be about a person.
"""

import json
import re
from math import isfinite
from typing import Any

from fastapi import Response

from services.chassis.problems import PROBLEMS, Problem, WrongField
from services.chassis.running import telemetry

API_VERSION = "1.0.0"
HEADERS = [
    (b"api-version", API_VERSION.encode()),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
PROBLEM_TYPE = "application/problem+json"
MAX_ERRORS = 50  # enough to see what is wrong with a file; the number of all is in the detail
MAX_DETAIL = 2_000  # characters: a sentence, and what it lists
MAX_TEXT = 200  # characters: the longest name of a field, and the longest sentence of what is allowed
MAX_ITEMS = 100  # of a list of what is allowed: the longest are the school years
MAX_EXACT = 2**53  # beyond it, JavaScript and others read another number
REPEATED = re.compile(
    r"[a-z]{2,5}:[A-Za-z0-9._-]{1,124}"  # an id of a register, also in another spelling
    r"|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|partnership\.[a-z0-9.-]{1,64}(/\d{1,20}){0,3}"  # a topic, and a record of it
    r"|\d{4}-\d{2}-\d{2}([T ][\d:.]{1,15}(Z|[+-]\d{2}:\d{2})?)?|\d{4}-\d{4}"  # a day, an instant, a school year
)
"""The texts of callers that a problem repeats, so that they find what they sent."""
CODE = re.compile(r"[a-z][a-z0-9._-]{0,63}(/[a-z0-9._+-]{1,64}){0,3}")
"""A code, also of a list or scheme. Any word in small letters is one, so a problem repeats it
only where the field takes one of some, and says which."""


def write_problem(problem: Problem) -> bytes:
    return json.dumps(problem_body(problem), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def problem_body(problem: Problem) -> dict[str, Any]:
    return {
        "type": f"{PROBLEMS}/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": _text(problem.detail, MAX_DETAIL),
        "errors": [
            {"field": _text(wrong.field), "value": repeated(wrong), "allowed": shortened(wrong.allowed)}
            for wrong in problem.errors[:MAX_ERRORS]
        ],
        "traceId": telemetry.trace_id(),
    }


def problem_response(problem: Problem, **headers: str) -> Response:
    if problem.retry_after:
        headers["Retry-After"] = str(problem.retry_after)
    return Response(write_problem(problem), problem.status, headers, media_type=PROBLEM_TYPE)


def repeated(wrong: WrongField) -> Any:  # noqa: ANN401 - any JSON
    allowed = wrong.allowed
    is_one_of_some = isinstance(allowed, list | tuple | set | frozenset)
    is_one_of_some |= isinstance(allowed, dict) and "expected" in allowed  # as pydantic says it

    def one(value: object) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            return value if REPEATED.fullmatch(value) or (is_one_of_some and CODE.fullmatch(value)) else None
        return None if isinstance(value, dict | list | tuple | set | frozenset) else _scalar(value)

    if isinstance(wrong.value, list | tuple | set | frozenset):
        return [one(each) for each in list(wrong.value)[:MAX_ITEMS]]
    return one(wrong.value)


def shortened(value: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list | tuple | set | frozenset):
        return [_scalar(each) for each in list(value)[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {_text(str(name)): _scalar(each) for name, each in list(value.items())[:MAX_ITEMS]}
    return _scalar(value)


def _scalar(value: object) -> Any:  # noqa: ANN401 - any JSON but lists and objects
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int():
            return value if abs(value) <= MAX_EXACT else "a number beyond 2^53"
        case float():
            return value if isfinite(value) else "not a finite number"
    return type(value).__name__


def _text(text: str, longest: int = MAX_TEXT) -> str:
    """Cut to its length, with a question mark for each half of a character."""
    return text[:longest].encode("utf-8", "replace").decode()
