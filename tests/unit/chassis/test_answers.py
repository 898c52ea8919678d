"""A problem can always be written, whatever a caller sent."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.http.answers import MAX_ERRORS, write_problem
from services.chassis.problems import Malformed, WrongField
from services.chassis.running import telemetry

ANY_TEXT = st.text(st.characters(), max_size=300)  # lone surrogates too
ANY_SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary() | st.dates()
ANYTHING = st.recursive(ANY_SCALAR, lambda inside: st.lists(inside) | st.dictionaries(ANY_TEXT, inside))
TRACE = "0af7651916cd43dd8448eb211c80319c"
AT_MOST = 2 * 1024 * 1024  # bytes


def written(problem: Malformed) -> dict[str, Any]:
    with telemetry.span("a request", {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}):
        read: dict[str, Any] = json.loads(write_problem(problem), parse_constant=pytest.fail)
    return read


@given(ANY_TEXT, ANY_TEXT, ANYTHING, ANYTHING)
def test_whatever_is_echoed_is_json(detail: str, field: str, value: object, allowed: object) -> None:
    problem = written(Malformed(detail, WrongField(field, value, allowed)))

    assert problem["status"] == 400


@pytest.mark.parametrize(
    ("value", "echoed"),
    [
        (float("nan"), "not a finite number"),
        (float("-inf"), "not a finite number"),
        (10**4_000, "a number beyond 2^53"),
        ([1, [2], {"a": 3}], [1, None, None]),
        ({"a": 1}, None),
        (b"bytes", "bytes"),
        (12, 12),
        (True, True),
    ],
)
def test_a_value_is_echoed_as_far_as_another_program_can_read_it(value: object, echoed: object) -> None:
    problem = written(Malformed(None, WrongField("field", value, None)))

    assert problem["errors"][0]["value"] == echoed


CODES = ("kunst-en-cultuur", "decline/no_capacity", "coordinator")
IDS = ("partnership.sites.v1/3/12", "duo:16NV00", "own:J.d-V_1", "duo:23rt00")
DATES = ("2025-10-03", "2025-10-03T09:12:00.000Z", "2025-10-03 09:12:00+02:00", "2025-2026")


@pytest.mark.parametrize("text", [*IDS, *DATES, str(uuid4())])
def test_ids_and_dates_are_repeated(text: str) -> None:
    assert written(Malformed(None, WrongField("field", text, None)))["errors"][0]["value"] == text


@pytest.mark.parametrize("text", [*CODES, "quist", "jan-quist-is-ziek"])
@pytest.mark.parametrize(
    ("allowed", "is_repeated"),
    [(["art", "sport"], True), ({"expected": "'art' or 'sport'"}, True), ("a day", False), ({"pattern": "a+"}, False)],
)
def test_a_code_is_repeated_where_the_field_takes_one_of_some(text: str, allowed: object, is_repeated: bool) -> None:
    """Red: any word in small letters was taken for a code, so a name in the place of a date came back."""
    value = written(Malformed(None, WrongField("field", text, allowed)))["errors"][0]["value"]

    assert value == (text if is_repeated else None)


@pytest.mark.parametrize(
    "words",
    [
        "Zoë was ziek",
        "Jan",
        "jan de vries",
        "jan.de.vries@school.example",
        "0612345678",
        "",
        "x" * 65,
        "a\nb",
        "a\ud800b",
        {"Jan": 1},
        [["Jan"]],
    ],
)
def test_words_are_not_repeated(words: object) -> None:
    assert written(Malformed(None, WrongField("field", words, None)))["errors"][0]["value"] in (None, [None])


def test_a_problem_has_a_bounded_size() -> None:
    many = [WrongField("f" * 10_000, ["v" * 10_000] * 10_000, ["a" * 10_000] * 10_000)] * 10_000

    assert len(write_problem(Malformed("d" * 10**6, *many))) < AT_MOST
    assert len(written(Malformed(None, *many))["errors"]) == MAX_ERRORS


def test_a_problem_tells_the_trace() -> None:
    assert written(Malformed())["traceId"] == TRACE
