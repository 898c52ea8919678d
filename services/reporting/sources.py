"""The events behind a figure: computed again from the facts below its cut, so that it is the same figure."""

from collections.abc import Iterable, Iterator

from services.reporting.facts import folds
from services.reporting.facts.events import READ, Fact
from services.reporting.facts.ledger import Ledger
from services.reporting.figures import functions
from services.reporting.figures.adoption import memory as adoption
from services.reporting.figures.flow import memory as flow
from services.reporting.figures.reach import memory as reach
from services.reporting.figures.substitution import memory as substitution
from services.reporting.figures.totals import Totals
from services.reporting.figures.values import ALL, Cell
from services.reporting.publication import cell_of


def sources(facts: Iterable[Fact], key: str) -> list[Fact]:
    """The facts that a figure rests on, ordered by topic, partition and offset; none if there is no such figure."""
    ledger, totals = Ledger(), Totals()
    for fact in facts:
        ledger.add(fact)
    totals.update(ledger, ledger.settle())
    indicator, version, cell = cell_of(key)
    definition = ledger.definitions.get((indicator, version))
    if definition is None or definition.function not in functions():
        return []
    family = functions()[definition.function].family
    entities = {
        f"indicator:{indicator}",
        *(
            entity
            for (its_family, subject), contributed in totals.contributed.items()
            if its_family == family and cell in contributed
            for entity in _behind(ledger, family, subject, cell)
        ),
    }
    known = [ledger.facts[entity] for entity in entities if entity in ledger.facts]
    found = [fact for versions in known for fact in folds.in_order(versions.values()) if fact.name in READ]
    return sorted(found, key=lambda fact: (fact.topic, fact.partition, fact.offset))


def _behind(ledger: Ledger, family: str, subject: str, cell: Cell) -> Iterator[str]:
    """The aggregates whose facts decide what one subject contributes to the cell."""
    match family:
        case adoption.NAME:
            yield f"site:{subject}"
            yield from _adopting(ledger, subject, cell)
        case reach.NAME:
            yield f"group:{subject}"
            for activity_id in ledger.activities_with[subject]:
                activity = ledger.activities[activity_id]
                if (activity.body.programme, activity.school_year) == (cell.programme, cell.period) and (
                    cell.stratum == ALL or cell.stratum in {area.stratum for area in activity.body.learning_areas}
                ):
                    yield f"activity:{activity_id}"
        case substitution.NAME:
            yield f"activity:{subject}"
        case flow.NAME:
            yield f"request:{subject}"
            yield from (f"referral:{referral_id}" for referral_id in ledger.referrals_of[subject])
            yield from (f"activity:{activity_id}" for activity_id in ledger.activities_for[subject])


def _adopting(ledger: Ledger, school_id: str, cell: Cell) -> Iterator[str]:
    for activity in adoption.qualifying(ledger, school_id, cell.programme, adoption.day_of(cell)):
        yield f"activity:{activity.body.activity_id}"
        if activity.body.request_id:
            yield f"request:{activity.body.request_id}"
