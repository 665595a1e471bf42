"""The receiver in the benchmark of flags: it notes when it is told of each urgent study."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FlagReceiver:
    """When each study was heard of first, by Study Instance UID."""

    url: str = ""
    heard: dict[str, datetime] = field(default_factory=dict)


@contextlib.contextmanager
def running_flag_receiver() -> Iterator[FlagReceiver]:
    """Listen on a free port of this machine until the end of the block."""
    receiver = FlagReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take a notice."""
            now = datetime.now(UTC)
            said = json.loads(self.rfile.read(int(self.headers["content-length"])))
            receiver.heard.setdefault(said["data"]["study_instance_uid"], now)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
