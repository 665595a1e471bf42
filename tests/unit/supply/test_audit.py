"""`make audit`: what is known is named, and no answer is never taken for "nothing is known"."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.peers.programs import REPOSITORY

BILL = {
    "components": [
        {"purl": "pkg:pypi/harmless@1.0", "version": "1.0"},
        {
            "purl": "pkg:npm/%40group/whole@2.0.0",
            "version": "2.0.0",
            "components": [{"purl": "pkg:npm/inside@0.1.0", "version": "0.1.0"}],
        },
        {"purl": "pkg:npm/of-unknown-version"},
        {"purl": "pkg:deb/debian/openssl@3", "version": "3"},
    ]
}


class Database(HTTPServer):
    """Answers as OSV does; a package has what is noted here."""

    known: dict[str, list[str]]
    asked: list[str]
    short_of: int = 0


class _Answer(BaseHTTPRequestHandler):
    server: Database

    def do_POST(self) -> None:
        assert self.path == "/v1/querybatch"
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = [one["package"]["purl"] for one in question["queries"]]
        self.server.asked += asked
        results = [
            {"vulns": [{"id": name, "modified": "2026-01-01T00:00:00Z"} for name in names]}
            if (names := self.server.known.get(url))
            else {}
            for url in asked
        ]
        body = json.dumps({"results": results[self.server.short_of :]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def database() -> Iterator[Database]:
    """One that knows of nothing yet."""
    with Database(("127.0.0.1", 0), _Answer) as server:
        server.known, server.asked = {}, []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _audit(folder: Path, database: str) -> subprocess.CompletedProcess[str]:
    bill = folder / "sbom.json"
    bill.write_text(json.dumps(BILL))
    return subprocess.run(
        [sys.executable, REPOSITORY / ".ci" / "audit.py", bill, database],
        capture_output=True,
        text=True,
        check=False,
    )


def _address(server: Database) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_every_package_is_asked_about_and_what_is_known_is_named(
    database: Database, tmp_path: Path
) -> None:
    """Those within others too; not what has no version, and not the system's."""
    done = _audit(tmp_path, _address(database))
    assert done.returncode == 0, done.stderr
    assert "3 packages asked about" in done.stdout
    assert sorted(database.asked) == [
        "pkg:npm/%40group/whole@2.0.0",
        "pkg:npm/inside@0.1.0",
        "pkg:pypi/harmless@1.0",
    ]
    database.known["pkg:npm/inside@0.1.0"] = ["GHSA-2", "GHSA-1"]
    done = _audit(tmp_path, _address(database))
    assert done.returncode == 1
    assert "pkg:npm/inside@0.1.0: GHSA-1, GHSA-2\n" in done.stdout


def test_no_answer_is_not_a_good_answer(database: Database, tmp_path: Path) -> None:
    """Nobody there, and one that answers about fewer than it was asked."""
    database.short_of = 1
    for address in ("http://127.0.0.1:9", _address(database)):
        done = _audit(tmp_path, address)
        assert done.returncode == 2
        assert done.stdout == ""
        assert "NOTHING WAS CHECKED" in done.stderr
        assert address in done.stderr


def test_it_is_a_target_and_no_part_of_the_check() -> None:
    """A build does not depend on what somebody found out last night."""
    makefile = (REPOSITORY / "Makefile").read_text()
    assert re.search(r"^audit: sbom ## ", makefile, re.MULTILINE)
    (check,) = re.findall(r"^check:.*\n(?:\t.*\n)+", makefile, re.MULTILINE)
    assert "audit" not in check
    assert "audit" not in (REPOSITORY / ".ci" / "run").read_text()
