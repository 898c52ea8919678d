"""Logs as JSON lines, and traces that follow a request through HTTP, the journal, Kafka and the projection.

The trace context is a part of the event in the journal, so that it is kept even if the relay publishes it much later.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_context = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("samenspel")
_HEADER = "traceparent"


def _with_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event


_PROCESSORS: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _with_trace,
    structlog.processors.format_exc_info,
)


def configure(service: str, level: str) -> None:
    """Log to standard output, one JSON object a line, and start tracing."""
    structlog.configure(
        processors=[*_PROCESSORS, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
    )
    structlog.contextvars.bind_contextvars(service=service)
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(library_formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[output])  # of libraries only what is wrong
    # It warns of each of its retries, ten a second; the relay says once that a lane is stuck.
    logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)
    resource = Resource.create({"service.name": f"samenspel-{service}"})
    # Nothing collects our spans yet: a trace that begins here is carried on, and not recorded.
    trace.set_tracer_provider(TracerProvider(ParentBased(ALWAYS_OFF), resource))


def library_formatter() -> logging.Formatter:
    """Gives the log lines of libraries the form of our own."""
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
    """Links to the traces of the messages in a batch."""
    spans = (trace.get_current_span(_context.extract({_HEADER: text})) for text in traceparents)
    return [trace.Link(span.get_span_context()) for span in spans]


def traceparent() -> str | None:
    """The current trace context, as an event carries it."""
    carrier: dict[str, str] = {}
    _context.inject(carrier)
    return carrier.get(_HEADER)


def trace_id() -> str:
    """The id of the current trace, which a caller can quote when reporting a problem."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)
