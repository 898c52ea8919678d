"""A trace continues from one process to the next, and a log is one JSON object a line."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from opentelemetry import trace

from services.chassis.running import telemetry

SECRET = "jan@school.example"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def test_a_span_continues_the_trace_of_its_carrier() -> None:
    with telemetry.span("a command", {"traceparent": TRACEPARENT}):
        assert telemetry.trace_id() == TRACE_ID
        assert f"-{TRACE_ID}-" in (telemetry.traceparent() or "")


def test_without_a_span_there_is_no_trace_to_carry() -> None:
    assert telemetry.traceparent() is None


def test_a_batch_is_linked_to_the_traces_of_its_messages() -> None:
    (link,) = telemetry.link([TRACEPARENT])

    assert trace.format_trace_id(link.context.trace_id) == TRACE_ID


def test_a_line_that_a_library_logs_is_one_json_object() -> None:
    record = logging.LogRecord("aiokafka", logging.WARNING, __file__, 1, "it's %s", ('"down"\nnow',), None)

    line = telemetry.library_formatter().format(record)

    assert "\n" not in line
    assert {"event": 'it\'s "down"\nnow', "level": "warning", "logger": "aiokafka"}.items() <= json.loads(line).items()


def raised_by(text: str) -> tuple[type[BaseException], BaseException, Any]:
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int(text)
    return raised.type, raised.value, raised.tb


def test_an_error_that_a_library_logs_has_its_class_and_place_and_not_its_message() -> None:
    record = logging.LogRecord("uvicorn", logging.ERROR, __file__, 1, "failed", (), raised_by(SECRET))

    line = telemetry.library_formatter().format(record)

    assert "\n" not in line
    assert json.loads(line)["error"] == "ValueError"
    assert json.loads(line)["at"].startswith("chassis/test_telemetry.py:")
    assert SECRET not in line


def test_the_place_of_an_error_is_the_innermost_in_our_own_code() -> None:
    with pytest.raises(ValueError, match="nothing") as raised:
        telemetry.log_loop_error(None, Unreadable())

    assert telemetry.origin(raised.value)["at"].startswith("services/chassis/running/telemetry.py:")


class Unreadable(dict[str, Any]):
    def get(self, *_: object) -> str:
        raise ValueError("nothing is read")


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A configured log, and the lines that are in it."""
    kept = sys.excepthook, sys.unraisablehook, threading.excepthook, logging.root.handlers[:]
    logging.root.handlers.clear()
    telemetry.configure_logs("requests", "info")
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    sys.excepthook, sys.unraisablehook, threading.excepthook, logging.root.handlers[:] = kept


def test_what_nobody_caught_is_a_line_too(lines: Callable[[], list[dict[str, Any]]]) -> None:
    sys.excepthook(*raised_by(SECRET))
    thread = threading.Thread(target=int, args=(SECRET,))
    thread.start()
    thread.join()
    with pytest.warns(UserWarning, match="old"):
        warnings.warn("old", stacklevel=1)
    telemetry.log_loop_error(None, {"message": "never retrieved", "exception": raised_by(SECRET)[1]})

    found = lines()
    assert [line["event"] for line in found] == ["uncaught", "uncaught_in_thread", "event_loop"]
    assert {line["error"] for line in found} == {"ValueError"}
    assert SECRET not in str(found)


def test_what_is_said_again_and_again_is_said_a_few_times(
    lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([*[0.0] * 1_000, *[61.0] * 1_000])
    monkeypatch.setattr("services.chassis.running.telemetry.time.monotonic", lambda: next(now))
    log = structlog.get_logger()
    for number in range(600):
        log.warning("fails", number=number)
    while next(now) == 0.0:
        pass
    log.warning("fails", number=600)
    log.info("works")

    found = lines()
    assert [line.get("number") for line in found] == [*range(telemetry.MAX_REPEATS), 600, None]
    assert found[-2]["left_out"] == 600 - telemetry.MAX_REPEATS


def test_a_library_that_repeats_itself_is_bounded_too() -> None:
    repeats = telemetry.Repeats()
    records = [logging.LogRecord("uvicorn", logging.WARNING, __file__, 1, "%d times", (n,), None) for n in range(600)]

    assert sum(map(repeats.filter, records)) == telemetry.MAX_REPEATS
