"""A second opinion: every figure that `reporting` publishes, counted again from the raw messages.

Written from metrics.md, rulings.md, lifecycles.md and wire.md alone. It shares nothing with
`services.reporting` and decodes plain JSON by itself, so that a mistake has to be made twice to stay hidden.
Brute force on purpose: everything is counted anew from the beginning, for every question.

Comments that begin with *Choice* name a ruling that can be read in two ways, and the reading taken here.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from demo.recount.adoption import adoption
from demo.recount.comparison import compare
from demo.recount.days import Season
from demo.recount.facts import Facts, facts_from
from demo.recount.figures import Counted, Figure
from demo.recount.flow import flow
from demo.recount.messages import Record
from demo.recount.reach import reach
from demo.recount.substitution import substitution
from demo.recount.topics import newest_figures, read_topics

__all__ = ["Counted", "Record", "compare", "newest_figures", "read_topics", "recount"]


def recount(messages: Iterable[Record]) -> dict[str, Counted]:
    """Every figure by its key. Pure, and blind to order: the same messages give the same figures.

    To count at a cut, give only the messages below its vector that it did not skip.
    """
    facts = facts_from(messages)
    return dict(chain.from_iterable(_figures(facts, season) for season in sorted(facts.seasons)))


def _figures(facts: Facts, season: Season) -> Iterator[Figure]:
    yield from adoption(facts, season)
    yield from substitution(facts, season)
    yield from reach(facts, season)
    yield from flow(facts, season)
