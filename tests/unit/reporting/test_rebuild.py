"""What a rebuild compares: equal figures are no difference, and every other one is a sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

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
