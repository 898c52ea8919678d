"""What a rebuild compares: equal figures are no difference, and every other one is a sentence."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from services.reporting import rebuild
from services.reporting.cut import Figures
from services.reporting.facts.events import read
from services.reporting.publication import Published
from tests.deliveries import as_sent

EXAMPLES = sorted((Path(__file__).parents[3] / "contracts" / "examples").rglob("*.json"))
AT = datetime(2026, 8, 1, tzinfo=UTC)


def figures_of_the_examples() -> Figures:
    figures = Figures()
    for offset, message in enumerate(json.loads(path.read_bytes()) for path in EXAMPLES):
        record = as_sent(message, offset=offset)
        figures.ledger.add(read(record, record.topic))
    figures.recompute()
    return figures


COMPUTED = figures_of_the_examples()
PUBLISHED = {key: Published(1, 1, AT, each.digest, each.fields) for key, each in COMPUTED.unpublished.items()}
KEY = min(PUBLISHED)


def with_another_value(published: Published) -> Published:
    return replace(published, fields=published.fields | {"value": "0.123456"})


def with_another_digest(published: Published) -> Published:
    return replace(published, digest="0" * 64)


def test_what_was_published_as_it_is_computed_is_no_difference() -> None:
    assert PUBLISHED
    assert rebuild.compare(COMPUTED, PUBLISHED) == (len(PUBLISHED), [])


@pytest.mark.parametrize("change", [with_another_value, with_another_digest])
def test_a_figure_that_was_published_otherwise_is_a_difference(change: Callable[[Published], Published]) -> None:
    published = PUBLISHED | {KEY: change(PUBLISHED[KEY])}

    (difference,) = rebuild.compare(COMPUTED, published)[1]

    assert difference.startswith(f"{KEY} was published as")


def test_a_figure_that_was_never_published_is_a_difference() -> None:
    published = {key: each for key, each in PUBLISHED.items() if key != KEY}

    assert rebuild.compare(COMPUTED, published)[1] == [f"{KEY} was never published"]


def test_a_figure_that_is_computed_no_more_is_a_difference() -> None:
    published = PUBLISHED | {"unknown/1/p/city/all/2025-2026": PUBLISHED[KEY]}

    (difference,) = rebuild.compare(COMPUTED, published)[1]

    assert difference.endswith("cannot be computed any more")


def history_of(*told: tuple[str, dict[str, Any]]) -> rebuild.History:
    """What the history topic says, given (example, what is changed in its data) in the order of the topic."""
    history = rebuild.History()
    for name, changes in told:
        envelope = json.loads(next(path for path in EXAMPLES if path.parent.name == f"{name}.v1").read_bytes())
        envelope["data"] |= changes
        subject = str(changes.get("key", changes["cutId"]))
        envelope |= {"subject": subject, "partitionkey": "cut" if name == "CutTaken" else subject}
        rebuild._remember(history, as_sent(envelope))
    return history


def a_cut(cut_id: int, figures: int) -> tuple[str, dict[str, Any]]:
    return "CutTaken", {"cutId": cut_id, "figureCount": figures, "knownAt": f"2026-08-0{cut_id}T10:00:00.000Z"}


def a_figure(key: str, cut_id: int) -> tuple[str, dict[str, Any]]:
    return "MetricPublished", {"key": key, "cutId": cut_id, "knownAt": f"2026-08-0{cut_id}T10:00:00.000Z"}


# One cut per day: the first with one figure, the second with two.
FIRST = (a_cut(1, 1), a_figure("a", 1))
SECOND = (a_cut(2, 2), a_figure("a", 2), a_figure("b", 2))


@pytest.mark.parametrize("second", list(permutations(SECOND)))
def test_a_cut_is_complete_when_it_and_all_its_figures_are_there_in_any_order(
    second: Sequence[tuple[str, dict[str, Any]]],
) -> None:
    for several in range(len(second)):
        newest = history_of(*second[:several], *FIRST).newest_complete_cut()
        assert newest is not None
        assert newest.cut_id == 1

    newest = history_of(*second, *FIRST).newest_complete_cut()
    assert newest is not None
    assert newest.cut_id == 2


def test_a_figure_that_was_sent_twice_does_not_complete_a_cut() -> None:
    """Red without the key in `History.rows`."""
    newest = history_of(*FIRST, a_cut(2, 2), a_figure("a", 2), a_figure("a", 2)).newest_complete_cut()

    assert newest is not None
    assert newest.cut_id == 1


@pytest.mark.parametrize("last", SECOND[:2], ids=["CutTaken", "a figure"])
def test_the_next_cut_comes_after_the_newest_of_which_anything_is_there(last: tuple[str, dict[str, Any]]) -> None:
    """Red without `history.rows`, or without `history.cuts`, in `continue_from`."""
    history = history_of(*FIRST, last)

    assert rebuild.continue_from(history, history.published())[:2] == (2, datetime(2026, 8, 2, 10, tzinfo=UTC))


def test_without_any_history_the_first_cut_is_to_come() -> None:
    assert rebuild.continue_from(rebuild.History(), {}) == (0, None, None)
