"""Prometheus, as a hospital runs it: scrapes a page with a token, and evaluates our alert rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.peers.ports import free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY, require_program

_EXAMPLE = REPOSITORY / "docs" / "hospital" / "prometheus.yml"


@dataclass(frozen=True)
class PrometheusServer:
    """A running server."""

    url: str
    process: ServerProcess

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Evaluate a query now; gives each series with its labels and its value."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=10).json()
        assert answer["status"] == "success", (query, answer)
        return list(answer["data"]["result"])

    def value(self, query: str) -> float | None:
        """The value of the only series that a query gives; None where it gives none."""
        found = self.ask(query)
        if not found:
            return None
        (only,) = found
        return float(only["value"][1])

    def rules(self) -> list[dict[str, Any]]:
        """Every alert rule, with its health and its state."""
        answer = httpx.get(f"{self.url}/api/v1/rules", timeout=10).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        """What is scraped, and what went wrong at that."""
        answer = httpx.get(f"{self.url}/api/v1/targets", timeout=10).json()
        return list(answer["data"]["activeTargets"])


@contextmanager
def running_prometheus(
    folder: Path, *, target: str, token: str, ca_file: Path | None = None
) -> Iterator[PrometheusServer]:
    """Start a server with the configuration of our documents; it differs in what must differ here.

    Parameters
    ----------
    target : host and port of a page
    token : what the page wants of a scraper
    ca_file : issuer of the page's certificate; None: it speaks no TLS
    """
    program = require_program("prometheus", package="prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load(_EXAMPLE.read_text())
    (scrape,) = settings["scrape_configs"]
    scrape |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
    if ca_file is None:
        scrape["scheme"] = "http"
    else:
        assert scrape["scheme"] == "https"
        scrape["tls_config"] = {"ca_file": str(ca_file)}
    scrape["static_configs"] = [{"targets": [target]}]
    settings["global"] = {"evaluation_interval": "1s"}
    (folder / scrape["authorization"]["credentials_file"]).write_text(token)
    (folder / "alerts.yml").write_text((_EXAMPLE.parent / "alerts.yml").read_text())
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    address = f"127.0.0.1:{free_port()}"
    with ServerProcess(
        "prometheus",
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ],
        folder=folder,
    ) as process:
        server = PrometheusServer(f"http://{address}", process)
        process.wait_until_ready(lambda: _ready(server), limit_s=60)
        yield server


def _ready(server: PrometheusServer) -> bool:
    try:
        return httpx.get(f"{server.url}/-/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
