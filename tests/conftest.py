"""What tests of every kind share: the real Kafka and PostgreSQL, started once for a whole run."""

from collections.abc import Iterator

import pytest

from samenspel.stack import FOLDER, RealParts, Stack


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; `make faults` runs it, `make test` does not")


@pytest.fixture(scope="session")
def stack() -> Iterator[RealParts]:
    """Kafka and PostgreSQL, without data of earlier runs and without services."""
    with Stack.started(FOLDER / "test", fresh=True) as started:
        yield started
