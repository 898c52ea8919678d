"""Writes `docs/faults.md`: a row for each fault test, with what it measured. `make faults` loads this plugin.

A row stays until its test runs again, so that one test can be repeated by itself.
"""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

GIB = 1024**3
MEASURED = ("commands", "answered", "unknown", "lost", "doubled", "reordered", "wrong figures", "recovered in s")
HEADS = ("fault", "test", *MEASURED, "result", "on")
EXPLANATION = """\
# How we survive faults

Made by `make faults` on {cores} cores with {memory:.0f} GiB of memory; other work may have run beside it. Kafka is
three brokers where another one shall lead (T06, T07 and a row of T05), and one everywhere else.

`commands` were sent by callers that repeat each with its `Idempotency-Key` until it is answered; `answered` of them
were, in the end. `unknown` counts the tries of which the caller could not know the outcome: no answer, or a 5xx other
than 503. `lost`, `doubled`, `reordered` and `wrong figures` count violations of the invariants in
`tests/faults/invariants.py` after the test, among everything that was asked of the system until then. `recovered in s`
is from when the fault was over and callers had sent their last command until everything was published, applied and
counted. A dash: not measured by that test. A test that goes wrong in one answer among many fails (T29, T30); what T30
says of tokens is not shown, because there is no single sign-on yet.

"""
_rows: dict[tuple[str, str], Mapping[str, object]] = {}
_failed: set[str] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults-report", type=Path, help="the file that gets a row for each fault test")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("fault"):
        item.user_properties.append(("fault", mark.args[0]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _failed.add(report.nodeid)
    measured = dict(report.user_properties)
    if report.when == "teardown" and "fault" in measured:
        result = "FAILED" if report.nodeid in _failed else "passed"
        sentence = report.nodeid.rpartition("::test_")[2].replace("_", " ").replace("|", "/")
        on = f"{datetime.now(UTC):%Y-%m-%d}"
        _rows[str(measured["fault"]), sentence] = measured | {"result": result, "on": on}


def pytest_sessionfinish(session: pytest.Session) -> None:
    file: Path | None = session.config.getoption("--faults-report")
    if file is None or not _rows:
        return
    new = {key: _line([*key, *(row.get(name, "-") for name in HEADS[2:])]) for key, row in _rows.items()}
    lines = dict(_lines_of(file)) | new
    table = [_line(HEADS), _line(["---"] * len(HEADS)), *(lines[key] for key in sorted(lines))]
    head = EXPLANATION.format(cores=os.cpu_count(), memory=psutil.virtual_memory().total / GIB)
    file.write_text(head + "\n".join(table) + "\n", encoding="utf-8")


def _lines_of(file: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """The rows of the last time."""
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        if re.match(r"\| T\d", line):
            _, fault, sentence, *_ = (cell.strip() for cell in line.split("|"))
            yield (fault, sentence), line


def _line(cells: list[object] | tuple[str, ...]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
