"""What tests of every kind share: the real Kafka and PostgreSQL, started once for a whole run."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import FOLDER, RealParts, Stack
from services.chassis import now

WHERE = "SAMENSPEL_TEST_STACK"
IN_CONTAINERS = {"stack", "composed"}  # the fixtures that are other things there


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; `make faults` runs it, `make test` does not")
    config.addinivalue_line("markers", "fault(id): proves that we survive this fault; docs/faults.md tells how it went")
    # Whatever is started in the background (nohup, a runner of CI) is deaf to Ctrl-C, and so would be what tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In containers, run the tests that use them: the others would do again what they do without."""
    if os.environ.get(WHERE) != "containers":
        return
    chosen = [item for item in items if IN_CONTAINERS & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture(scope="session")
def stack() -> Iterator[RealParts]:
    """Kafka and PostgreSQL, without data of earlier runs and without services: as processes, or in containers."""
    match os.environ.get(WHERE, "processes"):
        case "processes":
            with Stack.started(FOLDER / "test", fresh=True) as processes:
                yield processes
        case "containers":
            from tests.containers import parts  # noqa: PLC0415  # its client is of no use without an engine

            with parts.started() as containers:
                yield containers
        case other:
            pytest.exit(f"{WHERE} is {other!r}; allowed: processes, containers", returncode=2)


@pytest.fixture
def time_file(tmp_path: Path) -> Iterator[Path]:
    """The file that this process takes the current time from; it is not there yet."""
    now.follow(tmp_path / "time")
    yield tmp_path / "time"
    now.follow(None)
