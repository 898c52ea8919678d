"""A request is routed again on other days: its steps keep their first moment, and once answered it waits for nobody."""

from datetime import date
from itertools import permutations
from typing import Any

import msgspec
import pytest

from services.reporting.facts.events import Fact, body_of
from services.reporting.facts.ledger import Ledger
from services.reporting.figures.flow import STEPS
from services.reporting.figures.flow.memory import steps

REQUEST = "r"
AREAS = [{"scheme": "curriculum.nu", "code": "kunst-en-cultuur"}]


def a_request(*history: str) -> Ledger:
    """What is known of a request: of each event the name and the day of September, the first on which it was raised."""
    ledger = Ledger()
    for version, event in enumerate(("Raised 1", *history), start=1):
        name, day = event.split()
        ledger.add(a_fact(name, day, version))
    ledger.settle()
    return ledger


def a_fact(name: str, day: str, version: int) -> Fact:
    data: dict[str, Any] = {"requestId": REQUEST, f"{name.lower()}At": f"2025-09-{int(day):02}T10:00:00.000Z"}
    if name == "Raised":
        data |= {"siteId": "school", "programme": "kansen", "learningAreas": AREAS}
    text, type_ = msgspec.json.encode(data), f"Request{name}"
    where = "partnership.requests.v1", 0, version
    return Fact(*where, type_, f"request:{REQUEST}", 1, version, f"e{version}", body_of(type_, text), text)


def first_days(ledger: Ledger) -> dict[str, date]:
    days = steps(ledger, REQUEST, ledger.requests[REQUEST])
    return {step: day for step, day in zip(STEPS, days, strict=True) if day is not None}


def is_without_broker(ledger: Ledger) -> bool:
    return ledger.requests[REQUEST].without_broker


def test_what_is_assigned_again_after_the_answer_was_assigned_when_it_was_first() -> None:
    ledger = a_request("Assigned 2", "Answered 4", "Assigned 20", "Unbrokered 25", "Assigned 28")

    september = {step: day.day for step, day in first_days(ledger).items()}

    assert september == {"raised": 1, "assigned": 2, "answered": 4}


@pytest.mark.parametrize(
    ("history", "without"),
    [
        (("Unbrokered 1",), True),
        (("Assigned 1", "Unbrokered 9"), True),
        (("Assigned 1", "Unbrokered 9", "Assigned 12"), False),
        (("Unbrokered 1", "Answered 4"), False),
        (("Assigned 1", "Answered 4", "Unbrokered 9"), False),
        (("Unbrokered 1", "Closed 4"), False),
    ],
)
def test_a_request_is_without_broker_while_nobody_covers_it_and_nobody_has_answered_it(
    history: tuple[str, ...], without: bool
) -> None:
    assert is_without_broker(a_request(*history)) is without


def test_a_routing_that_overtakes_the_answer_counts_the_same() -> None:
    facts = [
        a_fact("Raised", "1", 1),
        a_fact("Assigned", "1", 2),
        a_fact("Answered", "4", 3),
        a_fact("Unbrokered", "9", 4),
    ]
    found = set()
    for order in permutations(facts):
        ledger = Ledger()
        for fact in order:
            ledger.add(fact)
            ledger.settle()
        found.add(is_without_broker(ledger))

    assert found == {False}
