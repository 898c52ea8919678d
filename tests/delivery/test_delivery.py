"""The promise: however often and in whatever order events arrive, and wherever it is cut, the figures are the same.

The code under test is that of `reporting`: reading, folding, values; and the ledger in memory, with which the tables
are compared in tests/integration/reporting. Each protection is also taken away once, to see the promise broken.
"""

from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, find, given, settings

from demo import recount
from services.reporting import publication
from services.reporting.definitions import SHIPPED
from services.reporting.facts.events import Fact, read
from services.reporting.facts.ledger import Ledger
from services.reporting.in_memory import InMemory
from services.reporting.publication import Fields
from tests.deliveries import Delivery, delivered_in_order, delivered_scenarios
from tests.scenarios import Scenario, as_announced

DEFINED = as_announced(SHIPPED)
EXAMPLES = 1_000  # what the issue asks
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]  # on a shared machine, time says nothing
thorough = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=UNHURRIED)
unshrunk = settings(thorough, phases=[Phase.generate])  # to find one is enough


@given(delivered_scenarios(before=DEFINED))
@thorough
def test_the_figures_are_the_same_however_often_and_in_whatever_order_events_arrive(
    delivered: tuple[Scenario, Delivery],
) -> None:
    scenario, delivery = delivered

    in_order = follow(delivered_in_order(scenario.announced))
    as_delivered = follow(delivery)

    assert figures_of(as_delivered) == figures_of(in_order)


@given(delivered_scenarios(before=DEFINED))
@settings(thorough, max_examples=EXAMPLES // 2)  # half: counting everything anew takes as long again
def test_the_figures_are_those_of_an_independent_recount(delivered: tuple[Scenario, Delivery]) -> None:
    _, delivery = delivered

    records = [recount.Record(each.topic, each.partition, each.offset, each.value or b"") for each in delivery.records]
    counted = recount.recount(records)

    assert recount.compare(figures_of(follow(delivery)), counted) == []


def test_a_ledger_that_counts_every_delivery_breaks_the_promise() -> None:
    assert a_scenario_that_breaks(EveryDeliveryCounts)


def test_a_ledger_in_which_the_last_arrival_wins_breaks_the_promise() -> None:
    assert a_scenario_that_breaks(LastArrivalWins)


def test_a_cut_that_forgets_who_depends_on_what_changed_breaks_the_promise() -> None:
    assert a_scenario_that_breaks(ForgetsItsIndexes)


class EveryDeliveryCounts(Ledger):
    """Without its protection: an event that is delivered twice counts twice."""

    def add(self, fact: Fact) -> bool:
        return Ledger.add(self, msgspec.structs.replace(fact, entity=f"{fact.entity}#{fact.offset}"))


class LastArrivalWins(Ledger):
    """Without its protection: versions count in the order of arrival."""

    def add(self, fact: Fact) -> bool:
        came = len(self.facts.get(fact.entity, {})) + 1
        return Ledger.add(self, msgspec.structs.replace(fact, epoch=1, version=came))


class ForgetsItsIndexes(Ledger):
    """Without its protection: after a cut it no longer knows which activities name a group or a request."""

    def settle(self) -> list[Any]:
        changes = Ledger.settle(self)
        self.activities_with.of.clear()
        self.activities_for.of.clear()
        return changes


def a_scenario_that_breaks(ledger: type[Ledger]) -> tuple[Scenario, Delivery]:
    """One of which the figures depend, with this ledger, on how it arrives. Fails when there is none."""

    def breaks(delivered: tuple[Scenario, Delivery]) -> bool:
        scenario, delivery = delivered
        return figures_of(follow(delivery, ledger)) != figures_of(follow(delivered_in_order(scenario.announced)))

    return find(delivered_scenarios(before=DEFINED), breaks, settings=unshrunk)


def follow(delivery: Delivery, ledger: type[Ledger] = Ledger) -> InMemory:
    """What the leader does: append what came, cut, go on."""
    memory = InMemory(ledger=ledger())
    for part in delivery.parts:
        for record in part:
            memory.ledger.add(read(record, record.topic))
        memory.recompute()
    return memory


def figures_of(memory: InMemory) -> dict[str, Fields]:
    """Every figure that there is now."""
    return {key: fields for key, fields in memory.figures.items() if not publication.is_emptied(fields)}
