"""The tables of `reporting`, made once for a module."""

from collections.abc import Iterator

import pytest

from local import RealParts
from tests.tables import Tables, tables_on


@pytest.fixture(scope="module")
def tables(stack: RealParts) -> Iterator[Tables]:
    with tables_on(stack) as made:
        yield made
