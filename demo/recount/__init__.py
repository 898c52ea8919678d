"""A second opinion: every figure that `reporting` publishes, counted again from the raw messages.

Written from the definitions of the figures and the format of the events alone. It shares nothing with
`services.reporting` and decodes plain JSON by itself, so that a mistake has to be made twice to stay hidden.
Brute force on purpose: it counts everything anew from the beginning, for every question.

Comments that begin with *Choice* name a ruling that can be read in two ways, and the reading taken here.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from demo.recount.adoption import adoption
from demo.recount.comparison import compare
from demo.recount.days import ProgrammeYear
from demo.recount.ends import attempts, rates, unmet
from demo.recount.entities import Entities, entities_from
from demo.recount.figures import Counted, KeyedFigure
from demo.recount.flow import flow
from demo.recount.messages import Record
from demo.recount.reach import reach
from demo.recount.substitution import substitution
from demo.recount.topics import newest_figures, read_topics
from demo.recount.waits import waits

__all__ = ["Counted", "Record", "compare", "newest_figures", "read_topics", "recount"]


def recount(messages: Iterable[Record]) -> dict[str, Counted]:
    """Every figure by its key. Pure; the same messages give the same figures in any order.

    To count at a cut, give only the messages below its vector that it did not skip.
    """
    entities = entities_from(messages)
    in_years = chain.from_iterable(_figures(entities, year) for year in sorted(entities.programme_years))
    return {**dict(adoption(entities)), **dict(waits(entities)), **dict(in_years)}


def _figures(entities: Entities, year: ProgrammeYear) -> Iterator[KeyedFigure]:
    yield from substitution(entities, year)
    yield from reach(entities, year)
    yield from flow(entities, year)
    yield from rates(entities, year)
    yield from attempts(entities, year)
    yield from unmet(entities, year)
