"""`firstread doctor`: its exit code, its one JSON object, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from database.doctor.runs import last_run
from database.session import query
from firstread.__main__ import app
from tests.unit.firstread.doctor.healthy_site import HealthySite

_QUIET = ("--no-send-phantom", "--no-tell-flags")


def test_settings_that_cannot_be_read_are_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else can be looked at then; it is said in the same form."""
    monkeypatch.setenv("FIRSTREAD_DICOM_PORT", "many")
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 2
    (check,) = json.loads(done.stdout)["checks"]
    (line,) = check["lines"]
    assert (line["name"], line["health"]) == ("settings.read", "broken")
    assert "dicom_port" in line["said"]["words"]
    assert "firstread.toml" in line["cure"]["words"]


def test_one_at_a_time_and_what_was_found_is_kept(
    well: HealthySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one is refused while the first is under way; its end is the page's to show."""
    for name in ("data_folder", "bundles_folder", "min_free_bytes", "dicom_port", "worklist_port"):
        monkeypatch.setenv(f"FIRSTREAD_{name.upper()}", str(getattr(well.settings, name)))
    run_id = well.site.run_id
    second = CliRunner().invoke(app, ["doctor", *_QUIET])
    assert second.exit_code == 2
    assert "Another doctor is under way" in " ".join(second.output.split())
    done = CliRunner().invoke(app, ["doctor", f"--run={run_id}", *_QUIET], env={"COLUMNS": "200"})
    assert done.exit_code == 2, "no peer is set up in these variables"
    assert "✗ No peer may send studies: every association is rejected" in done.output
    assert "    To do: Name your scanners and your PACS under [[peers]]" in done.output
    with query(well.site.engine) as session:
        kept = last_run(session, datetime.now(UTC), ended=True)
    assert kept is not None
    assert kept.run_id == run_id
    assert "settings.peers" in {line["name"] for line in kept.lines}
