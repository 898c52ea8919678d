"""How long clocks ran, and how often too long: `ClockStarted` to `ClockPaused`, in calendar days (ruling 2)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from demo.recount.days import amsterdam_day, school_year_of
from demo.recount.entities import Entities, Wait
from demo.recount.figures import Counted, KeyedFigure, decimal, key, median, p90, share_of

# Choice: `follow` and `close` are no waits. They measure what others do, and a grace period.
CLOCKS = ("answer", "wish", "see", "decide", "review", "plan", "finish", "take-back", "report")

Cell = tuple[str, str, str, str]
"""Programme, unit, school year, clock."""


def waits(entities: Entities) -> Iterator[KeyedFigure]:
    """Per neighbourhood and for the city, in the school year in which a wait began."""
    cells: dict[Cell, list[Wait]] = defaultdict(list)
    for all_of_clock in entities.waits:
        # Choice: one of which no site was said, as before there were work lists, counts nowhere; the next ones do.
        of_clock = [wait for wait in all_of_clock if wait.started.site_id]
        for year in {school_year_of(_began(wait)) for wait in of_clock}:
            its = [wait for wait in of_clock if school_year_of(_began(wait)) == year]
            for cell in _cells(entities, its, year):
                cells[cell] += its
    for (programme, unit, year, clock), its in cells.items():
        too_long = share_of(sum(wait.too_long for wait in its), len(its))
        yield key(f"wait-{clock}-breached", programme, unit, "all", year), too_long
        days = [max(0, (wait.ended_on - _began(wait)).days) for wait in its if wait.ended_on is not None]
        if days:
            for name, value in (("median", median(days)), ("p90", p90(days))):
                counted = Counted(measure="days", value=decimal(value), denominator=(len(days), len(days)))
                yield key(f"wait-{clock}-{name}", programme, unit, "all", year), counted


def _began(wait: Wait) -> date:
    return amsterdam_day(wait.started.at)


def _cells(entities: Entities, its: list[Wait], year: str) -> Iterator[Cell]:
    started = its[0].started
    programme = started.programme
    if started.request_id is not None:
        request = entities.requests.get(started.request_id)
        # Choice (31, 36): of a request that was voided, or is not known yet, nothing counts, its waits neither.
        programme = request.raised.programme if request else None
    if programme is None or started.clock not in CLOCKS:
        return
    # Choice (38): where its site was when the first of them began in that year.
    first = min(_began(wait) for wait in its)
    for unit in entities.sites.units([started.site_id], first):
        if not unit.startswith("site:"):
            yield programme, unit, year, started.clock
