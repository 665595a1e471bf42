"""A small UPS-RS service on the standard library's HTTP server, for what no registry has.

PS3.18 Section 11. It keeps DICOM JSON in memory, follows the state rules by itself, and can refuse,
hang and break off on demand.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

STATE, TRANSACTION_UID = "00741000", "00081195"


@dataclass
class ServicePeer:
    """What the service holds and has heard.

    Attributes
    ----------
    work_items : DICOM JSON by SOP Instance UID
    heard : method, path and Authorization of each request
    answer_with : an HTTP status for every request instead of doing it
    before_answer : called after a request is done and before it is answered; True: hang up
    own_uids : it names work items by itself
    """

    port: int = 0
    work_items: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    answer_with: int | None = None
    before_answer: Callable[[], bool] = lambda: False
    own_uids: bool = False

    @property
    def url(self) -> str:
        """Root of the DICOMweb service."""
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def value(self, uid: str, tag: str) -> Any:
        """The first value of an attribute of a work item."""
        return self.work_items[uid][tag]["Value"][0]

    def do(
        self, method: str, path: str, query: dict[str, list[str]], body: Any
    ) -> tuple[int, str, Any]:
        """Answer a request: status, location, body."""
        if self.answer_with is not None:
            return self.answer_with, "", None
        parts = path.removeprefix("/dicom-web/workitems").strip("/").split("/")
        if parts == [""]:
            return self._create(query["AffectedSOPInstanceUID"][0], body)
        item = self.work_items.get(parts[0])
        if item is None:
            return 404, "", None
        if method == "GET":
            return 200, "", [item]
        if parts[1:] == ["cancelrequest"]:
            if self.value(parts[0], STATE) != "SCHEDULED":
                return 409, "", None
            item[STATE] = {"vr": "CS", "Value": ["CANCELED"]}
            return 202, "", None
        if parts[1:] == ["state"]:
            item.update(body[0])
            return 200, "", None
        if self.value(parts[0], STATE) != "SCHEDULED":
            return 409, "", None
        item.update(body[0])
        return 200, "", None

    def _create(self, uid: str, body: Any) -> tuple[int, str, Any]:
        if self.own_uids:
            uid = f"2.25.9{len(self.work_items)}"
        if uid in self.work_items:
            return 409, "", None
        assert body[0][STATE]["Value"] == ["SCHEDULED"]
        self.work_items[uid] = body[0]
        return 201, f"{self.url}/workitems/{uid}", None


def _handler_of(peer: ServicePeer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            peer.heard.append((self.command, self.path, self.headers.get("Authorization", "")))
            asked = urlsplit(self.path)
            body = json.loads(content) if content else None
            status, location, answer = peer.do(
                self.command, asked.path, parse_qs(asked.query), body
            )
            if peer.before_answer():
                self.close_connection = True
                return
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/dicom+json")
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 what the server looks for

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def running_service() -> Iterator[ServicePeer]:
    """Start a service on a free port, and stop it at the end."""
    peer = ServicePeer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(peer))
    server.daemon_threads = True
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
