"""What a rebuild compares: equal figures are no difference, and every other one is a sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.reporting.figure_store import fields_of
from services.reporting.publication import Published, digest_of
from services.reporting.rebuild import difference

EXAMPLES = sorted((Path(__file__).parents[3] / "contracts" / "examples" / "MetricPublished.v1").glob("*.json"))
AT = datetime(2026, 8, 1, tzinfo=UTC)


def published_of_the_examples() -> dict[str, Published]:
    figures = [fields_of(json.dumps(json.loads(path.read_bytes())["data"])) for path in EXAMPLES]
    return {fields["key"]: Published(1, 1, AT, digest_of(fields), fields) for fields in figures}


PUBLISHED = published_of_the_examples()
KEY = min(PUBLISHED)
NOW = PUBLISHED[KEY].fields


def with_another_value(published: Published) -> Published:
    return replace(published, fields=published.fields | {"value": "0.123456"})


def with_another_digest(published: Published) -> Published:
    return replace(published, digest="0" * 64)


def test_what_was_published_as_it_is_computed_is_no_difference() -> None:
    assert PUBLISHED
    assert [difference(key, each, each.fields) for key, each in PUBLISHED.items()] == [None] * len(PUBLISHED)


@pytest.mark.parametrize("change", [with_another_value, with_another_digest])
def test_a_figure_that_was_published_otherwise_is_a_difference(change: Callable[[Published], Published]) -> None:
    why = difference(KEY, change(PUBLISHED[KEY]), NOW)

    assert why is not None
    assert why.startswith(f"{KEY} was published as")


def test_a_figure_that_was_never_published_is_a_difference() -> None:
    assert difference(KEY, None, NOW) == f"{KEY} was never published"
