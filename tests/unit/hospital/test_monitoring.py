"""What a hospital copies for its Prometheus and Grafana: checked by promtool and by our metrics."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from database.metrics.declared import EVERY
from tests.peers.programs import REPOSITORY, require_program
from tests.unit.hospital.dashboard import (
    HOSPITAL,
    alert_queries,
    dashboard_queries,
    metrics_of,
)

Promtool = Callable[..., str]
_GAUGE = re.compile(r'"(firstread_[a-z_]+)"')


@pytest.fixture
def promtool() -> Promtool:
    """Give a function that runs promtool and gives what it says; it must be content."""
    program = require_program("promtool", package="prometheus")

    def run(*arguments: str | Path) -> str:
        command = [program, *arguments]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    return run


def exposed() -> set[str]:
    """The names of all series that there can be, by the code that makes them."""
    source = (REPOSITORY / "worklist" / "metrics" / "gauges.py").read_text()
    names = {*_GAUGE.findall(source)}
    names |= {f"firstread_disk_{what}_bytes" for what in ("size", "free", "refusal")}
    for metric in EVERY:
        ends = ("_bucket", "_sum", "_count") if metric.bounds else ("",)
        names |= {metric.name + end for end in ends}
    return names


def test_promtool_takes_configuration_and_rules(promtool: Promtool) -> None:
    """They can be copied as they are."""
    promtool("check", "config", "--syntax-only", HOSPITAL / "prometheus.yml")
    assert "25 rules" in promtool("check", "rules", HOSPITAL / "alerts.yml")


@pytest.mark.timeout(300)
def test_each_alert_fires_on_what_it_is_for(promtool: Promtool) -> None:
    """By promtool's own tests of rules, and each alert has one there."""
    tests = Path(__file__).parent / "alerts_test.yml"
    promtool("test", "rules", tests)
    tested = set(re.findall(r"alertname: (\w+)", tests.read_text()))
    assert tested == set(alert_queries())


def test_every_panel_and_alert_asks_for_what_there_is() -> None:
    """A metric that is renamed takes the dashboard and the rules along."""
    asked = {
        name
        for queries in dashboard_queries().values()
        for one in queries
        for name in metrics_of(one)
    }
    asked_by_rules = {name for one in alert_queries().values() for name in metrics_of(one)}
    assert len(asked) > 30
    assert asked - exposed() == set()
    assert asked_by_rules - exposed() == set()


def test_the_dashboard_shows_every_metric() -> None:
    """What is measured can be seen; of a histogram the buckets are enough."""
    asked = {
        name
        for queries in dashboard_queries().values()
        for one in queries
        for name in metrics_of(one)
    }
    not_shown = {one for one in exposed() - asked if not one.endswith(("_sum", "_count"))}
    # Others say the same: firstread_processes and firstread_problems where something is wrong.
    assert not_shown == {
        "firstread_database_up",
        "firstread_folder_files",
        "firstread_process_last_sign_timestamp_seconds",
        "firstread_queue_oldest_wait_seconds",
    }


def test_the_document_names_every_metric_and_every_alert() -> None:
    """docs/hospital/monitoring.md says what each means."""
    text = (HOSPITAL / "monitoring.md").read_text()
    base = {re.sub(r"_(bucket|sum|count)$", "", one) for one in exposed()}
    assert {one for one in base if f"`{one}`" not in text} == set()
    assert set(re.findall(r"`(firstread_\w+)`", text)) - base == set()
    assert {one for one in alert_queries() if f"`{one}`" not in text} == set()


def test_the_dashboard_can_be_imported() -> None:
    """Panels have numbers and titles of their own, and none lies on another."""
    dashboard = json.loads((HOSPITAL / "grafana-dashboard.json").read_text())
    for name in ("id", "title"):
        values = [panel[name] for panel in dashboard["panels"]]
        assert len(values) == len(set(values))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}"
