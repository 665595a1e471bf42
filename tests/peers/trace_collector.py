"""A collector of OpenTelemetry: takes OTLP over HTTP and keeps what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass
class TraceCollector:
    """What came so far. With `refuses` it answers 400 and keeps nothing."""

    url: str = ""
    refuses: bool = False
    requests: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def spans(self) -> list[dict[str, Any]]:
        """Every span: name, ids, times in nanoseconds, attributes, and what failed."""
        found = []
        for body in self.requests:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {one.key: one.value.string_value for one in resource.resource.attributes}
                for scope in resource.scope_spans:
                    found += [_span(one) | {"service": service} for one in scope.spans]
        return found


def _span(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "trace": one.trace_id.hex(),
        "id": one.span_id.hex(),
        "parent": one.parent_span_id.hex(),
        "began": one.start_time_unix_nano,
        "ended": one.end_time_unix_nano,
        "failed": one.status.message,
        "facts": {
            each.key: each.value.string_value or each.value.int_value for each in one.attributes
        },
    }


@contextmanager
def running_trace_collector() -> Iterator[TraceCollector]:
    """Take spans on a free port until the end of the block."""
    collector = TraceCollector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            if not collector.refuses:
                collector.requests.append(body)
            self.send_response(400 if collector.refuses else 200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield collector
        server.shutdown()
        thread.join()
