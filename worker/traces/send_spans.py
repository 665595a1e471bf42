"""Sends spans to a collector: OTLP over HTTP (OpenTelemetry Protocol 1.x), in one request.

Imported only where the settings name a collector: no other process holds these libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from database.traces.spans import StudySpan
from settings.monitoring import Monitoring

_LIMIT_S = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SpanSender:
    """Sends to the collector of the settings."""

    def __init__(self, monitoring: Monitoring) -> None:
        headers = monitoring.traces_headers.items()
        self._exporter = OTLPSpanExporter(
            endpoint=str(monitoring.traces_url),
            headers={name: value.get_secret_value() for name, value in headers},
            certificate_file=str(monitoring.traces_ca_file) if monitoring.traces_ca_file else None,
            timeout=_LIMIT_S,
        )
        self._resource = Resource(
            {"service.name": "firstread", "service.version": version("firstread")}
        )

    def send(self, spans: Sequence[StudySpan]) -> bool:
        """Whether the collector has taken them all."""
        made = [self._made(span) for span in spans]
        return self._exporter.export(made) is SpanExportResult.SUCCESS

    def _made(self, span: StudySpan) -> ReadableSpan:
        parent = None if span.parent_id is None else _context(span.trace_id, span.parent_id)
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id),
            parent=parent,
            resource=self._resource,
            attributes={f"firstread.{name}": value for name, value in span.facts.items()},
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR, span.failed) if span.failed else Status(),
            start_time=_nanoseconds(span.began),
            end_time=_nanoseconds(span.ended),
            instrumentation_scope=InstrumentationScope("firstread", version("firstread")),
        )


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(
        trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _nanoseconds(moment: datetime) -> int:
    """Since 1970, without the rounding of floating point: spans that follow each other touch."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
