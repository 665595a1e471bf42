"""Every reader of a stored reading finds in an old one what that release wrote into it.

The pages leave out what a reading does not have, so that no old row breaks them. Here it is counted
that nothing is left out which is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chest.judge_again import given_in
from models.older_readings import stored_reading
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.builders.old_rows.old_site import OldSite
from worklist.reading.figures import gate_lines, suspicion_threshold

pytestmark = pytest.mark.integration


def _readings(old: OldSite) -> list[dict[str, Any]]:
    """What was read of the studies that could be read, and of those that the gates refused."""
    found = [one.reading for one in old.results() if "figures" in one.reading]
    assert found
    return found


def test_the_file_has_every_kind_of_answer(old: OldSite) -> None:
    """Findings or none, not assessable by a gate or before, compared or not, taken back or not."""
    results, readings = old.results(), _readings(old)
    assert {one.outcome for one in results} == set(Outcome)
    assert {one.urgency for one in results} == {*Urgency, None}
    assert any(one.reading.get("refused_by") for one in results)
    assert any(one.superseded_by_id for one in results)
    assert any(one.withdrawn_at for one in results)
    assert any(one["outcome"] == Outcome.NOT_ASSESSABLE for one in readings)
    assert any(_comparisons(one) for one in readings)
    assert any(given_in(one) for one in readings)
    assert any(territory["is_lobe"] for one in readings for territory in one["territories"])
    for name in ("heat_maps", "lesions", "boundaries", "viral"):
        assert any(one[name] for one in readings), name


def test_every_reading_is_read_as_one_of_any_bundle(old: OldSite) -> None:
    """Its table, gates, findings and algorithm are those that were stored."""
    for one in _readings(old):
        reading = stored_reading(one)
        assert reading.outcome == one["outcome"]
        assert reading.algorithm.version == one["algorithm"]["version"]
        assert len(gate_lines(reading)) == len(one["gates"])
        wholes = [row for row in reading.table.rows if not row.is_part]
        assert len(wholes) == len(one["figures"])
        assert suspicion_threshold(reading) == one["suspicion_threshold"]
        assert len(reading.findings) == 1 + len(one["signs"])


def _comparisons(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (one.get("course") or {}).get("comparisons") or []
    return found
