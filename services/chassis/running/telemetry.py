"""Logs as JSON lines, and traces that follow a request through HTTP, the journal, Kafka and the projection.

Guarantee: every line is JSON, also of libraries and of what nobody caught. An error is logged with its class and its
place, never with its message: that may quote what a caller sent. What is said again and again is said a few times.

The trace context is a part of the event in the journal, so that it is kept even if the relay publishes it much later.
"""

import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_context = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("samenspel")
_HEADER = "traceparent"
log = structlog.get_logger()

SERVICES = Path(__file__).parents[2]
MINUTE_SECONDS = 60.0
MAX_REPEATS = 20  # of one kind in a minute: enough to see that it goes on
MAX_KINDS = 1_000  # some dozens are known


def _with_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event


def origin(error: BaseException) -> dict[str, str]:
    """The class of an error and the place where it was raised, as fields of a log line: in our own code, if it passed
    through that."""
    frames = [(frame, line) for frame, line in walk_tb(error.__traceback__)]
    own = [each for each in frames if _is_own(each[0])]
    found = {"error": _name(error)}
    if frames:
        frame, line = (own or frames)[-1]
        found["at"] = f"{_file(frame)}:{line}"
    if error.__cause__ is not None:
        found["cause"] = _name(error.__cause__)
    return found


def origin_in_words(error: BaseException) -> str:
    """As `origin`: never the error's own words, in which there may be what somebody sent."""
    found = origin(error)
    return f"{found['error']} at {found.get('at', 'an unknown place')}"


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _is_own(frame: FrameType) -> bool:
    return Path(frame.f_code.co_filename).is_relative_to(SERVICES)


def _file(frame: FrameType) -> str:
    file = Path(frame.f_code.co_filename)
    return str(file.relative_to(SERVICES.parent)) if _is_own(frame) else "/".join(file.parts[-2:])


def _in_brief(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    return {**event, **origin(error)} if isinstance(error, BaseException) else event


@dataclass(slots=True)
class Repeats:
    """Lets the first of equal lines of a minute through, and counts the others."""

    counts: dict[object, tuple[float, int]] = field(default_factory=dict)
    """Of each kind of line: when its minute began, and how many there were since."""

    def of(self, kind: object) -> int | None:
        """How many were left out before this one; None when this one is to be left out."""
        began, count = self.counts.get(kind, (0.0, 0))
        if time.monotonic() - began < MINUTE_SECONDS:
            self.counts[kind] = began, count + 1
            return 0 if count < MAX_REPEATS else None
        if len(self.counts) >= MAX_KINDS:
            self.counts.clear()
        self.counts[kind] = time.monotonic(), 1
        return max(0, count - MAX_REPEATS)

    def __call__(self, _: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if method in {"debug", "info"}:
            return event
        left_out = self.of((event["event"], event.get("error"), event.get("at")))
        if left_out is None:
            raise structlog.DropEvent
        return {**event, "left_out": left_out} if left_out else event

    def filter(self, record: logging.LogRecord) -> bool:
        return self.of((record.name, record.msg if isinstance(record.msg, str) else type(record.msg))) is not None


_PROCESSORS: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _with_trace,
    _in_brief,
)


def configure(service: str, level: str) -> None:
    configure_logs(service, level)
    resource = Resource.create({"service.name": f"samenspel-{service}"})
    # Nothing collects our spans yet: a trace that begins here is carried on, and not recorded.
    trace.set_tracer_provider(TracerProvider(ParentBased(ALWAYS_OFF), resource))


def configure_logs(service: str, level: str) -> None:
    structlog.configure(
        processors=[*_PROCESSORS, Repeats(), structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
    )
    structlog.contextvars.bind_contextvars(service=service)
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(library_formatter())
    output.addFilter(Repeats())
    logging.basicConfig(level=logging.WARNING, handlers=[output])  # of libraries only what is wrong
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _, error, __: log.critical("uncaught", **origin(error))
    sys.unraisablehook = lambda what: _log_uncaught("unraisable", what.exc_value)
    threading.excepthook = lambda what: _log_uncaught("uncaught_in_thread", what.exc_value)
    # It warns of each of its retries, ten a second; the relay says once that a lane is stuck.
    logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)


def _log_uncaught(event: str, error: BaseException | None) -> None:
    log.error(event, **(origin(error) if error else {}))


def log_loop_error(_: object, context: Mapping[str, Any]) -> None:
    """Log what the event loop reports, except Kafka clients that never started: they need no closing."""
    message = str(context.get("message", ""))
    if not message.startswith("Unclosed AIOKafka"):
        error = context.get("exception")
        log.warning("event_loop", message=message, **(origin(error) if error else {}))


def library_formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_PROCESSORS, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )


@contextmanager
def span(
    name: str, carrier: Mapping[str, str] | None = None, links: list[trace.Link] | None = None
) -> Iterator[trace.Span]:
    """A span in the trace that `carrier` names (in `traceparent`), or in a new trace with these links."""
    parent = _context.extract({_HEADER: carrier[_HEADER]}) if carrier and _HEADER in carrier else None
    with _tracer.start_as_current_span(name, context=parent, links=links) as current:
        yield current


def link(traceparents: list[str]) -> list[trace.Link]:
    spans = (trace.get_current_span(_context.extract({_HEADER: text})) for text in traceparents)
    return [trace.Link(span.get_span_context()) for span in spans]


def traceparent() -> str | None:
    carrier: dict[str, str] = {}
    _context.inject(carrier)
    return carrier.get(_HEADER)


def trace_id() -> str:
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)
