"""Sends spans to a collector: OTLP over HTTP (OpenTelemetry Protocol 1.x), in one request.

Imported only where the settings name a collector: no other process holds these libraries.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Final

import httpx
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from database.traces.spans import StudySpan
from http_client.bounded_client import AnswerLimits, bounded_client
from http_client.proxy import proxy_for
from settings.log.log_events import get_logger
from settings.monitoring import Monitoring

_log = get_logger("traces")
_LIMIT_S: Final = 10.0
_PROTOBUF: Final = {"Content-Type": "application/x-protobuf", "User-Agent": "Firstread"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SpanSender:
    """Sends to the collector of the settings.

    Parameters
    ----------
    limit_s : how long one request may take
    """

    def __init__(self, monitoring: Monitoring, *, limit_s: float = _LIMIT_S) -> None:
        headers = monitoring.traces_headers.items()
        self._url = str(monitoring.traces_url)
        self._headers = {name: value.get_secret_value() for name, value in headers} | _PROTOBUF
        self._ca_file = monitoring.traces_ca_file
        self._limits = AnswerLimits.of_all(limit_s, most_bytes=0)  # only its status is looked at
        self._resource = Resource(
            {"service.name": "firstread", "service.version": version("firstread")}
        )

    def send(self, spans: Sequence[StudySpan]) -> bool:
        """Whether the collector has taken them all."""
        content = encode_spans([self._made(span) for span in spans]).SerializeToString()
        try:
            status = self._status(content)
        except (httpx.HTTPError, OSError) as error:  # OSError: of the certificates
            _log.warning("collector_unreachable", cause=type(error).__name__)
            return False
        if not httpx.codes.is_success(status):
            _log.warning("collector_refuses", http_status=status)
        return httpx.codes.is_success(status)

    def _status(self, content: bytes) -> int:
        with (
            bounded_client(
                self._limits,
                trust=ssl.create_default_context(cafile=self._ca_file),
                headers=self._headers,
                proxy=proxy_for(self._url),  # a collector may stand outside the hospital
            ) as client,
            client.stream("POST", self._url, content=content) as answer,
        ):
            return answer.status_code

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
