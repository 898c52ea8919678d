"""The events behind a figure: enough to count it again, page by page, and what a caller may see of them."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given, settings

from contracts.activities import TakingPart
from contracts.sites import GroupRecorded
from contracts.values import Interval
from services.reporting import fact_store
from services.reporting.definitions import shipped
from services.reporting.facts.events import Fact
from services.reporting.figures import families
from services.reporting.publication import Fields
from services.reporting.sources import Source, SourceKey, sources
from services.reporting.who_sees import Own
from tests.deliveries import Delivery, delivered_in_order, delivered_scenarios
from tests.delivery.test_delivery import DEFINED, thorough
from tests.integration.reporting.test_families import played
from tests.scenarios import GROUP, PROGRAMMES, Scenario, as_announced, deliver, record_school
from tests.tables import Tables, read_all

EXAMPLES = 10  # of each history a figure of each indicator: some tenths of a second each
OF_CITY = f"reach-school/1/{PROGRAMMES[0]}/city/all/2025-2026"


async def behind(tables: Tables, key: str, *, own: Own = None, after: SourceKey | None = None) -> list[Source]:
    """All of them, as far as they were appended."""
    rows = await tables.db.fetch('SELECT topic, partition, max("offset") + 1 AS next FROM facts GROUP BY 1, 2')
    below = {(row["topic"], row["partition"]): (1, row["next"]) for row in rows}
    async with tables.db.transaction():
        return [each async for each in sources(tables.db, key, own=own, below=below, after=after)]


async def counted_again(tables: Tables, facts: list[Fact], key: str) -> object:
    await tables.forget()
    await tables.append(facts)
    await tables.cut()
    return (await tables.newest()).get(key)


def are_counted_again(tables: Tables, delivery: Delivery, figures: dict[str, Fields], keys: Iterable[str]) -> int:
    """For how many of the figures the events behind them and the records of sites gave the same figure again: those
    that count what happened (where nothing did, a programme has no figures)."""
    sites = [fact for fact in read_all(delivery.records) if fact.entity.startswith("site:")]
    found = {key: [each.fact for each in tables.run(behind(tables, key))] for key in keys}
    compared = 0
    for key, facts in found.items():
        # One that counts for several things stands there for each of them.
        once = {(fact.topic, fact.partition, fact.offset): fact for fact in facts}.values()
        others = [fact for fact in once if not fact.entity.startswith("site:")]
        happened = any(fact.entity.startswith(("activity:", "request:")) for fact in others)
        if happened or counts_what_happened(figures[key]):
            assert tables.run(counted_again(tables, [*sites, *others], key)) == figures[key]
            compared += 1
    return compared


def test_the_events_behind_a_figure_and_the_sites_alone_give_that_figure(tables: Tables) -> None:
    compared = 0

    @settings(thorough, max_examples=EXAMPLES)
    @given(delivered_scenarios(before=DEFINED))
    def check(delivered: tuple[Scenario, Delivery]) -> None:
        nonlocal compared
        figures = tables.figures(delivered[1])
        telling = sorted(figures, key=lambda key: counts_what_happened(figures[key]))
        one_of_each = {figures[key]["indicator"]: key for key in telling}.values()
        compared += are_counted_again(tables, delivered[1], figures, one_of_each)

    check()
    assert compared > EXAMPLES


@pytest.mark.parametrize("name", sorted(families()))
def test_the_events_behind_the_figures_of_a_worked_example_give_those_figures(tables: Tables, name: str) -> None:
    example = families()[name].example
    delivery = delivered_in_order([*as_announced(shipped()), *played(example["events"]).announced])

    assert are_counted_again(tables, delivery, tables.figures(delivery), example["figures"])


def counts_what_happened(figure: Fields) -> bool:
    """Whether something must be behind it: a school's own word needs nothing that happened."""
    counted = any(Decimal(figure.get(field, 0)) > 0 for field in ("value", "numerator", "lower", "upper"))
    return counted and figure["indicator"] != "adoption-declared"


def two_schools() -> Scenario:
    """An activity with a group of each of two schools, in two neighbourhoods, and another of one of them."""
    scenario = Scenario()
    scenario.announced[:0] = DEFINED
    for school, neighbourhood in (("own:bron", "5211"), ("own:linde", "5223")):
        record_school(scenario, school, neighbourhood)
        group = GROUP | {"group_id": f"{school}-5", "site_id": school, "register": "school"}
        counted = {"school_year": "2025-2026", "headcount": Interval(lower=20, upper=20)}
        scenario.announce(GroupRecorded.model_validate(group | counted), key=school)
    parts = [TakingPart(group_id=f"own:{name}-5", headcount=20, participants=9) for name in ("bron", "linde")]
    deliver(scenario, "own:bron", *parts)
    deliver(scenario, "own:linde", parts[1])
    return scenario


def counts_for(found: list[Source]) -> list[tuple[str, str]]:
    return [(each.key.counts_for, each.fact.name) for each in found]


ANOTHER_CLOCK = "28140aa9-80d5-538f-9d46-33a97a822e49"
BRON, LINDE = "group:own:bron-5", "group:own:linde-5"
DEFINITION = [("indicator:reach-school", "IndicatorDefined")]


def of_group(group: str, *, activities: int) -> list[tuple[str, str]]:
    return [*[(group, "ActivityDelivered")] * activities, (group, "GroupRecorded")]


def test_an_event_stands_there_for_each_thing_for_which_it_counts(tables: Tables) -> None:
    tables.figures(delivered_in_order(two_schools().announced))

    found = counts_for(tables.run(behind(tables, OF_CITY)))

    assert found == [*DEFINITION, *of_group(BRON, activities=1), *of_group(LINDE, activities=2)]


def test_of_a_neighbourhood_or_a_site_only_what_counts_there(tables: Tables) -> None:
    tables.figures(delivered_in_order(two_schools().announced))

    for unit in ("neighbourhood:5223", "site:own:linde"):
        found = counts_for(tables.run(behind(tables, OF_CITY.replace("city", unit))))
        assert found == [*DEFINITION, *of_group(LINDE, activities=2)]


def test_a_caller_finds_what_counts_for_its_own_sites(tables: Tables) -> None:
    tables.figures(delivered_in_order(two_schools().announced))

    of_linde = counts_for(tables.run(behind(tables, OF_CITY, own=["site:own:linde"])))
    of_nobody = counts_for(tables.run(behind(tables, OF_CITY, own=[])))

    assert of_linde == [*DEFINITION, *of_group(LINDE, activities=2)]
    assert of_nobody == DEFINITION


def test_behind_the_waits_of_one_clock_are_no_others(tables: Tables) -> None:
    """Red while whatever a family counts in a cell stood behind each of its figures there."""
    events = families()["waits"].example["events"]
    started = next(each["ClockStarted"] for each in events if "ClockStarted" in each)
    another = {"ClockStarted": started | {"clockId": ANOTHER_CLOCK, "clock": "plan"}}
    delivery = delivered_in_order([*as_announced(shipped()), *played([*events, another]).announced])
    figures = tables.figures(delivery)

    def clocks_behind(indicator: str) -> set[str]:
        key = f"{indicator}/1/{PROGRAMMES[0]}/city/all/2025-2026"
        assert key in figures
        return {each.key.counts_for for each in tables.run(behind(tables, key)) if each.fact.name == "ClockStarted"}

    assert clocks_behind("wait-plan-breached") == {f"clock:{ANOTHER_CLOCK}"}
    assert clocks_behind("wait-decide-breached") == clocks_behind("wait-decide-median")
    assert len(clocks_behind("wait-decide-median")) == 2


def test_page_after_page_gives_all_of_them_once(tables: Tables) -> None:
    tables.figures(delivered_in_order(two_schools().announced))

    everything = tables.run(behind(tables, OF_CITY))
    behind_each = [tables.run(behind(tables, OF_CITY, after=source.key)) for source in everything]

    assert behind_each == [everything[number:] for number in range(1, len(everything) + 1)]


def test_what_a_cut_did_not_know_is_not_behind_its_figures(tables: Tables) -> None:
    tables.figures(delivered_in_order(two_schools().announced))

    async def below_nothing() -> list[Source]:
        nothing: fact_store.Vector = {}
        async with tables.db.transaction():
            return [each async for each in sources(tables.db, OF_CITY, own=None, below=nothing, after=None)]

    assert tables.run(below_nothing()) == []
