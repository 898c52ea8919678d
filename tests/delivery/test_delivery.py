"""The promise: however often and in whatever order events arrive, and wherever it is cut, the figures are the same.

The code under test is that of `reporting`, on its tables: reading, folding, counting, values. The folding alone is
tried with more histories in tests/unit/reporting. Each protection is also taken away once, to see the promise broken.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import combinations_with_replacement, product
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from contracts.activities import TakingPart
from contracts.sites import GroupRecorded, SiteKind
from contracts.values import Interval
from demo import recount
from samenspel.topic_records import TopicRecord
from services.reporting.definitions import shipped
from services.reporting.facts import folds
from services.reporting.facts.events import Fact
from services.reporting.figures import families
from services.reporting.publication import Fields
from tests.deliveries import Delivery, delivered_in_order, delivered_scenarios
from tests.scenarios import GROUP, PROGRAMMES, Scenario, as_announced, deliver, record_school
from tests.tables import Reading, Tables, read_all

DEFINED = as_announced(shipped())
FEW, MANY = 40, 1_000  # some tenths of a second each
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]  # on a shared machine, time says nothing
thorough = settings(max_examples=MANY, deadline=None, derandomize=True, suppress_health_check=UNHURRIED)
unshrunk = settings(thorough, max_examples=200, phases=[Phase.generate])  # to find one is enough
as_often = pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)])


@as_often
@pytest.mark.fault("T20")
def test_the_figures_are_the_same_however_often_and_in_whatever_order_events_arrive(
    tables: Tables, examples: int
) -> None:
    @settings(thorough, max_examples=examples)
    @given(delivered_scenarios(before=DEFINED))
    def check(delivered: tuple[Scenario, Delivery]) -> None:
        scenario, delivery = delivered
        assert tables.figures(delivery) == tables.figures(delivered_in_order(scenario.announced), everything=True)

    check()


@as_often
@pytest.mark.fault("T20")
def test_the_figures_are_those_of_an_independent_recount(tables: Tables, examples: int) -> None:
    @settings(thorough, max_examples=examples)
    @given(delivered_scenarios(before=DEFINED))
    def check(delivered: tuple[Scenario, Delivery]) -> None:
        assert differences(tables.figures(delivered[1]), delivered[1]) == []

    check()


def differences(figures: dict[str, Fields], delivery: Delivery) -> Sequence[str]:
    """Between these figures and a recount."""
    records = [recount.Record(each.topic, each.partition, each.offset, each.value or b"") for each in delivery.records]
    return recount.compare(figures, recount.recount(records))


PARTS = [
    {"participants": counted, "whole_group": whole}
    for counted, whole in ((None, False), (None, True), (0, False), (9, False), (40, False))
]


def test_the_bounds_of_every_group_are_those_of_a_recount(tables: Tables) -> None:
    """Red when a missing number of participants is taken for one: PostgreSQL's `least` leaves out what is null."""
    delivery = delivered_in_order([*DEFINED, *every_group().announced])

    figures = tables.figures(delivery)

    assert differences(figures, delivery) == []
    assert sum(key.startswith("reach-school/") for key in figures) > 2 * len(PARTS) ** 2


def every_group() -> Scenario:
    """Groups of a known and of a masked size, each at a site of its own, in one to three activities."""
    scenario = Scenario()
    some = [each for several in (1, 2, 3) for each in combinations_with_replacement(PARTS, several)]
    for number, (parts, headcount) in enumerate(product(some, ((24, 24), (1, 4)))):
        site_id, group_id, lower, upper = f"own:s{number}", f"own:g{number}", *headcount
        record_school(scenario, site_id)
        group = GROUP | {"group_id": group_id, "site_id": site_id, "register": "school", "school_year": "2025-2026"}
        counted = {"headcount": Interval(lower=lower, upper=upper)}
        scenario.announce(GroupRecorded.model_validate(group | counted), key=site_id)
        for part in parts:
            deliver(scenario, site_id, TakingPart.model_validate(part | {"group_id": group_id, "headcount": upper}))
    return scenario


HELD_AT = date(2025, 11, 3), date(2026, 7, 31), date(2025, 8, 1)
"""The days on which activities are, adoption stands, and a school year's cohort is what it is."""
CARE: tuple[SiteKind, ...] = ("childcare", "out_of_school_care")


def test_a_day_is_inside_or_outside_for_the_tables_as_for_a_recount(tables: Tables) -> None:
    """Of what begins and what ends on the day before, on the day, and on the day after."""
    delivery = delivered_in_order([*DEFINED, *every_border().announced])

    figures = tables.figures(delivery)

    assert differences(figures, delivery) == []
    assert any(figure["value"] not in {"0.000000", "1.000000"} for figure in figures.values() if "value" in figure)


def every_border() -> Scenario:
    """Child centres that differ in one day, each with a joint activity that its school confirmed."""
    scenario = Scenario()
    some = product(HELD_AT, (-1, 0, 1), ("opens", "closes", "declares", "declared", "links", "linked", "moves"))
    for number, (held_at, shift, what) in enumerate(some):
        school, day = f"own:s{number}", held_at + timedelta(days=shift)
        care = [f"{school}-{kind}" for kind in range(len(CARE))]
        links = [{"site_id": each, "kind": "child_centre", "from": date(2010, 8, 1)} for each in care]
        declared = {"programme": PROGRAMMES[0], "from": date(2010, 8, 1)}
        changed: dict[str, dict[str, Any]] = {
            "opens": {"opened_on": day},
            "closes": {"closed_on": day},
            "declares": {"declared_adoption": [declared | {"from": day}]},
            "declared": {"declared_adoption": [declared | {"to": day}]},
            "links": {"links": [each | {"from": day} for each in links]},
            "linked": {"links": [each | {"to": day} for each in links]},
            "moves": {},
        }
        record_school(scenario, school, **{"links": links} | changed[what])
        if what == "moves":
            record_school(scenario, school, "5223", links=links, valid_from=day)
        for site_id, kind in zip(care, CARE, strict=True):
            record_school(scenario, site_id, kinds=(kind,))
        group = GROUP | {"group_id": f"{school}-5", "site_id": school, "register": "school", "school_year": "2025-2026"}
        counted = {"headcount": Interval(lower=20, upper=20)}
        scenario.announce(GroupRecorded.model_validate(group | counted), key=school)
        deliver(
            scenario,
            school,
            TakingPart(group_id=f"{school}-5", headcount=20, participants=9),
            also_at=care,
            is_confirmed=True,
        )
    return scenario


def test_taking_every_delivery_for_another_thing_breaks_the_promise(tables: Tables) -> None:
    def each_its_own(records: Iterable[TopicRecord]) -> list[Fact]:
        return [
            msgspec.structs.replace(fact, entity=f"{fact.entity}-{fact.offset}")
            if fact.entity.startswith("activity:")
            else fact
            for fact in read_all(records)
        ]

    assert a_scenario_that_breaks(tables, reading=each_its_own)


def test_letting_the_last_arrival_win_breaks_the_promise(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "that_happened", lambda facts: sorted(facts, key=lambda fact: fact.offset))

    assert a_scenario_that_breaks(tables)


def test_a_cut_that_forgets_whom_an_activity_affects_breaks_the_promise(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for family in [each for each in families().values() if "activity" in each.affected]:
        monkeypatch.setitem(family.affected, "activity", f"{family.affected['activity']} LIMIT 0")

    assert a_scenario_that_breaks(tables)


def a_scenario_that_breaks(tables: Tables, reading: Reading = read_all) -> tuple[Scenario, Delivery]:
    """One of which the figures, without a protection, are wrong. Fails when there is none."""

    def breaks(delivered: tuple[Scenario, Delivery]) -> bool:
        return differences(tables.figures(delivered[1], reading=reading), delivered[1]) != []

    return find(delivered_scenarios(before=DEFINED), breaks, settings=unshrunk)
