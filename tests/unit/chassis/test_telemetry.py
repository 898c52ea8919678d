"""A trace continues from one process to the next, and a log is one JSON object a line."""

import json
import logging

import pytest
from opentelemetry import trace

from services.chassis.running import telemetry

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


def test_an_error_that_a_library_logs_keeps_its_traceback_in_the_same_line() -> None:
    with pytest.raises(ValueError, match="no number") as raised:
        int("no number")
    raised_here = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("uvicorn", logging.ERROR, __file__, 1, "failed", (), raised_here)

    line = telemetry.library_formatter().format(record)

    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("'no number'")
