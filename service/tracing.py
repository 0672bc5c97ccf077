"""Traces of OpenTelemetry, from a request to the model.

They are off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set. While they are off, this module imports nothing of
OpenTelemetry. The exporter reads OpenTelemetry's own variables, such as `OTEL_EXPORTER_OTLP_HEADERS` and
`OTEL_TRACES_SAMPLER`.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from typing import Any

import structlog

import stackyard

_ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HEADER = "traceparent"

log = structlog.get_logger()


class _Process:
    """The provider of this process's tracers; None while traces are off. Its types are those of an optional extra."""

    provider: Any = None


def start_tracing(service_name: str) -> Any:
    """Start to export the traces of this process, if the environment asks for it.

    Args:
        service_name: the name of the process in traces, unless `OTEL_SERVICE_NAME` is set.

    Returns:
        OpenTelemetry's provider of tracers; None if traces are off.

    """
    if _Process.provider is None and _is_requested():
        _Process.provider = _create_provider(service_name)
    return _Process.provider


def stop_tracing() -> None:
    """Export what is left, and stop."""
    provider, _Process.provider = _Process.provider, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def trace_span(name: str, parent: str | None = None, **attributes: str | int) -> Generator[None]:
    """Measure the block as a span of the current trace.

    Args:
        name: of the span.
        parent: the trace context to continue; None continues that of this thread.
        **attributes: of the span.

    """
    if _Process.provider is None:
        yield
        return
    context = None if parent is None else _parse_context(parent)
    tracer = _Process.provider.get_tracer("stackyard", stackyard.__version__)
    with tracer.start_as_current_span(name, context=context, attributes=_name_attributes(attributes)):
        yield


def record_span(name: str, parent: str, start: datetime, end: datetime) -> None:
    """Add a span that is over to the trace of a context."""
    if _Process.provider is None:
        return
    tracer = _Process.provider.get_tracer("stackyard", stackyard.__version__)
    tracer.start_span(name, _parse_context(parent), start_time=_to_nanoseconds(start)).end(_to_nanoseconds(end))


def read_trace_context() -> str | None:
    """Return the context of this thread's trace, to be stored with a job; None if there is none."""
    if _Process.provider is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(_HEADER)


def _is_requested() -> bool:
    if not any(os.environ.get(name) for name in _ENDPOINT_VARIABLES):
        return False
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        log.warning("traces are off: the extra `otel` is not installed", action="tracing_unavailable")
        return False
    return os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def _create_provider(service_name: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    name = os.environ.get("OTEL_SERVICE_NAME") or service_name
    resource = Resource.create({"service.name": name, "service.version": stackyard.__version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _parse_context(parent: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({_HEADER: parent})


def _name_attributes(attributes: dict[str, str | int]) -> dict[str, str | int]:
    return {f"stackyard.{name}": value for name, value in attributes.items()}


def _to_nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1e9)
