"""Logs as JSON lines, and the trace that a request draws through HTTP, journal, Kafka and projection.

The trace context is written into the journal with the event, so that a relay that starts tomorrow still
carries it.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_context = TraceContextTextMapPropagator()


def _with_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event


def configure(service: str, level: str) -> None:
    """Log to standard output, one JSON object a line, and start tracing."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_trace,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(),
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries speak only when something is wrong; their words go to the same place.
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stdout,
        format='{"level":"%(levelname)s","logger":"%(name)s","event":%(message)r}',
    )
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": f"samenspel-{service}"})))


@contextmanager
def span(
    name: str, carrier: Mapping[str, str] | None = None, links: list[trace.Link] | None = None
) -> Iterator[trace.Span]:
    """A piece of work, as part of the trace in `carrier` (its `traceparent`), or of a new one with `links`."""
    parent = _context.extract(dict(carrier)) if carrier else None
    with trace.get_tracer("samenspel").start_as_current_span(name, context=parent, links=links) as current:
        yield current


def link(traceparents: list[str]) -> list[trace.Link]:
    """Links to the traces that a batch continues."""
    spans = (trace.get_current_span(_context.extract({"traceparent": text})) for text in traceparents)
    return [trace.Link(span.get_span_context()) for span in spans]


def traceparent() -> str | None:
    """The current trace context as the wire carries it."""
    carrier: dict[str, str] = {}
    _context.inject(carrier)
    return carrier.get("traceparent")


def trace_id() -> str:
    """The current trace's id, for people who report a problem."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)
