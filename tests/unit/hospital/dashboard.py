"""The queries of the Grafana dashboard and of the alert rules, as they are in docs/hospital."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml

from tests.peers.programs import REPOSITORY

HOSPITAL = REPOSITORY / "docs" / "hospital"


def dashboard_queries() -> dict[str, list[str]]:
    """The queries of each panel, by its title."""
    panels = json.loads((HOSPITAL / "grafana-dashboard.json").read_text())["panels"]
    return {
        panel["title"]: [target["expr"] for target in panel["targets"]]
        for panel in panels
        if panel["type"] != "row"
    }


def alert_queries() -> dict[str, str]:
    """The expression of each alert, by its name."""
    groups = yaml.safe_load((HOSPITAL / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def metrics_of(query: str) -> Iterator[str]:
    """The names of our metrics in a query."""
    yield from re.findall(r"\bfirstread_\w+", query)
