"""What is the case depends on what was said, and not on the order or the number of times in which it arrived."""

from collections import Counter, defaultdict
from datetime import date
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from services.reporting.definitions import shipped
from services.reporting.facts.events import Fact
from services.reporting.figures.values import standing_days
from services.reporting.things import KINDS, Row, settle
from tests.builders import ART, GROUP, PROGRAMME, SCHOOL
from tests.deliveries import Delivery, delivered_in_order, delivered_scenarios
from tests.delivery.test_delivery import thorough
from tests.scenarios import Scenario, as_announced
from tests.tables import read_all

AREAS = [ART.model_dump()]
YEAR, NEXT_YEAR = "2025-2026", "2026-2027"


class Known:
    """The rows of all tables, brought up to date part by part."""

    def __init__(self) -> None:
        self.facts: defaultdict[str, list[Fact]] = defaultdict(list)
        self.rows: defaultdict[str, set[Row]] = defaultdict(set)
        self.periods: Counter[Any] = Counter()

    def add(self, *fresh: Fact) -> None:
        settled = settle(self.facts, fresh)
        for kind, ids in settled.known.items():
            for table in KINDS[kind].tables:
                self.rows[table] = {row for row in self.rows[table] if row[0] not in ids}
        for table, rows in settled.rows.items():
            self.rows[table] |= {tuple(map(_hashable, row)) for row in rows}
        self.periods.update(settled.programme_periods)
        for fact in fresh:
            self.facts[fact.entity].append(fact)

    def says(self) -> tuple[dict[str, set[Row]], dict[Any, int]]:
        return {table: rows for table, rows in self.rows.items() if rows}, {**+self.periods}

    def row(self, table: str) -> Row:
        (row,) = self.rows[table]
        return row


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def told(*parts: list[Fact]) -> Known:
    known = Known()
    for part in parts:
        known.add(*part)
    return known


@given(delivered_scenarios(before=as_announced(shipped())))
@settings(thorough, max_examples=100)  # to make a scenario takes longer than to fold it
def test_what_is_the_case_is_the_same_however_often_and_in_whatever_order_facts_arrive(
    delivered: tuple[Scenario, Delivery],
) -> None:
    scenario, delivery = delivered

    as_delivered = told(*map(read_all, delivery.parts))
    at_once = told(read_all(delivered_in_order(scenario.announced).records))

    assert as_delivered.says() == at_once.says()


def a_fact(name: str, entity: str, version: int, **data: Any) -> Fact:
    text = msgspec.json.encode(data)
    where = ("partnership.any.v1", 0, version)
    return Fact(*where, name, entity, 1, version, f"{entity}-{version}", text)


def the_group(version: int, school_year: str, headcount: int) -> Fact:
    size = {"lower": headcount, "upper": headcount}
    group: dict[str, Any] = {"groupId": GROUP, "siteId": SCHOOL, "register": "school"}
    return a_fact("GroupRecorded", f"group:{GROUP}", version, **group, schoolYear=school_year, headcount=size)


GROUP_TWICE = [the_group(1, YEAR, 24), the_group(2, YEAR, 25), the_group(3, NEXT_YEAR, 19)]


@pytest.mark.parametrize("order", [*permutations(GROUP_TWICE)])
def test_each_year_keeps_the_newest_record_of_a_group_that_names_it(order: tuple[Fact, ...]) -> None:
    """A group belongs to one school year: what arrives for another year wipes nothing (ruling 40)."""
    known = told(*([fact] for fact in order))

    sizes = {row[1]: (row[4], row[5]) for row in known.rows["groups"]}
    assert sizes == {YEAR: (25, 25), NEXT_YEAR: (19, 19)}


def a_step(name: str, day: str, version: int) -> Fact:
    data: dict[str, Any] = {"requestId": "r", f"{name.lower()}At": f"2025-09-{int(day):02}T10:00:00.000Z"}
    if name == "Raised":
        data |= {"siteId": SCHOOL, "programme": PROGRAMME, "learningAreas": AREAS}
    if name == "Amended":
        data |= {"siteId": SCHOOL, "programme": "brede-school", "learningAreas": [], "coSiteIds": ["own:krekel"]}
    if name == "Closed":
        data["outcome"] = "advice_only"
    if name == "Reopened":
        data["returnsTo"] = "answered"
    return a_fact(f"Request{name}", "request:r", version, **data)


def a_request(*history: str) -> Row:
    """The row of a request: of each event the name and the day of September, the first on which it was raised."""
    return rows_of_a_request(*history).row("requests")


def rows_of_a_request(*history: str) -> Known:
    steps = (event.split() for event in ("Raised 1", *history))
    return told([a_step(step[0], step[1], version) for version, step in enumerate(steps, start=1)])


def test_what_is_assigned_again_after_the_answer_was_assigned_when_it_was_first() -> None:
    row = a_request("Assigned 2", "Answered 4", "Assigned 20", "Unbrokered 25")

    assert [day.day for day in row[5:8]] == [1, 2, 4]


@pytest.mark.parametrize(
    ("history", "without"),
    [
        (("Unbrokered 1",), True),
        (("Assigned 1", "Unbrokered 9"), True),
        (("Assigned 1", "Unbrokered 9", "Assigned 12"), False),
        (("Unbrokered 1", "Answered 4"), False),
        (("Assigned 1", "Answered 4", "Unbrokered 9"), False),
        (("Unbrokered 1", "Closed 4"), False),
        (("Unbrokered 1", "Withdrawn 4"), False),
        (("Assigned 1", "Answered 2", "Unbrokered 3", "Closed 4", "Reopened 5"), False),
    ],
)
def test_a_request_is_without_broker_while_nobody_covers_it_and_nobody_has_answered_it(
    history: tuple[str, ...], without: bool
) -> None:
    assert a_request(*history)[-5] is without


@pytest.mark.parametrize(
    ("history", "ended"),
    [
        (("Assigned 1", "Answered 2"), []),
        (("Assigned 1", "Answered 2", "Closed 4"), [(4, None)]),
        (("Assigned 1", "Withdrawn 4"), [(4, None)]),
        (("Assigned 1", "Answered 2", "Closed 4", "Reopened 9"), [(4, 9)]),
        (("Assigned 1", "Answered 2", "Closed 4", "Reopened 9", "Withdrawn 12"), [(4, 9), (12, None)]),
        (("Assigned 1", "Answered 2", "Closed 4", "Reopened 4"), []),
    ],
)
def test_a_request_has_ended_from_its_end_until_it_is_reopened(
    history: tuple[str, ...], ended: list[tuple[int, int | None]]
) -> None:
    spans = a_request(*history)[-4]

    assert [(span.lower.day, span.upper.day if span.upper else None) for span in spans] == ended


def test_an_amendment_says_what_is_asked_and_leaves_when_it_was_raised() -> None:
    known = rows_of_a_request("Assigned 1", "Amended 4")

    _, programme, site_id, areas, _, raised_on, *_ = known.row("requests")
    assert (programme, site_id, areas, raised_on.day) == ("brede-school", SCHOOL, (), 1)
    assert sorted(row[1] for row in known.rows["request_sites"]) == [SCHOOL, "own:krekel"]
    assert {programme for programme, _, _ in +known.periods} == {"brede-school"}


def test_of_a_voided_request_nothing_is_left() -> None:
    known = rows_of_a_request("Assigned 1", "Answered 2", "Voided 4")

    assert known.says() == ({}, {})


def test_of_a_voided_referral_nothing_is_left() -> None:
    said: dict[str, Any] = {"requestId": "r", "attempt": 1, "learningAreas": [], "madeAt": "2025-09-01T10:00:00.000Z"}
    made = a_fact("ReferralMade", "referral:x", 1, referralId="x", **said)
    voided = a_fact("ReferralVoided", "referral:x", 2, referralId="x")

    assert told([made]).rows["referrals"]
    assert told([made, voided]).says() == ({}, {})


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        ("2025-08-01", "2025-12-31 2026-07-31"),
        ("2025-12-31", "2025-12-31 2026-07-31"),
        ("2026-01-01", "2026-07-31 2026-12-31"),
        ("2026-07-31", "2026-07-31 2026-12-31"),
    ],
)
def test_a_day_is_in_the_years_that_end_on_the_next_of_the_days_at_which_something_stands(day: str, ends: str) -> None:
    assert sorted(standing_days(date.fromisoformat(day))) == [date.fromisoformat(end) for end in ends.split()]
