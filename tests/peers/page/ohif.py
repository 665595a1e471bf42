"""OHIF, the viewer, served in front of an Orthanc: what a radiologist's browser shows of a study.

The npm package carries the built viewer (`make viewer` unpacks it). It is served from the same
origin as the DICOMweb services, which it reaches through us, with the headers that let a page use
shared memory (Cross-Origin-Opener-Policy, Cross-Origin-Embedder-Policy).
"""

from __future__ import annotations

import contextlib
import http.server
import json
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.ports import free_port
from tests.peers.programs import REPOSITORY, absent

CHROMIUM_ARGUMENTS = (
    # WebGL without a graphics card
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)

DIST = REPOSITORY / "build" / "ohif" / "package" / "dist"
_DICOMWEB = "/dicom-web/"
_CONFIGURATION: dict[str, Any] = {
    "routerBasename": "/",
    "showStudyList": True,
    "extensions": [],
    "modes": [],
    "customizationService": {},
    "maxNumberOfWebWorkers": 2,
    "showLoadingIndicator": True,
    "showWarningMessageForCrossOrigin": False,
    "showCPUFallbackMessage": False,
    "strictZSpacingForVolumeViewport": True,
    "investigationalUseDialog": {"option": "never"},
    "maxNumRequests": {"interaction": 20, "thumbnail": 4, "prefetch": 10},
    "defaultDataSourceName": "pacs",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "pacs",
            "configuration": {
                "friendlyName": "Orthanc",
                "name": "pacs",
                "qidoRoot": "/dicom-web",
                "wadoRoot": "/dicom-web",
                "wadoUriRoot": "/dicom-web",
                "qidoSupportsIncludeField": False,
                "imageRendering": "wadors",
                "thumbnailRendering": "wadors",
                "enableStudyLazyLoad": True,
                "supportsFuzzyMatching": False,
                "supportsWildcard": True,
                "omitQuotationForMultipartRequest": True,
                "bulkDataURI": {"enabled": True},
            },
        }
    ],
}


@dataclass(frozen=True)
class OhifServer:
    """The viewer, running.

    Attributes
    ----------
    address : without a closing slash
    session : token of the session of whoever looks; "" where nobody has to sign in
    """

    address: str
    session: str = ""

    def viewer(self, study_instance_uid: str, first: str = "") -> str:
        """The address that opens a study, at an instance where one is named."""
        at = f"&initialSOPInstanceUID={first}" if first else ""
        return f"{self.address}/viewer?StudyInstanceUIDs={study_instance_uid}{at}"


@contextmanager
def running_ohif(pacs: OrthancPeer) -> Iterator[OhifServer]:
    """Serve the viewer on a free port in front of `pacs`."""
    if not (DIST / "index.html").is_file():
        absent("OHIF is not installed (make viewer; it needs npm)")
    port = free_port()
    with httpx.Client(base_url=pacs.http_url, trust_env=False, timeout=60.0) as client:
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), partial(_Handler, client, DIST)
        )
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield OhifServer(f"http://127.0.0.1:{port}")
        finally:
            server.shutdown()
            server.server_close()
            thread.join(timeout=10)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Files of the viewer, and DICOMweb handed on."""

    protocol_version = "HTTP/1.1"

    def __init__(self, client: httpx.Client, dist: Path, *arguments: Any) -> None:
        self._client = client
        self._dist = dist
        super().__init__(*arguments)

    def do_GET(self) -> None:
        if self.path.startswith(_DICOMWEB):
            self._hand_on()
        elif self.path == "/app-config.js":
            # Without a function, OHIF calls null where opening a series ends a loading.
            script = f"window.config = {json.dumps(_CONFIGURATION)};"
            script += "window.config.httpErrorHandler = () => {};"
            self._answer(200, "text/javascript", script.encode())
        else:
            self._serve_file()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def _hand_on(self) -> None:
        accept = {"Accept": self.headers["Accept"]} if self.headers["Accept"] else {}
        answer = self._client.get(self.path, headers=accept)
        self._answer(answer.status_code, answer.headers.get("Content-Type", ""), answer.content)

    def _serve_file(self) -> None:
        name = self.path.partition("?")[0].lstrip("/")
        path = (self._dist / name).resolve()
        if not path.is_relative_to(self._dist):
            self._answer(404, "text/plain", b"")
            return
        if not path.is_file():
            if path.suffix:
                self._answer(404, "text/plain", b"")
                return
            path = self._dist / "index.html"  # an address within the single-page application
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self._answer(200, kind, path.read_bytes())

    def _answer(self, status: int, content_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        with contextlib.suppress(ConnectionError):  # the tab was closed
            self.end_headers()
            self.wfile.write(content)
